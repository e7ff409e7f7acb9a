/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include "base/document.h"
#include "base/secret.h"
#include "base/text.h"
#include "http/response.h"
#include "support/test.h"

#define PARAMS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static void
init(struct request *req, char *const *params, const char *body)
{
	request_init(req, params, body, body != NULL ? strlen(body) : 0);
}

static void
methods_are_exact(void **state)
{
	static const struct {
		const char *param;
		enum request_method expect;
		bool head;
	} cases[] = {
		{ "REQUEST_METHOD=GET", METHOD_GET, false },
		{ "REQUEST_METHOD=HEAD", METHOD_GET, true },
		{ "REQUEST_METHOD=POST", METHOD_POST, false },
		{ "REQUEST_METHOD=PUT", METHOD_PUT, false },
		{ "REQUEST_METHOD=PATCH", METHOD_PATCH, false },
		{ "REQUEST_METHOD=DELETE", METHOD_DELETE, false },
		{ "REQUEST_METHOD=OPTIONS", METHOD_OPTIONS, false },
		{ "REQUEST_METHOD=get", METHOD_OTHER, false },
		{ "REQUEST_METHOD=TRACE", METHOD_OTHER, false },
		{ "REQUEST_METHOD=", METHOD_OTHER, false },
		{ "REQUEST_METHODS=GET", METHOD_OTHER, false },
	};

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_int_equal(req.method, cases[i].expect);
		assert_int_equal(req.head, cases[i].head);
	}
}

static void
the_path_is_what_the_client_sent(void **state)
{
	static const struct {
		const char *uri;
		const char *path, *query;
	} cases[] = {
		{ "REQUEST_URI=/a/b", "/a/b", "" },
		{ "REQUEST_URI=/a?x=1", "/a", "x=1" },
		{ "REQUEST_URI=/a%2fb//c/", "/a%2fb//c/", "" },
		{ "REQUEST_URI=http://h:80/a?b", "/a", "b" },
		{ "REQUEST_URI=HTTPS://h/a", "/a", "" },
		{ "REQUEST_URI=https://h", "", "" },
		{ "REQUEST_URI=https://h?q", "", "q" },
		{ "REQUEST_URI=*", "*", "" },
		{ "REQUEST_URI=", "/script/info", "" },
		{ "NOTHING=x", "/script/info", "" },
	};
	char uri[400] = "REQUEST_URI=/";
	struct request req;

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		init(&req,
		    PARAMS(
			cases[i].uri, "SCRIPT_NAME=/script", "PATH_INFO=/info"),
		    NULL);
		assert_string_equal(req.path, cases[i].path);
		assert_string_equal(req.query, cases[i].query);
	}

	/* QUERY_STRING is the web server's word, if it says one. */
	init(&req, PARAMS("REQUEST_URI=/a?x=1", "QUERY_STRING=y=2"), NULL);
	assert_string_equal(req.query, "y=2");

	/* The longest path that fits, and one byte more. */
	memset(uri + 13, 'a', sizeof(req.path) - 2);
	init(&req, PARAMS(uri), NULL);
	assert_int_equal(strlen(req.path), sizeof(req.path) - 1);
	uri[13 + sizeof(req.path) - 2] = 'a';
	init(&req, PARAMS(uri), NULL);
	assert_string_equal(req.path, "");
}

static void
the_peer_is_on_this_machine_or_not(void **state)
{
	static const struct {
		const char *param;
		const char *address;
		bool loopback;
	} cases[] = {
		{ "REMOTE_ADDR=127.0.0.1", "127.0.0.1", true },
		{ "REMOTE_ADDR=127.255.3.4", "127.255.3.4", true },
		{ "REMOTE_ADDR=::1", "::1", true },
		{ "REMOTE_ADDR=::ffff:127.0.0.1", "127.0.0.1", true },
		{ "REMOTE_ADDR=::ffff:10.0.0.1", "10.0.0.1", false },
		{ "REMOTE_ADDR=2001:DB8:0::1", "2001:db8::1", false },
		{ "REMOTE_ADDR=128.0.0.1", "128.0.0.1", false },
		{ "REMOTE_ADDR=127.0.0.1x", "", false },
		{ "REMOTE_ADDR=127.0.0.1 a=b", "", false },
		{ "REMOTE_ADDR=unix:", "", false },
		{ "REMOTE_ADDR=", "", false },
		{ "OTHER=127.0.0.1", "", false },
	};

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_string_equal(req.address, cases[i].address);
		assert_int_equal(req.loopback, cases[i].loopback);
	}
}

static void
https_is_known_by_either_name(void **state)
{
	static const struct {
		const char *param;
		bool https;
	} cases[] = {
		{ "HTTPS=on", true },
		{ "HTTPS=1", true },
		{ "REQUEST_SCHEME=https", true },
		{ "HTTPS=off", false },
		{ "HTTPS=", false },
		{ "REQUEST_SCHEME=http", false },
		{ "HTTP_X_FORWARDED_PROTO=https", false },
	};

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_int_equal(req.https, cases[i].https);
	}
}

static void
a_body_of_another_length_is_malformed(void **state)
{
	static const struct {
		const char *param;
		bool malformed;
	} cases[] = {
		{ "CONTENT_LENGTH=2", false },
		{ "CONTENT_LENGTH=", false },
		{ "OTHER=", false },
		{ "CONTENT_LENGTH=1", true },
		{ "CONTENT_LENGTH=3", true },
		{ "CONTENT_LENGTH=-2", true },
		{ "CONTENT_LENGTH=2x", true },
		{ "CONTENT_LENGTH=18446744073709551618", true },
	};

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), "{}");
		assert_int_equal(req.malformed, cases[i].malformed);
	}
}

static void
request_ids_are_fresh(void **state)
{
	struct request a, b;

	(void)state;
	request_init(&a, NULL, NULL, 0);
	request_init(&b, NULL, NULL, 0);
	assert_true(text_is_hex(a.request_id, REQUEST_ID_SIZE - 1));
	assert_string_not_equal(a.request_id, b.request_id);
	assert_null(request_param(&a, "ANY"));
}

static void
only_json_in_utf8_is_json(void **state)
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

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_int_equal(request_is_json(&req), cases[i].json);
	}
}

static void
bodies_are_json_objects(void **state)
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

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		const struct document *json;
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

static void
a_body_beyond_the_limit_is_too_large(void **state)
{
	char *body = malloc(REQUEST_BODY_MAX + 1);
	const struct document *json;
	struct response res = { 0 };
	struct request req;

	(void)state;
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

static void
string_members_are_checked(void **state)
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
	const struct document *json;
	struct request req;
	struct response res = { 0 };

	(void)state;
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
			assert_non_null(
			    strstr(answer.detail.data, cases[i].field.name));
		response_clear(&answer);
	}
	assert_true(request_is_null(json, "null"));
	assert_false(request_is_null(json, "none"));
	assert_false(request_is_null(json, "s"));
	assert_false(request_is_null(json, "b"));
	request_clear(&req);
}

static void
query_parameters_are_decoded_once(void **state)
{
	static const struct {
		const char *query;
		enum err err;
		const char *value;
	} cases[] = {
		{ "QUERY_STRING=ids=1,2", ERR_OK, "1,2" },
		{ "QUERY_STRING=ids=1%2C2%2c3", ERR_OK, "1,2,3" },
		{ "QUERY_STRING=a=b&ids=1&c", ERR_OK, "1" },
		{ "QUERY_STRING=ids=%2541", ERR_OK, "%41" },
		{ "QUERY_STRING=ids=a+b", ERR_OK, "a b" },
		{ "QUERY_STRING=ids=", ERR_OK, "" },
		{ "QUERY_STRING=ids=1234567", ERR_OK, "1234567" },
		{ "QUERY_STRING=ids=12345678", ERR_INVALID, "" },
		{ "QUERY_STRING=ids=1&ids=1", ERR_INVALID, "" },
		{ "QUERY_STRING=ids=%0", ERR_INVALID, "" },
		{ "QUERY_STRING=ids=%", ERR_INVALID, "" },
		{ "QUERY_STRING=ids=%zz&x=00", ERR_INVALID, "" },
		{ "QUERY_STRING=ids=%00", ERR_INVALID, "" },
		{ "QUERY_STRING=ids", ERR_NOT_FOUND, "" },
		{ "QUERY_STRING=idsx=1&xids=1&IDS=1", ERR_NOT_FOUND, "" },
		{ "QUERY_STRING=", ERR_NOT_FOUND, "" },
	};

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;
		char value[8];

		init(&req, PARAMS(cases[i].query), NULL);
		assert_int_equal(
		    request_query(&req, "ids", sizeof(value), value),
		    cases[i].err);
		assert_string_equal(value, cases[i].value);
	}
}

static void
bearer_tokens_are_read_strictly(void **state)
{
	static const struct {
		const char *param;
		enum err err;
		const char *token;
	} cases[] = {
		{ "HTTP_AUTHORIZATION=Bearer a.b-c_d~e+f/g==", ERR_OK,
		    "a.b-c_d~e+f/g==" },
		{ "HTTP_AUTHORIZATION=bEARER x", ERR_OK, "x" },
		{ "HTTP_AUTHORIZATION=Bearer  x", ERR_OK, "x" },
		{ "OTHER=Bearer x", ERR_OK, NULL },
		{ "HTTP_AUTHORIZATION=", ERR_OK, NULL },
		{ "HTTP_AUTHORIZATION=Basic dTpw", ERR_OK, NULL },
		{ "HTTP_AUTHORIZATION=Bearers x", ERR_OK, NULL },
		{ "HTTP_AUTHORIZATION=Bearer", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION=Bearer ", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION=Bearer ==", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION=Bearer x y", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION=Bearer x=y", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION=Bearer x ", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION=Bearer\tx", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION= Bearer x", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION=\"x\"", ERR_INVALID, NULL },
		{ "HTTP_AUTHORIZATION=Bearer x,Bearer y", ERR_INVALID, NULL },
	};

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;
		const char *token;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_int_equal(request_bearer(&req, &token), cases[i].err);
		if (cases[i].token == NULL)
			assert_null(token);
		else
			assert_string_equal(token, cases[i].token);
	}
}

static void
only_the_same_origin_may_change_things(void **state)
{
#define SITE "HTTP_SEC_FETCH_SITE="
#define ORIGIN "HTTP_ORIGIN="
#define HOST "HTTP_HOST="
	static const struct {
		const char *a, *b, *c;
		bool same;
	} cases[] = {
		{ SITE "same-origin", "X=", "X=", true },
		{ SITE "none", "X=", "X=", true },
		{ SITE "same-site", "X=", "X=", false },
		{ SITE "cross-site", "X=", "X=", false },
		{ SITE "Same-Origin", "X=", "X=", false },
		{ SITE, "X=", "X=", false },
		/* What the browser says of it outweighs Origin. */
		{ SITE "cross-site", ORIGIN "http://h", HOST "h", false },
		{ SITE "same-origin", ORIGIN "http://evil", HOST "h", true },
		{ "X=", ORIGIN "http://h", HOST "h", true },
		{ "X=", ORIGIN "https://h", HOST "h", true },
		{ "X=", ORIGIN "http://H:8080", HOST "h:8080", true },
		{ "X=", ORIGIN "http://h", HOST "h:80", true },
		{ "X=", ORIGIN "https://h", HOST "h:443", true },
		{ "X=", ORIGIN "https://h", HOST "h:80", false },
		{ "X=", ORIGIN "http://h:81", HOST "h:80", false },
		{ "X=", ORIGIN "http://h.evil", HOST "h", false },
		{ "X=", ORIGIN "http://h", HOST "h.evil", false },
		{ "X=", ORIGIN "http://u@h", HOST "h", false },
		{ "X=", ORIGIN "null", HOST "h", false },
		{ "X=", ORIGIN, HOST "h", false },
		{ "X=", ORIGIN "http://", HOST, false },
		{ "X=", ORIGIN "ftp://h", HOST "h", false },
		{ "X=", ORIGIN "http://h", "X=", false },
		{ "X=", "X=", HOST "h", false },
		{ "HTTPS=on", ORIGIN "https://h", HOST "h", true },
		{ "HTTPS=on", ORIGIN "http://h", HOST "h", false },
	};

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].a, cases[i].b, cases[i].c), NULL);
		assert_int_equal(request_same_origin(&req), cases[i].same);
		assert_int_equal(request_cross_site(&req),
		    strcmp(cases[i].a, SITE "cross-site") == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_are_exact),
		cmocka_unit_test(the_path_is_what_the_client_sent),
		cmocka_unit_test(the_peer_is_on_this_machine_or_not),
		cmocka_unit_test(https_is_known_by_either_name),
		cmocka_unit_test(a_body_of_another_length_is_malformed),
		cmocka_unit_test(request_ids_are_fresh),
		cmocka_unit_test(only_json_in_utf8_is_json),
		cmocka_unit_test(bodies_are_json_objects),
		cmocka_unit_test(a_body_beyond_the_limit_is_too_large),
		cmocka_unit_test(string_members_are_checked),
		cmocka_unit_test(query_parameters_are_decoded_once),
		cmocka_unit_test(bearer_tokens_are_read_strictly),
		cmocka_unit_test(only_the_same_origin_may_change_things),
	};

	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
