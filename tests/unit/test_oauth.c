/* SPDX-License-Identifier: ISC */
#include "base/kdf.h"
#include "base/str.h"
#include "support/api.h"

#include "support/test.h"

#include <sodium.h>
#include <stdio.h>

#include "auth/clients.h"
#include "base/json_value.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/store_memory.h"
#include "token/master_secret.h"

#define ADA "ada@example.org"
#define SECRET "s3cret-of-a-machine"
#define FORM "application/x-www-form-urlencoded"
#define REVOKE .method = "POST", .uri = "/auth/revoke", .type = FORM
#define INTROSPECT .method = "POST", .uri = "/auth/introspect", .type = FORM

static void
set_up(struct api *api)
{
	unsigned char hash[32];
	char path[2048], why[256], hex[65];
	FILE *file;

	api_open(api);
	(void)snprintf(path, sizeof(path), "%s/clients", api->table.dir);
	kdf_hash(hash, sizeof(hash), SECRET, strlen(SECRET));
	str_hex(hex, hash, sizeof(hash));
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "shop %s\n", hex);
	fclose(file);
	clients_free(api->clients);
	assert_int_equal(
	    clients_load(path, why, sizeof(why), &api->clients), ERR_OK);
	api->app.clients = api->clients;
}

static void
tear_down(struct api *api)
{
	api_close(api);
}

TEST_FIXTURE(struct api, set_up, tear_down);

/* An Authorization header, valid until the next call. */
static const char *
basic(const char *id, const char *secret)
{
	static char header[600];
	char text[400];
	size_t len;

	(void)snprintf(text, sizeof(text), "%s:%s", id, secret);
	len = (size_t)snprintf(
	    header, sizeof(header), "HTTP_AUTHORIZATION=Basic ");
	(void)sodium_bin2base64(header + len, sizeof(header) - len,
	    (const unsigned char *)text, strlen(text),
	    sodium_base64_VARIANT_ORIGINAL);
	return header;
}

static const char *
form(const char *token)
{
	static char text[TOKEN_TEXT_SIZE + 64];

	(void)snprintf(
	    text, sizeof(text), "token_type_hint=access_token&token=%s", token);
	return text;
}

/* Assert the RFC 6749 error ${error} with ${status}. */
static void
expect_error(
    struct api *api, int status, const char *error, const struct api_call *call)
{
	struct api_answer a;

	api_run(api, call, &a);
	if (a.status != status || strcmp(api_text(&a, "error"), error) != 0)
		fail_msg("%s: %s", call->body, a.text.data);
	assert_true(api_text(&a, "error_description")[0] != '\0');
	api_free(&a);
}

static void
revoke(struct api *api, const char *token)
{
	struct api_answer a;

	api_run(api,
	    &(struct api_call){
		REVOKE, .body = form(token), .param = basic("shop", SECRET) },
	    &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "{}");
	api_free(&a);
}

/* Assert that the body is exactly ${body}. */
static void
assert_inactive(struct api *api, const char *token)
{
	struct api_answer a;

	api_run(api,
	    &(struct api_call){ INTROSPECT, .body = form(token),
		.param = basic("shop", SECRET) },
	    &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "{\"active\":false}");
	api_free(&a);
}

static void
assert_active(struct api *api, const char *token)
{
	struct api_answer a;
	bool active;

	api_run(api,
	    &(struct api_call){ INTROSPECT, .body = form(token),
		.param = basic("shop", SECRET) },
	    &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(
	    json_value_bool(json_value_member(a.json, "active"), &active),
	    ERR_OK);
	assert_true(active);
	api_free(&a);
}

TEST(a_valid_token_shows_its_claims, struct api *api)
{
	struct api_login who;
	struct api_answer a;

	api_register(api, ADA, &who);
	api_run(api,
	    &(struct api_call){ INTROSPECT, .body = form(who.token),
		.param = basic("shop", SECRET) },
	    &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(json_value_size(a.json), 11);
	assert_string_equal(api_text(&a, "token_type"), "bearer");
	assert_string_equal(api_text(&a, "sub"), who.id);
	assert_string_equal(api_text(&a, "sid"), who.handle);
	assert_string_equal(api_text(&a, "username"), ADA);
	assert_string_equal(api_text(&a, "iss"), "issuer");
	assert_string_equal(api_text(&a, "aud"), "audience");
	assert_true(random_is_uuid(api_text(&a, "jti")));
	assert_int_equal(api_int(&a, "iat"), api->now);
	assert_int_equal(api_int(&a, "nbf"), api->now);
	assert_int_equal(api_int(&a, "exp"), api->now + API_TOKEN_LIFE);
	api_free(&a);
}

/* Every reason gives the same answer. */
TEST(invalid_tokens_are_inactive, struct api *api)
{
	struct api_login who, other;
	char bad[TOKEN_TEXT_SIZE];

	api_register(api, ADA, &who);
	assert_inactive(api, "");
	assert_inactive(api, "x");
	assert_inactive(api, who.session_id);
	assert_inactive(api, who.handle);
	memcpy(bad, who.token, sizeof(bad));
	bad[strlen(bad) - 2] = bad[strlen(bad) - 2] == 'A' ? 'B' : 'A';
	assert_inactive(api, bad);

	/* its session logged out */
	api_login(api, ADA, &other);
	assert_active(api, other.token);
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/logout",
	    .token = other.token);
	assert_inactive(api, other.token);
	/* logged out everywhere: the epoch has risen */
	api_login(api, ADA, &other);
	api_expect(api, 200, NULL, .method = "POST",
	    .uri = "/auth/logout-all-devices", .token = other.token,
	    .body = "{\"keep_current\":true}");
	assert_inactive(api, who.token);
	assert_inactive(api, other.token);
	/* its user deactivated */
	api_login(api, ADA, &other);
	assert_active(api, other.token);
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/deactivate",
	    .token = other.token,
	    .body = "{\"password\":\"" API_PASSWORD "\"}");
	assert_inactive(api, other.token);
}

TEST(expired_tokens_are_inactive, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	api->now += API_TOKEN_LIFE - 1;
	assert_active(api, who.token);
	api->now++;
	assert_inactive(api, who.token);
	revoke(api, who.token);
}

TEST(a_revoked_token_is_never_accepted_again, struct api *api)
{
	struct api_login who;
	struct api_answer a;
	char body[128];

	api_register(api, ADA, &who);
	/* cached, and stored for reuse */
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = who.token);
	(void)snprintf(
	    body, sizeof(body), "{\"session_id\":\"%s\"}", who.session_id);
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/validate-session",
		.body = body },
	    &a);
	assert_int_equal(a.status, 200);
	memcpy(who.token, api_text(&a, "access_token"),
	    strlen(api_text(&a, "access_token")) + 1);
	api_free(&a);
	assert_active(api, who.token);

	revoke(api, who.token);
	assert_inactive(api, who.token);
	api_expect(api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = who.token);
	revoke(api, who.token);
	assert_inactive(api, who.token);

	/* the session continues, with another token */
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/validate-session",
		.body = body },
	    &a);
	assert_int_equal(a.status, 200);
	assert_string_not_equal(api_text(&a, "access_token"), who.token);
	assert_active(api, api_text(&a, "access_token"));
	api_free(&a);
}

/* The answer says what the token says. */
TEST(times_are_those_of_the_token_if_the_clock_is_behind, struct api *api)
{
	struct api_login who;
	struct api_answer a;

	api->clock_behind = 315576000;
	api_register(api, ADA, &who);
	api_run(api,
	    &(struct api_call){ INTROSPECT, .body = form(who.token),
		.param = basic("shop", SECRET) },
	    &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(api_int(&a, "iat"), API_EPOCH - 315576000);
	assert_int_equal(api_int(&a, "nbf"), API_EPOCH - 315576000);
	assert_int_equal(
	    api_int(&a, "exp"), API_EPOCH - 315576000 + API_TOKEN_LIFE);
	api_free(&a);
	revoke(api, who.token);
	assert_inactive(api, who.token);
}

TEST(an_invalid_token_counts_as_revoked, struct api *api)
{
	revoke(api, "x");
	revoke(api, "a.b.c");
	revoke(api, "");
}

TEST(clients_authenticate_in_one_of_two_ways, struct api *api)
{
	static const struct {
		const char *body;
		int status;
		const char *error;
	} posted[] = {
		{ "token=x&client_id=shop&client_secret=" SECRET, 200, NULL },
		{ "token=x&client_id=shop&client_secret=wrong", 401,
		    "invalid_client" },
		{ "token=x&client_id=shop&client_secret=", 401,
		    "invalid_client" },
		{ "token=x&client_id=unknown&client_secret=" SECRET, 401,
		    "invalid_client" },
		{ "token=x&client_secret=" SECRET, 401, "invalid_client" },
		{ "token=x&client_id=shop", 401, "invalid_client" },
		{ "token=x", 401, "invalid_client" },
		{ "client_id=shop&client_secret=" SECRET, 400,
		    "invalid_request" },
		{ "token=x&token=y&client_id=shop&client_secret=" SECRET, 400,
		    "invalid_request" },
		{ "token=%zz", 400, "invalid_request" },
	};
	static const char *const uris[] = { "/auth/revoke",
		"/auth/introspect" };

	for (size_t i = 0; i < NELEMS(posted); i++) {
		for (size_t j = 0; j < NELEMS(uris); j++) {
			const struct api_call call = { .method = "POST",
				.uri = uris[j],
				.type = FORM,
				.body = posted[i].body };

			if (posted[i].error == NULL)
				api_expect_at(
				    api, &call, 200, NULL, __FILE__, __LINE__);
			else
				expect_error(api, posted[i].status,
				    posted[i].error, &call);
		}
	}
	for (size_t j = 0; j < NELEMS(uris); j++) {
		const struct api_call both = { .method = "POST",
			.uri = uris[j],
			.type = FORM,
			.body = "token=x&client_id=shop&client_secret=" SECRET,
			.param = basic("shop", SECRET) };
		struct api_call call = { .method = "POST",
			.uri = uris[j],
			.type = FORM,
			.body = "token=x" };

		expect_error(api, 400, "invalid_request", &both);
		call.param = basic("shop", "wrong");
		expect_error(api, 401, "invalid_client", &call);
		call.param = "HTTP_AUTHORIZATION=Basic !";
		expect_error(api, 401, "invalid_client", &call);
		call.param = basic("shop", SECRET);
		api_expect_at(api, &call, 200, NULL, __FILE__, __LINE__);
		/* any other content type is refused */
		call.type = "application/json";
		call.body = "{\"token\":\"x\"}";
		api_expect_at(api, &call, 415, "unsupported_media_type",
		    __FILE__, __LINE__);
		call.method = "GET";
		api_expect_at(
		    api, &call, 405, "method_not_allowed", __FILE__, __LINE__);
	}
}

TEST(only_wrong_secrets_are_limited, struct api *api)
{
	struct api_call call = { INTROSPECT, .body = "token=x" };

	api->app.rate_limits.rules[RATE_LIMIT_DEFAULT] =
	    (struct rate_limit_shm_rule){ 60000, 10 };
	for (int i = 0; i < 10; i++) {
		call.param = basic("shop", "wrong");
		expect_error(api, 401, "invalid_client", &call);
		call.param = basic("shop", SECRET);
		api_expect_at(api, &call, 200, NULL, __FILE__, __LINE__);
	}
	call.param = basic("shop", "wrong");
	api_expect_at(api, &call, 429, "rate_limited", __FILE__, __LINE__);
	call.param = basic("shop", SECRET);
	for (int i = 0; i < 20; i++)
		api_expect_at(api, &call, 200, NULL, __FILE__, __LINE__);
}

TEST(administrators_may_introspect_and_not_revoke, struct api *api)
{
	struct api_login who, admin;

	api_register(api, ADA, &who);
	api_register(api, "root@example.org", &admin);
	api_expect(api, 403, "forbidden", INTROSPECT, .body = form(who.token),
	    .token = who.token);
	store_memory_make_admin(api->app.store, strtoll(admin.id, NULL, 10));
	api_login(api, "root@example.org", &admin);
	api_expect(api, 200, NULL, INTROSPECT, .body = form(who.token),
	    .token = admin.token);
	api_expect(api, 401, "invalid_token", INTROSPECT,
	    .body = form(who.token), .token = "x.y.z");
	expect_error(api, 401, "invalid_client",
	    &(struct api_call){
		REVOKE, .body = form(who.token), .token = admin.token });
	/* a cookie does not authenticate here */
	expect_error(api, 401, "invalid_client",
	    &(struct api_call){ INTROSPECT, .body = form(who.token),
		.cookie = admin.session_id, .site = "same-origin" });
}

TEST(a_failing_store_is_not_inactive, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", INTROSPECT, .body = form(who.token),
	    .param = basic("shop", SECRET));
	store_memory_fail_commit(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", REVOKE, .body = form(who.token),
	    .param = basic("shop", SECRET));
	store_memory_fail_commit(api->app.store, ERR_OK);
	assert_active(api, who.token);
}

/* HS256 publishes nothing; key pairs publish their public half. */
TEST(public_keys_need_no_authentication, struct api *api)
{
	struct master_secret master;
	struct signing_keys_options options = { .store = api->app.store,
		.master = &master,
		.alg = SIGNING_KEYS_ES256,
		.lifetime = API_TOKEN_LIFE,
		.publish = 300 };
	struct api_answer a;
	const struct json_value *key;

	assert_int_equal(
	    master_secret_load(
		"a secret that no one else has, 32 bytes", "", &master),
	    ERR_OK);
	signing_keys_close(&api->app.keys);
	assert_int_equal(
	    signing_keys_open(&options, api->now, &api->app.keys), ERR_OK);
	api_run(api,
	    &(struct api_call){
		.method = "GET", .uri = "/.well-known/jwks.json" },
	    &a);
	assert_int_equal(a.status, 200);
	assert_true(api_has(&a, "Cache-Control: public, max-age=300"));
	key = json_value_at(json_value_member(a.json, "keys"), 0);
	assert_int_equal(json_value_size(json_value_member(a.json, "keys")), 1);
	assert_int_equal(json_value_size(key), 7);
	assert_string_equal(json_value_string(json_value_member(key, "kid")),
	    api->app.keys.list[1].kid);
	assert_string_equal(
	    json_value_string(json_value_member(key, "alg")), "ES256");
	assert_string_equal(
	    json_value_string(json_value_member(key, "use")), "sig");
	assert_null(json_value_member(key, "d"));
	api_free(&a);
}
