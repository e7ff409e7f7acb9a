/* SPDX-License-Identifier: ISC */
#include "base/str.h"
#include "support/api.h"
#include "support/keyring.h"

#include "support/test.h"

#include "base/json_value.h"
#include "store/store.h"
#include "support/redis_server.h"
#include "support/store_memory.h"

#define ADA "ada@example.org"
#define BOB "bob@example.org"
#define GONE "Set-Cookie: latchkey=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
#define UNKNOWN "{\"session_id\":\"0e3fd6b1-6d0c-4f7e-9a55-0a3d4b1c2d3e\"}"

static int
setup(void **state)
{
	static struct api api;

	api_open(&api);
	*state = &api;
	return 0;
}

static int
setup_with_redis(void **state)
{
	static struct api api;

	api_open_with_redis(&api);
	*state = &api;
	return 0;
}

static int
teardown(void **state)
{
	api_close(*state);
	return 0;
}

enum { PLAIN = 1, WITH_REDIS = 2 };
TEST_FIXTURE_IN(PLAIN, NULL, setup, teardown);
TEST_FIXTURE_IN(WITH_REDIS, "Redis", setup_with_redis, teardown);

static void
body_of(char body[80], const struct api_login *who)
{
	struct buf text = { 0 };

	buf_printf(&text, "{\"session_id\":\"%s\"}", who->session_id);
	assert_int_equal(str_copy(body, 80, text.data), ERR_OK);
	buf_clear(&text);
}

static void
assert_live(struct api *api, const struct api_login *who)
{
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .cookie = who->session_id);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = who->token);
}

static void
assert_dead(struct api *api, const struct api_login *who)
{
	api_expect(api, 401, "invalid_session", .method = "GET",
	    .uri = "/auth/me", .cookie = who->session_id);
	api_expect(api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = who->token);
}

/* Assert that ${call} succeeds, and succeeds again. */
static void
log_out(struct api *api, const struct api_call *call)
{
	for (int i = 0; i < 3; i++) {
		struct api_answer a;

		api_run(api, call, &a);
		assert_int_equal(a.status, 200);
		assert_string_equal(
		    a.body, "{\"msg\":\"Logged out successfully\"}");
		assert_true(api_has(&a, GONE));
		api_free(&a);
	}
}

#define LOGOUT .method = "POST", .uri = "/auth/logout"

TEST_IN(PLAIN, each_credential_signs_out, struct api *api)
{
	struct api_login who, other;
	char body[80];

	api_register(api, ADA, &other);

	api_login(api, ADA, &who);
	log_out(api, &(struct api_call){ LOGOUT, .token = who.token });
	assert_dead(api, &who);

	api_login(api, ADA, &who);
	log_out(api,
	    &(struct api_call){ LOGOUT, .cookie = who.session_id,
		.site = "same-origin", .body = "{}" });
	assert_dead(api, &who);

	api_login(api, ADA, &who);
	body_of(body, &who);
	log_out(api, &(struct api_call){ LOGOUT, .body = body });
	assert_dead(api, &who);

	/* Two credentials of a client that is no browser. */
	api_login(api, ADA, &who);
	body_of(body, &who);
	log_out(api,
	    &(struct api_call){
		LOGOUT, .cookie = who.session_id, .body = body });
	assert_dead(api, &who);

	assert_live(api, &other);
}

TEST_IN(PLAIN, every_named_session_ends, struct api *api)
{
	struct api_login a, b, c;
	char body[80];

	api_register(api, ADA, &a);
	api_login(api, ADA, &b);
	api_register(api, BOB, &c);
	body_of(body, &c);
	log_out(api,
	    &(struct api_call){ LOGOUT, .token = a.token,
		.cookie = b.session_id, .body = body });
	assert_dead(api, &a);
	assert_dead(api, &b);
	assert_dead(api, &c);
}

TEST_IN(PLAIN, an_ended_session_is_no_error, struct api *api)
{
	struct api_login who;

	log_out(api, &(struct api_call){ LOGOUT, .body = UNKNOWN });
	log_out(api,
	    &(struct api_call){ LOGOUT,
		.cookie = "0e3fd6b1-6d0c-4f7e-9a55-0a3d4b1c2d3e",
		.site = "none", .body = "{}" });

	/* The token verifies, but its session has ended. */
	api_register(api, ADA, &who);
	api_expect(api, 200, NULL, .method = "POST",
	    .uri = "/auth/logout-all-devices", .token = who.token);
	log_out(api, &(struct api_call){ LOGOUT, .token = who.token });
}

TEST_IN(PLAIN, an_expired_token_still_ends_its_session, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	api->now += API_TOKEN_LIFE;
	api_expect(api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = who.token);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .cookie = who.session_id);
	log_out(api, &(struct api_call){ LOGOUT, .token = who.token });
	assert_dead(api, &who);
}

TEST_IN(PLAIN, a_logout_without_credentials_is_refused, struct api *api)
{
	struct api_login who;
	struct token forged;
	struct signing_keys keys;
	struct access_tokens tokens = api->app.sessions.tokens;
	struct session s = { .user_id = 1, .expires_at = api->now + 1000 };

	api_register(api, ADA, &who);
	api_expect(api, 401, "not_signed_in", LOGOUT);
	api_expect(api, 401, "not_signed_in", LOGOUT, .body = "{}");
	api_expect(api, 401, "not_signed_in", LOGOUT,
	    .param = "HTTP_AUTHORIZATION="
		     "Basic dTpw");
	api_expect(api, 401, "invalid_token", LOGOUT, .token = "x y");
	api_expect(api, 401, "invalid_token", LOGOUT, .token = "a.b.c");
	api_expect(api, 401, "invalid_session", LOGOUT,
	    .body = "{\"session_id\":\"x\"}");
	api_expect(
	    api, 400, "invalid_field", LOGOUT, .body = "{\"session_id\":1}");

	/* Signed with another key, valid and expired. */
	keyring_open("another secret, of at least 32 bytes", &keys);
	memcpy(keys.list[0].kid, api->app.keys.list[0].kid,
	    sizeof(keys.list[0].kid));
	tokens.keys = &keys;
	memcpy(s.handle, who.handle, sizeof(s.handle));
	assert_int_equal(
	    access_token_issue(&tokens, &s, 1, api->now, &forged, NULL),
	    ERR_OK);
	api_expect(api, 401, "invalid_token", LOGOUT, .token = forged.text);
	api->now += 2 * API_TOKEN_LIFE;
	api_expect(api, 401, "invalid_token", LOGOUT, .token = forged.text);

	/* A token of this site, issued in the future. */
	tokens.keys = &api->app.keys;
	signing_keys_close(&keys);
	s.expires_at += 2 * API_TOKEN_LIFE;
	assert_int_equal(
	    access_token_issue(&tokens, &s, 1, api->now + 1, &forged, NULL),
	    ERR_OK);
	api_expect(api, 401, "invalid_token", LOGOUT, .token = forged.text);

	/* Another site's page sends no valid token, only the cookie. */
	api_expect(api, 403, "cross_site", LOGOUT, .token = "x",
	    .cookie = who.session_id, .site = "cross-site", .body = "{}");
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .cookie = who.session_id);
}

/* As after "key rotate --replace", with the old token in an open page. */
TEST_IN(PLAIN, an_invalid_credential_hides_no_valid_one, struct api *api)
{
	static const struct {
		const char *token;
		bool bad_body, by_cookie;
	} cases[] = {
		{ "x", false, true },
		{ "x y", false, true },
		{ "a.b.c", false, false },
		{ NULL, true, true },
		{ "x", true, true },
	};
	static const char *const uris[] = { "/auth/logout",
		"/auth/logout-all-devices" };
	struct api_login who;
	char body[80];

	for (size_t i = 0; i < 2 * NELEMS(cases); i++) {
		bool by_cookie = cases[i / 2].by_cookie;

		if (i == 0)
			api_register(api, ADA, &who);
		else
			api_login(api, ADA, &who);
		body_of(body, &who);
		api_expect(api, 200, NULL, .method = "POST", .uri = uris[i % 2],
		    .token = cases[i / 2].token, .site = "same-origin",
		    .cookie = by_cookie ? who.session_id : NULL,
		    .body = cases[i / 2].bad_body ? "{\"session_id\":\"x\"}"
			: by_cookie               ? "{}"
						  : body);
		assert_dead(api, &who);
	}
}

TEST_IN(PLAIN, another_site_cannot_log_out, struct api *api)
{
	struct api_login who, attacker;
	struct api_answer a;
	char body[80];

	api_register(api, ADA, &who);
	api_register(api, BOB, &attacker);
	body_of(body, &attacker);
	api_expect(api, 403, "cross_site", LOGOUT, .cookie = who.session_id,
	    .site = "cross-site", .body = "{}");
	api_expect(api, 403, "cross_site", LOGOUT, .cookie = who.session_id);
	api_expect(api, 415, "unsupported_media_type", LOGOUT,
	    .cookie = who.session_id, .site = "same-origin");
	/* The attacker's own session_id ends only that session. */
	api_run(api,
	    &(struct api_call){ LOGOUT, .cookie = who.session_id,
		.site = "cross-site", .body = body },
	    &a);
	assert_int_equal(a.status, 200);
	assert_null(strstr(a.text.data, "Set-Cookie"));
	api_free(&a);
	assert_live(api, &who);
	assert_dead(api, &attacker);
}

TEST_IN(PLAIN, a_logout_that_was_not_written_is_503, struct api *api)
{
	struct api_login who;
	char body[80];

	api_register(api, ADA, &who);
	body_of(body, &who);
	store_memory_fail_commit(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", LOGOUT, .token = who.token);
	store_memory_fail_commit(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", LOGOUT, .body = body);
	/* The session cannot be looked up. */
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", LOGOUT, .body = body);
	assert_live(api, &who);
	log_out(api, &(struct api_call){ LOGOUT, .token = who.token });
	assert_dead(api, &who);
}

TEST_IN(PLAIN, the_token_goes_on_the_blacklist, struct api *api)
{
	struct api_login who;
	struct claims claims;
	bool revoked;

	api_register(api, ADA, &who);
	assert_int_equal(access_token_verify(&api->app.sessions.tokens,
			     who.token, api->now, &claims),
	    ERR_OK);
	assert_int_equal(
	    store_token_revoked(api->app.store, claims.jti, &revoked), ERR_OK);
	assert_false(revoked);
	log_out(api, &(struct api_call){ LOGOUT, .token = who.token });
	assert_int_equal(
	    store_token_revoked(api->app.store, claims.jti, &revoked), ERR_OK);
	assert_true(revoked);
}

/* Other services that share this Redis read it. */
TEST_IN(WITH_REDIS, redis_lists_the_revoked_token, struct api *api)
{
	char key[TOKEN_KEY_SIZE];
	struct api_login who;
	struct claims claims;
	long long ttl;

	api_register(api, ADA, &who);
	assert_int_equal(access_token_verify(&api->app.sessions.tokens,
			     who.token, api->now, &claims),
	    ERR_OK);
	token_key(key, claims.jti);
	api->now += 100;
	log_out(api, &(struct api_call){ LOGOUT, .token = who.token });
	ttl = redis_server_int(api->redis, "TTL %s", key);
	assert_in_range(ttl, API_TOKEN_LIFE - 160, API_TOKEN_LIFE - 100);
	assert_dead(api, &who);
}

#define ALL .method = "POST", .uri = "/api/v1/auth/logout-all-devices"

TEST_IN(PLAIN, logging_out_everywhere_ends_every_session, struct api *api)
{
	struct api_login a, b, other;
	struct api_answer answer;
	char body[80];

	api_register(api, ADA, &a);
	api_login(api, ADA, &b);
	api_register(api, BOB, &other);
	api_run(api, &(struct api_call){ ALL, .token = a.token }, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(api_int(&answer, "sessions_ended"), 2);
	assert_true(api_has(&answer, GONE));
	assert_int_equal(json_value_size(answer.json), 2);
	api_free(&answer);
	assert_dead(api, &a);
	assert_dead(api, &b);
	assert_live(api, &other);

	/* With the session_id of the body as well. */
	body_of(body, &other);
	api_expect(api, 200, NULL, ALL, .body = body);
	assert_dead(api, &other);
	api_expect(api, 401, "invalid_session", ALL, .body = body);
}

TEST_IN(PLAIN, the_current_session_can_be_kept, struct api *api)
{
	struct api_login a, b;
	struct api_answer answer;

	api_register(api, ADA, &a);
	api_login(api, ADA, &b);
	api_run(api,
	    &(struct api_call){ ALL, .cookie = a.session_id,
		.site = "same-origin", .body = "{\"keep_current\":true}" },
	    &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(api_int(&answer, "sessions_ended"), 1);
	assert_int_equal(api_int(&answer, "expires_in"), API_TOKEN_LIFE);
	assert_string_equal(api_text(&answer, "token_type"), "bearer");
	assert_null(strstr(answer.text.data, "Set-Cookie"));
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = api_text(&answer, "access_token"));
	api_free(&answer);
	assert_dead(api, &b);
	/* The session continues, its old token does not. */
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .cookie = a.session_id);
	api_expect(api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = a.token);
}

TEST_IN(PLAIN, logging_out_everywhere_needs_a_live_session, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	api_expect(api, 401, "not_signed_in", ALL);
	api_expect(api, 401, "invalid_session", ALL, .body = UNKNOWN);
	api_expect(api, 401, "invalid_token", ALL, .token = "a.b.c");
	api_expect(api, 400, "invalid_field", ALL, .token = who.token,
	    .body = "{\"keep_current\":1}");
	api_expect(api, 403, "cross_site", ALL, .cookie = who.session_id,
	    .site = "same-site", .body = "{}");
	store_memory_fail_commit(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", ALL, .token = who.token);
	assert_live(api, &who);
}

TEST_IN(PLAIN, a_session_that_ended_meanwhile_ends_no_other, struct api *api)
{
	struct api_login who, other;

	api_register(api, ADA, &who);
	api_login(api, ADA, &other);
	api_overtake(api);
	api_expect(api, 401, "invalid_token", ALL, .token = who.token);
	api_login(api, ADA, &who);
	api_overtake(api);
	api_expect(api, 401, "invalid_session", ALL, .cookie = who.session_id,
	    .site = "same-origin", .body = "{\"keep_current\":true}");
	assert_live(api, &other);
}
