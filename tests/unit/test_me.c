/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include "base/json_value.h"
#include "support/store_memory.h"

#define ADA "ada@example.org"
#define BOB "bob@example.org"

TEST_FIXTURE(struct api, api_open, api_close);

#define VALIDATE .method = "POST", .uri = "/auth/validate-session"

static void
assert_valid(
    const struct api_answer *a, const struct api_login *who, bool by_cookie)
{
	assert_int_equal(a->status, 200);
	/* HttpOnly hides the cookie's id from scripts. */
	if (by_cookie)
		assert_null(strstr(a->text.data, who->session_id));
	else
		assert_string_equal(api_text(a, "session_id"), who->session_id);
	assert_string_equal(api_text(a, "token_type"), "bearer");
	assert_string_equal(api_text_in(a, "user", "id"), who->id);
	assert_string_not_equal(api_text(a, "access_token"), who->token);
	assert_int_equal(json_value_size(a->json), by_cookie ? 4 : 5);
	assert_null(strstr(a->text.data, "Set-Cookie"));
}

TEST(a_live_session_gets_a_fresh_token, struct api *api)
{
	struct buf body = { 0 };
	struct api_login who;
	struct api_answer a;

	api_register(api, ADA, &who);
	buf_printf(&body, "{\"session_id\":\"%s\"}", who.session_id);
	api->now += API_TOKEN_LIFE;
	api_run(api, &(struct api_call){ VALIDATE, .body = body.data }, &a);
	assert_valid(&a, &who, false);
	assert_int_equal(api_int(&a, "expires_in"), API_TOKEN_LIFE);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = api_text(&a, "access_token"));
	api_free(&a);

	api_run(api,
	    &(struct api_call){ VALIDATE, .cookie = who.session_id,
		.site = "same-origin", .body = "{}" },
	    &a);
	assert_valid(&a, &who, true);
	api_free(&a);

	/* Near the end of the session the token expires with it. */
	api->now = API_EPOCH + API_SESSION_LIFE - 10;
	api_run(api, &(struct api_call){ VALIDATE, .body = body.data }, &a);
	assert_int_equal(api_int(&a, "expires_in"), 10);
	api_free(&a);
	api->now += 10;
	api_expect(api, 401, "invalid_session", VALIDATE, .body = body.data);
	buf_clear(&body);
}

/* The clock was ten years ahead once, and the latest time stands still. */
TEST(a_token_ends_though_the_clock_is_behind, struct api *api)
{
	struct buf body = { 0 };
	struct api_login who;
	struct api_answer a;

	api->clock_behind = 315576000;
	api_register(api, ADA, &who);
	buf_printf(&body, "{\"session_id\":\"%s\"}", who.session_id);
	api->clock_behind -= API_TOKEN_LIFE - 10;
	for (int i = 0; i < 2; i++) {
		api_run(api, &(struct api_call){ VALIDATE, .token = who.token },
		    &a);
		assert_int_equal(a.status, 200);
		assert_int_equal(api_int(&a, "expires_in"), 10);
		api_free(&a);
	}
	api->clock_behind -= 10;
	api_expect(api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = who.token);
	/* The session goes on, with another token. */
	api_run(api, &(struct api_call){ VALIDATE, .body = body.data }, &a);
	assert_valid(&a, &who, false);
	assert_int_equal(api_int(&a, "expires_in"), API_TOKEN_LIFE);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = api_text(&a, "access_token"));
	api_free(&a);
	buf_clear(&body);
}

TEST(the_body_comes_before_the_cookie, struct api *api)
{
	struct buf body = { 0 };
	struct api_login ada, bob;
	struct api_answer a;

	api_register(api, ADA, &ada);
	api_register(api, BOB, &bob);
	buf_printf(&body, "{\"session_id\":\"%s\"}", bob.session_id);
	api_run(api,
	    &(struct api_call){
		VALIDATE, .cookie = ada.session_id, .body = body.data },
	    &a);
	assert_valid(&a, &bob, false);
	api_free(&a);
	buf_clear(&body);
}

TEST(sessions_that_are_not_live_are_refused, struct api *api)
{
	static const struct {
		struct api_call call;
		int status;
		const char *code;
	} cases[] = {
		{ { VALIDATE }, 401, "not_signed_in" },
		{ { VALIDATE, .body = "{\"session_id\":null}" }, 401,
		    "not_signed_in" },
		{ { VALIDATE, .body = "{\"session_id\":\"\"}" }, 401,
		    "invalid_session" },
		{ { VALIDATE, .body = "{\"session_id\":\"x\"}" }, 401,
		    "invalid_session" },
		{ { VALIDATE,
		      .body = "{\"session_id\":"
			      "\"0e3fd6b1-6d0c-4f7e-9a55-0a3d4b1c2d3e\"}" },
		    401, "invalid_session" },
		{ { VALIDATE, .body = "{\"session_id\":7}" }, 400,
		    "invalid_field" },
		{ { .method = "GET", .uri = "/auth/validate-session" }, 405,
		    "method_not_allowed" },
	};
	struct api_login who;

	api_register(api, ADA, &who);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct api_answer a;

		api_run(api, &cases[i].call, &a);
		assert_int_equal(a.status, cases[i].status);
		assert_string_equal(api_text(&a, "code"), cases[i].code);
		api_free(&a);
	}
	api_expect(api, 403, "cross_site", VALIDATE, .body = "{}",
	    .cookie = who.session_id, .site = "cross-site");
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", VALIDATE, .body = "{}",
	    .cookie = who.session_id, .site = "same-origin");
}

TEST(me_shows_user_and_session, struct api *api)
{
	struct api_login who;
	struct api_answer a;

	api_register(api, ADA, &who);
	api_run(api,
	    &(struct api_call){
		.method = "GET", .uri = "/auth/me", .token = who.token },
	    &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(json_value_size(a.json), 2);
	assert_string_equal(api_text_in(&a, "user", "id"), who.id);
	assert_string_equal(api_text_in(&a, "user", "email"), ADA);
	assert_string_equal(
	    api_text_in(&a, "user", "created_at"), "2027-01-15T08:00:00Z");
	assert_int_equal(
	    json_value_size(json_value_member(a.json, "session")), 3);
	assert_string_equal(api_text_in(&a, "session", "handle"), who.handle);
	assert_string_equal(
	    api_text_in(&a, "session", "created_at"), "2027-01-15T08:00:00Z");
	assert_string_equal(
	    api_text_in(&a, "session", "expires_at"), "2027-01-22T08:00:00Z");
	/* The answer to a token does not reveal the session id. */
	assert_null(strstr(a.body, who.session_id));
	api_free(&a);
}
