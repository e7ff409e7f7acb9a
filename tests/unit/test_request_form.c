/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include "base/json_value.h"
#include "http/response.h"
#include "support/test.h"

#define FORM "CONTENT_TYPE=application/x-www-form-urlencoded"

static enum err
read_form(struct request *req, const char *type, const char *body, size_t len)
{
	static struct response res;
	char *const params[] = { (char *)(uintptr_t)type, NULL };
	enum err err;

	request_init(req, params, body, len);
	err = request_form(req, &res);
	assert_int_equal(err == ERR_OK, res.problem == PROBLEM_NONE);
	if (err != ERR_OK)
		assert_string_not_equal(problem_info(res.problem)->code, "");
	response_clear(&res);
	res = (struct response){ 0 };
	return err;
}

TEST(a_form_reads_as_the_same_members_of_json)
{
	static const char body[] =
	    "email=ada%40example.org&password=a+b%2Bc%26d%3De&empty=&none&&"
	    "na%6de=%C3%84";
	struct response res = { 0 };
	const struct json_value *json;
	struct request req;

	assert_int_equal(
	    read_form(&req, FORM "; charset=UTF-8", body, strlen(body)),
	    ERR_OK);
	assert_true(request_is_json(&req));
	assert_int_equal(request_json(&req, &res, &json), ERR_OK);
	assert_int_equal(json_value_size(json), 5);
	assert_string_equal(json_value_string(json_value_member(json, "email")),
	    "ada@example.org");
	assert_string_equal(
	    json_value_string(json_value_member(json, "password")),
	    "a b+c&d=e");
	assert_string_equal(
	    json_value_string(json_value_member(json, "empty")), "");
	assert_string_equal(
	    json_value_string(json_value_member(json, "none")), "");
	assert_string_equal(
	    json_value_string(json_value_member(json, "name")), "\xc3\x84");
	request_clear(&req);
}

TEST(what_is_no_form_is_refused)
{
	static const struct {
		const char *type, *body;
		size_t len; /* 0: that of the text */
	} cases[] = {
		{ "CONTENT_TYPE=application/json", "a=b", 0 },
		{ "CONTENT_TYPE=", "a=b", 0 },
		{ FORM "x", "a=b", 0 },
		{ FORM, "a=%", 0 },
		{ FORM, "a=%4", 0 },
		{ FORM, "a=%zz", 0 },
		{ FORM, "%zz=a", 0 },
		{ FORM, "a=%00", 0 },
		{ FORM, "a=b\0c", 5 },
		{ FORM, "a=%ff", 0 },
		{ FORM, "a=%ed%a0%80", 0 },
		{ FORM, "a=1&a=2", 0 },
		{ FORM, "a=1&%61=2", 0 },
		{ FORM,
		    "a_name_of_more_than_sixty_three_bytes_is_none_that_"
		    "any_body_"
		    "asked_for=1",
		    0 },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		size_t len =
		    cases[i].len != 0 ? cases[i].len : strlen(cases[i].body);
		struct request req;

		assert_int_equal(
		    read_form(&req, cases[i].type, cases[i].body, len),
		    ERR_INVALID);
		assert_null(req.json);
		request_clear(&req);
	}
}
