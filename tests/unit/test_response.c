/* SPDX-License-Identifier: ISC */
#include "http/response.h"

#include "base/json_writer.h"
#include "http/request.h"
#include "support/test.h"

static const struct request plain = { .request_id = "00112233445566aa" };
static const struct request head = { .head = true,
	.request_id = "00112233445566aa" };

#define COMMON                                                                 \
	"Cache-Control: no-store\r\n"                                          \
	"X-Content-Type-Options: nosniff\r\n"                                  \
	"X-Request-Id: 00112233445566aa\r\n"

static void
assert_answer(
    struct response *res, const struct request *req, const char *expect)
{
	struct buf out = { 0 };

	assert_int_equal(response_finish(res, req, &out), ERR_OK);
	assert_string_equal(out.data, expect);
	buf_clear(&out);
	response_clear(res);
}

static enum err
small(struct response *res)
{
	struct json_writer w;

	response_begin(res, &w);
	json_write_int(&w, "a", 1);
	return response_end(res, &w);
}

TEST(an_answer_has_all_its_headers)
{
	struct response res = { 0 };

	assert_int_equal(small(&res), ERR_OK);
	response_header(&res, "X-One", "1");
	assert_answer(&res, &plain,
	    "Status: 200 OK\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 7\r\n" COMMON "X-One: 1\r\n"
	    "\r\n{\"a\":1}");
}

TEST(head_is_get_without_the_body)
{
	struct response res = { 0 };

	assert_int_equal(small(&res), ERR_OK);
	assert_answer(&res, &head,
	    "Status: 200 OK\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 7\r\n" COMMON "\r\n");
}

TEST(no_content_has_no_length)
{
	struct response res = { .status = 204 };

	assert_answer(&res, &plain, "Status: 204 No Content\r\n" COMMON "\r\n");
}

TEST(allow_names_the_methods)
{
	struct response res = {
		.status = 204,
		.allow = METHOD_GET | METHOD_PUT | METHOD_DELETE,
	};

	assert_answer(&res, &plain,
	    "Status: 204 No Content\r\n" COMMON
	    "Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n\r\n");
}

TEST(a_refusal_replaces_the_answer)
{
	struct response res = { .status = 201 };

	assert_int_equal(small(&res), ERR_OK);
	response_header(&res, "Set-Cookie", "secret");
	assert_int_equal(response_refuse(&res, PROBLEM_MISSING_FIELD,
			     "The field \"%s\" is missing.", "email"),
	    ERR_INVALID);
	assert_answer(&res, &plain,
	    "Status: 400 Bad Request\r\n"
	    "Content-Type: application/problem+json\r\n"
	    "Content-Length: 171\r\n" COMMON "\r\n"
	    "{\"type\":\"about:blank\","
	    "\"title\":\"A required field is missing\","
	    "\"status\":400,\"code\":\"missing_field\","
	    "\"detail\":\"The field \\\"email\\\" is missing.\","
	    "\"request_id\":\"00112233445566aa\"}");
}

TEST(each_problem_brings_its_headers)
{
	static const struct {
		enum problem problem;
		const char *status, *header;
	} cases[] = {
		{ PROBLEM_NOT_SIGNED_IN, "Status: 401 Unauthorized\r\n",
		    "\r\nWWW-Authenticate: Bearer realm=\"latchkey\"\r\n" },
		{ PROBLEM_INVALID_CREDENTIALS, "Status: 401 Unauthorized\r\n",
		    "\r\nWWW-Authenticate: Bearer realm=\"latchkey\"\r\n" },
		{ PROBLEM_INVALID_TOKEN, "Status: 401 Unauthorized\r\n",
		    "\r\nWWW-Authenticate: Bearer realm=\"latchkey\", "
		    "error=\"invalid_token\"\r\n" },
		{ PROBLEM_INVALID_SESSION, "Status: 401 Unauthorized\r\n",
		    "\r\nWWW-Authenticate: Bearer realm=\"latchkey\", "
		    "error=\"invalid_token\"\r\n" },
		{ PROBLEM_UNAVAILABLE, "Status: 503 Service Unavailable\r\n",
		    "\r\nRetry-After: 1\r\n" },
		{ PROBLEM_BUSY, "Status: 503 Service Unavailable\r\n",
		    "\r\nRetry-After: 1\r\n" },
		{ PROBLEM_RATE_LIMITED, "Status: 429 Too Many Requests\r\n",
		    "\r\nRetry-After: 1\r\n" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct response res = { 0 };
		struct buf out = { 0 };

		(void)response_refuse(&res, cases[i].problem, NULL);
		assert_int_equal(response_finish(&res, &plain, &out), ERR_OK);
		assert_ptr_equal(strstr(out.data, cases[i].status), out.data);
		assert_non_null(strstr(out.data, cases[i].header));
		/* Without a detail the title is one. */
		assert_non_null(strstr(out.data, "\"detail\":\""));
		buf_clear(&out);
		response_clear(&res);
	}
}

TEST(every_status_of_a_problem_has_a_reason)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		struct response res = { 0 };
		struct buf out = { 0 };

		(void)response_refuse(&res, (enum problem)p, NULL);
		assert_int_equal(response_finish(&res, &plain, &out), ERR_OK);
		assert_null(strstr(out.data, " Other\r\n"));
		buf_clear(&out);
		response_clear(&res);
	}
}

TEST(without_memory_there_is_no_half_answer)
{
	struct response res = { .body = { .failed = true } };
	struct buf out = { 0 };
	struct json_writer w;

	assert_int_equal(response_finish(&res, &plain, &out), ERR_INTERNAL);
	assert_int_equal(out.len, 0);
	response_begin(&res, &w);
	json_write_string(&w, "a", NULL);
	assert_int_equal(response_end(&res, &w), ERR_INTERNAL);
	response_clear(&res);
}
