/* SPDX-License-Identifier: ISC */
#include "http/records.h"

#include <fastcgi.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "support/fcgi_client.h"
#include "support/test.h"

#define FILLER 70000

/* What the scanner made of some bytes. */
struct seen {
	enum records_verdict last;
	int requests;
	struct records records; /* of the last request, or at the end */
	struct fcgi_bytes request;
	struct buf reply;
};

/* Feed ${in}, ${step} bytes at a time, as the worker would. */
static void
scan(const struct fcgi_bytes *in, size_t step, struct seen *seen)
{
	unsigned char *data =
	    test_malloc(RECORDS_REQUEST_MAX + RECORDS_RECORD_MAX + in->len);
	struct records r;
	size_t len = 0;
	size_t at = 0;

	*seen = (struct seen){ .last = RECORDS_MORE };
	records_init(&r, 7);
	while (at < in->len || seen->last == RECORDS_REQUEST) {
		size_t n = in->len - at < step ? in->len - at : step;

		memcpy(data + len, in->data + at, n);
		len += n;
		at += n;
		seen->last = records_scan(&r, data, &len, &seen->reply);
		if (seen->last == RECORDS_REQUEST || seen->requests == 0)
			seen->records = r;
		if (seen->last == RECORDS_BROKEN || seen->last == RECORDS_CLOSE)
			break;
		if (seen->last != RECORDS_REQUEST)
			continue;
		seen->requests++;
		fcgi_bytes_free(&seen->request);
		fcgi_put(&seen->request, data, r.kept);
		memmove(data, data + r.kept, len - r.kept);
		len -= r.kept;
		records_next(&r);
	}
	test_free(data);
}

static void
seen_clear(struct seen *seen)
{
	fcgi_bytes_free(&seen->request);
	buf_clear(&seen->reply);
}

static void
params(struct fcgi_bytes *b, unsigned id)
{
	struct fcgi_bytes p = { 0 };

	fcgi_put_pair(&p, "REQUEST_METHOD", "POST");
	fcgi_put_pair(&p, "REQUEST_URI", "/x");
	fcgi_put_stream(b, FCGI_PARAMS, id, p.data, p.len, 9);
	fcgi_bytes_free(&p);
}

static void
good(struct fcgi_bytes *b, unsigned id, bool keep)
{
	fcgi_put_begin(b, id, FCGI_ROLE_RESPONDER, keep);
	params(b, id);
	fcgi_put_stream(b, FCGI_STDIN, id, "hello world", 11, 4);
}

/* The same request, however its bytes are dealt out. */
TEST(records_do_not_care_how_bytes_arrive)
{
	struct fcgi_bytes in = { 0 };
	struct seen whole, seen;

	good(&in, 3, true);
	scan(&in, in.len, &whole);
	assert_int_equal(whole.requests, 1);
	assert_int_equal(whole.records.body_len, 11);
	assert_true(whole.records.keep);
	/* One record of each stream, and no padding. */
	assert_int_equal(whole.request.len,
	    16 + 8 + (2 + 14 + 4) + (2 + 11 + 2) + 8 + 8 + 11 + 8);
	for (size_t step = 1; step < in.len; step++) {
		scan(&in, step, &seen);
		assert_int_equal(seen.requests, 1);
		assert_int_equal(seen.request.len, whole.request.len);
		assert_memory_equal(
		    seen.request.data, whole.request.data, seen.request.len);
		seen_clear(&seen);
	}
	seen_clear(&whole);
	fcgi_bytes_free(&in);
}

TEST(records_find_requests_behind_each_other)
{
	struct fcgi_bytes in = { 0 };
	struct seen seen;

	good(&in, 1, true);
	good(&in, 1, true);
	good(&in, 2, true);
	for (size_t step = 1; step <= in.len; step += 13) {
		scan(&in, step, &seen);
		assert_int_equal(seen.requests, 3);
		seen_clear(&seen);
	}
	scan(&in, in.len, &seen);
	assert_int_equal(seen.requests, 3);
	seen_clear(&seen);
	fcgi_bytes_free(&in);
}

/* ---- what is broken ---- */

static void
begin_only(struct fcgi_bytes *b)
{
	fcgi_put_begin(b, 1, FCGI_ROLE_RESPONDER, true);
}

static void
bad_version(struct fcgi_bytes *b)
{
	good(b, 1, true);
	b->data[16] = 2;
}

static void
bad_type(struct fcgi_bytes *b)
{
	fcgi_put_record(b, 99, 1, "", 0);
}

static void
type_of_an_application(struct fcgi_bytes *b)
{
	fcgi_put_record(b, FCGI_STDOUT, 1, "x", 1);
}

static void
begin_without_id(struct fcgi_bytes *b)
{
	fcgi_put_begin(b, 0, FCGI_ROLE_RESPONDER, true);
}

static void
begin_too_long(struct fcgi_bytes *b)
{
	fcgi_put_record(b, FCGI_BEGIN_REQUEST, 1, "123456789", 9);
}

static void
begin_twice(struct fcgi_bytes *b)
{
	begin_only(b);
	begin_only(b);
}

static void
body_before_params(struct fcgi_bytes *b)
{
	begin_only(b);
	fcgi_put_record(b, FCGI_STDIN, 1, "x", 1);
}

static void
params_after_their_end(struct fcgi_bytes *b)
{
	begin_only(b);
	params(b, 1);
	params(b, 1);
}

static void
data_for_a_responder(struct fcgi_bytes *b)
{
	begin_only(b);
	params(b, 1);
	fcgi_put_record(b, FCGI_DATA, 1, "x", 1);
}

/* Name-value pairs that are none, each of them all of the params. */
static void
broken_params(struct fcgi_bytes *b, const void *pairs, size_t len)
{
	begin_only(b);
	fcgi_put_stream(b, FCGI_PARAMS, 1, pairs, len, 65535);
}

static void
pair_past_the_end(struct fcgi_bytes *b)
{
	broken_params(b, "\x05\x05name", 6);
}

static void
pair_of_2_to_31(struct fcgi_bytes *b)
{
	broken_params(b, "\xff\xff\xff\xff\xff\xff\xff\xffxxxx", 12);
}

static void
pair_whose_sum_wraps(struct fcgi_bytes *b)
{
	broken_params(b, "\xff\xff\xff\xfe\x80\x00\x00\x02xxxx", 12);
}

static void
pair_cut_in_its_length(struct fcgi_bytes *b)
{
	broken_params(b, "\x80\x00", 2);
}

static void
pair_without_value_length(struct fcgi_bytes *b)
{
	broken_params(b, "\x01", 1);
}

static void
name_that_is_empty(struct fcgi_bytes *b)
{
	broken_params(b, "\x00\x01x", 3);
}

static void
name_with_equals(struct fcgi_bytes *b)
{
	broken_params(b, "\x03\x01x=yz", 6);
}

static void
value_with_nul(struct fcgi_bytes *b)
{
	broken_params(b, "\x01\x03xa\0b", 6);
}

static void
values_past_the_end(struct fcgi_bytes *b)
{
	fcgi_put_record(b, FCGI_GET_VALUES, 0, "\x8f\xff\xff\xff\x00name", 9);
}

TEST(records_refuse_what_is_broken)
{
	static const struct {
		const char *name;
		void (*make)(struct fcgi_bytes *);
	} cases[] = {
#define CASE(name) { #name, name }
		CASE(bad_version),
		CASE(bad_type),
		CASE(type_of_an_application),
		CASE(begin_without_id),
		CASE(begin_too_long),
		CASE(begin_twice),
		CASE(body_before_params),
		CASE(params_after_their_end),
		CASE(data_for_a_responder),
		CASE(pair_past_the_end),
		CASE(pair_of_2_to_31),
		CASE(pair_whose_sum_wraps),
		CASE(pair_cut_in_its_length),
		CASE(pair_without_value_length),
		CASE(name_that_is_empty),
		CASE(name_with_equals),
		CASE(value_with_nul),
		CASE(values_past_the_end),
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct fcgi_bytes in = { 0 };
		struct seen seen;

		cases[i].make(&in);
		scan(&in, in.len, &seen);
		if (seen.last != RECORDS_BROKEN)
			print_error("case %s\n", cases[i].name);
		assert_int_equal(seen.last, RECORDS_BROKEN);
		assert_non_null(seen.records.why);
		seen_clear(&seen);
		scan(&in, 1, &seen);
		assert_int_equal(seen.last, RECORDS_BROKEN);
		seen_clear(&seen);
		fcgi_bytes_free(&in);
	}
}

/* ---- what is answered here ---- */

/* The replies must be exactly these records. */
static void
assert_reply(const struct seen *seen, const struct fcgi_bytes *expect)
{
	assert_int_equal(seen->reply.len, expect->len);
	assert_memory_equal(seen->reply.data, expect->data, expect->len);
}

static void
expect_end(struct fcgi_bytes *b, unsigned id, unsigned char status)
{
	const unsigned char body[8] = { 0, 0, 0, 0, status };

	fcgi_put_record(b, FCGI_END_REQUEST, id, body, sizeof(body));
}

/* Repeated names overflow a buffer in libfcgi. */
TEST(records_answer_each_value_once)
{
	struct fcgi_bytes in = { 0 }, ask = { 0 }, expect = { 0 }, say = { 0 };
	struct seen seen;

	for (int i = 0; i < 200; i++) {
		fcgi_put_pair(&ask, FCGI_MPXS_CONNS, "");
		fcgi_put_pair(&ask, FCGI_MAX_CONNS, "ignored");
		fcgi_put_pair(&ask, "FCGI_MAX_CONNSX", "");
	}
	fcgi_put_record(&in, FCGI_GET_VALUES, 0, ask.data, ask.len);
	fcgi_put_pair(&say, FCGI_MAX_CONNS, "7");
	fcgi_put_pair(&say, FCGI_MPXS_CONNS, "0");
	fcgi_put_record(&expect, FCGI_GET_VALUES_RESULT, 0, say.data, say.len);
	scan(&in, in.len, &seen);
	assert_int_equal(seen.last, RECORDS_MORE);
	assert_true(records_quiet(&seen.records, 0));
	assert_reply(&seen, &expect);
	seen_clear(&seen);
	fcgi_bytes_free(&in);
	fcgi_bytes_free(&ask);
	fcgi_bytes_free(&expect);
	fcgi_bytes_free(&say);
}

/* Management, other ids and a second request, all amid one request. */
TEST(records_take_out_what_is_not_the_request)
{
	const unsigned char type[8] = { 42 };
	struct fcgi_bytes in = { 0 }, plain = { 0 }, expect = { 0 };
	struct seen seen, alone;

	good(&plain, 5, false);
	scan(&plain, plain.len, &alone);

	fcgi_put_record(&in, FCGI_STDIN, 9, "stray", 5);
	fcgi_put_begin(&in, 5, FCGI_ROLE_RESPONDER, false);
	fcgi_put_record(&in, 42, 0, "abc", 3);
	params(&in, 5);
	fcgi_put_begin(&in, 6, FCGI_ROLE_RESPONDER, true);
	params(&in, 6);
	fcgi_put_record(&in, FCGI_ABORT_REQUEST, 6, "", 0);
	fcgi_put_stream(&in, FCGI_STDIN, 5, "hello world", 11, 4);
	fcgi_put_record(&expect, FCGI_UNKNOWN_TYPE, 0, type, sizeof(type));
	expect_end(&expect, 6, FCGI_CANT_MPX_CONN);
	for (size_t step = 1; step <= in.len; step += 7) {
		scan(&in, step, &seen);
		assert_int_equal(seen.requests, 1);
		assert_reply(&seen, &expect);
		assert_int_equal(seen.request.len, alone.request.len);
		assert_memory_equal(
		    seen.request.data, alone.request.data, seen.request.len);
		seen_clear(&seen);
	}
	seen_clear(&alone);
	fcgi_bytes_free(&in);
	fcgi_bytes_free(&plain);
	fcgi_bytes_free(&expect);
}

TEST(records_end_an_aborted_request)
{
	struct fcgi_bytes in = { 0 }, expect = { 0 };
	struct seen seen;

	fcgi_put_begin(&in, 4, FCGI_ROLE_RESPONDER, true);
	params(&in, 4);
	fcgi_put_record(&in, FCGI_ABORT_REQUEST, 4, "", 0);
	good(&in, 4, true);
	expect_end(&expect, 4, FCGI_REQUEST_COMPLETE);
	scan(&in, in.len, &seen);
	assert_int_equal(seen.requests, 1);
	assert_reply(&seen, &expect);
	seen_clear(&seen);

	fcgi_bytes_free(&in);
	fcgi_put_begin(&in, 4, FCGI_ROLE_RESPONDER, false);
	fcgi_put_record(&in, FCGI_ABORT_REQUEST, 4, "", 0);
	scan(&in, in.len, &seen);
	assert_int_equal(seen.last, RECORDS_CLOSE);
	assert_reply(&seen, &expect);
	seen_clear(&seen);
	fcgi_bytes_free(&in);
	fcgi_bytes_free(&expect);
}

/* Consumed to its end, then refused; the next request is none the worse. */
TEST(records_refuse_roles_we_do_not_play)
{
	static const unsigned roles[] = { FCGI_ROLE_FILTER, 0, 77 };

	for (size_t i = 0; i < NELEMS(roles); i++) {
		struct fcgi_bytes in = { 0 }, expect = { 0 };
		struct seen seen;

		fcgi_put_begin(&in, 1, roles[i], true);
		params(&in, 1);
		if (roles[i] == FCGI_ROLE_FILTER) {
			fcgi_put_stream(&in, FCGI_STDIN, 1, "ab", 2, 1);
			fcgi_put_stream(&in, FCGI_DATA, 1, "cd", 2, 1);
		}
		good(&in, 1, true);
		expect_end(&expect, 1, FCGI_UNKNOWN_ROLE);
		for (size_t step = 1; step <= in.len; step += 5) {
			scan(&in, step, &seen);
			assert_int_equal(seen.requests, 1);
			assert_reply(&seen, &expect);
			seen_clear(&seen);
		}
		fcgi_bytes_free(&in);
		fcgi_bytes_free(&expect);
	}
}

/*
 * An authorizer is sent no body.  It is asked as soon as its parameters have
 * ended, and the empty body that some web servers send is nobody's, wherever
 * it comes.
 */
TEST(records_ask_an_authorizer_without_a_body)
{
	struct fcgi_bytes one = { 0 };

	fcgi_put_begin(&one, 1, FCGI_ROLE_AUTHORIZER, true);
	params(&one, 1);
	for (int late = 0; late < 2; late++) {
		struct fcgi_bytes in = { 0 };
		struct seen seen;

		fcgi_put(&in, one.data, one.len);
		if (late)
			fcgi_put_record(&in, FCGI_STDIN, 1, "", 0);
		good(&in, 1, true);
		fcgi_put(&in, one.data, one.len);
		if (late)
			fcgi_put_record(&in, FCGI_STDIN, 1, "", 0);
		for (size_t step = 1; step <= in.len; step += 3) {
			scan(&in, step, &seen);
			assert_int_equal(seen.requests, 3);
			assert_int_equal(
			    seen.records.role, FCGI_ROLE_AUTHORIZER);
			assert_int_equal(seen.records.body_len, 0);
			assert_int_equal(seen.reply.len, 0);
			seen_clear(&seen);
		}
		fcgi_bytes_free(&in);
	}
	/* Whole without anything behind it. */
	for (size_t step = 1; step <= one.len; step += 7) {
		struct seen seen;

		scan(&one, step, &seen);
		assert_int_equal(seen.requests, 1);
		seen_clear(&seen);
	}
	fcgi_bytes_free(&one);
}

/* ---- streams beyond their limit ---- */

/* A parameter with ${len} bytes, 8 of them before its value. */
static void
one_param(struct fcgi_bytes *b, unsigned id, size_t len)
{
	static char value[FILLER];
	struct fcgi_bytes p = { 0 };

	memset(value, 'x', len - 6);
	value[len - 6] = '\0';
	fcgi_put_pair(&p, "X", value);
	assert_int_equal(p.len, len);
	fcgi_put_begin(b, id, FCGI_ROLE_RESPONDER, true);
	fcgi_put_stream(b, FCGI_PARAMS, id, p.data, p.len, 1000);
	fcgi_put_stream(b, FCGI_STDIN, id, "hello world", 11, 4);
	fcgi_bytes_free(&p);
}

TEST(records_drop_params_that_are_too_large)
{
	static const struct {
		size_t len;
		bool too_large;
	} cases[] = {
		{ RECORDS_PARAMS_MAX, false },
		{ RECORDS_PARAMS_MAX + 1, true },
		{ FILLER, true },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct fcgi_bytes in = { 0 };
		struct seen seen;

		one_param(&in, 1, cases[i].len);
		scan(&in, 50000, &seen);
		assert_int_equal(seen.requests, 1);
		assert_int_equal(
		    seen.records.params_too_large, cases[i].too_large);
		assert_int_equal(seen.records.body_len, 11);
		/* BEGIN, the end of the parameters, the body and its end. */
		if (cases[i].too_large)
			assert_int_equal(seen.request.len, 16 + 8 + 8 + 11 + 8);
		seen_clear(&seen);
		good(&in, 1, true);
		scan(&in, 1000, &seen);
		assert_int_equal(seen.requests, 2);
		assert_false(seen.records.params_too_large);
		seen_clear(&seen);
		fcgi_bytes_free(&in);
	}
}

TEST(records_drop_a_body_that_is_too_large)
{
	static const struct {
		size_t len;
		bool too_large;
	} cases[] = {
		{ RECORDS_BODY_MAX, false },
		{ RECORDS_BODY_MAX + 1, true },
		{ 1024 * 1024, true },
	};
	unsigned char *body = test_calloc(1, 1024 * 1024);

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct fcgi_bytes in = { 0 };
		struct seen seen;

		fcgi_put_begin(&in, 1, FCGI_ROLE_RESPONDER, true);
		params(&in, 1);
		fcgi_put_stream(&in, FCGI_STDIN, 1, body, cases[i].len, 30000);
		good(&in, 1, true);
		scan(&in, 50000, &seen);
		assert_int_equal(seen.requests, 2);
		seen_clear(&seen);
		fcgi_bytes_free(&in);

		fcgi_put_begin(&in, 1, FCGI_ROLE_RESPONDER, true);
		params(&in, 1);
		fcgi_put_stream(&in, FCGI_STDIN, 1, body, cases[i].len, 30000);
		scan(&in, 50000, &seen);
		assert_int_equal(seen.requests, 1);
		assert_int_equal(seen.records.too_large, cases[i].too_large);
		assert_true(seen.request.len <= RECORDS_REQUEST_MAX);
		seen_clear(&seen);
		fcgi_bytes_free(&in);
	}
	test_free(body);
}

TEST(records_give_up_on_an_endless_body)
{
	unsigned char *data = test_malloc(2 * RECORDS_RECORD_MAX);
	struct fcgi_bytes in = { 0 };
	struct buf reply = { 0 };
	enum records_verdict verdict;
	struct records r;
	size_t sent = 0;
	size_t len;

	records_init(&r, 1);
	fcgi_put_begin(&in, 1, FCGI_ROLE_RESPONDER, true);
	params(&in, 1);
	memcpy(data, in.data, in.len);
	len = in.len;
	verdict = records_scan(&r, data, &len, &reply);
	assert_int_equal(verdict, RECORDS_MORE);
	fcgi_bytes_free(&in);
	memset(data + len, 'x', RECORDS_RECORD_MAX);
	fcgi_put_header(&in, FCGI_STDIN, 1, 65535, 255);
	while (verdict == RECORDS_MORE) {
		assert_true(sent < 2 * RECORDS_DISCARD_MAX);
		assert_true(len + RECORDS_RECORD_MAX <= 2 * RECORDS_RECORD_MAX);
		memcpy(data + len, in.data, in.len);
		len += RECORDS_RECORD_MAX;
		sent += 65535;
		verdict = records_scan(&r, data, &len, &reply);
	}
	assert_int_equal(verdict, RECORDS_BROKEN);
	assert_true(sent > RECORDS_DISCARD_MAX);
	fcgi_bytes_free(&in);
	test_free(data);
}
