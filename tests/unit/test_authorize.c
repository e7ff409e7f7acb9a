/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include <stdio.h>

#include "routes/routes.h"
#include "shm/counters.h"
#include "support/store_memory.h"

#define ADA "ada@example.org"

#define AUTHORIZER "FCGI_ROLE=AUTHORIZER"
#define PAGE "HTTP_SEC_FETCH_MODE=navigate"
/* Further parameters of a call. */
#define WITH(...)                                                              \
	.params = (const char *const[])                                        \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}
#define GUARDED .method = "GET", .uri = "/guarded/a?b=c"
#define CHECK .method = "GET", .uri = "/api/v1/auth/check"

TEST_FIXTURE(struct api, api_open, api_close);

/* ---- allowed ---- */

static void
expect_identity(const struct api_answer *a, const char *prefix[6],
    const struct api_login *who, const char *role)
{
	const char *values[6] = { who->id, "Ada", who->id, ADA, role,
		who->handle };
	char line[400];

	for (size_t i = 0; i < 6; i++) {
		snprintf(line, sizeof(line), "%s: %s", prefix[i], values[i]);
		if (!api_has(a, line))
			fail_msg("no \"%s\" in %s", line, a->text.data);
	}
}

static size_t
lines(const struct api_answer *a)
{
	size_t n = 0;

	for (const char *p = a->text.data; p < a->body; p++)
		n += *p == '\n';
	return n - 1;
}

static const char *variables[6] = { "Variable-REMOTE_USER",
	"Variable-AUTH_USER", "Variable-AUTH_ID", "Variable-AUTH_EMAIL",
	"Variable-AUTH_ROLE", "Variable-AUTH_SESSION" };
static const char *headers[6] = { "Remote-User", "X-Auth-User", "X-Auth-Id",
	"X-Auth-Email", "X-Auth-Role", "X-Auth-Session" };

/* Any method and any path, those of routes included. */
TEST(the_authorizer_passes_on_only_the_identity, struct api *api)
{
	static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "POST",
		"PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "", "get" };
	static const char *const paths[] = { "/", "/guarded/", "/auth/login",
		"/api/v1/auth/logout", "/api/v1/auth/check", "/auth/me",
		"/cache/stats", "//x", "/a/../b", "/a%2f..%2f", "*", "",
		"http://elsewhere.example/x" };
	struct api_login ada;
	struct api_answer a;

	api_register(api, ADA, &ada);
	for (size_t i = 0; i < NELEMS(methods) * NELEMS(paths); i++) {
		struct api_call call = {
			.method = methods[i % NELEMS(methods)],
			.uri = paths[i / NELEMS(methods)],
			.site = "same-origin",
			/*
			 * The length is that of the guarded request, whose body
			 * was not sent.
			 */
			WITH(AUTHORIZER, "CONTENT_LENGTH=70000",
			    "CONTENT_TYPE=text/plain"),
		};

		if (i % 2 == 0)
			call.cookie = ada.session_id;
		else
			call.token = ada.token;
		api_run(api, &call, &a);
		assert_int_equal(
		    strncmp(a.text.data, "Status: 200 OK\r\n", 16), 0);
		assert_int_equal(lines(&a), 1 + 6);
		expect_identity(&a, variables, &ada, "user");
		api_free(&a);
	}
	/* None of these paths ran its own route: the session is still live. */
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = ada.token);
}

TEST(the_check_route_returns_headers, struct api *api)
{
	struct api_login ada;
	struct api_answer a;
	struct api_call calls[] = {
		{ CHECK, .token = ada.token },
		{ CHECK, .cookie = ada.session_id },
		{ .method = "HEAD",
		    .uri = "/auth/check",
		    .cookie = ada.session_id },
		{ .method = "OPTIONS",
		    .uri = "/auth/check?x=y",
		    .cookie = ada.session_id },
		{ .method = "POST",
		    .uri = "/auth/check",
		    .token = ada.token,
		    WITH("CONTENT_LENGTH=12", "CONTENT_TYPE=text/plain") },
		{ GUARDED, .token = ada.token,
		    WITH("LATCHKEY_AUTHORIZE_PROTOCOL=auth_request") },
		{ .method = "GET",
		    .uri = "/auth/logout",
		    .token = ada.token,
		    WITH("LATCHKEY_AUTHORIZE_PROTOCOL=forward_auth") },
	};

	api_register(api, ADA, &ada);
	for (size_t i = 0; i < NELEMS(calls); i++) {
		api_run(api, &calls[i], &a);
		assert_int_equal(a.status, 200);
		expect_identity(&a, headers, &ada, "user");
		assert_null(strstr(a.text.data, "Variable-"));
		assert_null(strstr(a.text.data, "Set-Cookie"));
		api_free(&a);
	}
}

/* Counted under the route /auth/check, for any path. */
TEST(authorizations_are_counted, struct api *api)
{
	struct api_login ada;
	struct counters counters;
	uint64_t ok = 0, refused = 0;

	api_register(api, ADA, &ada);
	api_expect(api, 200, NULL, CHECK, .token = ada.token);
	api_expect(
	    api, 200, NULL, GUARDED, .token = ada.token, WITH(AUTHORIZER));
	api_expect(api, 401, NULL, .method = "GET", .uri = "/auth/me",
	    WITH(AUTHORIZER));
	counters_read(api->app.shm, &counters);
	for (size_t r = 0; r < routes_count; r++) {
		if (strcmp(routes[r].path, "/auth/check") != 0)
			continue;
		for (size_t s = 0; s < COUNTERS_STATUSES; s++) {
			if (counters_status(s) == 200)
				ok = counters.request[r][s];
			if (counters_status(s) == 401)
				refused = counters.request[r][s];
		}
	}
	assert_int_equal(ok, 2);
	assert_int_equal(refused, 1);
}

/* ---- refused ---- */

TEST(requests_without_a_session_are_refused, struct api *api)
{
	struct api_login ada, bob;

	api_register(api, ADA, &ada);
	api_register(api, "bob@example.org", &bob);
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/logout",
	    .token = ada.token);
	api_expect(api, 401, "not_signed_in", CHECK);
	api_expect(api, 401, "not_signed_in", GUARDED, WITH(AUTHORIZER));
	api_expect(api, 401, "invalid_session", GUARDED, WITH(AUTHORIZER),
	    .cookie = ada.session_id);
	api_expect(api, 401, "invalid_token", GUARDED, WITH(AUTHORIZER),
	    .token = ada.token);
	api_expect(
	    api, 401, "invalid_session", CHECK, .cookie = ada.session_id);
	/* A token takes precedence over a valid cookie. */
	api_expect(api, 401, "invalid_token", GUARDED, WITH(AUTHORIZER),
	    .token = ada.token, .cookie = bob.session_id);
	/* A session_id in the body is none for a guarded request. */
	api_expect(api, 401, "not_signed_in", .method = "POST",
	    .uri = "/auth/check", .body = "{\"session_id\":\"x\"}");
}

TEST(a_failing_store_allows_no_request, struct api *api)
{
	struct api_login ada;

	api_register(api, ADA, &ada);
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", GUARDED, WITH(AUTHORIZER, PAGE),
	    .cookie = ada.session_id);
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", CHECK, .cookie = ada.session_id);
	api_expect(api, 200, NULL, CHECK, .cookie = ada.session_id);
}

/* CSRF protection covers guarded applications. */
TEST(cookies_need_the_same_origin_for_changes, struct api *api)
{
	static const struct {
		const char *method, *site, *param;
		int status;
	} cases[] = {
		{ "GET", "cross-site", "A=b", 200 },
		{ "HEAD", "cross-site", "A=b", 200 },
		{ "OPTIONS", "cross-site", "A=b", 200 },
		{ "POST", "cross-site", "A=b", 403 },
		{ "POST", "same-site", "A=b", 403 },
		{ "PUT", NULL, "A=b", 403 },
		{ "DELETE", NULL, "HTTP_ORIGIN=https://evil.example", 403 },
		{ "PROPFIND", "cross-site", "A=b", 403 },
		{ "POST", "same-origin", "CONTENT_TYPE=text/plain", 200 },
		{ "POST", "none", "A=b", 200 },
		{ "POST", NULL, "HTTP_ORIGIN=http://example.org", 200 },
	};
	struct api_login ada;

	api_register(api, ADA, &ada);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		const char *code = cases[i].status == 200 ? NULL : "cross_site";

		/* A HEAD has no body that could hold a code. */
		api_expect(api, cases[i].status, code,
		    .method = cases[i].method, .uri = "/guarded/form",
		    .site = cases[i].site, .param = cases[i].param,
		    .cookie = ada.session_id, WITH(AUTHORIZER));
		api_expect(api, cases[i].status, code,
		    .method = cases[i].method, .uri = "/guarded/form",
		    .site = cases[i].site, .param = cases[i].param,
		    .cookie = ada.session_id,
		    WITH("LATCHKEY_AUTHORIZE_PROTOCOL=auth_request"));
		api_expect(api, 200, NULL, .method = cases[i].method,
		    .uri = "/guarded/form", .site = cases[i].site,
		    .param = cases[i].param, .token = ada.token,
		    WITH(AUTHORIZER));
	}
}

/* ---- roles ---- */

TEST(the_required_role_is_one_of_the_list, struct api *api)
{
	static const struct {
		const char *list;
		int user, admin;
	} cases[] = {
		{ "user", 200, 403 },
		{ "admin", 403, 200 },
		{ "admin,user", 200, 200 },
		{ "user, admin", 200, 200 },
		{ " admin ", 403, 200 },
		{ "admin,admin", 403, 200 },
		/* A misconfigured guard allows no request. */
		{ "", 500, 500 },
		{ " ", 500, 500 },
		{ ",", 500, 500 },
		{ "user,", 500, 500 },
		{ ",user", 500, 500 },
		{ "user,,admin", 500, 500 },
		{ "none", 500, 500 },
		{ "root", 500, 500 },
		{ "user,root", 500, 500 },
		{ "root,user", 500, 500 },
		{ "User", 500, 500 },
		{ "user admin", 500, 500 },
		{ "user\t", 500, 500 },
		{ "useruseruseruseruser", 500, 500 },
	};
	struct api_login ada, root;

	api_register(api, "root@example.org", &root);
	store_memory_make_admin(api->app.store, strtoll(root.id, NULL, 10));
	api_register(api, ADA, &ada);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		char param[80];
		int user = cases[i].user, admin = cases[i].admin;

		snprintf(param, sizeof(param), "LATCHKEY_REQUIRE_ROLE=%s",
		    cases[i].list);
		api_expect(api, user, user == 403 ? "forbidden" : NULL, GUARDED,
		    .param = param, .cookie = ada.session_id, WITH(AUTHORIZER));
		api_expect(api, admin, admin == 403 ? "forbidden" : NULL, CHECK,
		    .param = param, .token = root.token);
		/* Without a session the role does not matter. */
		api_expect(api, 401, "not_signed_in", GUARDED, .param = param,
		    WITH(AUTHORIZER));
	}
}

/* ---- what a client may say ---- */

TEST(client_headers_configure_nothing, struct api *api)
{
	struct api_login ada;

	api_register(api, ADA, &ada);
	api_expect(api, 403, "forbidden", GUARDED, .cookie = ada.session_id,
	    WITH("HTTP_LATCHKEY_REQUIRE_ROLE=user",
		"LATCHKEY_REQUIRE_ROLE=admin", AUTHORIZER));
	api_expect(api, 200, NULL, GUARDED, .cookie = ada.session_id,
	    WITH("HTTP_LATCHKEY_REQUIRE_ROLE=admin",
		"HTTP_LATCHKEY_AUTHORIZE_PROTOCOL=auth_request",
		"HTTP_FCGI_APACHE_ROLE=x", "HTTP_REMOTE_USER=7", AUTHORIZER));
	/* These would turn a route into an authorization, or the reverse. */
	api_expect(api, 401, "not_signed_in", .method = "GET",
	    .uri = "/auth/me",
	    WITH("HTTP_FCGI_ROLE=AUTHORIZER",
		"HTTP_LATCHKEY_AUTHORIZE_PROTOCOL=forward_auth"));
	api_expect(api, 404, "not_found", GUARDED, .cookie = ada.session_id,
	    WITH("HTTP_FCGI_ROLE=AUTHORIZER",
		"HTTP_LATCHKEY_AUTHORIZE_PROTOCOL=lighttpd",
		"FCGI_ROLE=RESPONDER"));
}

/* libfcgi puts the role first; a later FCGI_ROLE does not count. */
TEST(the_first_role_counts, struct api *api)
{
	api_expect(api, 404, "not_found", GUARDED,
	    WITH("FCGI_ROLE=RESPONDER", AUTHORIZER));
	api_expect(api, 401, "not_signed_in", GUARDED,
	    WITH(AUTHORIZER, "FCGI_ROLE=RESPONDER"));
}
