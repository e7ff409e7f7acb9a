/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include <stdio.h>

#define ADA "ada@example.org"
#define BOB "bob@example.org"

TEST_FIXTURE(struct api, api_open, api_close);

#define ME .method = "GET", .uri = "/auth/me"
#define RENAME .method = "POST", .uri = "/auth/update-profile"
#define NAME "{\"name\":\"Ada L\"}"

TEST(a_token_takes_precedence_over_a_cookie, struct api *api)
{
	struct api_login ada, bob;
	struct api_answer a;

	api_register(api, ADA, &ada);
	api_register(api, BOB, &bob);
	api_run(api,
	    &(struct api_call){
		ME, .token = ada.token, .cookie = bob.session_id },
	    &a);
	assert_string_equal(api_text_in(&a, "user", "email"), ADA);
	api_free(&a);
	api_expect(api, 401, "invalid_token", ME, .token = "a.b.c",
	    .cookie = bob.session_id);
	api_expect(api, 401, "invalid_token", ME, .token = "",
	    .cookie = bob.session_id);
	/* Other schemes are ignored. */
	api_expect(api, 200, NULL, ME, .cookie = bob.session_id,
	    .param = "HTTP_AUTHORIZATION=Basic dTpw");
}

TEST(missing_and_invalid_credentials_differ, struct api *api)
{
	static const struct {
		struct api_call call;
		const char *code, *challenge;
	} cases[] = {
		{ { ME }, "not_signed_in",
		    "WWW-Authenticate: Bearer realm=\"latchkey\"" },
		{ { ME, .cookie = "x" }, "not_signed_in",
		    "WWW-Authenticate: Bearer realm=\"latchkey\"" },
		{ { ME, .cookie = "0e3fd6b1-6d0c-4f7e-9a55-0a3d4b1c2d3e" },
		    "invalid_session",
		    "WWW-Authenticate: Bearer realm=\"latchkey\", "
		    "error=\"invalid_token\"" },
		{ { ME, .token = "a.b.c" }, "invalid_token",
		    "WWW-Authenticate: Bearer realm=\"latchkey\", "
		    "error=\"invalid_token\"" },
		{ { ME, .param = "HTTP_AUTHORIZATION=Bearer" }, "invalid_token",
		    "WWW-Authenticate: Bearer realm=\"latchkey\", "
		    "error=\"invalid_token\"" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct api_answer a;

		api_run(api, &cases[i].call, &a);
		assert_int_equal(a.status, 401);
		assert_string_equal(api_text(&a, "code"), cases[i].code);
		assert_true(api_has(&a, cases[i].challenge));
		api_free(&a);
	}
}

TEST(not_every_route_takes_a_session_id, struct api *api)
{
	struct api_login who;
	struct buf body = { 0 };

	api_register(api, ADA, &who);
	buf_printf(
	    &body, "{\"name\":\"x\",\"session_id\":\"%s\"}", who.session_id);
	api_expect(api, 401, "not_signed_in", RENAME, .body = body.data);
	buf_clear(&body);
}

TEST(cookies_need_the_same_origin_for_changes, struct api *api)
{
	static const struct {
		const char *site, *origin; /* as a parameter */
		int status;
	} cases[] = {
		{ "same-origin", NULL, 200 },
		{ "none", NULL, 200 },
		{ "same-site", NULL, 403 },
		{ "cross-site", NULL, 403 },
		{ "cross-site", "HTTP_ORIGIN=http://example.org", 403 },
		{ NULL, "HTTP_ORIGIN=http://example.org", 200 },
		{ NULL, "HTTP_ORIGIN=http://evil.example", 403 },
		{ NULL, "HTTP_ORIGIN=null", 403 },
		{ NULL, NULL, 403 },
	};
	struct api_login who;

	api_register(api, ADA, &who);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		api_expect(api, cases[i].status,
		    cases[i].status == 403 ? "cross_site" : NULL, RENAME,
		    .cookie = who.session_id, .body = NAME,
		    .site = cases[i].site, .param = cases[i].origin);
		/*
		 * Reads need no same-origin check, and browsers add no tokens.
		 */
		api_expect(api, 200, NULL, ME, .cookie = who.session_id,
		    .site = cases[i].site, .param = cases[i].origin);
		api_expect(api, 200, NULL, RENAME, .token = who.token,
		    .cookie = who.session_id, .body = NAME,
		    .site = cases[i].site, .param = cases[i].origin);
	}
	api_expect(api, 415, "unsupported_media_type", RENAME,
	    .cookie = who.session_id, .site = "same-origin");
	api_expect(api, 415, "unsupported_media_type", RENAME,
	    .cookie = who.session_id, .site = "same-origin", .body = NAME,
	    .type = "text/plain");
}

TEST(the_cookie_of_the_other_scheme_does_not_count, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	api_expect(api, 200, NULL, ME, .cookie = who.session_id, .https = true);
	api_expect(api, 401, "not_signed_in", ME, .cookie = who.session_id,
	    .param = "HTTPS=on");
	api_expect(api, 401, "not_signed_in", ME, .cookie = who.session_id,
	    .param = "REMOTE_ADDR=192.0.2.1");
}

TEST(sessions_and_tokens_expire, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	api->now = API_EPOCH + API_TOKEN_LIFE - 1;
	api_expect(api, 200, NULL, ME, .token = who.token);
	api->now = API_EPOCH + API_TOKEN_LIFE;
	api_expect(api, 401, "invalid_token", ME, .token = who.token);
	api->now = API_EPOCH + API_SESSION_LIFE - 1;
	api_expect(api, 200, NULL, ME, .cookie = who.session_id);
	api->now = API_EPOCH + API_SESSION_LIFE;
	api_expect(api, 401, "invalid_session", ME, .cookie = who.session_id);
}

TEST(last_seen_is_recorded_when_due, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	api->now += SESSION_TOUCH_SECONDS - 1;
	api_expect(api, 200, NULL, ME, .cookie = who.session_id);
	assert_int_equal(api->touched, 0);
	api->now++;
	api_expect(api, 200, NULL, ME, .cookie = who.session_id);
	assert_int_equal(api->touched, 1);
	api_expect(api, 200, NULL, ME, .token = who.token);
	assert_int_equal(api->touched, 2);
	api_expect(api, 401, "invalid_token", ME, .token = "a.b.c");
	assert_int_equal(api->touched, 2);
	api->app.touch = NULL;
	api_expect(api, 200, NULL, ME, .token = who.token);
}

/* The page of one user stays open; another one signs in in the same browser. */
TEST(a_page_acts_for_its_own_session_only, struct api *api)
{
	static const struct {
		const char *uri, *body;
	} changes[] = {
		{ "/auth/update-profile", "{\"name\":\"x\"}" },
		{ "/auth/validate-session", "{}" },
		{ "/auth/logout-all-devices", "{}" },
		{ "/auth/logout", "{}" },
	};
	struct api_login ada, bob;
	struct api_answer a;
	char of_ada[96], of_bob[96];

	api_register(api, "ada@example.org", &ada);
	api_register(api, "bob@example.org", &bob);
	(void)snprintf(
	    of_ada, sizeof(of_ada), "HTTP_LATCHKEY_SESSION=%s", ada.handle);
	(void)snprintf(
	    of_bob, sizeof(of_bob), "HTTP_LATCHKEY_SESSION=%s", bob.handle);
	for (size_t i = 0; i < NELEMS(changes); i++)
		api_expect(api, 409, "other_session", .method = "POST",
		    .uri = changes[i].uri, .body = changes[i].body,
		    .cookie = bob.session_id, .site = "same-origin",
		    .param = of_ada);
	api_expect(api, 409, "other_session", .method = "POST",
	    .uri = "/auth/update-profile", .body = "{\"name\":\"x\"}",
	    .token = bob.token, .param = of_ada);
	/* Reading shows the page whose session it is. */
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .cookie = bob.session_id, .param = of_ada);
	for (size_t i = 0; i < 2; i++)
		api_expect(api, 200, NULL, .method = "POST",
		    .uri = changes[i].uri, .body = changes[i].body,
		    .cookie = bob.session_id, .site = "same-origin",
		    .param = of_bob);
	/* The token names what to end; the cookie of the other stays. */
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/logout",
		.token = ada.token,
		.cookie = bob.session_id,
		.site = "same-origin",
		.body = "{}",
		.param = of_ada },
	    &a);
	assert_int_equal(a.status, 200);
	assert_null(strstr(a.text.data, "Set-Cookie"));
	api_free(&a);
	api_expect(api, 401, "invalid_session", ME, .cookie = ada.session_id);
	api_expect(api, 200, NULL, ME, .cookie = bob.session_id);
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/logout",
	    .cookie = bob.session_id, .site = "same-origin", .body = "{}",
	    .param = of_bob);
}
