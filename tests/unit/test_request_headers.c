/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include "base/secret.h"
#include "support/test.h"

#define PARAMS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static void
init(struct request *req, char *const *params)
{
	request_init(req, params, NULL, 0);
}

TEST(query_parameters_are_decoded_once)
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

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;
		char value[8];

		init(&req, PARAMS(cases[i].query));
		assert_int_equal(
		    request_query(&req, "ids", sizeof(value), value),
		    cases[i].err);
		assert_string_equal(value, cases[i].value);
	}
}

TEST(bearer_tokens_are_read_strictly)
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

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;
		const char *token;

		init(&req, PARAMS(cases[i].param));
		assert_int_equal(request_bearer(&req, &token), cases[i].err);
		if (cases[i].token == NULL)
			assert_null(token);
		else
			assert_string_equal(token, cases[i].token);
	}
}

TEST(only_the_same_origin_may_change_things)
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

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].a, cases[i].b, cases[i].c));
		assert_int_equal(request_same_origin(&req), cases[i].same);
		assert_int_equal(request_cross_site(&req),
		    strcmp(cases[i].a, SITE "cross-site") == 0);
	}
}
