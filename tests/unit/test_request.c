/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include "base/secret.h"
#include "base/str.h"
#include "support/test.h"

#include <stdlib.h>

#define PARAMS(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static void
init(struct request *req, char *const *params, const char *body)
{
	request_init(req, params, body, body != NULL ? strlen(body) : 0);
}

TEST(methods_are_exact)
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

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_int_equal(req.method, cases[i].expect);
		assert_int_equal(req.head, cases[i].head);
	}
}

TEST(the_path_is_what_the_client_sent)
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

TEST(the_peer_is_on_this_machine_or_not)
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
		{ "REMOTE_ADDR=127.0.0.01", "", false },
		{ "REMOTE_ADDR=127.1", "", false },
		{ "REMOTE_ADDR=127.0.0.1 a=b", "", false },
		{ "REMOTE_ADDR=unix:", "", false },
		{ "REMOTE_ADDR=", "", false },
		{ "OTHER=127.0.0.1", "", false },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_string_equal(req.address, cases[i].address);
		assert_int_equal(req.loopback, cases[i].loopback);
	}
}

TEST(https_is_known_by_either_name)
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

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), NULL);
		assert_int_equal(req.https, cases[i].https);
	}
}

TEST(a_body_of_another_length_is_malformed)
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

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct request req;

		init(&req, PARAMS(cases[i].param), "{}");
		assert_int_equal(req.malformed, cases[i].malformed);
	}
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

TEST(request_ids_are_fresh)
{
	static char seen[4096][REQUEST_ID_SIZE];
	struct request_ids mine, others;
	struct request req;

	request_ids_init(&mine);
	request_ids_init(&others);
	request_init(&req, NULL, NULL, 0);
	for (size_t i = 0; i < NELEMS(seen); i++) {
		request_set_id(&req, i % 2 == 0 ? &mine : &others);
		assert_true(str_is_hex(req.request_id, REQUEST_ID_SIZE - 1));
		memcpy(seen[i], req.request_id, REQUEST_ID_SIZE);
	}
	qsort(seen, NELEMS(seen), REQUEST_ID_SIZE, compare_ids);
	for (size_t i = 1; i < NELEMS(seen); i++)
		assert_string_not_equal(seen[i - 1], seen[i]);
	/* None says how many there were: they are all over the range. */
	assert_true(seen[0][0] < '4');
	assert_true(seen[NELEMS(seen) - 1][0] > 'b');
	assert_null(request_param(&req, PARAM_HTTP_COOKIE));
}

TEST(the_authorize_protocol_has_an_old_name)
{
	struct request req;

	init(&req, PARAMS("LATCHKEY_DIALECT=auth_request"), NULL);
	assert_string_equal(req.authorize_protocol, "auth_request");
	init(&req,
	    PARAMS("LATCHKEY_DIALECT=auth_request",
		"LATCHKEY_AUTHORIZE_PROTOCOL=forward_auth"),
	    NULL);
	assert_string_equal(req.authorize_protocol, "forward_auth");
}

/* libfcgi's FCGI_ROLE stands before one that the web server sends. */
TEST(the_first_of_two_parameters_counts)
{
	struct request req;

	init(&req, PARAMS("FCGI_ROLE=RESPONDER", "FCGI_ROLE=AUTHORIZER"), NULL);
	assert_false(req.authorizer);
	init(&req, PARAMS("HTTP_HOST", "HTTP_HOST=a", "HTTP_HOST=b"), NULL);
	assert_string_equal(req.host, "a");
}
