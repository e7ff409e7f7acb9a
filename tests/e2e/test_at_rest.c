/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "support/redis_server.h"
#include "support/site.h"

/*
 * After a session has gone through its whole life no secret is stored anywhere:
 * no session id, token or password, no plain e-mail address in Redis, and no
 * complete one in the log.
 */
#define SECRETS_MAX 64

#define OLD_EMAIL "ada.of.old@example.org"
#define NEW_EMAIL "Ada.Now@Example.org"
#define NEW_PASSWORD "another pale horse 11"

struct secrets {
	char text[SECRETS_MAX][1200];
	size_t count;
};

static void
keep(struct secrets *x, const char *text)
{
	assert_non_null(text);
	assert_true(strlen(text) >= 8);
	assert_true(x->count < SECRETS_MAX);
	assert_true(strlen(text) < sizeof(x->text[0]));
	snprintf(x->text[x->count++], sizeof(x->text[0]), "%s", text);
}

/* Search for the token and for its signature, which alone makes it usable. */
static void
keep_token(struct secrets *x, const char *token)
{
	keep(x, token);
	keep(x, strrchr(token, '.') + 1);
}

static void
keep_session(struct secrets *x, const char *session)
{
	char bare[64];
	size_t n = 0;

	keep(x, session);
	for (const char *p = session; *p != '\0'; p++)
		if (*p != '-')
			bare[n++] = *p;
	bare[n] = '\0';
	keep(x, bare);
}

/* Note the secrets that the answer to a login contains. */
static void
keep_grant(struct secrets *x, struct web_reply *reply)
{
	const char *session = web_text(reply, "session_id");

	keep_token(x, web_text(reply, "access_token"));
	if (session != NULL)
		keep_session(x, session);
}

/* ---- a session's life ---- */

static void
ask(struct site *s, const char *method, const char *path, const char *json,
    long status)
{
	struct web_call c = { .method = method, .path = path, .body = json };

	web_call(s->web, &c, &s->reply);
	web_expect(&s->reply, status, NULL);
}

static void
post(struct site *s, const char *path, const char *json, long status)
{
	ask(s, "POST", path, json, status);
}

/* Refused attempts, which write more log lines than others. */
static void
be_refused(struct site *s, struct secrets *x)
{
	struct web_call c = { .path = "/auth/me", .no_cookies = true };

	post(s, "/auth/login",
	    "{\"email\":\"" OLD_EMAIL "\",\"password\":\"mistyped pass 77\"}",
	    401);
	keep(x, "mistyped pass 77");
	post(s, "/auth/register",
	    "{\"email\":\"" OLD_EMAIL
	    "\",\"password\":\"taken address pass 5\",\"name\":\"A\"}",
	    409);
	keep(x, "taken address pass 5");
	post(s, "/auth/validate-session",
	    "{\"session_id\":\"0e0e0e0e-1111-4222-8333-444444444444\"}", 401);
	keep(x, "0e0e0e0e-1111-4222-8333-444444444444");
	post(s, "/auth/login",
	    "{\"email\":\"" OLD_EMAIL "\",\"password\":\"unfinished pass 8\"",
	    400);
	keep(x, "unfinished pass 8");
	c.bearer = "bm9uc2Vuc2U.bm9uc2Vuc2U.dGhpcy1pcy1ub3QtYS1zaWduYXR1cmU";
	web_call(s->web, &c, &s->reply);
	web_expect(&s->reply, 401, "invalid_token");
	keep(x, "dGhpcy1pcy1ub3QtYS1zaWduYXR1cmU");
	c.bearer = NULL;
	c.path = "/auth/me?session_id=5f5f5f5f-1111-4222-8333-444444444444";
	web_call(s->web, &c, &s->reply);
	web_expect(&s->reply, 401, NULL);
	keep(x, "5f5f5f5f-1111-4222-8333-444444444444");
}

static void
live(struct site *s, struct secrets *x)
{
	keep(x, WEB_PASSWORD);
	keep(x, NEW_PASSWORD);
	web_register(s->web, OLD_EMAIL, &s->reply);
	keep_grant(x, &s->reply);
	be_refused(s, x);
	web_forget(s->web);
	web_login(s->web, OLD_EMAIL, &s->reply);
	keep_grant(x, &s->reply);
	post(s, "/auth/validate-session", "{}", 200);
	keep_grant(x, &s->reply);
	ask(s, "GET", "/auth/me", NULL, 200);
	post(s, "/auth/update-profile",
	    "{\"email\":\"" NEW_EMAIL "\",\"current_password\":\"" WEB_PASSWORD
	    "\"}",
	    200);
	ask(s, "GET", "/auth/me", NULL, 200);
	ask(s, "GET", "/auth/sessions", NULL, 200);
	post(s, "/auth/change-password",
	    "{\"current_password\":\"" WEB_PASSWORD
	    "\",\"new_password\":\"" NEW_PASSWORD "\"}",
	    200);
	if (web_text(&s->reply, "access_token") != NULL)
		keep_grant(x, &s->reply);
	web_forget(s->web);
	post(s, "/auth/login",
	    "{\"email\":\"" NEW_EMAIL "\",\"password\":\"" NEW_PASSWORD "\"}",
	    200);
	keep_grant(x, &s->reply);
	ask(s, "GET", "/auth/me", NULL, 200);
	post(s, "/auth/logout", "{}", 200);
	web_forget(s->web);
	post(s, "/auth/login",
	    "{\"email\":\"" NEW_EMAIL "\",\"password\":\"" NEW_PASSWORD "\"}",
	    200);
	keep_grant(x, &s->reply);
	ask(s, "GET", "/auth/me", NULL, 200);
}

/* ---- the places to search ---- */

static void
read_file(const char *path, struct buf *all)
{
	char block[65536];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	buf_reset(all);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_append(all, block, n);
	fclose(f);
	assert_false(all->failed);
}

static void
assert_not_within(const struct buf *all, const char *text, const char *where)
{
	if (all->len > 0 &&
	    memmem(all->data, all->len, text, strlen(text)) != NULL)
		fail_msg("\"%s\" is in %s", text, where);
}

/* Search the database, its companion files, the logs and the snapshot. */
static void
assert_not_in_folder(const char *dir, const struct secrets *x)
{
	DIR *d = opendir(dir);
	struct buf all = { 0 };
	char path[512];

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_type != DT_REG)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		read_file(path, &all);
		for (size_t i = 0; i < x->count; i++)
			assert_not_within(&all, x->text[i], path);
	}
	closedir(d);
	buf_clear(&all);
}

static void
assert_nothing_secret(struct site *s, const struct secrets *x)
{
	static const char *const emails[] = { OLD_EMAIL, NEW_EMAIL,
		"ada.now@example.org" };
	struct redis_server *redis = stack_redis(s->stack);
	struct buf log = { 0 };

	assert_not_in_folder(stack_dir(s->stack), x);
	for (size_t i = 0; i < x->count; i++) {
		if (redis_server_contains(redis, x->text[i]))
			fail_msg("\"%s\" is in Redis", x->text[i]);
	}
	read_file(stack_log(s->stack), &log);
	for (size_t i = 0; i < NELEMS(emails); i++) {
		if (redis_server_contains(redis, emails[i]))
			fail_msg("\"%s\" is in Redis", emails[i]);
		assert_not_within(&log, emails[i], "the log");
	}
	buf_clear(&log);
}

TEST(a_session_leaves_no_secret, struct site *s)
{
	struct redis_server *redis = stack_redis(s->stack);
	struct secrets *x = calloc(1, sizeof(*x));
	char db[160];

	assert_non_null(x);
	live(s, x);
	/* The search finds a text that is there, so the test can fail. */
	assert_true(redis_server_int(redis, "DBSIZE") > 0);
	assert_true(redis_server_contains(redis, "session:"));
	snprintf(db, sizeof(db), "%s/latchkey.db-wal", stack_dir(s->stack));
	assert_true(stack_file_contains(db, NEW_EMAIL));
	assert_true(stack_file_contains(stack_log(s->stack), "event=login"));
	/* Include what Redis writes to disk. */
	redis_server_ask(redis, "SAVE");
	assert_nothing_secret(s, x);
	post(s, "/auth/logout-all-devices", "{}", 200);
	assert_nothing_secret(s, x);
	stack_stop_pool(s->stack, SIGTERM);
	assert_nothing_secret(s, x);
	free(x);
}

TEST_RUN()
{
	/* A long deadline, so that Redis is used on a busy machine too. */
	static const char *const info[] = { "LATCHKEY_LOG_LEVEL=info",
		"LATCHKEY_REDIS_DEADLINE_MS=5000", NULL };
	static const char *const debug[] = { "LATCHKEY_LOG_LEVEL=debug",
		"LATCHKEY_REDIS_DEADLINE_MS=5000", NULL };
	const struct stack_options quiet = { .env = info };
	const struct stack_options chatty = { .env = debug };

	return site_run("at rest, log level info", TEST_ALL, &quiet) +
	    site_run("at rest, log level debug", TEST_ALL, &chatty);
}
