/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <ctype.h>
#include <stdio.h>

#include "support/site.h"

#define API "/api/v1"

/* A JSON body from a format; valid until the next one. */
static const char *
body(const char *fmt, const char *value)
{
	static char text[2048];
	char *out = text;

	for (; *fmt != '\0'; fmt++) {
		if (*fmt == '\'')
			*out++ = '"';
		else if (*fmt == '%')
			out += sprintf(out, "%s", value);
		else
			*out++ = *fmt;
	}
	*out = '\0';
	return text;
}

static void
call(struct site *s, const char *method, const char *path, const char *json)
{
	struct web_call c = { .method = method, .path = path, .body = json };

	web_call(s->web, &c, &s->reply);
}

static void
bearer(struct site *s, const char *method, const char *path, const char *token,
    const char *json)
{
	struct web_call c = {
		.method = method,
		.path = path,
		.body = json,
		.bearer = token,
		.no_cookies = true,
	};

	web_call(s->web, &c, &s->reply);
}

static void
assert_login_answer(struct site *s)
{
	assert_non_null(web_text(&s->reply, "access_token"));
	assert_string_equal(web_text(&s->reply, "token_type"), "bearer");
	assert_in_range(web_number(&s->reply, "expires_in"), 1, 900);
	assert_string_equal(web_text(&s->reply, "user.email"), s->email);
	assert_int_equal(strlen(web_text(&s->reply, "session_id")), 36);
}

TEST(registering_signs_in, struct site *s)
{
	const char *cookie;

	site_account(s);
	assert_login_answer(s);
	assert_string_equal(web_text(&s->reply, "user.name"), "Test");
	assert_string_equal(web_text(&s->reply, "user.role"), "user");
	cookie = web_header(&s->reply, "Set-Cookie");
	assert_non_null(cookie);
	/* only http on loopback goes without Secure and __Host- */
	assert_ptr_equal(strstr(cookie, "latchkey="), cookie);
	assert_non_null(strstr(cookie, s->session));
	assert_non_null(strstr(cookie, "Path=/"));
	assert_non_null(strstr(cookie, "HttpOnly"));
	assert_non_null(strstr(cookie, "SameSite=Lax"));
	assert_non_null(strstr(cookie, "Max-Age=604800"));
	assert_null(strstr(cookie, "Secure"));
}

TEST(both_prefixes_and_the_alias_work, struct site *s)
{
	static const char *const paths[] = { "/auth/register", "/auth/signup",
		API "/auth/signup" };

	for (size_t i = 0; i < NELEMS(paths); i++) {
		char json[256];

		snprintf(json, sizeof(json),
		    "{\"email\":\"alias%zu-%d@example.org\",\"password\":"
		    "\"" WEB_PASSWORD "\",\"name\":\"A\"}",
		    i, s->serial);
		web_post(s->web, paths[i], json, &s->reply);
		web_expect(&s->reply, 201, NULL);
	}
	web_get(s->web, "/auth/me", &s->reply);
	web_expect(&s->reply, 200, NULL);
}

TEST(refused_registrations, struct site *s)
{
	static const struct {
		const char *json;
		long status;
		const char *code;
	} cases[] = {
		{ "{'password':'x','name':'n'}", 400, "missing_field" },
		{ "{'email':'a@b.cd','name':'n'}", 400, "missing_field" },
		{ "{'email':'a@b.cd','password':'" WEB_PASSWORD "'}", 400,
		    "missing_field" },
		{ "{'email':'nobody','password':'" WEB_PASSWORD "','name':'n'}",
		    400, "invalid_field" },
		{ "{'email':'a@b.cd','password':'" WEB_PASSWORD "','name':' '}",
		    400, "invalid_field" },
		{ "{'email':7,'password':'" WEB_PASSWORD "','name':'n'}", 400,
		    "invalid_field" },
		{ "{'email':'a@b.cd','password':'short','name':'n'}", 422,
		    "weak_password" },
		{ "{'email':'a@b.cd','password':'password1','name':'n'}", 422,
		    "weak_password" },
		{ "{'email':'long.address@b.cd','password':"
		  "'long.address@b.cd','name':'n'}",
		    422, "weak_password" },
		{ "{'email':'%','password':'" WEB_PASSWORD "','name':'n'}", 409,
		    "email_taken" },
	};

	site_account(s);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		web_post(s->web, API "/auth/register",
		    body(cases[i].json, s->email), &s->reply);
		web_expect(&s->reply, cases[i].status, cases[i].code);
	}
}

TEST(an_address_is_taken_in_any_spelling, struct site *s)
{
	char upper[64];
	size_t i;

	site_account(s);
	for (i = 0; s->email[i] != '\0'; i++)
		upper[i] = (char)toupper(s->email[i]);
	upper[i] = '\0';
	web_post(s->web, API "/auth/register",
	    body("{'email':'%','password':'" WEB_PASSWORD "','name':'n'}",
		upper),
	    &s->reply);
	web_expect(&s->reply, 409, "email_taken");
	web_post(s->web, API "/auth/login",
	    body("{'email':'%','password':'" WEB_PASSWORD "'}", upper),
	    &s->reply);
	web_expect(&s->reply, 200, NULL);
}

TEST(signing_in, struct site *s)
{
	site_account(s);
	web_forget(s->web);
	web_login(s->web, s->email, &s->reply);
	assert_login_answer(s);
	call(s, "GET", API "/auth/me", NULL);
	web_expect(&s->reply, 200, NULL);
}

TEST(wrong_passwords_and_unknown_addresses_look_the_same, struct site *s)
{
	char first[1024];

	site_account(s);
	web_forget(s->web);
	web_post(s->web, API "/auth/login",
	    body("{'email':'%','password':'not this one'}", s->email),
	    &s->reply);
	web_expect(&s->reply, 401, "invalid_credentials");
	snprintf(first, sizeof(first), "%s", web_text(&s->reply, "detail"));
	web_post(s->web, API "/auth/login",
	    "{\"email\":\"nobody@example.org\",\"password\":\"not this one\"}",
	    &s->reply);
	web_expect(&s->reply, 401, "invalid_credentials");
	assert_string_equal(web_text(&s->reply, "detail"), first);
	assert_null(web_header(&s->reply, "Set-Cookie"));
	web_post(
	    s->web, API "/auth/login", "{\"email\":\"a@b.cd\"}", &s->reply);
	web_expect(&s->reply, 400, "missing_field");
}

TEST(validating_a_session, struct site *s)
{
	site_account(s);
	/* By the cookie, which scripts must not read. */
	call(s, NULL, API "/auth/validate-session", "{}");
	web_expect(&s->reply, 200, NULL);
	assert_non_null(web_text(&s->reply, "access_token"));
	assert_null(strstr(s->reply.body.data, s->session));
	assert_in_range(web_number(&s->reply, "expires_in"), 450, 900);
	web_forget(s->web);
	call(s, NULL, API "/auth/validate-session",
	    body("{'session_id':'%'}", s->session));
	web_expect(&s->reply, 200, NULL);
	assert_login_answer(s);
	web_forget(s->web);
	call(s, NULL, API "/auth/validate-session",
	    "{\"session_id\":\"00000000-0000-4000-8000-000000000000\"}");
	web_expect(&s->reply, 401, "invalid_session");
	call(s, NULL, API "/auth/validate-session",
	    "{\"session_id\":\"no uuid\"}");
	web_expect(&s->reply, 401, "invalid_session");
	call(s, NULL, API "/auth/validate-session", "{\"session_id\":5}");
	web_expect(&s->reply, 400, "invalid_field");
	call(s, NULL, API "/auth/validate-session", "{}");
	assert_int_equal(s->reply.status, 401);
}

TEST(me_by_cookie_and_by_token, struct site *s)
{
	site_account(s);
	call(s, "GET", API "/auth/me", NULL);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "user.email"), s->email);
	assert_string_equal(web_text(&s->reply, "user.id"), s->user_id);
	assert_int_equal(strlen(web_text(&s->reply, "session.handle")), 32);
	assert_int_equal(strlen(web_text(&s->reply, "session.created_at")), 20);
	assert_int_equal(strlen(web_text(&s->reply, "session.expires_at")), 20);
	bearer(s, "GET", API "/auth/me", s->token, NULL);
	web_expect(&s->reply, 200, NULL);
	web_forget(s->web);
	call(s, "GET", API "/auth/me", NULL);
	web_expect(&s->reply, 401, "not_signed_in");
	assert_null(strstr(web_header(&s->reply, "WWW-Authenticate"), "error"));
	bearer(s, "GET", API "/auth/me", "nonsense", NULL);
	web_expect(&s->reply, 401, "invalid_token");
	assert_non_null(strstr(web_header(&s->reply, "WWW-Authenticate"),
	    "error=\"invalid_token\""));
}

TEST(signing_out_ends_session_and_token, struct site *s)
{
	site_account(s);
	bearer(s, "POST", API "/auth/logout", s->token, NULL);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(
	    web_text(&s->reply, "msg"), "Logged out successfully");
	bearer(s, "GET", API "/auth/me", s->token, NULL);
	web_expect(&s->reply, 401, "invalid_token");
	call(s, "GET", API "/auth/me", NULL); /* the cookie's, too */
	assert_int_equal(s->reply.status, 401);
	bearer(s, "POST", API "/auth/logout", s->token, NULL);
	web_expect(&s->reply, 200, NULL);
}

TEST(signing_out_by_cookie_and_by_session_id, struct site *s)
{
	const char *cookie;

	site_account(s);
	call(s, NULL, API "/auth/logout", "{}");
	web_expect(&s->reply, 200, NULL);
	cookie = web_header(&s->reply, "Set-Cookie");
	assert_non_null(cookie);
	assert_non_null(strstr(cookie, "Max-Age=0"));
	bearer(s, "GET", API "/auth/me", s->token, NULL);
	assert_int_equal(s->reply.status, 401);

	site_account(s);
	web_forget(s->web);
	for (int twice = 0; twice < 2; twice++) {
		call(s, NULL, API "/auth/logout",
		    body("{'session_id':'%'}", s->session));
		web_expect(&s->reply, 200, NULL);
	}
	bearer(s, "GET", API "/auth/me", s->token, NULL);
	assert_int_equal(s->reply.status, 401);
	call(s, NULL, API "/auth/logout", "{}");
	web_expect(&s->reply, 401, "not_signed_in");
}

/* Sign the account of ${s} in on two more devices; their tokens. */
static void
sign_in_twice_more(struct site *s, char tokens[2][1100])
{
	for (size_t i = 0; i < 2; i++) {
		web_forget(s->web);
		web_login(s->web, s->email, &s->reply);
		snprintf(tokens[i], sizeof(tokens[i]), "%s",
		    web_text(&s->reply, "access_token"));
	}
}

static void
assert_signed_in(struct site *s, const char *token, bool in)
{
	bearer(s, "GET", API "/auth/me", token, NULL);
	assert_int_equal(s->reply.status, in ? 200 : 401);
}

TEST(signing_out_everywhere, struct site *s)
{
	char tokens[2][1100];

	site_account(s);
	sign_in_twice_more(s, tokens);
	bearer(s, "POST", API "/auth/logout-all-devices", tokens[0], "{}");
	web_expect(&s->reply, 200, NULL);
	assert_non_null(web_text(&s->reply, "msg"));
	assert_int_equal(web_number(&s->reply, "sessions_ended"), 3);
	assert_signed_in(s, s->token, false);
	assert_signed_in(s, tokens[0], false);
	assert_signed_in(s, tokens[1], false);
	call(s, NULL, API "/auth/validate-session",
	    body("{'session_id':'%'}", s->session));
	web_expect(&s->reply, 401, "invalid_session");
	web_login(s->web, s->email, &s->reply);
}

TEST(signing_out_everywhere_else, struct site *s)
{
	char tokens[2][1100];

	site_account(s);
	sign_in_twice_more(s, tokens);
	bearer(s, "POST", API "/auth/logout-all-devices", tokens[0],
	    "{\"keep_current\":true}");
	web_expect(&s->reply, 200, NULL);
	assert_int_equal(web_number(&s->reply, "sessions_ended"), 2);
	snprintf(tokens[0], sizeof(tokens[0]), "%s",
	    web_text(&s->reply, "access_token"));
	assert_signed_in(s, s->token, false);
	assert_signed_in(s, tokens[1], false);
	assert_signed_in(s, tokens[0], true);
	bearer(s, "POST", API "/auth/logout-all-devices", tokens[0],
	    "{\"keep_current\":\"yes\"}");
	web_expect(&s->reply, 400, "invalid_field");
	assert_signed_in(s, tokens[0], true);
}

static const char *
device_text(struct site *s, size_t i, const char *member)
{
	char path[128];

	snprintf(path, sizeof(path), "sessions.%zu.%s", i, member);
	return web_text(&s->reply, path);
}

TEST(the_device_list, struct site *s)
{
	struct web_call login = {
		.path = API "/auth/login",
		.headers = (const char *const[]){ "User-Agent: Phone/1", NULL },
	};
	char path[128], other[64];
	size_t phone;

	site_account(s);
	login.body = body("{'email':'%','password':'" WEB_PASSWORD
			  "','device':'My phone'}",
	    s->email);
	web_forget(s->web);
	web_call(s->web, &login, &s->reply);
	web_expect(&s->reply, 200, NULL);
	bearer(s, "GET", API "/auth/sessions", s->token, NULL);
	web_expect(&s->reply, 200, NULL);
	for (size_t i = 0; i < 2; i++) {
		static const char *const members[] = { "handle", "user_agent",
			"address", "created_at", "last_seen_at" };

		for (size_t j = 0; j < NELEMS(members); j++) {
			assert_non_null(device_text(s, i, members[j]));
		}
	}
	assert_null(web_text(&s->reply, "sessions.2.handle"));
	/* Both started in the same second, so either may come first. */
	phone = *device_text(s, 0, "device") != '\0' ? 0 : 1;
	assert_string_equal(device_text(s, phone, "device"), "My phone");
	assert_string_equal(device_text(s, phone, "user_agent"), "Phone/1");
	assert_string_equal(device_text(s, phone, "address"), "127.0.0.1");
	assert_non_null(strstr(s->reply.body.data, "\"current\":true"));
	snprintf(other, sizeof(other), "%s", device_text(s, phone, "handle"));

	snprintf(path, sizeof(path), API "/auth/sessions/%s", other);
	for (int twice = 0; twice < 2; twice++) {
		bearer(s, "DELETE", path, s->token, NULL);
		web_expect(&s->reply, 204, NULL);
	}
	call(s, "GET", API "/auth/me", NULL); /* the phone */
	assert_int_equal(s->reply.status, 401);
	assert_signed_in(s, s->token, true);
}

TEST(other_users_devices_cannot_be_ended, struct site *s)
{
	char token[1100], path[128];

	site_account(s);
	snprintf(token, sizeof(token), "%s", s->token);
	bearer(s, "GET", API "/auth/me", token, NULL);
	snprintf(path, sizeof(path), API "/auth/sessions/%s",
	    web_text(&s->reply, "session.handle"));
	site_account(s);
	bearer(s, "DELETE", path, s->token, NULL);
	web_expect(&s->reply, 404, "not_found");
	assert_signed_in(s, token, true);
	bearer(s, "DELETE", API "/auth/sessions/none", s->token, NULL);
	web_expect(&s->reply, 404, "not_found");
}

TEST(changing_the_profile, struct site *s)
{
	static const char *const methods[] = { "PUT", "PATCH", "POST" };
	char taken[64];

	site_account(s);
	snprintf(taken, sizeof(taken), "%s", s->email);
	site_account(s);
	for (size_t i = 0; i < NELEMS(methods); i++) {
		bearer(s, methods[i], API "/auth/update-profile", s->token,
		    body(
			"{'name':'By %','role':'admin','id':'1'}", methods[i]));
		web_expect(&s->reply, 200, NULL);
		assert_string_equal(web_text(&s->reply, "user.role"), "user");
		assert_string_equal(web_text(&s->reply, "user.id"), s->user_id);
	}
	bearer(s, "GET", API "/auth/me", s->token, NULL);
	assert_string_equal(web_text(&s->reply, "user.name"), "By POST");
	bearer(s, "PATCH", API "/auth/update-profile", s->token,
	    "{\"avatar_url\":\"https://example.org/a.png\"}");
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "user.avatar_url"),
	    "https://example.org/a.png");
	bearer(s, "PATCH", API "/auth/update-profile", s->token,
	    body("{'email':'%'}", taken));
	web_expect(&s->reply, 400, "missing_field");
	bearer(s, "PATCH", API "/auth/update-profile", s->token,
	    body("{'email':'%','current_password':'wrong one'}", taken));
	web_expect(&s->reply, 403, "wrong_password");
	bearer(s, "PATCH", API "/auth/update-profile", s->token,
	    body("{'email':'%','current_password':'" WEB_PASSWORD "'}", taken));
	web_expect(&s->reply, 409, "email_taken");
	bearer(s, "PATCH", API "/auth/update-profile", s->token,
	    "{\"avatar_url\":\"javascript:alert(1)\"}");
	web_expect(&s->reply, 400, "invalid_field");
	bearer(s, "PATCH", API "/auth/update-profile", s->token, "{}");
	web_expect(&s->reply, 400, "missing_field");
	web_forget(s->web);
	call(s, "PATCH", API "/auth/update-profile", "{\"name\":\"x\"}");
	web_expect(&s->reply, 401, "not_signed_in");
}

TEST(changing_the_password, struct site *s)
{
	static const char next[] = "purple monkey dishwasher 7";
	char tokens[2][1100];

	site_account(s);
	sign_in_twice_more(s, tokens);
	bearer(s, "POST", API "/auth/change-password", tokens[0],
	    body("{'current_password':'wrong one','new_password':'%'}", next));
	web_expect(&s->reply, 403, "wrong_password");
	bearer(s, "POST", API "/auth/change-password", tokens[0],
	    "{\"current_password\":\"" WEB_PASSWORD
	    "\",\"new_password\":\"password\"}");
	web_expect(&s->reply, 422, "weak_password");
	assert_signed_in(s, s->token, true);
	bearer(s, "POST", API "/auth/change-password", tokens[0],
	    body("{'current_password':'" WEB_PASSWORD "','new_password':'%'}",
		next));
	web_expect(&s->reply, 200, NULL);
	snprintf(tokens[0], sizeof(tokens[0]), "%s",
	    web_text(&s->reply, "access_token"));
	assert_signed_in(s, tokens[0], true);
	assert_signed_in(s, tokens[1], false);
	assert_signed_in(s, s->token, false);
	web_post(s->web, API "/auth/login",
	    body("{'email':'%','password':'" WEB_PASSWORD "'}", s->email),
	    &s->reply);
	web_expect(&s->reply, 401, "invalid_credentials");
	web_post(s->web, API "/auth/login",
	    body("{'email':'%','password':'purple monkey dishwasher 7'}",
		s->email),
	    &s->reply);
	web_expect(&s->reply, 200, NULL);
}

TEST(deactivating_and_deleting, struct site *s)
{
	static const struct {
		const char *method, *path;
		long status;
	} ways[] = {
		{ "POST", API "/auth/deactivate", 200 },
		{ "DELETE", API "/auth/account", 204 },
	};

	for (size_t i = 0; i < NELEMS(ways); i++) {
		site_account(s);
		bearer(s, ways[i].method, ways[i].path, s->token,
		    "{\"password\":\"wrong one\"}");
		web_expect(&s->reply, 403, "wrong_password");
		bearer(s, ways[i].method, ways[i].path, s->token, "{}");
		web_expect(&s->reply, 400, "missing_field");
		assert_signed_in(s, s->token, true);
		bearer(s, ways[i].method, ways[i].path, s->token,
		    "{\"password\":\"" WEB_PASSWORD "\"}");
		web_expect(&s->reply, ways[i].status, NULL);
		assert_signed_in(s, s->token, false);
		web_post(s->web, API "/auth/login",
		    body("{'email':'%','password':'" WEB_PASSWORD "'}",
			s->email),
		    &s->reply);
		web_expect(&s->reply, 401, "invalid_credentials");
	}
	/* A deleted address is free again; a deactivated one is not. */
	web_register(s->web, s->email, &s->reply);
	assert_string_not_equal(web_text(&s->reply, "user.id"), s->user_id);
}

TEST(looking_users_up, struct site *s)
{
	char path[128], member[64];

	site_account(s);
	snprintf(path, sizeof(path), API "/users/%s", s->user_id);
	bearer(s, "GET", path, s->token, NULL);
	web_expect(&s->reply, 200, NULL);
	assert_non_null(strstr(s->reply.body.data, "\"name\":\"Test\""));
	assert_null(strstr(s->reply.body.data, "example.org"));
	bearer(s, "GET", API "/users/999999999", s->token, NULL);
	web_expect(&s->reply, 404, "not_found");
	bearer(s, "GET", API "/users/abc", s->token, NULL);
	web_expect(&s->reply, 404, "not_found");
	snprintf(path, sizeof(path), API "/users?ids=%s,999999999,%s",
	    s->user_id, s->user_id);
	for (int twice = 0; twice < 2; twice++) { /* cold, then warm */
		bearer(s, "GET", path, s->token, NULL);
		web_expect(&s->reply, 200, NULL);
		snprintf(member, sizeof(member), "users.%s.name", s->user_id);
		assert_string_equal(web_text(&s->reply, member), "Test");
		assert_non_null(
		    strstr(s->reply.body.data, "\"999999999\":null"));
	}
	bearer(s, "GET", API "/users?ids=1,x", s->token, NULL);
	web_expect(&s->reply, 400, "invalid_field");
	bearer(s, "GET", API "/users", s->token, NULL);
	assert_int_equal(s->reply.status, 400);
	web_forget(s->web);
	call(s, "GET", path, NULL);
	web_expect(&s->reply, 401, "not_signed_in");
}

TEST(health_and_version, struct site *s)
{
	call(s, "GET", "/health", NULL);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "redis_cache.status"),
	    stack_redis(s->stack) != NULL ? "ok" : "off");
	call(s, "GET", API "/health", NULL);
	web_expect(&s->reply, 200, NULL);
	call(s, "GET", "/healthz", NULL);
	web_expect(&s->reply, 200, NULL);
	call(s, "GET", "/readyz", NULL);
	web_expect(&s->reply, 200, NULL);
	call(s, "GET", "/version", NULL);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "name"), "latchkey");
	assert_non_null(web_text(&s->reply, "version"));
}

TEST_RUN()
{
	return site_run_everywhere("routes", TEST_ALL, NULL);
}
