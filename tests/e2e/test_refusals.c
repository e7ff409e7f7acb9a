/* SPDX-License-Identifier: ISC */
#include "support/keyring.h"
#include "support/test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/secret.h"
#include "support/site.h"
#include "token/access_token.h"

#define API "/api/v1"
#define SECRET "an HS256 key of the tests, long enough"
#define OTHER_SECRET "another HS256 key, just as long as that"

static void
call(struct site *s, const struct web_call *c)
{
	web_call(s->web, c, &s->reply);
}

/* ---- bodies ---- */

TEST(invalid_bodies_are_refused, struct site *s)
{
	static const struct {
		const char *body;
		size_t len;
		const char *type;
		long status;
		const char *code;
	} cases[] = {
		{ "{", 0, NULL, 400, "malformed_json" },
		{ "{\"email\":\"a\",\"email\":\"b\"}", 0, NULL, 400,
		    "malformed_json" },
		{ "{\"email\":\"\xff\xfe\"}", 0, NULL, 400, "malformed_json" },
		{ "{\"email\":\"\\u0000\"}", 0, NULL, 400, "malformed_json" },
		{ "{\"email\":\"a\0b\"}", 15, NULL, 400, "malformed_json" },
		{ "{} {}", 0, NULL, 400, "malformed_json" },
		{ "{'email':'a'}", 0, NULL, 400, "malformed_json" },
		{ "{\"a\":NaN}", 0, NULL, 400, "malformed_json" },
		{ "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", 0, NULL, 400,
		    "malformed_json" },
		{ "[]", 0, NULL, 400, "not_an_object" },
		{ "\"text\"", 0, NULL, 400, "not_an_object" },
		{ "null", 0, NULL, 400, "not_an_object" },
		{ "{}", 0, "text/plain", 415, "unsupported_media_type" },
		{ "{}", 0, "application/x-www-form-urlencoded", 415,
		    "unsupported_media_type" },
		{ "{}", 0, "application/json; charset=utf-16", 415,
		    "unsupported_media_type" },
		{ "{}", 0, "", 415, "unsupported_media_type" },
		{ "{}", 0, "application/json; charset=UTF-8", 400,
		    "missing_field" },
		{ "{\"email\":[],\"password\":\"x\"}", 0, NULL, 400,
		    "invalid_field" },
		{ "{\"EMAIL\":\"a@b.cd\",\"password\":\"x\"}", 0, NULL, 400,
		    "missing_field" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct web_call c = {
			.path = API "/auth/login",
			.body = cases[i].body,
			.body_len = cases[i].len,
			.type = cases[i].type,
		};

		call(s, &c);
		web_expect(&s->reply, cases[i].status, cases[i].code);
	}
}

TEST(large_bodies_are_refused, struct site *s)
{
	static const size_t sizes[] = { 65537, 100000, 1000000 };

	for (size_t i = 0; i < NELEMS(sizes); i++) {
		char *body = malloc(sizes[i] + 1);
		struct web_call c = { .path = API "/auth/login" };

		assert_non_null(body);
		memset(body, ' ', sizes[i]);
		memcpy(body, "{}", 2);
		body[sizes[i]] = '\0';
		c.body = body;
		call(s, &c);
		web_expect(&s->reply, 413, "body_too_large");
		free(body);
	}
}

TEST(the_largest_body_is_read, struct site *s)
{
	char *body = malloc(65537);
	struct web_call c = { .path = API "/auth/login", .body = body };

	assert_non_null(body);
	memset(body, ' ', 65536);
	memcpy(body, "{}", 2);
	body[65536] = '\0';
	call(s, &c);
	web_expect(&s->reply, 400, "missing_field");
	free(body);
}

/* ---- methods and paths ---- */

TEST(wrong_methods_are_refused, struct site *s)
{
	static const struct {
		const char *method, *path, *allow;
	} cases[] = {
		{ "GET", "/auth/login", "POST" },
		{ "DELETE", "/auth/login", "POST" },
		{ "POST", "/auth/me", "GET" },
		{ "PUT", "/auth/logout", "POST" },
		{ "DELETE", "/auth/update-profile", "PUT" },
		{ "POST", "/auth/sessions", "GET" },
		{ "GET", "/auth/sessions/0123", "DELETE" },
		{ "POST", "/users/1", "GET" },
		{ "POST", "/health", "GET" },
		{ "PROPFIND", "/auth/me", "GET" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char path[128];
		struct web_call c = { .method = cases[i].method, .path = path };

		snprintf(path, sizeof(path), API "%s", cases[i].path);
		call(s, &c);
		web_expect(&s->reply, 405, "method_not_allowed");
		assert_non_null(
		    strstr(web_header(&s->reply, "Allow"), cases[i].allow));
	}
}

TEST(options_and_head, struct site *s)
{
	call(s,
	    &(struct web_call){
		.method = "OPTIONS", .path = API "/auth/login" });
	assert_int_equal(s->reply.status, 204);
	assert_non_null(strstr(web_header(&s->reply, "Allow"), "POST"));
	call(s, &(struct web_call){ .method = "HEAD", .path = "/healthz" });
	web_expect(&s->reply, 200, NULL);
	assert_int_equal(s->reply.body.len, 0);
}

TEST(unknown_paths_are_refused, struct site *s)
{
	static const char *const paths[] = { API "/auth/nothing", API "/",
		API "/auth/me/", API "/auth//me", API "/auth/%6de",
		API "/AUTH/me", API "/auth/sessions/", API "/users/1/2",
		"/auth/", "/api/v2/auth/me" };

	for (size_t i = 0; i < NELEMS(paths); i++) {
		web_get(s->web, paths[i], &s->reply);
		/* lighttpd normalises some of these first. */
		if (s->reply.status == 401 && strstr(paths[i], "//") != NULL)
			continue;
		if (s->reply.status == 401 && strchr(paths[i], '%') != NULL)
			continue;
		web_expect(&s->reply, 404, "not_found");
	}
}

/* ---- tokens ---- */

static void
expect_token(struct site *s, const char *token, bool good)
{
	call(s,
	    &(struct web_call){
		.path = API "/auth/me", .bearer = token, .no_cookies = true });
	if (good)
		web_expect(&s->reply, 200, NULL);
	else
		web_expect(&s->reply, 401, "invalid_token");
}

struct forged {
	const char *secret, *issuer, *audience;
	int64_t age; /* seconds since it was issued */
	int64_t epoch;
};

/* A correctly signed token for the session of ${s}. */
static void
forge(struct site *s, const struct forged *f, struct token *token_out)
{
	struct access_tokens t = { .issuer = f->issuer,
		.audience = f->audience,
		.lifetime = 900,
		.clock = &clock_system };
	int64_t now = time(NULL);
	struct session session = {
		.user_id = strtoll(s->user_id, NULL, 10),
		.epoch = f->epoch,
		.expires_at = now + 604800,
	};
	struct signing_keys keys;

	assert_int_equal(session_handle(session.handle, s->session), ERR_OK);
	keyring_open(f->secret, &keys);
	t.keys = &keys;
	assert_int_equal(access_token_issue(&t, &session, f->epoch,
			     now - f->age, token_out, NULL),
	    ERR_OK);
	signing_keys_close(&keys);
}

static int64_t
epoch_of_new_accounts(struct site *s)
{
	struct forged f = { SECRET, "latchkey", "latchkey", 0, 0 };
	struct token token;

	for (f.epoch = 0; f.epoch < 3; f.epoch++) {
		forge(s, &f, &token);
		call(s,
		    &(struct web_call){ .path = API "/auth/me",
			.bearer = token.text,
			.no_cookies = true });
		if (s->reply.status == 200)
			return f.epoch;
	}
	fail_msg("no forged token passes: the other cases prove nothing");
	return 0;
}

TEST(expired_and_foreign_tokens_are_refused, struct site *s)
{
	struct token token;
	int64_t epoch;

	site_account(s);
	epoch = epoch_of_new_accounts(s);
	{
		const struct forged cases[] = {
			{ SECRET, "latchkey", "latchkey", 901, epoch },
			{ SECRET, "latchkey", "latchkey", -60, epoch },
			{ OTHER_SECRET, "latchkey", "latchkey", 0, epoch },
			{ SECRET, "another", "latchkey", 0, epoch },
			{ SECRET, "latchkey", "elsewhere", 0, epoch },
			{ SECRET, "latchkey", "latchkey", 0, epoch + 1 },
		};

		for (size_t i = 0; i < NELEMS(cases); i++) {
			forge(s, &cases[i], &token);
			expect_token(s, token.text, false);
		}
	}
	expect_token(s, s->token, true);
}

TEST(modified_tokens_are_refused, struct site *s)
{
	size_t len;
	char *text;

	site_account(s);
	len = strlen(s->token);
	text = malloc(len + 16);
	assert_non_null(text);
	/* Change one character anywhere, base64url's last bits included. */
	for (size_t i = 0; i < len; i += i + 8 < len ? 7 : 1) {
		memcpy(text, s->token, len + 1);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		expect_token(s, text, false);
	}
	snprintf(text, len + 16, "%s=", s->token);
	expect_token(s, text, false);
	snprintf(text, len + 16, "%s.", s->token);
	expect_token(s, text, false);
	memcpy(text, s->token, len + 1);
	strrchr(text, '.')[1] = '\0'; /* without its signature */
	expect_token(s, text, false);
	free(text);
	expect_token(s, "eyJhbGciOiJub25lIn0.e30.", false);
	expect_token(s, s->token, true);
}

TEST(a_token_of_a_deleted_user_is_refused, struct site *s)
{
	site_account(s);
	expect_token(s, s->token, true);
	call(s,
	    &(struct web_call){ .method = "DELETE",
		.path = API "/auth/account",
		.bearer = s->token,
		.no_cookies = true,
		.body = "{\"password\":\"" WEB_PASSWORD "\"}" });
	web_expect(&s->reply, 204, NULL);
	expect_token(s, s->token, false);
}

/* ---- cookies and sites ---- */

TEST(cross_site_requests_change_nothing, struct site *s)
{
	static const char *const bad[][3] = {
		{ "Sec-Fetch-Site: cross-site", NULL },
		{ "Sec-Fetch-Site: same-site", NULL },
		{ "Origin: https://evil.example", NULL },
		{ "Origin: null", NULL },
		{ "Sec-Fetch-Site: cross-site", "Origin: http://127.0.0.1",
		    NULL },
		{ NULL },
	};
	static const char *const paths[] = { "/auth/logout",
		"/auth/logout-all-devices", "/auth/update-profile",
		"/auth/validate-session" };

	site_account(s);
	for (size_t i = 0; i < NELEMS(bad); i++)
		for (size_t j = 0; j < NELEMS(paths); j++) {
			char path[64];
			struct web_call c = {
				.path = path,
				.body = "{\"name\":\"Taken over\"}",
				.headers = bad[i],
				.no_site = true,
			};

			snprintf(path, sizeof(path), API "%s", paths[j]);
			call(s, &c);
			web_expect(&s->reply, 403, "cross_site");
		}
	web_get(s->web, API "/auth/me", &s->reply);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "user.name"), "Test");
}

TEST(a_form_post_with_the_cookie_is_refused, struct site *s)
{
	site_account(s);
	call(s,
	    &(struct web_call){ .path = API "/auth/logout",
		.body = "x=1",
		.type = "application/x-www-form-urlencoded" });
	web_expect(&s->reply, 415, "unsupported_media_type");
	web_get(s->web, API "/auth/me", &s->reply);
	web_expect(&s->reply, 200, NULL);
}

TEST(a_matching_origin_is_enough, struct site *s)
{
	char origin[128];

	site_account(s);
	snprintf(origin, sizeof(origin), "Origin: %s", stack_base(s->stack));
	call(s,
	    &(struct web_call){ .path = API "/auth/logout",
		.body = "{}",
		.headers = (const char *const[]){ origin, NULL },
		.no_site = true });
	web_expect(&s->reply, 200, NULL);
}

TEST(signing_in_from_another_site_is_refused, struct site *s)
{
	static const char *const cross[] = { "Sec-Fetch-Site: cross-site",
		NULL };

	call(s,
	    &(struct web_call){ .path = API "/auth/login",
		.body = "{\"email\":\"a@b.cd\",\"password\":\"x\"}",
		.headers = cross,
		.no_site = true });
	web_expect(&s->reply, 403, "cross_site");
}

TEST(ambiguous_cookies_are_ignored, struct site *s)
{
	char cookie[256];
	const char *headers[] = { cookie, NULL };
	struct web_call c = {
		.path = API "/auth/me", .headers = headers, .no_cookies = true
	};

	site_account(s);
	snprintf(cookie, sizeof(cookie), "Cookie: latchkey=%s", s->session);
	call(s, &c);
	web_expect(&s->reply, 200, NULL);
	snprintf(
	    cookie, sizeof(cookie), "Cookie: __Host-latchkey=%s", s->session);
	call(s, &c); /* not the cookie's name over http */
	web_expect(&s->reply, 401, NULL);
	snprintf(cookie, sizeof(cookie),
	    "Cookie: latchkey=%s; latchkey=00000000-0000-4000-8000-"
	    "000000000000",
	    s->session);
	call(s, &c);
	web_expect(&s->reply, 401, NULL);
}

/* ---- time ---- */

/* Move the end of the session of ${s}, which no worker has cached yet. */
static void
set_expiry(struct site *s, int64_t at)
{
	char path[160], handle[SESSION_HANDLE_SIZE];
	sqlite3_stmt *st;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/latchkey.db", stack_dir(s->stack));
	assert_int_equal(session_handle(handle, s->session), ERR_OK);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_busy_timeout(db, 5000);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
		"UPDATE sessions SET expires_at = ?1 WHERE handle = ?2", -1,
		&st, NULL),
	    SQLITE_OK);
	sqlite3_bind_int64(st, 1, at);
	sqlite3_bind_text(st, 2, handle, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

TEST(a_session_is_valid_until_its_last_minute, struct site *s)
{
	site_account(s);
	set_expiry(s, time(NULL) + 60);
	web_get(s->web, API "/auth/me", &s->reply);
	web_expect(&s->reply, 200, NULL);
	site_account(s);
	set_expiry(s, time(NULL) - 1);
	web_get(s->web, API "/auth/me", &s->reply);
	web_expect(&s->reply, 401, NULL);
	expect_token(s, s->token, false);
}

/* A page shows a refusal next to the field that it concerns. */
TEST(a_problem_names_the_field, struct site *s)
{
	static const struct {
		const char *body, *code, *field;
	} cases[] = {
		{ "{\"name\":\"A\",\"password\":\"x\"}", "missing_field",
		    "email" },
		{ "{\"email\":\"a\",\"name\":\"A\",\"password\":\"x\"}",
		    "invalid_field", "email" },
		{ "{\"email\":\"a@example.org\",\"name\":\"\","
		  "\"password\":\"x\"}",
		    "invalid_field", "name" },
		{ "{\"email\":\"a@example.org\",\"name\":\"A\","
		  "\"password\":\"x\"}",
		    "weak_password", "password" },
	};
	char body[256];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		web_post(
		    s->web, "/api/v1/auth/register", cases[i].body, &s->reply);
		assert_string_equal(web_text(&s->reply, "code"), cases[i].code);
		assert_string_equal(
		    web_text(&s->reply, "field"), cases[i].field);
	}
	site_account(s);
	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"name\":\"A\","
	    "\"password\":\"" WEB_PASSWORD "\"}",
	    s->email);
	web_post(s->web, "/api/v1/auth/register", body, &s->reply);
	web_expect(&s->reply, 409, "email_taken");
	assert_string_equal(web_text(&s->reply, "field"), "email");
	web_post(s->web, "/api/v1/auth/deactivate", "{\"password\":\"x\"}",
	    &s->reply);
	web_expect(&s->reply, 403, "wrong_password");
	assert_string_equal(web_text(&s->reply, "field"), "password");
	web_post(s->web, "/api/v1/auth/logout", "{}", &s->reply);
	web_post(s->web, "/api/v1/auth/me", "{}", &s->reply);
	assert_null(web_text(&s->reply, "field"));
}

TEST_RUN()
{
	static const char *const env[] = { "JWT_SECRET=" SECRET, NULL };

	return site_run_everywhere("refusals", TEST_ALL, env);
}
