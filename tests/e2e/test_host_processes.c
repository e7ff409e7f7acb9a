/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "support/fcgi_client.h"
#include "support/fcgi_site.h"
#include "support/web.h"

/*
 * No peer holds a worker: neither one that is slow, nor one that only keeps
 * its connection, never reads, leaves too early or sends anything at all.
 */
#define WAIT_MS 30000
#define IDLE_COUNT 400
#define RANDOM_COUNT 2400

static struct fcgi_bytes
good_request(const struct fcgi_site *s, unsigned id, bool keep)
{
	struct fcgi_bytes b = { 0 };
	const char *params[2];
	struct fcgi_ask ask = fcgi_site_me(s, keep, params);

	ask.id = id;
	fcgi_put_request(&b, &ask);
	return b;
}

static void
expect_answer(int fd, unsigned id, int status)
{
	struct fcgi_reply reply;

	assert_true(fcgi_receive(fd, WAIT_MS, &reply));
	assert_int_equal(reply.id, id);
	assert_int_equal(reply.http_status, status);
	fcgi_reply_free(&reply);
}

/* where a test runs */
enum { USUAL = 1, LOW_LIMITS = 2 };

/* Cut anywhere; what is missing comes when all others have been served. */
TEST_IN(USUAL, half_a_request_and_silence, struct fcgi_site *s)
{
	static const size_t cuts[] = { 1, 7, 8, 15, 16, 17, 24, 30, 100 };
	struct fcgi_bytes b = good_request(s, 5, true);
	int fd[2 * NELEMS(cuts)];

	for (size_t i = 0; i < NELEMS(fd); i++) {
		size_t cut = cuts[i / 2];

		fd[i] = fcgi_site_connect(s);
		if (i % 2 == 1)
			cut = b.len - cut;
		assert_true(fcgi_send(fd[i], b.data, cut, WAIT_MS));
		fcgi_site_serves(s);
	}
	for (size_t i = 0; i < NELEMS(fd); i++) {
		size_t cut = cuts[i / 2];

		if (i % 2 == 1)
			cut = b.len - cut;
		assert_true(
		    fcgi_send(fd[i], b.data + cut, b.len - cut, WAIT_MS));
		expect_answer(fd[i], 5, 200);
		close(fd[i]);
	}
	fcgi_bytes_free(&b);
}

/* On a connection kept to one worker, beside half a request to the same. */
TEST_IN(USUAL, a_kept_connection_goes_on_beside_it, struct fcgi_site *s)
{
	struct fcgi_bytes b = good_request(s, 1, true);
	int kept[8], half[8];

	for (int i = 0; i < 8; i++) {
		kept[i] = fcgi_site_connect(s);
		half[i] = fcgi_site_connect(s);
		assert_int_equal(fcgi_site_check(s, kept[i], WAIT_MS), 200);
		/* The same connection: first whole requests, then a half. */
		assert_int_equal(fcgi_site_check(s, half[i], WAIT_MS), 200);
		assert_true(fcgi_send(half[i], b.data, b.len / 2, WAIT_MS));
		for (int n = 0; n < 20; n++)
			assert_int_equal(
			    fcgi_site_check(s, kept[i], WAIT_MS), 200);
	}
	for (int i = 0; i < 8; i++) {
		close(half[i]);
		assert_int_equal(fcgi_site_check(s, kept[i], WAIT_MS), 200);
		close(kept[i]);
	}
	fcgi_site_serves(s);
	fcgi_bytes_free(&b);
}

TEST_IN(USUAL, a_request_byte_by_byte, struct fcgi_site *s)
{
	const struct fcgi_ask ask = { .method = "POST",
		.uri = "/auth/validate-session",
		.keep = true,
		.content_type = "application/json",
		.body = "{\"session_id\":\"none\"}" };
	struct fcgi_bytes b = { 0 };
	int fd = fcgi_site_connect(s);

	fcgi_put_request(&b, &ask);
	for (size_t i = 0; i < b.len; i++) {
		assert_true(fcgi_send(fd, b.data + i, 1, WAIT_MS));
		if (i % 50 == 0)
			fcgi_site_serves(s);
	}
	expect_answer(fd, 1, 401);
	assert_int_equal(fcgi_site_check(s, fd, WAIT_MS), 200);
	close(fd);
	fcgi_bytes_free(&b);
}

TEST_IN(USUAL, many_requests_on_one_connection, struct fcgi_site *s)
{
	struct fcgi_bytes all = { 0 };
	int fd = fcgi_site_connect(s);

	for (int i = 0; i < 200; i++)
		assert_int_equal(fcgi_site_check(s, fd, WAIT_MS), 200);
	/* And without waiting: answered one by one, in their order. */
	for (unsigned id = 1; id <= 100; id++) {
		struct fcgi_bytes b = good_request(s, id, true);

		fcgi_put(&all, b.data, b.len);
		fcgi_bytes_free(&b);
	}
	assert_true(fcgi_send(fd, all.data, all.len, WAIT_MS));
	fcgi_site_serves(s);
	for (unsigned id = 1; id <= 100; id++)
		expect_answer(fd, id, 200);
	fcgi_site_serves(s);
	close(fd);
	fcgi_bytes_free(&all);
}

TEST_IN(USUAL, hundreds_of_idle_connections, struct fcgi_site *s)
{
	int fd[IDLE_COUNT];

	for (int i = 0; i < IDLE_COUNT; i++) {
		fd[i] = fcgi_site_connect(s);
		/* Every other one has never sent a byte. */
		if (i % 2 == 0)
			assert_int_equal(
			    fcgi_site_check(s, fd[i], WAIT_MS), 200);
		if (i % 100 == 0)
			fcgi_site_serves(s);
	}
	fcgi_site_serves(s);
	for (int i = 0; i < IDLE_COUNT; i++)
		assert_int_equal(fcgi_site_check(s, fd[i], WAIT_MS), 200);
	for (int i = 0; i < IDLE_COUNT; i++)
		close(fd[i]);
	fcgi_site_serves(s);
}

/* Its answers fill what the kernel holds for it; then it is given up. */
TEST_IN(USUAL, a_client_that_never_reads, struct fcgi_site *s)
{
	struct fcgi_bytes b = good_request(s, 1, true);
	int held =
	    16 * 1024; /* or TCP lets both sides' buffers grow for ever */
	int fd[2];

	for (size_t i = 0; i < NELEMS(fd); i++) {
		bool open = true;

		fd[i] = fcgi_site_connect(s);
		assert_return_code(setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF,
				       &held, sizeof(held)),
		    errno);
		assert_return_code(setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF,
				       &held, sizeof(held)),
		    errno);
		for (int n = 0; open && n < 20000; n++)
			open = fcgi_send(fd[i], b.data, b.len, WAIT_MS);
		assert_false(open);
		fcgi_site_serves(s);
	}
	for (size_t i = 0; i < NELEMS(fd); i++)
		close(fd[i]);
	fcgi_site_serves(s);
	fcgi_bytes_free(&b);
}

/* Cookies, for instance; without an answer a web server would say "retry". */
TEST_IN(USUAL, params_beyond_the_limit, struct fcgi_site *s)
{
	static char cookie[120000] = "HTTP_COOKIE=a=";
	const char *const params[] = { cookie, NULL };
	const struct fcgi_ask ask = {
		.uri = "/auth/me", .keep = true, .params = params
	};
	int fd = fcgi_site_connect(s);
	struct fcgi_reply reply;

	memset(
	    cookie + strlen(cookie), 'x', sizeof(cookie) - 1 - strlen(cookie));
	assert_true(fcgi_ask_on(fd, &ask, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 431);
	assert_non_null(strstr(reply.body, "headers_too_large"));
	fcgi_reply_free(&reply);
	assert_int_equal(fcgi_site_check(s, fd, WAIT_MS), 200);
	close(fd);
}

TEST_IN(USUAL, a_body_beyond_the_limit, struct fcgi_site *s)
{
	static char body[65537 + 400000];
	static const size_t sizes[] = { 65537, sizeof(body) };
	int fd = fcgi_site_connect(s);

	memset(body, ' ', sizeof(body));
	for (size_t i = 0; i < NELEMS(sizes); i++) {
		const struct fcgi_ask ask = { .method = "POST",
			.uri = "/auth/login",
			.keep = true,
			.content_type = "application/json",
			.body = body,
			.body_len = sizes[i] };
		struct fcgi_reply reply;

		assert_true(fcgi_ask_on(fd, &ask, WAIT_MS, &reply));
		assert_int_equal(reply.http_status, 413);
		assert_non_null(strstr(reply.body, "body_too_large"));
		fcgi_reply_free(&reply);
		assert_int_equal(fcgi_site_check(s, fd, WAIT_MS), 200);
		fcgi_site_serves(s);
	}
	close(fd);
}

TEST_IN(USUAL, leaving_too_early, struct fcgi_site *s)
{
	struct fcgi_bytes b = good_request(s, 1, true);

	for (int i = 0; i < 500; i++) {
		int fd = fcgi_site_connect(s);

		assert_true(fcgi_send(fd, b.data,
		    i % 5 == 0 ? (size_t)i % b.len : b.len, WAIT_MS));
		if (i % 3 == 0)
			(void)shutdown(fd, SHUT_RD);
		if (i % 7 == 0) {
			struct linger abort = { .l_onoff = 1 };

			assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER,
					     &abort, sizeof(abort)),
			    0);
		}
		close(fd);
	}
	fcgi_site_serves(s);
	fcgi_bytes_free(&b);
}

/* Who has said all there is to say is answered. */
TEST_IN(USUAL, a_client_that_is_done_sending, struct fcgi_site *s)
{
	struct fcgi_bytes b = good_request(s, 3, true);

	for (int i = 0; i < 50; i++) {
		int fd = fcgi_site_connect(s);

		assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		expect_answer(fd, 3, 200);
		assert_true(fcgi_is_closed(fd, WAIT_MS));
		close(fd);
	}
	fcgi_site_serves(s);
	fcgi_bytes_free(&b);
}

/*
 * The background thread works on a request while its client leaves or sends
 * more: the event loop must neither read nor free what the thread uses.
 */
TEST_IN(USUAL, leaving_while_the_background_thread_works, struct fcgi_site *s)
{
	static const struct fcgi_ask login = { .method = "POST",
		.uri = "/auth/login",
		.keep = true,
		.content_type = "application/json",
		.body = "{\"email\":\"a@example.org\",\"password\":\"x\"}" };
	struct fcgi_bytes b = good_request(s, 2, true);

	for (int i = 0; i < 4; i++) {
		struct fcgi_bytes ask = { 0 };
		int fd = fcgi_site_connect(s);

		fcgi_put_request(&ask, &login);
		stack_point(s->stack, "background:job", "once-hold");
		assert_true(fcgi_send(fd, ask.data, ask.len, WAIT_MS));
		(void)stack_point_wait(s->stack, "background:job");
		if (i % 2 == 1)
			assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
		if (i < 2) {
			close(fd);
			fd = -1;
		}
		fcgi_site_serves(s);
		stack_point_release(s->stack, "background:job");
		if (fd >= 0)
			expect_answer(fd, 1, 401);
		if (fd >= 0 && i % 2 == 1)
			expect_answer(fd, 2, 200);
		fcgi_site_serves(s);
		if (fd >= 0)
			close(fd);
		fcgi_bytes_free(&ask);
	}
	fcgi_bytes_free(&b);
}

/* ---- anything at all ---- */

/* The same in every run; a failure says which it was. */
static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void
put_noise(struct fcgi_bytes *b, uint32_t *r, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)next_random(r);

		fcgi_put(b, &byte, 1);
	}
}

/* Records that are whole, of likely types and ids, in any order. */
static void
put_records(struct fcgi_bytes *b, uint32_t *r)
{
	for (unsigned n = next_random(r) % 12; n > 0; n--) {
		struct fcgi_bytes content = { 0 };
		unsigned type = 1 + next_random(r) % 11;

		put_noise(&content, r, next_random(r) % 40);
		if (type == FCGI_BEGIN_REQUEST)
			fcgi_put_begin(b, next_random(r) % 3,
			    next_random(r) % 5, next_random(r) % 2 == 0);
		else
			fcgi_put_record(b, type, next_random(r) % 3,
			    content.data, content.len);
		fcgi_bytes_free(&content);
	}
}

/* A good request with a few bytes changed, cut, or doubled. */
static void
put_damaged(struct fcgi_bytes *b, uint32_t *r, const struct fcgi_bytes *good)
{
	size_t len = good->len - next_random(r) % 3 * (next_random(r) % 50);

	fcgi_put(b, good->data, len);
	for (unsigned n = next_random(r) % 4; n > 0; n--)
		b->data[next_random(r) % len] = (unsigned char)next_random(r);
	if (next_random(r) % 2 == 0)
		fcgi_put(b, good->data, good->len);
}

TEST_IN(USUAL, random_bytes, struct fcgi_site *s)
{
	struct fcgi_bytes good = good_request(s, 1, true);

	for (uint32_t seed = 1; seed <= RANDOM_COUNT; seed++) {
		uint32_t r = seed * 2654435761u;
		struct fcgi_bytes b = { 0 };
		int fd = fcgi_site_connect(s);

		switch (seed % 3) {
		case 0: put_noise(&b, &r, next_random(&r) % 300); break;
		case 1: put_records(&b, &r); break;
		default: put_damaged(&b, &r, &good); break;
		}
		(void)fcgi_send(fd, b.data, b.len, WAIT_MS);
		/* Some stay until the worker has had a look. */
		if (seed % 8 == 0)
			(void)fcgi_is_closed(fd, 1);
		close(fd);
		fcgi_bytes_free(&b);
		if (seed % 100 != 0)
			continue;
		print_message("random bytes up to seed %u\n", seed);
		fcgi_site_serves(s);
	}
	fcgi_bytes_free(&good);
}

/* ---- limits that are set low ---- */

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/*
 * One deadline for the whole request: dripping does not move it.  A connection
 * between requests has none.
 */
TEST_IN(LOW_LIMITS, a_request_must_arrive_in_time, struct fcgi_site *s)
{
	struct fcgi_bytes b = good_request(s, 1, true);
	int idle = fcgi_site_connect(s);
	int silent = fcgi_site_connect(s);
	int half = fcgi_site_connect(s);
	int drip = fcgi_site_connect(s);
	double start = seconds();
	size_t at = 0;

	assert_int_equal(fcgi_site_check(s, idle, WAIT_MS), 200);
	assert_int_equal(fcgi_site_check(s, half, WAIT_MS), 200);
	assert_true(fcgi_send(half, b.data, b.len / 2, WAIT_MS));
	while (at < b.len - 1 && fcgi_send(drip, b.data + at, 1, WAIT_MS)) {
		at++;
		if (fcgi_is_closed(drip, 5))
			break;
	}
	assert_true(at < b.len - 1); /* it would have taken twice as long */
	assert_true(seconds() - start >= 0.3);
	assert_true(fcgi_is_closed(half, WAIT_MS));
	assert_true(fcgi_is_closed(silent, WAIT_MS));
	assert_int_equal(fcgi_site_check(s, idle, WAIT_MS), 200);
	fcgi_site_serves(s);
	close(idle);
	close(silent);
	close(half);
	close(drip);
	fcgi_bytes_free(&b);
}

/*
 * A request and the end of its connection arrive in one event.  The worker must
 * close the connection.
 */
TEST_IN(LOW_LIMITS, an_end_right_behind_a_request, struct fcgi_site *s)
{
	struct fcgi_bytes b = good_request(s, 1, true);
	int kept = fcgi_site_connect(s);
	int held = fcgi_site_connect(s);

	assert_int_equal(fcgi_site_check(s, kept, WAIT_MS), 200);
	stack_point(s->stack, "worker:request", "once-hold");
	assert_true(fcgi_send(held, b.data, b.len, WAIT_MS));
	(void)stack_point_wait(s->stack, "worker:request");
	assert_true(fcgi_send(kept, b.data, b.len, WAIT_MS));
	assert_int_equal(shutdown(kept, SHUT_WR), 0);
	stack_point_release(s->stack, "worker:request");
	expect_answer(held, 1, 200);
	expect_answer(kept, 1, 200);
	assert_true(fcgi_is_closed(kept, WAIT_MS));
	close(kept);
	close(held);
	fcgi_bytes_free(&b);
}

/* More kept connections than there may be: the oldest idle ones go. */
TEST_IN(LOW_LIMITS, idle_connections_make_room, struct fcgi_site *s)
{
	int fd[60], closed = 0;

	for (size_t i = 0; i < NELEMS(fd); i++) {
		fd[i] = fcgi_site_connect(s);
		assert_int_equal(fcgi_site_check(s, fd[i], WAIT_MS), 200);
	}
	fcgi_site_serves(s);
	for (size_t i = 0; i < NELEMS(fd); i++) {
		if (fcgi_is_closed(fd[i], 0))
			closed++;
		close(fd[i]);
	}
	/* One worker, 16 connections; that of the check was one. */
	assert_in_range(closed, 60 - 16, 60 - 14);
	fcgi_site_serves(s);
}

/* Not even with as many half requests as there may be connections. */
TEST_IN(LOW_LIMITS, half_requests_make_room_in_time, struct fcgi_site *s)
{
	struct fcgi_bytes b = good_request(s, 1, true);
	int fd[60];

	for (size_t i = 0; i < NELEMS(fd); i++) {
		fd[i] = fcgi_site_connect(s);
		assert_true(fcgi_send(fd[i], b.data, b.len / 2, WAIT_MS));
	}
	/* Four rounds of 16, 0.3 s each. */
	assert_int_equal(fcgi_site_check(s, -1, 2 * WAIT_MS), 200);
	for (size_t i = 0; i < NELEMS(fd); i++)
		close(fd[i]);
	fcgi_site_serves(s);
	fcgi_bytes_free(&b);
}

TEST_RUN()
{
	static const char *const low[] = { "LATCHKEY_REQUEST_DEADLINE_MS=300",
		"LATCHKEY_CONNECTIONS=16", NULL };
	static const struct {
		const char *name;
		struct stack_options options;
	} places[] = {
		{ "peers, two workers", { .no_redis = true } },
		{ "peers, one worker", { .no_redis = true, .workers = 1 } },
		{ "peers, TCP", { .no_redis = true, .tcp = true } },
	};
	const struct stack_options narrow = {
		.no_redis = true, .workers = 1, .env = low
	};
	int failed = 0;

	for (size_t i = 0; i < NELEMS(places); i++)
		failed +=
		    fcgi_site_run(places[i].name, USUAL, &places[i].options);
	return failed + fcgi_site_run("peers, low limits", LOW_LIMITS, &narrow);
}
