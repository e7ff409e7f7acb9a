/* SPDX-License-Identifier: ISC */
/*
 * Forces each refusal that docs/openapi.yaml lists for an operation; the other
 * programs test behaviour and cause only a few of them.
 */
#include "base/err.h"
#include "support/database.h"
#include "support/operation.h"
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "support/site.h"

#define API "/api/v1"

/* ---- who asks, and from where ---- */

TEST(refusals_without_a_session, struct site *s)
{
	static const char dead[] = "00000000-0000-4000-8000-000000000000";

	operation_each(s, OP_SIGNED, &(struct operation_manner){ 0 }, 401,
	    "not_signed_in");
	operation_each(s, OP_SIGNED,
	    &(struct operation_manner){ .bearer = "nonsense" }, 401,
	    "invalid_token");
	operation_each(s, OP_SIGNED,
	    &(struct operation_manner){ .session = dead }, 401,
	    "invalid_session");
}

TEST(refusals_without_the_role, struct site *s)
{
	site_account(s);
	operation_each(s, OP_ADMIN,
	    &(struct operation_manner){ .bearer = s->token }, 403, "forbidden");
}

TEST(refusals_of_other_sites, struct site *s)
{
	operation_admin(s);
	operation_each(s, OP_SITE,
	    &(struct operation_manner){
		.session = s->session, .cross_site = true },
	    403, "cross_site");
}

/* ---- bodies ---- */

TEST(refusals_of_malformed_bodies, struct site *s)
{
	struct operation_manner m;

	operation_admin(s);
	m = (struct operation_manner){ .session = s->session,
		.type = "text/plain" };
	operation_each(s, OP_TYPE, &m, 415, "unsupported_media_type");
	m = (struct operation_manner){ .session = s->session, .body = "{" };
	operation_each(s, OP_BODY, &m, 400, "malformed_json");
	m.body = "[]";
	operation_each(s, OP_BODY, &m, 400, "not_an_object");
	m.body = "{}";
	operation_each(s, OP_NEEDS, &m, 400, "missing_field");
}

TEST(refusals_of_wrong_types, struct site *s)
{
	operation_admin(s);
	for (size_t i = 0; i < operations_count; i++) {
		const struct operation *op = &operations[i];

		if ((op->flags & OP_BODY) == 0)
			continue;
		operation_ask(s, op,
		    &(struct operation_manner){
			.session = s->session, .body = op->wrong });
		web_expect(&s->reply, 400, "invalid_field");
		assert_non_null(web_text(&s->reply, "field"));
	}
}

/* ---- what only some answer ---- */

TEST(refusals_of_addresses_and_passwords, struct site *s)
{
	static const char *const changes[] = { "PUT", "PATCH", "POST" };
	char taken[64], body[256];
	struct operation_manner m = { .body = body };

	site_account(s);
	snprintf(taken, sizeof(taken), "%s", s->email);
	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD
	    "\",\"name\":\"A\"}",
	    taken);
	operation_expect(s, "POST", "/auth/signup", &m, 409);
	m.body = "{\"email\":\"a@example.org\",\"password\":\"password\","
		 "\"name\":\"A\"}";
	operation_expect(s, "POST", "/auth/signup", &m, 422);
	site_account(s);
	m = (struct operation_manner){ .bearer = s->token, .body = body };
	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"current_password\":\"" WEB_PASSWORD "\"}",
	    taken);
	for (size_t i = 0; i < NELEMS(changes); i++)
		operation_expect(
		    s, changes[i], "/auth/update-profile", &m, 409);
	m.body = OPERATION_GUESS;
	for (size_t i = 0; i < NELEMS(changes); i++)
		operation_expect(
		    s, changes[i], "/auth/update-profile", &m, 403);
}

TEST(a_page_of_another_session_is_refused, struct site *s)
{
	static const char *const headers[] = {
		"Latchkey-Session: 0123456789abcdef0123456789abcdef", NULL
	};
	const struct web_call call = { .path = "/api/v1/auth/validate-session",
		.body = "{}",
		.headers = headers };

	site_account(s);
	web_call(s->web, &call, &s->reply);
	web_expect(&s->reply, 409, "other_session");
}

TEST(the_last_administrator_stays, struct site *s)
{
	struct operation_manner m = { .body = "{\"password\":\"" WEB_PASSWORD
					      "\"}" };
	char path[256], sql[128];

	operation_admin(s);
	snprintf(path, sizeof(path), "%s/latchkey.db", stack_dir(s->stack));
	snprintf(sql, sizeof(sql),
	    "UPDATE users SET role = 'user' WHERE id <> %s", s->user_id);
	database_run(path, sql);
	m.bearer = s->token;
	operation_expect(s, "POST", "/auth/deactivate", &m, 409);
	operation_expect(s, "DELETE", "/auth/account", &m, 409);
	web_expect(&s->reply, 409, "last_admin");
}

/* Logout may be repeated, so its refusals differ from other routes'. */
TEST(signing_out, struct site *s)
{
	struct operation_manner m = { .body = "{\"session_id\":\"none\"}" };
	char path[64];

	operation_expect(s, "POST", "/auth/logout", &m, 401);
	operation_expect(
	    s, "POST", "/auth/logout", &(struct operation_manner){ 0 }, 401);
	m.bearer = "nonsense";
	operation_expect(s, "POST", "/auth/logout", &m, 401);
	site_account(s);
	m = (struct operation_manner){ .session = s->session };
	operation_expect(s, "GET", "/auth/me", &m, 200);
	snprintf(path, sizeof(path), "/auth/sessions/%s",
	    web_text(&s->reply, "session.handle"));
	operation_expect(s, "DELETE", path, &m, 204);
	assert_non_null(web_header(&s->reply, "Set-Cookie"));
}

TEST(refusals_of_administrators_changes, struct site *s)
{
	static const char *const changes[] = { "PUT", "PATCH", "POST" };
	struct operation_manner m = { .body = "{\"role\":\"user\"}" };
	char path[64];

	site_account(s);
	snprintf(path, sizeof(path), "/admin/users/%s", s->user_id);
	operation_admin(s);
	m.bearer = s->token;
	for (size_t i = 0; i < NELEMS(changes); i++) {
		operation_expect(s, changes[i], path, &m, 200);
		operation_expect(
		    s, changes[i], "/admin/users/" OPERATION_NO_USER, &m, 404);
	}
}

/* As configured in lighttpd_conf. */
TEST(authorizations, struct site *s)
{
	static const char *const navigate[] = { "Sec-Fetch-Mode: navigate",
		"X-Forwarded-Method: GET", "X-Forwarded-Uri: /reports", NULL };
	struct web_call page = { .headers = navigate, .no_cookies = true };
	struct operation_manner m;

	site_account(s);
	m = (struct operation_manner){ .session = s->session };
	operation_expect(s, "GET", "/auth/check", &m, 200);
	operation_expect(s, "GET", "/auth/check?admin", &m, 403);
	operation_expect(s, "GET", "/auth/check?odd", &m, 500);
	m.cross_site = true;
	operation_expect(s, "POST", "/auth/check", &m, 403);

	page.path = API "/auth/check?forward_auth";
	web_call(s->web, &page, &s->reply);
	web_expect(&s->reply, 302, NULL);
	assert_non_null(web_header(&s->reply, "Location"));
	page.path = API "/auth/check?auth_request";
	web_call(s->web, &page, &s->reply);
	web_expect(&s->reply, 401, "not_signed_in");
	assert_non_null(web_header(&s->reply, "X-Login-Page"));
}

/* ---- tokens ---- */

TEST(token_routes, struct site *s)
{
	static const char *const paths[] = { "/auth/introspect",
		"/auth/revoke" };
	struct operation_manner m = { .type = "text/plain" };
	char body[1400];

	site_account(s);
	snprintf(body, sizeof(body), OPERATION_CLIENT "&token=%s", s->token);
	for (size_t i = 0; i < NELEMS(paths); i++) {
		m = (struct operation_manner){ .body = body };
		operation_expect(s, "POST", paths[i], &m, 415);
		m.type = OPERATION_FORM;
		operation_expect(s, "POST", paths[i], &m, 200);
		m.body = OPERATION_CLIENT;
		operation_expect(s, "POST", paths[i], &m, 400);
		m.body = "token=x";
		operation_expect(s, "POST", paths[i], &m, 401);
	}
	m.body = OPERATION_CLIENT "&token=x";
	operation_expect(s, "POST", "/auth/introspect", &m, 200);
	m.body = "token=x";
	m.bearer = "nonsense";
	operation_expect(s, "POST", "/auth/introspect", &m, 401);
	site_account(s);
	m.bearer = s->token;
	operation_expect(s, "POST", "/auth/introspect", &m, 403);
}

TEST(documents, struct site *s)
{
	operation_expect(
	    s, "GET", "/openapi.json", &(struct operation_manner){ 0 }, 200);
	assert_string_equal(web_text(&s->reply, "openapi"), "3.1.0");
	operation_expect(s, "GET", "/.well-known/jwks.json",
	    &(struct operation_manner){ 0 }, 200);
}

/* ---- run ---- */

static const char lighttpd_conf[] =
    "$HTTP[\"querystring\"] == \"admin\" { setenv.add-environment = ("
    " \"LATCHKEY_REQUIRE_ROLE\" => \"admin\" ) }\n"
    "$HTTP[\"querystring\"] == \"odd\" { setenv.add-environment = ("
    " \"LATCHKEY_AUTHORIZE_PROTOCOL\" => \"odd\" ) }\n"
    "$HTTP[\"querystring\"] == \"forward_auth\" { setenv.add-environment = ("
    " \"LATCHKEY_AUTHORIZE_PROTOCOL\" => \"forward_auth\" ) }\n"
    "$HTTP[\"querystring\"] == \"auth_request\" { setenv.add-environment = ("
    " \"LATCHKEY_AUTHORIZE_PROTOCOL\" => \"auth_request\" ) }\n";

TEST_RUN()
{
	char clients[OPERATION_CLIENTS_SIZE], option[80];
	const char *const env[] = { option, NULL };
	const struct stack_options options = { .lighttpd = lighttpd_conf,
		.env = env };
	int failed;

	operation_clients(clients);
	snprintf(option, sizeof(option), "LATCHKEY_CLIENTS_FILE=%s", clients);
	failed = site_run("refusals", TEST_ALL, &options);
	unlink(clients);
	return failed;
}
