/* SPDX-License-Identifier: ISC */
#include "routes/authorize_protocol.h"

#include "support/test.h"

#include <stdio.h>

#include "auth/sessions.h"
#include "http/request.h"
#include "http/response.h"

#define PARAMS_MAX 8
#define AUTHORIZER "FCGI_ROLE=AUTHORIZER"
#define NAVIGATE "HTTP_SEC_FETCH_MODE=navigate"

struct asked {
	const char *method, *uri;
	const char *params[PARAMS_MAX];
};

static enum err
read_asked(const struct asked *asked, struct guarded *g_out)
{
	static char method[64], uri[3000];
	static char *list[PARAMS_MAX + 3];
	static struct request req;
	size_t n = 0;

	while (asked->params[n] != NULL) {
		list[n] = (char *)(uintptr_t)asked->params[n];
		n++;
	}
	snprintf(method, sizeof(method), "REQUEST_METHOD=%s", asked->method);
	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", asked->uri);
	list[n++] = method;
	list[n++] = uri;
	list[n] = NULL;
	request_init(&req, list, NULL, 0);
	return authorize_protocol_read(&req, g_out);
}

/* ---- who asks ---- */

TEST(each_server_is_recognised_by_its_parameters)
{
	static const struct {
		const char *params[PARAMS_MAX];
		const char *expect; /* NULL: refused */
	} cases[] = {
		{ { AUTHORIZER }, "lighttpd" },
		{ { AUTHORIZER, "FCGI_APACHE_ROLE=ACCESS_CHECKER" },
		    "mod_fcgid" },
		{ { AUTHORIZER, "FCGI_APACHE_ROLE=AUTHORIZER" }, "mod_fcgid" },
		{ { AUTHORIZER, "FCGI_APACHE_ROLE=" }, "mod_fcgid" },
		{ { AUTHORIZER, "FCGI_APACHE_ROLE=AUTHENTICATOR" },
		    "mod_authnz_fcgi" },
		{ { "FCGI_ROLE=RESPONDER" }, "auth_request" },
		{ { NULL }, "auth_request" },
		/* by name, and by the old name */
		{ { "LATCHKEY_DIALECT=forward_auth" }, "forward_auth" },
		{ { "LATCHKEY_DIALECT=forward_auth",
		      "LATCHKEY_AUTHORIZE_PROTOCOL=auth_request" },
		    "auth_request" },
		{ { "LATCHKEY_AUTHORIZE_PROTOCOL=auth_request" },
		    "auth_request" },
		{ { "LATCHKEY_AUTHORIZE_PROTOCOL=forward_auth" },
		    "forward_auth" },
		{ { AUTHORIZER, "LATCHKEY_AUTHORIZE_PROTOCOL=mod_fcgid" },
		    "mod_fcgid" },
		{ { AUTHORIZER, "LATCHKEY_AUTHORIZE_PROTOCOL=lighttpd",
		      "FCGI_APACHE_ROLE=ACCESS_CHECKER" },
		    "lighttpd" },
		{ { AUTHORIZER, "LATCHKEY_AUTHORIZE_PROTOCOL=mod_authnz_fcgi" },
		    "mod_authnz_fcgi" },
		/* an unknown name, or one of the other role */
		{ { "LATCHKEY_AUTHORIZE_PROTOCOL=" }, NULL },
		{ { "LATCHKEY_AUTHORIZE_PROTOCOL=nginx" }, NULL },
		{ { "LATCHKEY_AUTHORIZE_PROTOCOL=Auth_Request" }, NULL },
		{ { "LATCHKEY_AUTHORIZE_PROTOCOL=lighttpd" }, NULL },
		{ { AUTHORIZER, "LATCHKEY_AUTHORIZE_PROTOCOL=" }, NULL },
		{ { AUTHORIZER, "LATCHKEY_AUTHORIZE_PROTOCOL=auth_request" },
		    NULL },
		/* a client cannot select one */
		{ { AUTHORIZER, "HTTP_LATCHKEY_AUTHORIZE_PROTOCOL=mod_fcgid",
		      "HTTP_FCGI_APACHE_ROLE=ACCESS_CHECKER" },
		    "lighttpd" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct asked asked = { .method = "GET", .uri = "/x" };
		struct guarded g;
		enum err err;

		memcpy(asked.params, cases[i].params, sizeof(asked.params));
		err = read_asked(&asked, &g);
		if (cases[i].expect == NULL) {
			assert_int_equal(err, ERR_INVALID);
			assert_null(g.protocol);
			continue;
		}
		assert_int_equal(err, ERR_OK);
		assert_string_equal(g.protocol->name, cases[i].expect);
	}
}

/* ---- about what ---- */

TEST(the_guarded_request_is_read)
{
	static const struct {
		struct asked asked;
		const char *target;
		bool safe, page;
	} cases[] = {
		{ { "GET", "/a?b", { AUTHORIZER, NAVIGATE } }, "/a?b", true,
		    true },
		{ { "GET", "http://h.example/a?b", { AUTHORIZER } }, "/a?b",
		    true, false },
		{ { "HEAD", "/a", { AUTHORIZER, NAVIGATE } }, "/a", true,
		    false },
		{ { "OPTIONS", "/a", { AUTHORIZER, NAVIGATE } }, "/a", true,
		    false },
		{ { "POST", "/a", { AUTHORIZER, NAVIGATE } }, "/a", false,
		    false },
		{ { "PROPFIND", "/a", { AUTHORIZER, NAVIGATE } }, "/a", false,
		    false },
		{ { "GET", "/a", { AUTHORIZER, "HTTP_ACCEPT=text/html,*/*" } },
		    "/a", true, true },
		{ { "GET", "/a", { AUTHORIZER, "HTTP_ACCEPT=*/*" } }, "/a",
		    true, false },
		{ { "GET", "/a",
		      { AUTHORIZER, "HTTP_SEC_FETCH_MODE=cors",
			  "HTTP_ACCEPT=text/html" } },
		    "/a", true, false },
		/* at /auth/check itself the guarded path is not known */
		{ { "GET", "/auth/check", { NAVIGATE } }, "", true, true },
		{ { "GET", "/a",
		      { "LATCHKEY_AUTHORIZE_PROTOCOL=auth_request" } },
		    "/a", true, false },
		{ { "GET", "/auth/check",
		      { "LATCHKEY_AUTHORIZE_PROTOCOL=forward_auth", NAVIGATE,
			  "HTTP_X_FORWARDED_METHOD=GET",
			  "HTTP_X_FORWARDED_URI=/b?c" } },
		    "/b?c", true, true },
		{ { "GET", "/auth/check",
		      { "LATCHKEY_AUTHORIZE_PROTOCOL=forward_auth", NAVIGATE,
			  "HTTP_X_FORWARDED_METHOD=DELETE" } },
		    "", false, false },
		/* unknown, so not safe */
		{ { "GET", "/auth/check",
		      { "LATCHKEY_AUTHORIZE_PROTOCOL=forward_auth",
			  NAVIGATE } },
		    "", false, false },
		/* ignored with any other protocol */
		{ { "POST", "/a",
		      { AUTHORIZER, "HTTP_X_FORWARDED_METHOD=GET",
			  "HTTP_X_FORWARDED_URI=/b" } },
		    "/a", false, false },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct guarded g;

		assert_int_equal(read_asked(&cases[i].asked, &g), ERR_OK);
		assert_string_equal(g.target, cases[i].target);
		assert_int_equal(g.safe, cases[i].safe);
		assert_int_equal(g.page, cases[i].page);
	}
}

/* ---- what it gets to hear ---- */

static void
refuse(const struct asked *asked, const char *page, enum problem problem,
    struct response *res)
{
	struct guarded g;
	enum err err;

	assert_int_equal(read_asked(asked, &g), ERR_OK);
	err = response_refuse(res, problem, NULL);
	err = authorize_protocol_refuse(&g, page, res, err);
	assert_int_equal(err == ERR_OK, res->status == 302);
	assert_int_equal(res->problem == PROBLEM_NONE, res->status == 302);
}

TEST(navigations_are_redirected_to_the_login_page)
{
	static const struct {
		struct asked asked;
		const char *headers;
	} cases[] = {
		{ { "GET", "/a?b=1", { AUTHORIZER, NAVIGATE } },
		    "Location: /in?rd=/a%3Fb%3D1\r\n" },
		{ { "GET", "/a",
		      { AUTHORIZER, NAVIGATE,
			  "FCGI_APACHE_ROLE=AUTHENTICATOR" } },
		    "Location: /in?rd=/a\r\n" },
		{ { "GET", "/a",
		      { AUTHORIZER, NAVIGATE,
			  "FCGI_APACHE_ROLE=ACCESS_CHECKER" } },
		    "" },
		{ { "GET", "/a",
		      { "LATCHKEY_AUTHORIZE_PROTOCOL=auth_request",
			  NAVIGATE } },
		    "X-Login-Page: /in?rd=/a\r\n" },
		{ { "GET", "/auth/check", { NAVIGATE } },
		    "X-Login-Page: /in\r\n" },
		{ { "GET", "/auth/check",
		      { "LATCHKEY_AUTHORIZE_PROTOCOL=forward_auth", NAVIGATE,
			  "HTTP_X_FORWARDED_METHOD=GET",
			  "HTTP_X_FORWARDED_URI=/b" } },
		    "Location: /in?rd=/b\r\n" },
		/* not a navigation */
		{ { "GET", "/a", { AUTHORIZER } }, "" },
		{ { "POST", "/a", { AUTHORIZER, NAVIGATE } }, "" },
		{ { "HEAD", "/a", { AUTHORIZER, NAVIGATE } }, "" },
		/* no return to another site */
		{ { "GET", "//evil.example/", { AUTHORIZER, NAVIGATE } },
		    "Location: /in\r\n" },
		{ { "GET", "/\\evil.example/", { AUTHORIZER, NAVIGATE } },
		    "Location: /in\r\n" },
		{ { "GET", "/a\r\nX: y", { AUTHORIZER, NAVIGATE } },
		    "Location: /in\r\n" },
		{ { "GET", "", { AUTHORIZER, NAVIGATE } },
		    "Location: /in\r\n" },
		/* a guarded login page would redirect to itself */
		{ { "GET", "/in", { AUTHORIZER, NAVIGATE } }, "" },
		{ { "GET", "/in?rd=/x", { AUTHORIZER, NAVIGATE } }, "" },
		{ { "GET", "/in/x", { AUTHORIZER, NAVIGATE } },
		    "Location: /in?rd=/in/x\r\n" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		static const enum problem problems[] = { PROBLEM_NOT_SIGNED_IN,
			PROBLEM_INVALID_SESSION };
		struct response res = { 0 };

		refuse(&cases[i].asked, "/in", problems[i % 2], &res);
		assert_string_equal(
		    res.headers.data != NULL ? res.headers.data : "",
		    cases[i].headers);
		response_clear(&res);
	}
}

/* Signing in would not help, or the store cannot answer. */
TEST(other_refusals_stay_unchanged)
{
	static const struct asked asked = { "GET", "/a",
		{ AUTHORIZER, NAVIGATE } };

	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		struct response res = { 0 };

		if (p == PROBLEM_NOT_SIGNED_IN || p == PROBLEM_INVALID_SESSION)
			continue;
		refuse(&asked, "/in", (enum problem)p, &res);
		assert_int_equal(res.problem, p);
		assert_int_equal(res.headers.len, 0);
		response_clear(&res);
	}
}

TEST(text_that_no_header_can_hold_is_refused)
{
	static const char *const names[] = { "a\nb", "a\rb", "\t", "a\x7f",
		"a\x1f" };
	struct asked asked = { "GET", "/a", { AUTHORIZER } };
	struct identity who = { .user = { .id = 7,
				    .email = "a@example.org",
				    .role = USER_ROLE_USER } };
	struct response res = { 0 };
	struct guarded g;

	assert_int_equal(read_asked(&asked, &g), ERR_OK);
	for (size_t i = 0; i < NELEMS(names); i++) {
		snprintf(who.user.name, sizeof(who.user.name), "%s", names[i]);
		assert_int_equal(
		    authorize_protocol_grant(&g, &who, &res), ERR_INTERNAL);
		response_clear(&res);
	}
	/* UTF-8 passes unchanged. */
	snprintf(who.user.name, sizeof(who.user.name), "Ad\xc3\xa4: \xe6\x97");
	assert_int_equal(authorize_protocol_grant(&g, &who, &res), ERR_OK);
	assert_non_null(strstr(
	    res.headers.data, "Variable-AUTH_USER: Ad\xc3\xa4: \xe6\x97\r\n"));
	response_clear(&res);
}

/* A page of a sibling site opens it with the cookie, and reads the answers. */
TEST(a_handshake_of_websocket_is_not_safe)
{
	static const struct {
		const char *protocol, *upgrade;
		bool safe;
	} cases[] = {
		{ "auth_request", "websocket", false },
		{ "auth_request", "", true },
		{ "forward_auth", "websocket", false },
		{ "forward_auth", "", true },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char method[] = "REQUEST_METHOD=GET";
		char forwarded[] = "HTTP_X_FORWARDED_METHOD=GET";
		char protocol[64], upgrade[64];
		char *const params[] = { method, forwarded, protocol, upgrade,
			NULL };
		struct request req;
		struct guarded g;

		(void)snprintf(protocol, sizeof(protocol),
		    "LATCHKEY_AUTHORIZE_PROTOCOL=%s", cases[i].protocol);
		(void)snprintf(upgrade, sizeof(upgrade), "HTTP_UPGRADE=%s",
		    cases[i].upgrade);
		request_init(&req, params, NULL, 0);
		assert_int_equal(authorize_protocol_read(&req, &g), ERR_OK);
		assert_int_equal(g.safe, cases[i].safe);
	}
}
