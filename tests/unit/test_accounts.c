/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include <stdio.h>

#include "base/json_value.h"
#include "support/store_memory.h"

#define ADA "ada@example.org"
#define NEW_PASSWORD "violet-harbour-91"

TEST_FIXTURE(struct api, api_open, api_close);

/* The Set-Cookie line of an answer to a loopback request. */
static bool
sets_cookie(const struct api_answer *a, const char *value, int64_t max_age)
{
	char line[160];

	snprintf(line, sizeof(line),
	    "Set-Cookie: latchkey=%s; Path=/; HttpOnly; SameSite=Lax; "
	    "Max-Age=%lld",
	    value, (long long)max_age);
	return api_has(a, line);
}

static void
assert_login_answer(const struct api_answer *a, const char *email)
{
	assert_string_equal(api_text(a, "token_type"), "bearer");
	assert_int_equal(api_int(a, "expires_in"), API_TOKEN_LIFE);
	assert_string_equal(api_text_in(a, "user", "email"), email);
	assert_string_equal(api_text_in(a, "user", "name"), "Ada");
	assert_string_equal(api_text_in(a, "user", "role"), "user");
	assert_int_equal(json_value_size(a->json), 5);
	assert_true(
	    sets_cookie(a, api_text(a, "session_id"), API_SESSION_LIFE));
}

TEST(registering_signs_in, struct api *api)
{
	static const char *const uris[] = { "/auth/register",
		"/api/v1/auth/signup" };
	static const char *const emails[] = { ADA, "bob@example.org" };

	for (size_t i = 0; i < NELEMS(uris); i++) {
		struct api_answer a;
		char body[200];

		snprintf(body, sizeof(body),
		    "{\"email\":\"%s\",\"password\":\"" API_PASSWORD
		    "\",\"name\":\"Ada\",\"unknown\":[1]}",
		    emails[i]);
		api_run(api,
		    &(struct api_call){
			.method = "POST", .uri = uris[i], .body = body },
		    &a);
		assert_int_equal(a.status, 201);
		assert_login_answer(&a, emails[i]);
		api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
		    .token = api_text(&a, "access_token"));
		api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
		    .cookie = api_text(&a, "session_id"));
		api_free(&a);
	}
}

TEST(a_refused_registration_says_why, struct api *api)
{
	static const struct {
		const char *body;
		int status;
		const char *code;
	} cases[] = {
#define P "\"password\":\"" API_PASSWORD "\""
#define N "\"name\":\"Ada\""
		{ "{" P "," N "}", 400, "missing_field" },
		{ "{\"email\":\"x@example.org\"," N "}", 400, "missing_field" },
		{ "{\"email\":\"x@example.org\"," P "}", 400, "missing_field" },
		{ "{\"email\":\"x\"," P "," N "}", 400, "invalid_field" },
		{ "{\"email\":\"x@example.org\"," P ",\"name\":\" \"}", 400,
		    "invalid_field" },
		{ "{\"email\":\"x@example.org\",\"password\":\"short\"," N "}",
		    422, "weak_password" },
		{ "{\"email\":\"x@example.org\",\"password\":\"password1\"," N
		  "}",
		    422, "weak_password" },
		{ "{\"email\":\"ADA@example.org\"," P "," N "}", 409,
		    "email_taken" },
	};
	struct api_login who;

	api_register(api, ADA, &who);
	for (size_t i = 0; i < NELEMS(cases); i++)
		api_expect(api, cases[i].status, cases[i].code,
		    .method = "POST", .uri = "/auth/register",
		    .body = cases[i].body);
	/* The detail is a sentence, not the title. */
	{
		struct api_answer a;

		api_run(api,
		    &(struct api_call){ .method = "POST",
			.uri = "/auth/register",
			.body = cases[5].body },
		    &a);
		assert_string_not_equal(
		    api_text(&a, "detail"), api_text(&a, "title"));
		api_free(&a);
	}
}

TEST(an_address_too_long_is_an_invalid_field, struct api *api)
{
	char body[600], name[USER_EMAIL_SIZE + 1];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(body, sizeof(body),
	    "{\"email\":\"%s@b.cd\",\"password\":\"x\"}", name);
	api_expect(api, 400, "invalid_field", .method = "POST",
	    .uri = "/auth/login", .body = body);
}

TEST(logging_in_answers_like_registering, struct api *api)
{
	struct api_login who;
	struct api_answer a;

	api_register(api, ADA, &who);
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/login",
		.body = "{\"email\":\"Ada@Example.org\",\"password\":"
			"\"" API_PASSWORD "\",\"device\":\"Phone\"}" },
	    &a);
	assert_int_equal(a.status, 200);
	assert_login_answer(&a, ADA);
	assert_string_equal(api_text_in(&a, "user", "id"), who.id);
	assert_string_not_equal(api_text(&a, "session_id"), who.session_id);
	api_free(&a);
}

TEST(unknown_and_wrong_look_the_same, struct api *api)
{
	static const char *const bodies[] = {
		"{\"email\":\"" ADA "\",\"password\":\"wrong\"}",
		"{\"email\":\"nobody@example.org\",\"password\":\"wrong\"}",
		"{\"email\":\"no address\",\"password\":\"wrong\"}",
		"{\"email\":\"" ADA "\",\"password\":\"\"}",
		"{\"email\":\"\",\"password\":\"" API_PASSWORD "\"}",
	};
	struct api_login who;

	api_register(api, ADA, &who);
	for (size_t i = 0; i < NELEMS(bodies); i++) {
		struct api_answer a;

		api_run(api,
		    &(struct api_call){ .method = "POST",
			.uri = "/auth/login",
			.body = bodies[i] },
		    &a);
		assert_int_equal(a.status, 401);
		assert_string_equal(
		    api_text(&a, "code"), "invalid_credentials");
		assert_string_equal(
		    api_text(&a, "detail"), api_text(&a, "title"));
		assert_true(
		    api_has(&a, "WWW-Authenticate: Bearer realm=\"latchkey\""));
		api_free(&a);
	}
}

TEST(another_site_cannot_sign_in, struct api *api)
{
	struct api_login who;
	static const char body[] =
	    "{\"email\":\"" ADA "\",\"password\":\"" API_PASSWORD
	    "\",\"name\":\"Ada\"}";

	api_register(api, ADA, &who);
	api_expect(api, 403, "cross_site", .method = "POST",
	    .uri = "/auth/login", .body = body, .site = "cross-site");
	api_expect(api, 403, "cross_site", .method = "POST",
	    .uri = "/auth/register", .body = body, .site = "cross-site");
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/login",
	    .body = body, .site = "same-origin");
}

TEST(the_cookie_depends_on_the_scheme, struct api *api)
{
	static const char body[] =
	    "{\"email\":\"" ADA "\",\"password\":\"" API_PASSWORD "\"}";
	struct api_login who;
	struct api_answer a;
	char line[200];

	api_register(api, ADA, &who);
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/login",
		.body = body,
		.https = true },
	    &a);
	snprintf(line, sizeof(line),
	    "Set-Cookie: __Host-latchkey=%s; Path=/; Secure; HttpOnly; "
	    "SameSite=Lax; Max-Age=604800",
	    api_text(&a, "session_id"));
	assert_true(api_has(&a, line));
	api_free(&a);

	/* Plain http over a network sets no cookie. */
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/login",
		.body = body,
		.param = "REMOTE_ADDR=192.0.2.1" },
	    &a);
	assert_int_equal(a.status, 200);
	assert_null(strstr(a.text.data, "Set-Cookie"));
	api_free(&a);

	/* It does if TLS ends in front of the web server. */
	api->app.always_https = true;
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/login",
		.body = body,
		.param = "REMOTE_ADDR=192.0.2.1" },
	    &a);
	assert_non_null(strstr(a.text.data, "Set-Cookie: __Host-latchkey="));
	api_free(&a);
}

#define CHANGE(current, new)                                                   \
	"{\"current_password\":\"" current "\",\"new_password\":\"" new "\"}"

TEST(a_new_password_ends_all_sessions_but_a_new_one, struct api *api)
{
	struct api_login here, there;
	struct api_answer a;

	api_register(api, ADA, &here);
	api_login(api, ADA, &there);
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/change-password",
		.token = here.token,
		.body = CHANGE(API_PASSWORD, NEW_PASSWORD) },
	    &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text(&a, "msg"), "Password changed");
	assert_string_equal(api_text(&a, "token_type"), "bearer");
	assert_int_equal(api_int(&a, "expires_in"), API_TOKEN_LIFE);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = api_text(&a, "access_token"));
	/* Without a cookie the client keeps the id itself. */
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .cookie = api_text(&a, "session_id"));
	assert_null(strstr(a.text.data, "Set-Cookie"));
	api_free(&a);

	api_expect(api, 401, "invalid_session", .method = "GET",
	    .uri = "/auth/me", .cookie = here.session_id);
	api_expect(api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = here.token);
	api_expect(api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = there.token);
	api_expect(api, 401, "invalid_session", .method = "GET",
	    .uri = "/auth/me", .cookie = there.session_id);
	api_expect(api, 401, "invalid_credentials", .method = "POST",
	    .uri = "/auth/login",
	    .body =
		"{\"email\":\"" ADA "\",\"password\":\"" API_PASSWORD "\"}");
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/login",
	    .body =
		"{\"email\":\"" ADA "\",\"password\":\"" NEW_PASSWORD "\"}");
}

/* A stolen id is of no use after the change, and scripts see no new one. */
TEST(a_new_password_renews_the_cookie, struct api *api)
{
	static const char name[] = "Set-Cookie: latchkey=";
	char id[SESSION_ID_SIZE];
	struct api_login who;
	struct api_answer a;
	const char *cookie;

	api_register(api, ADA, &who);
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/change-password",
		.cookie = who.session_id,
		.site = "same-origin",
		.body = CHANGE(API_PASSWORD, NEW_PASSWORD) },
	    &a);
	assert_int_equal(a.status, 200);
	assert_null(json_value_member(a.json, "session_id"));
	cookie = strstr(a.text.data, name);
	assert_non_null(cookie);
	memcpy(id, cookie + strlen(name), sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	api_free(&a);
	assert_string_not_equal(id, who.session_id);
	api_expect(
	    api, 200, NULL, .method = "GET", .uri = "/auth/me", .cookie = id);
	api_expect(api, 401, "invalid_session", .method = "GET",
	    .uri = "/auth/me", .cookie = who.session_id);
}

TEST(a_bad_password_change_changes_nothing, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	api_expect(api, 403, "wrong_password", .method = "POST",
	    .uri = "/auth/change-password", .token = who.token,
	    .body = CHANGE("wrong", NEW_PASSWORD));
	api_expect(api, 422, "weak_password", .method = "POST",
	    .uri = "/auth/change-password", .token = who.token,
	    .body = CHANGE(API_PASSWORD, "short"));
	api_expect(api, 400, "missing_field", .method = "POST",
	    .uri = "/auth/change-password", .token = who.token,
	    .body = "{\"new_password\":\"" NEW_PASSWORD "\"}");
	api_expect(api, 401, "not_signed_in", .method = "POST",
	    .uri = "/auth/change-password",
	    .body = CHANGE(API_PASSWORD, NEW_PASSWORD));
	store_memory_fail_commit(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", .method = "POST",
	    .uri = "/auth/change-password", .token = who.token,
	    .body = CHANGE(API_PASSWORD, NEW_PASSWORD));
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = who.token);
	api_login(api, ADA, &who);
}

/* Deactivation and deletion both end all sessions. */
static void
end_account(struct api *api, const char *method, const char *uri, int status)
{
	struct api_login here, there;
	struct api_answer a;

	api_register(api, ADA, &here);
	api_login(api, ADA, &there);
	api_expect(api, 403, "wrong_password", .method = method, .uri = uri,
	    .token = here.token, .body = "{\"password\":\"wrong\"}");
	api_expect(api, 400, "missing_field", .method = method, .uri = uri,
	    .token = here.token);
	api_expect(api, 415, "unsupported_media_type", .method = method,
	    .uri = uri, .token = here.token,
	    .body = "{\"password\":\"" API_PASSWORD "\"}",
	    .type = "text/plain");
	api_expect(api, 403, "cross_site", .method = method, .uri = uri,
	    .cookie = here.session_id,
	    .body = "{\"password\":\"" API_PASSWORD "\"}");

	api_run(api,
	    &(struct api_call){ .method = method,
		.uri = uri,
		.cookie = here.session_id,
		.site = "same-origin",
		.body = "{\"password\":\"" API_PASSWORD "\"}" },
	    &a);
	assert_int_equal(a.status, status);
	assert_true(sets_cookie(&a, "", 0));
	api_free(&a);

	api_expect(api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = here.token);
	api_expect(api, 401, "invalid_session", .method = "GET",
	    .uri = "/auth/me", .cookie = there.session_id);
	api_expect(api, 401, "invalid_credentials", .method = "POST",
	    .uri = "/auth/login",
	    .body =
		"{\"email\":\"" ADA "\",\"password\":\"" API_PASSWORD "\"}");
}

TEST(a_deactivated_account_is_closed)
{
	end_account(*state, "POST", "/auth/deactivate", 200);
	/* Its address is still taken. */
	api_expect(*state, 409, "email_taken", .method = "POST",
	    .uri = "/auth/register",
	    .body = "{\"email\":\"" ADA "\",\"password\":\"" API_PASSWORD
		    "\",\"name\":\"Ada\"}");
}

TEST(a_deleted_account_is_gone)
{
	struct api_login again;

	end_account(*state, "DELETE", "/auth/account", 204);
	api_register(*state, ADA, &again);
	assert_string_equal(again.id, "2"); /* ids are never reused */
}

TEST(a_session_that_ended_meanwhile_changes_no_account, struct api *api)
{
	static const struct {
		const char *method, *uri, *body;
	} cases[] = {
		{ "POST", "/auth/change-password",
		    CHANGE(API_PASSWORD, NEW_PASSWORD) },
		{ "POST", "/auth/change-password",
		    CHANGE("wrong", NEW_PASSWORD) },
		{ "POST", "/auth/change-password",
		    CHANGE(API_PASSWORD, "short") },
		{ "POST", "/auth/deactivate",
		    "{\"password\":\"" API_PASSWORD "\"}" },
		{ "POST", "/auth/deactivate", "{\"password\":\"wrong\"}" },
		{ "DELETE", "/auth/account",
		    "{\"password\":\"" API_PASSWORD "\"}" },
	};
	struct api_login first, who;

	api_register(api, ADA, &first);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		api_login(api, ADA, &who);
		api_overtake(api);
		api_expect(api, 401, "invalid_token", .method = cases[i].method,
		    .uri = cases[i].uri, .token = who.token,
		    .body = cases[i].body);
		api_login(api, ADA, &who);
		api_overtake(api);
		api_expect(api, 401, "invalid_session",
		    .method = cases[i].method, .uri = cases[i].uri,
		    .cookie = who.session_id, .site = "same-origin",
		    .body = cases[i].body);
	}
	/* No other session ended. */
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .cookie = first.session_id);
}
