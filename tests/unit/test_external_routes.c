/* SPDX-License-Identifier: ISC */
#include "base/kdf.h"
#include "base/str.h"
#include "support/external_issuers.h"

#include "support/test.h"

#include <sodium.h>
#include <stdio.h>

#include "auth/clients.h"
#include "base/json_value.h"
#include "store/store.h"
#include "support/api.h"

/* What tokens of other issuers are accepted for. */

#define ADA "ada@example.org"
#define SECRET "s3cret-of-a-machine"
#define VALIDATE .method = "POST", .uri = "/auth/validate-session"
#define FORM .type = "application/x-www-form-urlencoded"

struct fixture {
	struct api api;
	struct external_issuers
	    o; /* its good token is cached; its user is Ada */
};

static void
load_client(struct api *api)
{
	unsigned char hash[32];
	char path[2048], why[256], hex[65];
	FILE *file;

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
set_up(struct fixture *f)
{
	struct app *app;

	app = &f->api.app;
	api_open(&f->api);
	load_client(&f->api);
	external_issuers_open(
	    &f->o, f->api.table.dir, app->store, app->shm, f->api.now);
	app->issuers = f->o.issuers;
	app->sessions.issuers = f->o.issuers;
	external_issuers_sign(f->o.good, f->o.ec[0], EXTERNAL_ISSUERS_HEADER,
	    "{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
	    ",\"name\":\"Ada\"}");
	api_expect(&f->api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = f->o.good);
}

static void
tear_down(struct fixture *f)
{
	external_issuers_close(&f->o);
	api_close(&f->api);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

/*
 * Otherwise a stolen token could be turned into something that outlives it.
 * Each of these works with a token of this site.
 */
TEST(changes_are_refused, struct fixture *f)
{
	static const struct api_call calls[] = {
		{ .method = "POST",
		    .uri = "/auth/logout-all-devices",
		    .body = "{}" },
		{ .method = "GET", .uri = "/auth/sessions" },
		{ .method = "DELETE",
		    .uri = "/auth/sessions/00112233445566778899aabbccddeeff" },
		{ .method = "PUT",
		    .uri = "/auth/update-profile",
		    .body = "{\"name\":\"Eve\"}" },
		{ .method = "POST",
		    .uri = "/auth/change-password",
		    .body = "{\"current_password\":\"\",\"new_password\":"
			    "\"" API_PASSWORD "\"}" },
		{ .method = "POST",
		    .uri = "/auth/deactivate",
		    .body = "{\"password\":\"\"}" },
		{ .method = "DELETE",
		    .uri = "/auth/account",
		    .body = "{\"password\":\"\"}" },
		{ .method = "GET", .uri = "/api/v1/users/1" },
		{ .method = "GET", .uri = "/api/v1/users?ids=1" },
		{ .method = "GET", .uri = "/api/v1/admin/users" },
		{ .method = "POST",
		    .uri = "/api/v1/admin/users/1",
		    .body = "{\"role\":\"admin\"}" },
		{ .method = "DELETE", .uri = "/api/v1/admin/user-sessions/1" },
		{ .method = "GET", .uri = "/api/v1/cache/stats" },
		{ .method = "POST", .uri = "/api/v1/cache/cleanup" },
	};
	struct api_answer a;

	for (size_t i = 0; i < NELEMS(calls); i++) {
		struct api_call call = calls[i];

		call.token = f->o.good;
		api_run(&f->api, &call, &a);
		if (a.status != 401 ||
		    strcmp(api_text(&a, "code"), "invalid_token") != 0 ||
		    strstr(api_text(&a, "detail"), "of this site") == NULL)
			fail_msg("%s: %s", call.uri, a.text.data);
		api_free(&a);
	}
	api_run(&f->api,
	    &(struct api_call){
		.method = "GET", .uri = "/auth/me", .token = f->o.good },
	    &a);
	assert_string_equal(api_text_in(&a, "user", "name"), "Ada");
	assert_string_equal(api_text_in(&a, "user", "role"), "user");
	api_free(&a);
}

TEST(authorize_accepts_it, struct fixture *f)
{
	static const char *const lines[] = { "Remote-User: 1", "X-Auth-Id: 1",
		"X-Auth-User: Ada", "X-Auth-Role: user",
		"X-Auth-Email: ", "X-Auth-Session: " };
	struct api_answer a;

	api_run(&f->api,
	    &(struct api_call){
		.method = "GET", .uri = "/auth/check", .token = f->o.good },
	    &a);
	assert_int_equal(a.status, 200);
	for (size_t i = 0; i < NELEMS(lines); i++)
		if (!api_has(&a, lines[i]))
			fail_msg("no \"%s\" in %s", lines[i], a.text.data);
	api_free(&a);
	api_expect(&f->api, 403, "forbidden", .method = "GET",
	    .uri = "/auth/check", .token = f->o.good,
	    .param = "LATCHKEY_REQUIRE_ROLE=admin");
}

/* ---- validate-session ---- */

static void
expect_validated(struct fixture *f, const char *token, int64_t expires_in)
{
	struct api_answer a;

	api_run(&f->api, &(struct api_call){ VALIDATE, .token = token }, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text(&a, "access_token"), token);
	assert_string_equal(api_text(&a, "token_type"), "bearer");
	assert_int_equal(api_int(&a, "expires_in"), expires_in);
	assert_string_equal(api_text_in(&a, "user", "name"), "Ada");
	/* it gives neither a session nor another token */
	assert_int_equal(json_value_size(a.json), 4);
	assert_null(strstr(a.text.data, "Set-Cookie"));
	api_free(&a);
}

TEST(it_is_validated_and_not_renewed, struct fixture *f)
{
	expect_validated(f, f->o.good, 600);
	f->api.now += 590;
	expect_validated(f, f->o.good, 10);
	f->api.now += 10;
	expect_validated(f, f->o.good, 0); /* within the leeway */
	f->api.now += EXTERNAL_ISSUERS_LEEWAY;
	api_expect(&f->api, 401, "invalid_token", VALIDATE, .token = f->o.good);
}

TEST(a_token_of_this_site_is_validated_too, struct fixture *f)
{
	struct api_login ada;

	api_register(&f->api, ADA, &ada);
	f->api.now += 60;
	expect_validated(f, ada.token, API_TOKEN_LIFE - 60);
	api_expect(&f->api, 200, NULL, .method = "POST", .uri = "/auth/logout",
	    .token = ada.token);
	api_expect(&f->api, 401, "invalid_token", VALIDATE, .token = ada.token);
	api_expect(&f->api, 401, "invalid_token", VALIDATE, .token = "x");
	api_expect(&f->api, 401, "invalid_token", VALIDATE,
	    .param = "HTTP_AUTHORIZATION=Bearer");
	api_expect(&f->api, 401, "not_signed_in", VALIDATE,
	    .param = "HTTP_AUTHORIZATION=Basic YTpi");
}

/* As before tokens were accepted here. */
TEST(a_session_takes_precedence_over_a_token, struct fixture *f)
{
	struct buf body = { 0 };
	struct api_login bob;
	struct api_answer a;

	api_register(&f->api, "bob@example.org", &bob);
	buf_printf(&body, "{\"session_id\":\"%s\"}", bob.session_id);
	api_run(&f->api,
	    &(struct api_call){
		VALIDATE, .token = f->o.good, .body = body.data },
	    &a);
	assert_string_equal(api_text_in(&a, "user", "id"), bob.id);
	api_free(&a);
	api_run(&f->api,
	    &(struct api_call){ VALIDATE, .token = f->o.good,
		.cookie = bob.session_id, .site = "same-origin", .body = "{}" },
	    &a);
	assert_string_equal(api_text_in(&a, "user", "id"), bob.id);
	api_free(&a);
	api_expect(&f->api, 401, "invalid_session", VALIDATE,
	    .token = f->o.good, .body = "{\"session_id\":\"x\"}");
	api_expect(&f->api, 403, "cross_site", VALIDATE, .token = f->o.good,
	    .cookie = bob.session_id, .site = "cross-site");
	buf_clear(&body);
}

/* ---- other servers ---- */

static void
ask_of(
    struct fixture *f, const char *uri, const char *text, struct api_answer *a)
{
	char authorization[256] = "HTTP_AUTHORIZATION=Basic ";
	static const char credentials[] = "shop:" SECRET;
	size_t len = strlen(authorization);
	struct buf body = { 0 };

	(void)sodium_bin2base64(authorization + len,
	    sizeof(authorization) - len, (const unsigned char *)credentials,
	    strlen(credentials), sodium_base64_VARIANT_ORIGINAL);
	buf_printf(&body, "token=%s", text);
	api_run(&f->api,
	    &(struct api_call){ .method = "POST",
		.uri = uri,
		FORM,
		.body = body.data,
		.param = authorization },
	    a);
	buf_clear(&body);
}

static void
ask(struct fixture *f, const char *uri, const char *expect)
{
	struct api_answer a;

	ask_of(f, uri, f->o.good, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, expect);
	api_free(&a);
}

TEST(a_client_can_revoke_it_and_learns_nothing, struct fixture *f)
{
	ask(f, "/auth/introspect", "{\"active\":false}");
	api_expect(&f->api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = f->o.good);
	ask(f, "/auth/revoke", "{}");
	api_expect(&f->api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = f->o.good);
	ask(f, "/auth/revoke", "{}");
	ask(f, "/auth/introspect", "{\"active\":false}");
}

static size_t
users(struct fixture *f)
{
	struct user list[STORE_LIST_MAX];
	size_t n = 0;

	assert_int_equal(
	    store_users_list(f->api.app.store, "", 0, list, &n), ERR_OK);
	return n;
}

TEST(introspection_creates_no_account, struct fixture *f)
{
	const size_t before = users(f);

	external_issuers_sign(f->o.good, f->o.ec[0], EXTERNAL_ISSUERS_HEADER,
	    "{\"iss\":\"" EXTERNAL_ISSUERS_ONE "\",\"aud\":\"latchkey\","
	    "\"sub\":\"user_2\"," EXTERNAL_ISSUERS_TIMES "}");
	ask(f, "/auth/introspect", "{\"active\":false}");
	assert_int_equal(users(f), before);
	api_expect(&f->api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = f->o.good);
	assert_int_equal(users(f), before + 1);
}

/*
 * A token that is refused now but may become valid, once its key is fetched or
 * its time has come, must not be reported as revoked.
 */
TEST(a_token_that_may_become_valid_is_not_revoked, struct fixture *f)
{
	static const struct {
		const char *header, *times;
		int status;
	} cases[] = {
		{ EXTERNAL_ISSUERS_HEADER, EXTERNAL_ISSUERS_TIMES, 200 },
		{ "{\"alg\":\"ES256\",\"kid\":\"new\"}", EXTERNAL_ISSUERS_TIMES,
		    503 },
		{ "{\"alg\":\"ES256\"}", EXTERNAL_ISSUERS_TIMES, 503 },
		{ "{\"alg\":\"HS256\",\"kid\":\"new\"}", EXTERNAL_ISSUERS_TIMES,
		    200 },
		{ "{\"alg\":\"ES256\",\"kid\":\"new\"}",
		    "\"iat\":1700000000,\"exp\":1700000600", 200 },
		{ EXTERNAL_ISSUERS_HEADER,
		    "\"iat\":1800000060,\"exp\":1800000600", 503 },
		{ EXTERNAL_ISSUERS_HEADER,
		    EXTERNAL_ISSUERS_TIMES ",\"nbf\":1800000060", 503 },
		{ EXTERNAL_ISSUERS_HEADER,
		    EXTERNAL_ISSUERS_TIMES ",\"nbf\":1800000700", 200 },
		{ EXTERNAL_ISSUERS_HEADER,
		    EXTERNAL_ISSUERS_TIMES ",\"nbf\":\"later\"", 200 },
	};
	char text[EXTERNAL_ISSUERS_TEXT_SIZE], payload[512];
	struct api_answer a;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		(void)snprintf(payload, sizeof(payload),
		    "{" EXTERNAL_ISSUERS_FOR_US ",%s}", cases[i].times);
		external_issuers_sign(
		    text, f->o.ec[1], cases[i].header, payload);
		ask_of(f, "/auth/revoke", text, &a);
		if (a.status != cases[i].status)
			fail_msg("%zu: %d", i, a.status);
		api_free(&a);
	}
}

/* A cookie or session id sent along is ended as well. */
TEST(logout_ends_everything_it_names, struct fixture *f)
{
	struct buf body = { 0 };
	struct api_login bob;

	api_register(&f->api, "bob@example.org", &bob);
	buf_printf(&body, "{\"session_id\":\"%s\"}", bob.session_id);
	api_expect(&f->api, 200, NULL, .method = "POST", .uri = "/auth/logout",
	    .token = f->o.good, .body = body.data);
	api_expect(&f->api, 401, "invalid_token", .method = "GET",
	    .uri = "/auth/me", .token = f->o.good);
	api_expect(&f->api, 401, "invalid_session", .method = "GET",
	    .uri = "/auth/me", .cookie = bob.session_id);
	buf_clear(&body);
}
