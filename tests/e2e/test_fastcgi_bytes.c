/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <fastcgi.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "support/fcgi_client.h"
#include "support/fcgi_site.h"

/*
 * No byte sequence ends or holds a worker: after each of these, the next good
 * request is answered at once by every worker, and none has been replaced.
 * What is stuck stays open meanwhile, and its deadline is far away.
 */
#define WAIT_MS 30000
#define TIMES 4 /* so that both workers meet it */

static void
good_request(struct fcgi_bytes *b, const struct fcgi_site *s, bool keep)
{
	const char *params[2];
	struct fcgi_ask ask = fcgi_site_me(s, keep, params);

	fcgi_put_request(b, &ask);
}

/* A request for /auth/me up to the end of its parameters. */
static void
begin(struct fcgi_bytes *b, unsigned role, bool keep)
{
	struct fcgi_bytes params = { 0 };

	fcgi_put_pair(&params, "REQUEST_METHOD", "GET");
	fcgi_put_pair(&params, "REQUEST_URI", "/auth/me");
	fcgi_put_begin(b, 1, role, keep);
	fcgi_put_stream(b, FCGI_PARAMS, 1, params.data, params.len, 65535);
	fcgi_bytes_free(&params);
}

/* ---- what a connection is closed for ---- */

typedef void build_fn(struct fcgi_bytes *b, unsigned n);

static void
bad_version(struct fcgi_bytes *b, unsigned n)
{
	static const unsigned char versions[] = { 0, 2, 'G', 255 };

	fcgi_put_begin(b, 1, FCGI_ROLE_RESPONDER, true);
	b->data[0] = versions[n % 4];
}

static void
bad_version_later(struct fcgi_bytes *b, unsigned n)
{
	size_t at;

	begin(b, FCGI_ROLE_RESPONDER, true);
	at = b->len;
	fcgi_put_record(b, FCGI_STDIN, 1, "", 0);
	b->data[at] = (unsigned char)(n + 2);
}

/* Types that are not an application's to receive, and unknown ones. */
static void
bad_type(struct fcgi_bytes *b, unsigned n)
{
	static const unsigned types[] = { 0, FCGI_STDOUT, FCGI_UNKNOWN_TYPE,
		255 };

	fcgi_put_record(b, types[n % 4], 1, "12345678", 8);
}

static void
data_for_a_responder(struct fcgi_bytes *b, unsigned n)
{
	begin(b, FCGI_ROLE_RESPONDER, n % 2 == 0);
	fcgi_put_record(b, FCGI_DATA, 1, "", 0);
}

static void
begin_without_id(struct fcgi_bytes *b, unsigned n)
{
	fcgi_put_begin(b, 0, FCGI_ROLE_RESPONDER, n % 2 == 0);
}

static void
begin_of_wrong_size(struct fcgi_bytes *b, unsigned n)
{
	fcgi_put_record(
	    b, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0\0", n % 2 == 0 ? 0 : 9);
}

static void
begin_twice(struct fcgi_bytes *b, unsigned n)
{
	fcgi_put_begin(b, 1, FCGI_ROLE_RESPONDER, true);
	fcgi_put_begin(b, 1, FCGI_ROLE_RESPONDER, n % 2 == 0);
}

static void
body_before_parameters(struct fcgi_bytes *b, unsigned n)
{
	fcgi_put_begin(b, 1, FCGI_ROLE_RESPONDER, true);
	fcgi_put_record(b, FCGI_STDIN, 1, "body", n % 2 == 0 ? 0 : 4);
}

static void
parameters_after_their_end(struct fcgi_bytes *b, unsigned n)
{
	begin(b, FCGI_ROLE_RESPONDER, true);
	fcgi_put_record(b, FCGI_PARAMS, 1, "\1\1ab", n % 2 == 0 ? 0 : 4);
}

static void
too_many_parameters(struct fcgi_bytes *b, unsigned n)
{
	static const char zeros[60000];

	fcgi_put_begin(b, 1, FCGI_ROLE_RESPONDER, n % 2 == 0);
	fcgi_put_record(b, FCGI_PARAMS, 1, zeros, sizeof(zeros));
	fcgi_put_record(b, FCGI_PARAMS, 1, zeros, sizeof(zeros));
}

static void
garbage_for_values(struct fcgi_bytes *b, unsigned n)
{
	static const char *const garbage[] = { "\x80", "\005\000ab",
		"\xff\xff\xff\xff\xff\xff\xff\xff", "\x01" };
	const char *text = garbage[n % 4];

	fcgi_put_record(
	    b, FCGI_GET_VALUES, 0, text, n % 4 == 1 ? 4 : strlen(text));
}

static void
endless_body(struct fcgi_bytes *b, unsigned n)
{
	static const char zeros[65535];

	begin(b, FCGI_ROLE_RESPONDER, n % 2 == 0);
	for (int i = 0; i < 300; i++)
		fcgi_put_record(b, FCGI_STDIN, 1, zeros, sizeof(zeros));
}

static const struct {
	const char *name;
	build_fn *build;
} broken[] = {
	{ "bad version", bad_version },
	{ "bad version later", bad_version_later },
	{ "bad type", bad_type },
	{ "DATA for a responder", data_for_a_responder },
	{ "BEGIN without id", begin_without_id },
	{ "BEGIN of wrong size", begin_of_wrong_size },
	{ "BEGIN twice", begin_twice },
	{ "body before parameters", body_before_parameters },
	{ "parameters after their end", parameters_after_their_end },
	{ "too many parameters", too_many_parameters },
	{ "garbage for GET_VALUES", garbage_for_values },
	{ "a body without end", endless_body },
};

/*
 * Give these bytes to ${TIMES} connections and expect each to be closed.  With
 * the end of the bytes unsent, or a good request behind them, too.
 */
static void
expect_closed(struct fcgi_site *s, const struct fcgi_bytes *b, const char *name)
{
	int fd[TIMES];

	for (int i = 0; i < TIMES; i++) {
		fd[i] = fcgi_site_connect(s);
		/* It may be closed before it has taken them all. */
		(void)fcgi_send(fd[i], b->data, b->len, WAIT_MS);
	}
	for (int i = 0; i < TIMES; i++) {
		if (!fcgi_is_closed(fd[i], WAIT_MS))
			fail_msg("%s: the connection stays", name);
		close(fd[i]);
	}
}

TEST(broken_records_end_only_their_connection, struct fcgi_site *s)
{
	for (size_t i = 0; i < NELEMS(broken); i++) {
		for (unsigned n = 0; n < 4; n++) {
			struct fcgi_bytes b = { 0 };

			broken[i].build(&b, n);
			if (n % 2 == 1)
				good_request(&b, s, true);
			expect_closed(s, &b, broken[i].name);
			fcgi_bytes_free(&b);
		}
		fcgi_site_serves(s);
	}
}

/* ---- lengths ---- */

/* As written in the record: one byte, or four with the highest bit set. */
static const struct {
	unsigned char bytes[4];
	size_t size;
} lengths[] = {
	{ { 0x80, 0x00, 0x00, 0x00 }, 4 }, /* 2^31 as a number: 0 */
	{ { 0x80, 0x00, 0x00, 0x01 }, 4 },
	{ { 0x80, 0x00, 0xff, 0xff }, 4 },
	{ { 0x80, 0x01, 0x00, 0x00 }, 4 },
	{ { 0xbf, 0xff, 0xff, 0xff }, 4 }, /* 2^30 - 1 */
	{ { 0xc0, 0x00, 0x00, 0x00 }, 4 }, /* 2^30: twice it is 2^31 */
	{ { 0xff, 0xff, 0xff, 0xfe }, 4 },
	{ { 0xff, 0xff, 0xff, 0xff }, 4 }, /* 2^31 - 1 */
	{ { 0xff, 0xff, 0xff, 0xf8 }, 3 }, /* cut short */
	{ { 0x7f, 0xff, 0xff, 0xff }, 4 }, /* 127, and three bytes more */
	{ { 0x7f }, 1 },
};

/*
 * As the name's length, as the value's, and as both.  One sum is 2^32, some
 * wrap around where a length is an int; libfcgi dies on them.
 */
TEST(lengths_around_two_to_the_31, struct fcgi_site *s)
{
	for (size_t i = 0; i < NELEMS(lengths); i++) {
		for (size_t j = 0; j < NELEMS(lengths); j++) {
			struct fcgi_bytes pairs = { 0 }, b = { 0 }, v = { 0 };

			fcgi_put_pair(&pairs, "REQUEST_METHOD", "GET");
			fcgi_put(&pairs, lengths[i].bytes, lengths[i].size);
			fcgi_put(&pairs, lengths[j].bytes, lengths[j].size);
			fcgi_put(&pairs, "abc", 3);
			fcgi_put_begin(&b, 1, FCGI_ROLE_RESPONDER, true);
			fcgi_put_stream(
			    &b, FCGI_PARAMS, 1, pairs.data, pairs.len, 7);
			fcgi_put_record(&b, FCGI_STDIN, 1, "", 0);
			expect_closed(s, &b, "lengths in PARAMS");

			/* An empty name with an empty value is a pair here. */
			fcgi_put_record(
			    &v, FCGI_GET_VALUES, 0, pairs.data, pairs.len);
			expect_closed(s, &v, "lengths in GET_VALUES");
			fcgi_bytes_free(&pairs);
			fcgi_bytes_free(&b);
			fcgi_bytes_free(&v);
		}
		fcgi_site_serves(s);
	}
}

/* ---- what is answered, the connection going on ---- */

static void
expect_good(const struct fcgi_site *s, int fd)
{
	assert_int_equal(fcgi_site_check(s, fd, WAIT_MS), 200);
}

TEST(repeated_names_get_one_answer, struct fcgi_site *s)
{
	static const char *const names[] = { "FCGI_MAX_CONNS", "FCGI_MAX_REQS",
		"FCGI_MPXS_CONNS", "FCGI_WHATEVER" };
	static struct fcgi_record r;
	struct fcgi_bytes pairs = { 0 }, b = { 0 };
	int fd = fcgi_site_connect(s);

	for (int i = 0; i < 1000; i++)
		fcgi_put_pair(&pairs, names[i % 4], i % 3 == 0 ? "x" : "");
	for (int i = 0; i < 3; i++)
		fcgi_put_record(&b, FCGI_GET_VALUES, 0, pairs.data, pairs.len);
	assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
	for (int i = 0; i < 3; i++) {
		assert_true(fcgi_receive_record(fd, WAIT_MS, &r));
		assert_int_equal(r.type, FCGI_GET_VALUES_RESULT);
		assert_int_equal(r.id, 0);
		/* three names once, each with two lengths and a value */
		assert_in_range(r.len, 14 + 13 + 15 + 9, 80);
		assert_non_null(
		    memmem(r.content, r.len, "FCGI_MPXS_CONNS0", 16));
		assert_null(memmem(r.content, r.len, "WHATEVER", 8));
	}
	expect_good(s, fd);
	fcgi_site_serves(s);
	close(fd);
	fcgi_bytes_free(&pairs);
	fcgi_bytes_free(&b);
}

TEST(unknown_management_records_are_named, struct fcgi_site *s)
{
	static struct fcgi_record r;
	int fd = fcgi_site_connect(s);

	for (unsigned type = 0; type < 256; type++) {
		struct fcgi_bytes b = { 0 };

		if (type == FCGI_BEGIN_REQUEST || type == FCGI_GET_VALUES)
			continue;
		fcgi_put_record(&b, type, 0, "", type % 2 == 0 ? 0 : 1);
		assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
		assert_true(fcgi_receive_record(fd, WAIT_MS, &r));
		assert_int_equal(r.type, FCGI_UNKNOWN_TYPE);
		assert_int_equal(r.content[0], type);
		fcgi_bytes_free(&b);
	}
	expect_good(s, fd);
	fcgi_site_serves(s);
	close(fd);
}

static void
expect_end(int fd, unsigned id, unsigned status)
{
	struct fcgi_reply reply;

	assert_true(fcgi_receive(fd, WAIT_MS, &reply));
	assert_int_equal(reply.id, id);
	assert_int_equal(reply.status, status);
	assert_int_equal(reply.text_len, 0);
	fcgi_reply_free(&reply);
}

TEST(other_roles_are_unknown, struct fcgi_site *s)
{
	static const unsigned roles[] = { 0, FCGI_ROLE_FILTER, 4, 65535 };

	for (size_t i = 0; i < 2 * NELEMS(roles); i++) {
		unsigned role = roles[i / 2];
		bool keep = i % 2 == 0;
		struct fcgi_bytes b = { 0 };
		int fd = fcgi_site_connect(s);

		begin(&b, role, keep);
		if (role == FCGI_ROLE_FILTER) {
			fcgi_put_stream(&b, FCGI_STDIN, 1, "in", 2, 1);
			fcgi_put_stream(&b, FCGI_DATA, 1, "data", 4, 1);
		}
		assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
		expect_end(fd, 1, FCGI_UNKNOWN_ROLE);
		if (keep)
			expect_good(s, fd);
		else
			assert_true(fcgi_is_closed(fd, WAIT_MS));
		fcgi_site_serves(s);
		close(fd);
		fcgi_bytes_free(&b);
	}
}

/*
 * An authorizer has no body: asked as soon as the parameters end.  The end of
 * one that comes all the same, with them, after the answer, or never, is
 * nobody's.
 */
TEST(an_authorizer_is_asked_without_a_body, struct fcgi_site *s)
{
	enum { WITH, LATE, NEVER, WHENS };

	for (int i = 0; i < 2 * WHENS; i++) {
		int when = i / 2;
		bool keep = i % 2 == 0;
		struct fcgi_bytes b = { 0 }, end = { 0 };
		struct fcgi_reply reply;
		int fd = fcgi_site_connect(s);

		begin(&b, FCGI_ROLE_AUTHORIZER, keep);
		fcgi_put_record(when == WITH ? &b : &end, FCGI_STDIN, 1, "", 0);
		assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
		assert_true(fcgi_receive(fd, WAIT_MS, &reply));
		assert_int_equal(reply.status, FCGI_REQUEST_COMPLETE);
		/* Elsewhere the path is one of Latchkey's; here it is guarded.
		 */
		assert_int_equal(reply.http_status, 401);
		fcgi_reply_free(&reply);
		if (!keep)
			assert_true(fcgi_is_closed(fd, WAIT_MS));
		if (keep && when == LATE)
			assert_true(fcgi_send(fd, end.data, end.len, WAIT_MS));
		if (keep)
			expect_good(s, fd);
		fcgi_site_serves(s);
		close(fd);
		fcgi_bytes_free(&b);
		fcgi_bytes_free(&end);
	}
}

TEST(aborts_end_what_was_begun, struct fcgi_site *s)
{
	struct fcgi_bytes b = { 0 };
	int fd = fcgi_site_connect(s);

	/* of nothing, of another, before and behind the parameters */
	fcgi_put_record(&b, FCGI_ABORT_REQUEST, 1, "", 0);
	fcgi_put_begin(&b, 7, FCGI_ROLE_RESPONDER, true);
	fcgi_put_record(&b, FCGI_ABORT_REQUEST, 8, "", 0);
	fcgi_put_record(&b, FCGI_ABORT_REQUEST, 7, "", 0);
	begin(&b, FCGI_ROLE_RESPONDER, true);
	fcgi_put_record(&b, FCGI_STDIN, 1, "half a body", 11);
	fcgi_put_record(&b, FCGI_ABORT_REQUEST, 1, "ignored", 7);
	assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
	expect_end(fd, 7, FCGI_REQUEST_COMPLETE);
	expect_end(fd, 1, FCGI_REQUEST_COMPLETE);
	expect_good(s, fd);
	fcgi_site_serves(s);
	close(fd);
	fcgi_bytes_free(&b);
}

TEST(a_second_request_meanwhile_is_refused, struct fcgi_site *s)
{
	struct fcgi_bytes b = { 0 };
	struct fcgi_reply reply;
	int fd = fcgi_site_connect(s);

	begin(&b, FCGI_ROLE_RESPONDER, true);
	fcgi_put_begin(&b, 2, FCGI_ROLE_RESPONDER, true);
	fcgi_put_stream(&b, FCGI_PARAMS, 2, "\1\1ab", 4, 2);
	fcgi_put_stream(&b, FCGI_STDIN, 2, "to nobody", 9, 3);
	fcgi_put_record(&b, FCGI_STDIN, 1, "", 0);
	assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
	expect_end(fd, 2, FCGI_CANT_MPX_CONN);
	assert_true(fcgi_receive(fd, WAIT_MS, &reply));
	assert_int_equal(reply.id, 1);
	assert_int_equal(reply.http_status, 401); /* it had no token */
	fcgi_reply_free(&reply);
	expect_good(s, fd);
	fcgi_site_serves(s);
	close(fd);
	fcgi_bytes_free(&b);
}

/* Records that are empty, or nobody's, cost nothing but their reading. */
TEST(empty_records_without_end, struct fcgi_site *s)
{
	struct fcgi_bytes b = { 0 };
	int fd = fcgi_site_connect(s);

	for (unsigned i = 0; i < 30000; i++)
		fcgi_put_header(&b, FCGI_PARAMS + i % 2, 9, 0, 0);
	assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
	expect_good(s, fd);
	b.len = 0;
	fcgi_put_begin(&b, 1, FCGI_ROLE_RESPONDER, true);
	for (unsigned i = 0; i < 30000; i++)
		fcgi_put_header(&b, FCGI_STDIN, 9, 0, 0);
	assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
	fcgi_site_serves(s);
	close(fd);
	fcgi_bytes_free(&b);
}

/* Parameters that are only their end are a request for nothing. */
TEST(a_request_without_parameters, struct fcgi_site *s)
{
	static const char padding[255];
	struct fcgi_bytes b = { 0 };
	struct fcgi_reply reply;
	int fd = fcgi_site_connect(s);

	fcgi_put_begin(&b, 1, FCGI_ROLE_RESPONDER, true);
	fcgi_put_header(&b, FCGI_PARAMS, 1, 0, sizeof(padding));
	fcgi_put(&b, padding, sizeof(padding));
	fcgi_put_header(&b, FCGI_STDIN, 1, 0, sizeof(padding));
	fcgi_put(&b, padding, sizeof(padding));
	assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
	assert_true(fcgi_receive(fd, WAIT_MS, &reply));
	assert_in_range(reply.http_status, 400, 499);
	fcgi_reply_free(&reply);
	expect_good(s, fd);
	fcgi_site_serves(s);
	close(fd);
	fcgi_bytes_free(&b);
}

TEST_RUN()
{
	static const struct {
		const char *name;
		struct stack_options options;
	} places[] = {
		{ "bytes, two workers", { .no_redis = true } },
		{ "bytes, one worker", { .no_redis = true, .workers = 1 } },
		{ "bytes, TCP", { .no_redis = true, .tcp = true } },
	};
	int failed = 0;

	for (size_t i = 0; i < NELEMS(places); i++)
		failed +=
		    fcgi_site_run(places[i].name, TEST_ALL, &places[i].options);
	return failed;
}
