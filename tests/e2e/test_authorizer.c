/* SPDX-License-Identifier: ISC */
/*
 * lighttpd in front of files and a program that Latchkey guards, asked as its
 * authorizer.  Whether a logout is final there is asked in
 * tests/e2e/test_logout* (SIGNED_IN_USER_GUARDED), as in every other way.
 */
#include "support/site.h"

#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "model/session.h"
#include "support/database.h"
#include "support/files.h"
#include "support/signed_in_user.h"

#define WORKERS 8
#define PROGRAM "/guarded/who.cgi"
#define ADMIN "/guarded/admin/file.txt"

static const char lighttpd[] =
    "$HTTP[\"url\"] =~ \"^/guarded/\" {\n"
    "cgi.assign = ( \".cgi\" => \"/bin/sh\" ) }\n"
    "$HTTP[\"url\"] =~ \"^/guarded/admin/\" { setenv.add-environment = ("
    "\"LATCHKEY_REQUIRE_ROLE\" => \"admin\" ) }\n"
    "else $HTTP[\"url\"] =~ \"^/guarded/no-role/\" { setenv.add-environment = ("
    "\"LATCHKEY_REQUIRE_ROLE\" => \"wizard\" ) }\n"
    "else $HTTP[\"url\"] =~ \"^/guarded/odd/\" { setenv.add-environment = ("
    "\"LATCHKEY_AUTHORIZE_PROTOCOL\" => \"auth_request\" ) }\n";

/* The environment of the guarded application, and its request body. */
static const char program[] =
    "printf 'Content-Type: text/plain\\r\\nCache-Control: "
    "no-store\\r\\n\\r\\n'\n"
    "env\n"
    "echo .\n"
    "cat\n";

static void
put(struct site *s, const char *path, const char *text)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", stack_dir(s->stack), path);
	files_write(full, text, strlen(text));
}

static void
make_folder(struct site *s, const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", stack_dir(s->stack), path);
	assert_int_equal(mkdir(full, 0755), 0);
}

/* Not a test: creates the guarded files. */
TEST(guarded_files_are_created, struct site *s)
{
	put(s, PROGRAM, program);
	make_folder(s, "/guarded/admin");
	put(s, ADMIN, STACK_SECRET);
	make_folder(s, "/guarded/no-role");
	put(s, "/guarded/no-role/file.txt", STACK_SECRET);
	make_folder(s, "/guarded/odd");
	put(s, "/guarded/odd/file.txt", STACK_SECRET);
}

/* ---- asking ---- */

static void
ask(struct site *s, const char *method, const char *path,
    const char *const *headers)
{
	const struct web_call call = { .method = method,
		.path = path,
		.headers = headers,
		.no_site = true };

	web_call(s->web, &call, &s->reply);
}

static bool
application_got(const struct site *s, const char *text)
{
	return s->reply.body.data != NULL &&
	    strstr(s->reply.body.data, text) != NULL;
}

static void
expect_secret(struct site *s, const char *path)
{
	ask(s, "GET", path, NULL);
	assert_int_equal(s->reply.status, 200);
	assert_string_equal(s->reply.body.data, STACK_SECRET);
}

static void
assert_one_line(const struct site *s, const char *name, const char *value)
{
	char line[200], start[64];
	const char *found;

	snprintf(line, sizeof(line), "\n%s=%s\n", name, value);
	snprintf(start, sizeof(start), "\n%s=", name);
	found = strstr(s->reply.body.data, start);
	if (found == NULL || strstr(s->reply.body.data, line) != found ||
	    strstr(found + 1, start) != NULL)
		fail_msg(
		    "no single %s=%s in %s", name, value, s->reply.body.data);
}

/* ---- tests ---- */

TEST(requests_without_a_session_are_refused, struct site *s)
{
	static const char *const methods[] = { "GET", "OPTIONS", "POST", "PUT",
		"DELETE", "PROPFIND" };
	static const char *const paths[] = { STACK_GUARDED, PROGRAM,
		"/guarded/", "/guarded", "/guarded/nothing", ADMIN };

	web_forget(s->web);
	for (size_t i = 0; i < NELEMS(methods) * NELEMS(paths); i++) {
		ask(s, methods[i % NELEMS(methods)], paths[i / NELEMS(methods)],
		    NULL);
		web_expect(&s->reply, 401, "not_signed_in");
		assert_string_equal(web_header(&s->reply, "WWW-Authenticate"),
		    "Bearer realm=\"latchkey\"");
		assert_null(web_header(&s->reply, "Set-Cookie"));
	}
	ask(s, "HEAD", STACK_GUARDED, NULL);
	assert_int_equal(s->reply.status, 401);
	assert_int_equal(s->reply.body.len, 0);
}

TEST(a_session_is_allowed_and_nothing_is_added, struct site *s)
{
	struct web_call bearer = { .path = STACK_GUARDED, .no_cookies = true };

	site_account(s);
	expect_secret(s, STACK_GUARDED);
	assert_null(web_header(&s->reply, "X-Request-Id"));
	assert_null(web_header(&s->reply, "Variable-REMOTE_USER"));
	assert_null(web_header(&s->reply, "Cache-Control"));
	assert_null(web_header(&s->reply, "Set-Cookie"));
	ask(s, "HEAD", STACK_GUARDED, NULL);
	assert_int_equal(s->reply.status, 200);
	assert_int_equal(s->reply.body.len, 0);
	ask(s, "OPTIONS", STACK_GUARDED, NULL);
	assert_int_equal(s->reply.status, 200);
	ask(s, "GET", "/guarded/nothing", NULL);
	assert_int_equal(s->reply.status, 404);

	bearer.bearer = s->token;
	web_call(s->web, &bearer, &s->reply);
	assert_int_equal(s->reply.status, 200);
	assert_string_equal(s->reply.body.data, STACK_SECRET);
	bearer.bearer = "a.b.c";
	web_call(s->web, &bearer, &s->reply);
	web_expect(&s->reply, 401, "invalid_token");
}

TEST(navigations_are_redirected_to_the_login_page, struct site *s)
{
	static const char *const navigate[] = { "Sec-Fetch-Mode: navigate",
		NULL };
	static const char *const html[] = { "Accept: text/html,*/*;q=0.8",
		NULL };
	static const char *const script[] = { "Sec-Fetch-Mode: cors",
		"Accept: text/html", NULL };

	web_forget(s->web);
	ask(s, "GET", STACK_GUARDED "?a=b&c=%2f", navigate);
	assert_int_equal(s->reply.status, 302);
	assert_string_equal(web_header(&s->reply, "Location"),
	    "/sign-in?x=1&rd=" STACK_GUARDED "%3Fa%3Db%26c%3D%252f");
	assert_string_equal(web_header(&s->reply, "Cache-Control"), "no-store");
	ask(s, "GET", STACK_GUARDED, html);
	assert_int_equal(s->reply.status, 302);
	/* The return path stays on this site. */
	ask(s, "GET", "//guarded/file.txt", html);
	assert_int_equal(s->reply.status, 302);
	assert_string_equal(web_header(&s->reply, "Location"), "/sign-in?x=1");

	ask(s, "GET", STACK_GUARDED, script);
	web_expect(&s->reply, 401, "not_signed_in");
	ask(s, "POST", STACK_GUARDED, navigate);
	web_expect(&s->reply, 401, "not_signed_in");
}

/* Headers of the client do not change the identity. */
TEST(the_application_gets_the_identity, struct site *s)
{
	static const char *const spoofed[] = { "Remote-User: 99",
		"REMOTE_USER: 99", "Auth-Id: 99", "AUTH_ID: 99",
		"X-Auth-Id: 99", "Variable-REMOTE_USER: 99",
		"Variable-AUTH_ROLE: admin", "Auth-Role: admin",
		"AUTH_ROLE: admin", "Latchkey-Require-Role: user",
		"LATCHKEY_REQUIRE_ROLE: user",
		"Latchkey-Authorize-Protocol: forward_auth",
		"LATCHKEY_AUTHORIZE_PROTOCOL: auth_request",
		"FCGI_ROLE: RESPONDER", "Fcgi-Apache-Role: ACCESS_CHECKER",
		"X-Forwarded-Method: GET", "X-Forwarded-Uri: /", NULL };
	struct signed_in_user m;

	web_forget(s->web);
	signed_in_user_register(s->web, "who@example.org", &m);
	site_account(s);
	for (int i = 0; i < 2; i++) {
		char handle[SESSION_HANDLE_SIZE];

		ask(s, "GET", PROGRAM "?a=b", i == 0 ? NULL : spoofed);
		assert_int_equal(s->reply.status, 200);
		assert_int_equal(session_handle(handle, s->session), ERR_OK);
		assert_one_line(s, "REMOTE_USER", s->user_id);
		assert_one_line(s, "AUTH_ID", s->user_id);
		assert_one_line(s, "AUTH_USER", "Test");
		assert_one_line(s, "AUTH_EMAIL", s->email);
		assert_one_line(s, "AUTH_ROLE", "user");
		assert_one_line(s, "AUTH_SESSION", handle);
		assert_one_line(s, "QUERY_STRING", "a=b");
		ask(s, "GET", ADMIN, i == 0 ? NULL : spoofed);
		web_expect(&s->reply, 403, "forbidden");
	}
	web_forget(s->web);
	ask(s, "GET", PROGRAM, spoofed);
	web_expect(&s->reply, 401, "not_signed_in");
}

TEST(forms_need_the_same_origin, struct site *s)
{
	static const char *const refused[][2] = { { NULL },
		{ "Sec-Fetch-Site: cross-site" },
		{ "Sec-Fetch-Site: same-site" },
		{ "Origin: https://evil.example" }, { "Origin: null" } };
	char origin[128];
	const char *const taken[][2] = { { "Sec-Fetch-Site: same-origin" },
		{ origin } };
	struct web_call form = { .path = PROGRAM,
		.body = "field=value",
		.type = "application/x-www-form-urlencoded",
		.no_site = true };

	snprintf(origin, sizeof(origin), "Origin: %s", stack_base(s->stack));
	site_account(s);
	for (size_t i = 0; i < NELEMS(taken); i++) {
		form.headers = taken[i];
		web_call(s->web, &form, &s->reply);
		assert_int_equal(s->reply.status, 200);
		assert_true(application_got(s, "\n.\nfield=value"));
	}
	for (size_t i = 0; i < NELEMS(refused); i++) {
		form.headers = refused[i];
		web_call(s->web, &form, &s->reply);
		web_expect(&s->reply, 403, "cross_site");
	}
	/* Browsers add no tokens. */
	form.headers = NULL;
	form.no_cookies = true;
	form.bearer = s->token;
	web_call(s->web, &form, &s->reply);
	assert_int_equal(s->reply.status, 200);
}

/* As an operator would; no worker has cached the user yet. */
TEST(a_required_role_is_enforced, struct site *s)
{
	char database[128], sql[128];

	site_account(s);
	snprintf(
	    database, sizeof(database), "%s/latchkey.db", stack_dir(s->stack));
	snprintf(sql, sizeof(sql),
	    "UPDATE users SET role = 'admin' WHERE id = %s", s->user_id);
	database_run(database, sql);
	expect_secret(s, ADMIN);
	expect_secret(s, STACK_GUARDED);
	/* An unknown role or a protocol of the other role allows no request. */
	ask(s, "GET", "/guarded/no-role/file.txt", NULL);
	web_expect(&s->reply, 500, "internal");
	ask(s, "GET", "/guarded/odd/file.txt", NULL);
	web_expect(&s->reply, 500, "internal");
	assert_true(stack_file_contains(
	    stack_log(s->stack), "LATCHKEY_REQUIRE_ROLE=\"wizard\""));
	assert_true(stack_file_contains(stack_log(s->stack),
	    "LATCHKEY_AUTHORIZE_PROTOCOL=\"auth_request\""));
}

/* Every spelling of the path is guarded or not found. */
TEST(no_spelling_of_a_path_is_unguarded, struct site *s)
{
	static const char *const paths[] = { "//guarded/file.txt",
		"///guarded//file.txt", "/guarded//file.txt",
		"/./guarded/file.txt", "/guarded/./file.txt",
		"/guarded/../guarded/file.txt", "/x/../guarded/file.txt",
		"/guarded/x/../file.txt", "/x/%2e%2e/guarded/file.txt",
		"/x/..%2fguarded/file.txt", "/guarded%2ffile.txt",
		"/guarded%2Ffile.txt", "/guarde%64/file.txt",
		"/%67uarded/file.txt", "/guarded/file%2etxt",
		"/guarded/%66ile.txt", "/%2fguarded/file.txt",
		"/guarded/file.txt?", "/guarded/file.txt?x=/api/v1/auth/login",
		"/guarded/file.txt/", "/guarded/file.txt/x",
		"/guarded%5cfile.txt", "/guarded\\file.txt",
		"/api/../guarded/file.txt", "/api/v1/../../guarded/file.txt",
		"/api/%2e%2e/guarded/file.txt", "/guarded/../guarded/file.txt",
		"/GUARDED/file.txt", "/Guarded/FILE.TXT", "/guarded;x/file.txt",
		"/guarded/file.txt;x", "/guarded%00/file.txt",
		"/guarded/file.txt%00" };

	web_forget(s->web);
	for (size_t i = 0; i < NELEMS(paths); i++) {
		ask(s, "GET", paths[i], NULL);
		if (s->reply.status < 400 || s->reply.status > 499)
			fail_msg("%s: %ld\n%s", paths[i], s->reply.status,
			    s->reply.body.data);
		assert_false(application_got(s, STACK_SECRET));
	}
	site_account(s);
	for (size_t i = 0; i < NELEMS(paths); i++) {
		ask(s, "GET", paths[i], NULL);
		assert_true(s->reply.status != 0 && s->reply.status < 500);
	}
}

/* A guarded path that equals a route's does not run that route. */
TEST(guarded_paths_run_no_route, struct site *s)
{
	const struct web_call call = { .path = "/guarded/api/v1/auth/logout",
		.body = "{}" };

	site_account(s);
	web_call(s->web, &call, &s->reply);
	assert_int_equal(s->reply.status, 404);
	expect_secret(s, STACK_GUARDED);
}

TEST(a_logout_closes_it_at_once, struct site *s)
{
	for (int i = 0; i < 20; i++) {
		site_account(s);
		for (int j = 0; j < WORKERS; j++)
			expect_secret(s, STACK_GUARDED);
		web_post(s->web, "/api/v1/auth/logout", "{}", &s->reply);
		web_expect(&s->reply, 200, NULL);
		for (int j = 0; j < 3 * WORKERS; j++) {
			struct web_call call = { .path = STACK_GUARDED,
				.bearer = s->token,
				.no_cookies = true };
			char cookie[128];
			const char *const headers[] = { cookie, NULL };

			web_call(s->web, &call, &s->reply);
			web_expect(&s->reply, 401, "invalid_token");
			snprintf(cookie, sizeof(cookie), "Cookie: latchkey=%s",
			    s->session);
			call.bearer = NULL;
			call.headers = headers;
			web_call(s->web, &call, &s->reply);
			web_expect(&s->reply, 401, "invalid_session");
		}
	}
}

/* Without an authorizer the path stays closed. */
TEST(without_a_pool_the_path_is_closed, struct site *s)
{
	site_account(s);
	expect_secret(s, STACK_GUARDED);
	stack_stop_pool(s->stack, SIGKILL);
	for (int i = 0; i < 5; i++) {
		ask(s, "GET", STACK_GUARDED, NULL);
		assert_in_range(s->reply.status, 500, 503);
		assert_false(application_got(s, STACK_SECRET));
	}
	stack_start_pool(s->stack);
	expect_secret(s, STACK_GUARDED);
}

TEST_RUN()
{
	static const char *const env[] = { "LATCHKEY_LOGIN_PAGE=/sign-in?x=1",
		NULL };
	const struct stack_options options = {
		.workers = WORKERS, .lighttpd = lighttpd, .env = env
	};

	return site_run("authorizer", TEST_ALL, &options);
}
