/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>

#include "servers/server.h"
#include "servers/server_site.h"
#include "support/async_request.h"

#define TIMES 48 /* more than any server has processes */

static void
refused(struct server_site *g)
{
	if (g->reply.status != 401 || server_site_shown(g))
		fail_msg("%ld, %s", g->reply.status, g->reply.body.data);
}

static void
shown(struct server_site *g)
{
	if (g->reply.status != 200 || !server_site_shown(g))
		fail_msg("%ld, %s", g->reply.status, g->reply.body.data);
}

/* GET without a cookie. */
static void
get_with(struct server_site *g, const char *path, const char *bearer,
    const char *const *headers)
{
	const struct web_call call = { .path = path,
		.bearer = bearer,
		.headers = headers,
		.no_cookies = true };

	web_call(g->web, &call, &g->reply);
}

TEST(registering_signs_in, struct server_site *g)
{
	server_site_account(g);
	server_site_get(g, "/api/v1/auth/me");
	web_expect(&g->reply, 200, NULL);
	assert_string_equal(web_text(&g->reply, "user.email"), g->email);
	web_forget(g->web);
	server_site_get(g, "/api/v1/auth/me");
	web_expect(&g->reply, 401, "not_signed_in");
	web_login(g->web, g->email, &g->reply);
	server_site_get(g, "/auth/me");
	web_expect(&g->reply, 200, NULL);
}

/* Apache hides Authorization from programs unless configured otherwise. */
TEST(bearer_reaches_latchkey, struct server_site *g)
{
	server_site_account(g);
	get_with(g, "/api/v1/auth/me", g->token, NULL);
	web_expect(&g->reply, 200, NULL);
	get_with(g, "/guarded/page.txt", g->token, NULL);
	shown(g);
	get_with(g, "/guarded/page.txt", "not.a.token", NULL);
	refused(g);
}

TEST(guarded_page_requires_a_session, struct server_site *g)
{
	static const char *const no_session[] = {
		"Cookie: latchkey=6b4d1c6e-5f0e-4d56-9d1b-3f6f2a0f7f11", NULL
	};

	get_with(g, "/open.txt", NULL, NULL);
	assert_int_equal(g->reply.status, 200);
	get_with(g, "/guarded/page.txt", NULL, NULL);
	refused(g);
	if (g->server->passes_body)
		web_expect(&g->reply, 401, "not_signed_in");
	get_with(g, "/guarded/page.txt", NULL, no_session);
	refused(g);
	get_with(g, "/guarded/env.cgi", NULL, NULL);
	refused(g);
	server_site_account(g);
	server_site_get(g, "/guarded/page.txt");
	shown(g);
}

/* Find the line "NAME=value" in the output of env.cgi. */
static void
expect_line(struct server_site *g, const char *name, const char *value)
{
	char line[256];

	snprintf(line, sizeof(line), "\n%s=%s\n", name, value);
	assert_int_equal(g->reply.status, 200);
	if (strstr(g->reply.body.data, line) == NULL)
		fail_msg("no %s=%s in\n%s", name, value, g->reply.body.data);
}

TEST(application_receives_the_identity, struct server_site *g)
{
	char handle[64];

	server_site_account(g);
	server_site_get(g, "/api/v1/auth/me");
	snprintf(handle, sizeof(handle), "%s",
	    web_text(&g->reply, "session.handle"));
	server_site_get(g, "/guarded/env.cgi?x=1");
	expect_line(g, "REMOTE_USER", g->user_id);
	expect_line(g, "AUTH_ID", g->user_id);
	expect_line(g, "AUTH_USER", "Test");
	expect_line(g, "AUTH_EMAIL", g->email);
	expect_line(g, "AUTH_ROLE", "user");
	expect_line(g, "AUTH_SESSION", handle);
	expect_line(g, "QUERY_STRING", "x=1");
}

static void
expect_header(struct server_site *g, const char *name, const char *value)
{
	char line[256];

	snprintf(line, sizeof(line), "\n%s: %s\r\n", name, value);
	if (strcasestr(g->reply.body.data, line) == NULL)
		fail_msg("no %s: %s in\n%s", name, value, g->reply.body.data);
}

TEST(proxied_application_receives_the_identity, struct server_site *g)
{
	if (!g->server->proxies)
		skip();
	get_with(g, "/guarded/app/", NULL, NULL);
	assert_int_equal(g->reply.status, 401);
	server_site_account(g);
	server_site_get(g, "/guarded/app/");
	assert_int_equal(g->reply.status, 200);
	expect_header(g, "Remote-User", g->user_id);
	expect_header(g, "X-Auth-Id", g->user_id);
	expect_header(g, "X-Auth-User", "Test");
	expect_header(g, "X-Auth-Email", g->email);
	expect_header(g, "X-Auth-Role", "user");
}

TEST(example_page_escapes_names, struct server_site *g)
{
	server_site_account(g);
	web_post(g->web, "/api/v1/auth/update-profile",
	    "{\"name\":\"<b onclick='x'>&\\\" Zo\\u00eb\"}", &g->reply);
	web_expect(&g->reply, 200, NULL);
	server_site_get(g, "/guarded/whoami.cgi");
	assert_int_equal(g->reply.status, 200);
	assert_null(strstr(g->reply.body.data, "<b"));
	assert_non_null(strstr(g->reply.body.data,
	    "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot; Zo\xc3\xab"));
	assert_non_null(strstr(g->reply.body.data, g->email));
}

/* No spelling of a header sent by a client sets an identity variable. */
static const char *const spoofed[] = { "Remote-User: mallory",
	"Remote_User: mallory", "REMOTE_USER: mallory", "X-Auth-User: mallory",
	"X_Auth_User: mallory", "X-Auth_User: mallory", "X_Auth-User: mallory",
	"X-Auth-Id: mallory", "x-auth-id: mallory", "X_AUTH_ID: mallory",
	"X-Auth-Email: mallory", "X_Auth_Email: mallory",
	"X-Auth-Role: mallory", "X_Auth_Role: mallory", "X-Auth_Role: mallory",
	"X-Auth-Session: mallory", "Auth-User: mallory", "AUTH_ID: mallory",
	"Variable-REMOTE_USER: mallory", "Variable-AUTH_ROLE: mallory", NULL };

static void
assert_not_spoofed(struct server_site *g)
{
	static const char *const paths[] = { "/env.cgi", "/guarded/env.cgi",
		"/guarded/app/" };
	/* Only Latchkey's names matter: programs read no others. */
	static const char *const ours[] = { "\nREMOTE_USER=m", "\nAUTH_ID=m",
		"\nAUTH_USER=m", "\nAUTH_EMAIL=m", "\nAUTH_ROLE=m",
		"\nAUTH_SESSION=m", "HTTP_REMOTE_USER=m", "HTTP_X_AUTH_",
		"\nRemote-User: m", "\nRemote_User: m", "\nX-Auth",
		"\nX_Auth" };
	const struct web_call call = { .headers = spoofed };

	for (size_t i = 0; i < NELEMS(paths); i++) {
		struct web_call c = call;

		if (strstr(paths[i], "/app/") != NULL && !g->server->proxies)
			continue;
		c.path = paths[i];
		web_call(g->web, &c, &g->reply);
		assert_int_equal(g->reply.status, 200);
		for (size_t j = 0; j < NELEMS(ours); j++) {
			const char *at = g->reply.body.data;

			while ((at = strcasestr(at, ours[j])) != NULL) {
				size_t len = strcspn(at + 1, "\n");

				if (memmem(at, len, "mallory", 7) != NULL)
					fail_msg("%s: %.*s", paths[i],
					    (int)len + 1, at);
				at++;
			}
		}
	}
}

TEST(a_client_cannot_send_an_identity, struct server_site *g)
{
	server_site_account(g);
	assert_not_spoofed(g);
	/* Latchkey ignores them too. */
	get_with(g, "/guarded/page.txt", NULL, spoofed);
	refused(g);
}

/* An account of another issuer may lack both; a client cannot fill them in. */
TEST(a_client_cannot_fill_in_a_missing_identity, struct server_site *g)
{
	server_site_account(g);
	server_site_anonymize(g);
	assert_not_spoofed(g);
	server_site_get(g, "/guarded/env.cgi");
	expect_line(g, "AUTH_ID", g->user_id);
	assert_null(strstr(g->reply.body.data, g->email));
	assert_null(strstr(g->reply.body.data, "none:"));
}

static void
no_variables(struct server_site *g)
{
	static const char *const ours[] = { "\nVariable-", "\nRemote-User",
		"\nX-Auth-" };

	for (size_t i = 0; i < NELEMS(ours); i++)
		if (strcasestr(g->reply.headers.data, ours[i]) != NULL)
			fail_msg("%s", g->reply.headers.data);
}

TEST(browser_sees_no_variables, struct server_site *g)
{
	static const char *const paths[] = { "/guarded/page.txt",
		"/guarded/env.cgi", "/guarded/missing.txt", "/admin/page.txt" };

	server_site_account(g);
	for (size_t i = 0; i < NELEMS(paths); i++) {
		server_site_get(g, paths[i]);
		no_variables(g);
	}
	get_with(g, "/guarded/page.txt", NULL, NULL);
	no_variables(g);
}

TEST(role_is_required, struct server_site *g)
{
	get_with(g, "/admin/page.txt", NULL, NULL);
	refused(g);
	server_site_account(g);
	server_site_get(g, "/guarded/page.txt");
	shown(g);
	server_site_get(g, "/admin/page.txt");
	assert_int_equal(g->reply.status, g->server->forbidden);
	assert_false(server_site_shown(g));
	if (g->server->passes_body)
		web_expect(&g->reply, 403, "forbidden");
	server_site_promote(g);
	server_site_get(g, "/admin/page.txt");
	shown(g);
}

/* Send ${n} requests at once with the session of the last account. */
static void
ask_at_once(struct server_site *g, size_t n, long status)
{
	const struct web_call call = { .path = "/guarded/page.txt" };
	struct async_request *errands[TIMES];

	assert_true(n <= TIMES);
	for (size_t i = 0; i < n; i++)
		errands[i] = async_request_start(g->base, &call, g->session);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(async_request_end(errands[i], NULL), status);
}

TEST(logout_counts_in_every_process, struct server_site *g)
{
	server_site_account(g);
	ask_at_once(g, TIMES, 200);
	web_post(g->web, "/api/v1/auth/logout", "{}", &g->reply);
	web_expect(&g->reply, 200, NULL);
	ask_at_once(g, TIMES, 401);
	get_with(g, "/guarded/page.txt", g->token, NULL);
	refused(g);
}

TEST(logout_everywhere_counts_too, struct server_site *g)
{
	server_site_account(g);
	web_login(g->web, g->email, &g->reply);
	ask_at_once(g, TIMES, 200);
	web_post(g->web, "/api/v1/auth/logout-all-devices", "{}", &g->reply);
	web_expect(&g->reply, 200, NULL);
	ask_at_once(g, TIMES, 401);
}
