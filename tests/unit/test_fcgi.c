/* SPDX-License-Identifier: ISC */
#include "http/fcgi.h"

#include <fastcgi.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/records.h"
#include "support/fcgi_client.h"
#include "support/test.h"

struct fixture {
	struct fcgi_feed *feed;
	int ours; /* not blocking, as the worker has it */
	int peer;
};

static int
setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	int pair[2];

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fcgi_feed_new(&f->feed), ERR_OK);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	f->ours = pair[0];
	f->peer = pair[1];
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	close(f->ours);
	if (f->peer >= 0)
		close(f->peer);
	fcgi_feed_free(f->feed);
	test_free(f);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* The request of ${ask} in the form that the scanner makes. */
static void
scanned(const struct fcgi_ask *ask, struct fcgi_bytes *out)
{
	struct buf reply = { 0 };
	struct records r;

	fcgi_put_request(out, ask);
	records_init(&r, 1);
	assert_int_equal(
	    records_scan(&r, out->data, &out->len, &reply), RECORDS_REQUEST);
	assert_int_equal(reply.len, 0);
	assert_int_equal(out->len, r.kept);
}

static const char *
param(const struct fcgi *f, const char *name)
{
	size_t len = strlen(name);

	for (char *const *p = fcgi_params(f); *p != NULL; p++) {
		if (strncmp(*p, name, len) == 0 && (*p)[len] == '=')
			return *p + len + 1;
	}
	return NULL;
}

static void
answer(struct fixture *f, struct fcgi *fcgi, size_t body_len)
{
	struct fcgi_reply reply;
	struct buf text = { 0 };
	char *body = test_malloc(body_len + 1);

	memset(body, 'y', body_len);
	buf_puts(&text, "Status: 418 Teapot\r\n\r\n");
	buf_append(&text, body, body_len);
	assert_int_equal(fcgi_answer(fcgi, &text), ERR_OK);
	assert_true(fcgi_receive(f->peer, 5000, &reply));
	assert_int_equal(reply.status, FCGI_REQUEST_COMPLETE);
	assert_int_equal(reply.http_status, 418);
	assert_int_equal(reply.text_len, text.len);
	assert_memory_equal(reply.text, text.data, text.len);
	fcgi_reply_free(&reply);
	buf_clear(&text);
	test_free(body);
}

/* One after the other on one feed, of every size there may be. */
TEST(fcgi_reads_requests_of_any_size, struct fixture *f)
{
	static const size_t sizes[] = { 0, 1, 8000, 8192, 65000, 65536 };
	char *body = test_malloc(RECORDS_BODY_MAX + 1);
	char *long_param = test_malloc(60001);
	const char *params[] = { long_param, NULL };

	memset(body, 'b', RECORDS_BODY_MAX);
	body[RECORDS_BODY_MAX] = '\0';
	memset(long_param, 'p', 60000);
	memcpy(long_param, "HTTP_COOKIE=", 12);
	long_param[60000] = '\0';
	for (size_t i = 0; i < 2 * NELEMS(sizes); i++) {
		const struct fcgi_ask ask = {
			.id = (unsigned)i + 1,
			.keep = i % 2 == 0,
			.uri = "/a",
			.body = body,
			.body_len = sizes[i / 2],
			.params = i % 2 == 0 ? params : NULL,
		};
		struct fcgi_bytes bytes = { 0 };
		struct fcgi *fcgi;
		size_t len;

		if (sizes[i / 2] == 0)
			body[0] = '\0';
		scanned(&ask, &bytes);
		body[0] = 'b';
		assert_int_equal(
		    fcgi_new(f->feed, bytes.data, bytes.len, f->ours, &fcgi),
		    ERR_OK);
		assert_string_equal(param(fcgi, "REQUEST_URI"), "/a");
		if (i % 2 == 0)
			assert_string_equal(
			    param(fcgi, "HTTP_COOKIE"), long_param + 12);
		assert_memory_equal(fcgi_body(fcgi, &len), body, sizes[i / 2]);
		assert_int_equal(len, sizes[i / 2]);
		assert_int_equal(fcgi_keep(fcgi), ask.keep);
		answer(f, fcgi, 300);
		fcgi_free(fcgi);
		fcgi_bytes_free(&bytes);
	}
	test_free(body);
	test_free(long_param);
}

static struct fcgi *
take_one(struct fixture *f)
{
	const struct fcgi_ask ask = { .uri = "/" };
	struct fcgi_bytes bytes = { 0 };
	struct fcgi *fcgi;

	scanned(&ask, &bytes);
	assert_int_equal(
	    fcgi_new(f->feed, bytes.data, bytes.len, f->ours, &fcgi), ERR_OK);
	fcgi_bytes_free(&bytes);
	return fcgi;
}

/* Each once, the first of a name; and the role is never a parameter's. */
TEST(fcgi_keeps_the_parameters_that_the_product_reads, struct fixture *f)
{
	static const char *const params[] = { "FCGI_ROLE=AUTHORIZER",
		"HTTP_COOKIE=", "SERVER_NAME=a", "HTTP_COOKIE=a=b",
		"HTTP_COOKIES=c", "http_host=d", "HTTP_ORIGIN=e\x80=", NULL };

	for (int with = 0; with < 2; with++) {
		const struct fcgi_ask ask = { .uri = "/",
			.params = with ? params : NULL };
		struct fcgi_bytes bytes = { 0 };
		struct fcgi *fcgi;

		scanned(&ask, &bytes);
		assert_int_equal(
		    fcgi_new(f->feed, bytes.data, bytes.len, f->ours, &fcgi),
		    ERR_OK);
		fcgi_bytes_free(&bytes);
		assert_string_equal(param(fcgi, "FCGI_ROLE"), "RESPONDER");
		assert_string_equal(param(fcgi, "REQUEST_URI"), "/");
		assert_null(param(fcgi, "SERVER_NAME"));
		assert_null(param(fcgi, "HTTP_COOKIES"));
		assert_null(param(fcgi, "http_host"));
		if (with) {
			assert_string_equal(param(fcgi, "HTTP_COOKIE"), "");
			assert_string_equal(
			    param(fcgi, "HTTP_ORIGIN"), "e\x80=");
		}
		fcgi_free(fcgi);
	}
}

/* The scanner lets no such thing pass; if it did, nothing must break. */
TEST(fcgi_survives_what_libfcgi_refuses, struct fixture *f)
{
	struct fcgi_bytes bytes = { 0 };
	struct fcgi *fcgi;

	fcgi_put_begin(&bytes, 1, FCGI_ROLE_RESPONDER, true);
	bytes.data[0] = 9;
	assert_int_equal(
	    fcgi_new(f->feed, bytes.data, bytes.len, f->ours, &fcgi),
	    ERR_INVALID);
	assert_null(fcgi);
	bytes.data[0] = FCGI_VERSION_1;
	fcgi_put_stream(&bytes, FCGI_PARAMS, 1, "\1\1ab", 4, 4);
	/* Half a body: the feed is empty before the end. */
	fcgi_put_header(&bytes, FCGI_STDIN, 1, 100, 0);
	assert_int_equal(
	    fcgi_new(f->feed, bytes.data, bytes.len, f->ours, &fcgi),
	    ERR_INVALID);
	assert_null(fcgi);
	fcgi_bytes_free(&bytes);
	/* Neither the connection nor the feed has suffered. */
	assert_true(fcntl(f->ours, F_GETFD) >= 0);
	fcgi = take_one(f);
	answer(f, fcgi, 10);
	fcgi_free(fcgi);
}

/* The largest answer fits into the buffer of an unread socket. */
TEST(fcgi_answers_large_without_waiting, struct fixture *f)
{
	for (size_t len = 8000; len <= 150 * 1024; len += 14000) {
		struct fcgi *fcgi = take_one(f);

		answer(f, fcgi, len);
		fcgi_free(fcgi);
	}
}

/* A peer that does not read costs its connection, never our time. */
TEST(fcgi_gives_up_on_a_peer_that_does_not_read, struct fixture *f)
{
	struct buf text = { 0 };
	enum err err = ERR_OK;

	for (int i = 0; i < 100 * 1024; i++)
		buf_puts(&text, "0123456789");
	for (int i = 0; i < 100 && err == ERR_OK; i++) {
		struct fcgi *fcgi = take_one(f);

		err = fcgi_answer(fcgi, &text);
		fcgi_free(fcgi);
	}
	assert_int_equal(err, ERR_UNAVAILABLE);
	buf_clear(&text);
}

TEST(fcgi_notices_that_the_peer_is_gone, struct fixture *f)
{
	struct fcgi *fcgi = take_one(f);
	struct buf text = { 0 };

	close(f->peer);
	f->peer = -1;
	buf_puts(&text, "Status: 200 OK\r\n\r\n");
	assert_int_equal(fcgi_answer(fcgi, &text), ERR_UNAVAILABLE);
	fcgi_free(fcgi);
	buf_clear(&text);
}
