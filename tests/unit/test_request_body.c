/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include "base/json_value.h"
#include "base/secret.h"
#include "http/response.h"
#include "support/test.h"

#define PARAMS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static void
init(struct request *req, char *const *params, const char *body)
{
	request_init(req, params, body, body != NULL ? strlen(body) : 0);
}

TEST(only_json_in_utf8_is_json)
{
	static const struct {
		const char *param;
		bool json;
	} cases[] = {
		{ "CONTENT_TYPE=application/json", true },
		{ "CONTENT_TYPE=Application/JSON", true },
		{ "CONTENT_TYPE=application/json; charset=utf-8", true },
		{ "CONTENT_TYPE=application/json;charset=\"UTF-8\"", true },
		{ "CONTENT_TYPE=application/json ; a=b; charset=utf-8", true },
		{ "CONTENT_TYPE=application/json;", true },
		{ "CONTENT_TYPE=application/json; charset=latin1", false },
		{ "CONTENT_TYPE=application/json; a=b;charset=utf-16", false },
		{ "CONTENT_TYPE=application/json; charset=", false },
		{ "CONTENT_TYPE=application/jsonp", false },
		{ "CONTENT_TYPE=application/json, text/plain", false },
		{ "CONTENT_TYPE=text/plain", false },
		{ "CONTENT_TYPE=text/plain; application/json", false },
		{ "CONTENT_TYPE=", false },
		{ "OTHER=application/json", false },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_int_equal(request_is_json(&req), cases[i].json);
	}
}

TEST(bodies_are_json_objects)
{
	static const struct {
		const char *type;
		const char *body;
		enum problem expect;
	} cases[] = {
		{ "CONTENT_TYPE=application/json", "{\"a\":1}", PROBLEM_NONE },
		{ "CONTENT_TYPE=application/json", "", PROBLEM_NONE },
		{ "CONTENT_TYPE=", "", PROBLEM_NONE },
		{ "CONTENT_TYPE=text/plain", "",
		    PROBLEM_UNSUPPORTED_MEDIA_TYPE },
		{ "CONTENT_TYPE=", "{}", PROBLEM_UNSUPPORTED_MEDIA_TYPE },
		{ "CONTENT_TYPE=application/json", "{",
		    PROBLEM_MALFORMED_JSON },
		{ "CONTENT_TYPE=application/json", "{\"a\":1,\"a\":1}",
		    PROBLEM_MALFORMED_JSON },
		{ "CONTENT_TYPE=application/json", "[]",
		    PROBLEM_NOT_AN_OBJECT },
		{ "CONTENT_TYPE=application/json", "null",
		    PROBLEM_NOT_AN_OBJECT },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		const struct json_value *json;
		struct response res = { 0 };
		struct request req;
		enum err err;

		init(&req, PARAMS(cases[i].type), cases[i].body);
		err = request_json(&req, &res, &json);
		assert_int_equal(res.problem, cases[i].expect);
		assert_int_equal(err == ERR_OK, res.problem == PROBLEM_NONE);
		assert_int_equal(json != NULL, err == ERR_OK);
		/* The second time it says the same. */
		assert_int_equal(request_json(&req, &res, &json), err);
		request_clear(&req);
		response_clear(&res);
	}
}

TEST(a_body_beyond_the_limit_is_too_large)
{
	char *body = malloc(REQUEST_BODY_MAX + 1);
	const struct json_value *json;
	struct response res = { 0 };
	struct request req;

	assert_non_null(body);
	memset(body, ' ', REQUEST_BODY_MAX + 1);
	body[0] = '{';
	body[REQUEST_BODY_MAX - 1] = '}';

	request_init(&req, PARAMS("CONTENT_TYPE=application/json"), body,
	    REQUEST_BODY_MAX);
	assert_int_equal(request_json(&req, &res, &json), ERR_OK);
	request_clear(&req);

	request_init(&req, PARAMS("CONTENT_TYPE=application/json"), body,
	    REQUEST_BODY_MAX + 1);
	assert_int_equal(request_json(&req, &res, &json), ERR_INVALID);
	assert_int_equal(res.problem, PROBLEM_BODY_TOO_LARGE);
	request_clear(&req);
	response_clear(&res);
	free(body);
}

TEST(string_members_are_checked)
{
	static const struct {
		struct request_field field;
		const char *value;
		enum problem expect;
	} cases[] = {
		{ { "s", true, 3 }, "abc", PROBLEM_NONE },
		{ { "s", true, 2 }, NULL, PROBLEM_INVALID_FIELD },
		{ { "null", true, 9 }, NULL, PROBLEM_MISSING_FIELD },
		{ { "null", false, 9 }, NULL, PROBLEM_NONE },
		{ { "none", true, 9 }, NULL, PROBLEM_MISSING_FIELD },
		{ { "none", false, 9 }, NULL, PROBLEM_NONE },
		{ { "S", false, 9 }, NULL, PROBLEM_NONE },
		{ { "n", false, 9 }, NULL, PROBLEM_INVALID_FIELD },
		{ { "b", false, 9 }, NULL, PROBLEM_INVALID_FIELD },
		{ { "o", true, 9 }, NULL, PROBLEM_INVALID_FIELD },
	};
	const struct json_value *json;
	struct request req;
	struct response res = { 0 };

	init(&req, PARAMS("CONTENT_TYPE=application/json"),
	    "{\"s\":\"abc\",\"null\":null,\"n\":1,\"b\":true,\"o\":{}}");
	assert_int_equal(request_json(&req, &res, &json), ERR_OK);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct response answer = { 0 };
		const char *text;
		enum err err;

		err = request_string(json, &cases[i].field, &answer, &text);
		assert_int_equal(answer.problem, cases[i].expect);
		assert_int_equal(err == ERR_OK, answer.problem == 0);
		if (cases[i].value == NULL)
			assert_null(text);
		else
			assert_string_equal(text, cases[i].value);
		if (answer.problem != PROBLEM_NONE)
			assert_string_equal(answer.field, cases[i].field.name);
		response_clear(&answer);
	}
	assert_true(request_is_null(json, "null"));
	assert_false(request_is_null(json, "none"));
	assert_false(request_is_null(json, "s"));
	assert_false(request_is_null(json, "b"));
	request_clear(&req);
}

TEST(several_texts_are_read_up_to_the_first_refusal)
{
	const char *a = "x", *b = "x", *c = "x";
	const struct request_text texts[] = {
		{ { "a", true, 9 }, &a },
		{ { "b", false, 9 }, &b },
		{ { "c", true, 9 }, &c },
	};
	struct response res = { 0 };
	struct request req;

	init(&req, PARAMS("CONTENT_TYPE=application/json"),
	    "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}");
	assert_int_equal(request_texts(&req, &res, texts, 3), ERR_OK);
	assert_string_equal(a, "1");
	assert_string_equal(b, "2");
	assert_string_equal(c, "3");
	request_clear(&req);

	init(&req, PARAMS("CONTENT_TYPE=application/json"),
	    "{\"a\":\"1\",\"b\":2,\"c\":\"3\"}");
	a = c = "x";
	assert_int_equal(request_texts(&req, &res, texts, 3), ERR_INVALID);
	assert_int_equal(res.problem, PROBLEM_INVALID_FIELD);
	assert_string_equal(res.field, "b");
	assert_string_equal(a, "1");
	assert_null(b);
	assert_null(c);
	request_clear(&req);
	response_clear(&res);
}
