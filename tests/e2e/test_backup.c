/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json_value.h"
#include "support/child.h"
#include "support/cli.h"
#include "support/database.h"
#include "support/files.h"
#include "support/process.h"
#include "support/site.h"

/* Backups made while the pool runs, and their restoration. */

#define OTHER_PASSWORD "walrus tangerine orbit 5"

struct fixture {
	struct site *site;
	struct cli cli;
	char db[128];
	char copy[128];
	char backup[192];  /* "backup COPY" */
	char restore[192]; /* "restore COPY" */
};

static struct fixture *
begin(void **state)
{
	static struct fixture f;
	static int serial;
	const char *dir;

	cli_close(&f.cli);
	f.site = *state;
	dir = stack_dir(f.site->stack);
	cli_open(&f.cli, dir);
	snprintf(f.db, sizeof(f.db), "%s/latchkey.db", dir);
	snprintf(f.copy, sizeof(f.copy), "%s/copy%d", dir, serial++);
	snprintf(f.backup, sizeof(f.backup), "backup %s", f.copy);
	snprintf(f.restore, sizeof(f.restore), "restore %s", f.copy);
	return &f;
}

static void
expect_me(struct fixture *f, const char *token, long status)
{
	web_call(f->site->web,
	    &(struct web_call){
		.path = "/auth/me", .bearer = token, .no_cookies = true },
	    &f->site->reply);
	web_expect(
	    &f->site->reply, status, status == 200 ? NULL : "invalid_token");
}

static void
expect_session(struct fixture *f, const char *id, long status)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"session_id\":\"%s\"}", id);
	web_call(f->site->web,
	    &(struct web_call){ .path = "/auth/validate-session",
		.body = body,
		.no_cookies = true },
	    &f->site->reply);
	web_expect(
	    &f->site->reply, status, status == 200 ? NULL : "invalid_session");
}

/* ---- backup ---- */

struct writer_ctx {
	struct fixture *f;
	volatile bool *stop;
};

/* Add accounts by the command line as fast as possible. */
static void
write_on(void *ctx)
{
	struct writer_ctx *w = ctx;
	struct cli cli;
	char line[96];

	cli_open(&cli, w->f->cli.dir);
	snprintf(cli.log, sizeof(cli.log), "%s/writer.out", w->f->cli.dir);
	for (int i = 0; !*w->stop && i < 1000; i++) {
		snprintf(line, sizeof(line), "user add busy%d@example.org", i);
		cli_run(&cli, OTHER_PASSWORD "\n", line);
		child_check(cli.status == 0);
	}
	cli_close(&cli);
}

TEST(a_backup_is_consistent_during_writes)
{
	struct fixture *f = begin(state);
	struct writer_ctx w = { f, child_shared(sizeof(bool)) };
	struct stat st;
	pid_t json_writer;

	site_account(f->site);
	json_writer = child_start(write_on, &w);
	for (int i = 0; i < 5; i++) {
		cli_run(&f->cli, NULL, f->backup);
		cli_expect(&f->cli, 0, "checked");
		assert_int_equal(stat(f->copy, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		database_check(f->copy);
		assert_true(
		    database_int(f->copy, "SELECT count(*) FROM users") > 0);
		assert_int_equal(
		    database_int(f->copy, "SELECT count(*) FROM sessions"), 1);
		snprintf(
		    f->backup, sizeof(f->backup), "backup --force %s", f->copy);
	}
	*w.stop = true;
	child_passed(json_writer);
	child_unshare((void *)(uintptr_t)w.stop, sizeof(bool));
	expect_me(f, f->site->token, 200);
}

TEST(nothing_is_overwritten_without_force)
{
	struct fixture *f = begin(state);
	static const char *const own[] = { "latchkey.db", "latchkey.db-wal",
		"latchkey.db-shm", "latchkey.db-lock", "latchkey.db-ballast",
		"master.key", "./latchkey.db" };
	struct buf before = { 0 };
	char folder[160];

	files_write(f->copy, "precious", 8);
	files_read(f->copy, &before);
	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 1, "--force");
	assert_true(files_hold(f->copy, &before));
	buf_clear(&before);
	snprintf(f->backup, sizeof(f->backup), "backup --force %s", f->copy);
	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 0, "checked");
	database_check(f->copy);
	for (size_t i = 0; i < NELEMS(own); i++) {
		snprintf(f->backup, sizeof(f->backup), "backup --force %s/%s",
		    f->cli.dir, own[i]);
		cli_run(&f->cli, NULL, f->backup);
		cli_expect(&f->cli, 2, "a file of the site");
	}
	expect_me(f, f->site->token, 200);
	snprintf(folder, sizeof(folder), "%s/none", f->cli.dir);
	snprintf(f->backup, sizeof(f->backup), "backup %s/copy", folder);
	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 1, "No such file");
	cli_run(&f->cli, NULL, "backup");
	cli_expect(&f->cli, 2, "needs FILE");
}

/* ---- restore ---- */

TEST(a_running_pool_is_not_disturbed)
{
	struct fixture *f = begin(state);
	struct buf before = { 0 };

	site_account(f->site);
	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 0, "checked");
	files_read(f->db, &before);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 1, "in use; stop the pool");
	assert_true(files_hold(f->db, &before));
	buf_clear(&before);
	expect_me(f, f->site->token, 200);
}

static void
start_pool(struct fixture *f)
{
	stack_start_pool(f->site->stack);
	assert_true(stack_ready(f->site->stack, 60000));
}

/*
 * The backup contains a session as live that was revoked later.  It must not
 * come back as a session, by a token, or from Redis.
 */
TEST(a_later_revocation_survives_the_restore)
{
	struct fixture *f = begin(state);
	struct site *site = f->site;
	char revoked_token[1100], revoked[64], newer[32], body[160];

	site_account(site);
	memcpy(revoked_token, site->token, sizeof(revoked_token));
	memcpy(revoked, site->session, sizeof(revoked));
	expect_session(f, revoked, 200);
	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 0, "checked");
	web_login(site->web, site->email, &site->reply);
	site_keep(site);
	web_call(site->web,
	    &(struct web_call){ .path = "/auth/logout",
		.method = "POST",
		.bearer = revoked_token,
		.no_cookies = true },
	    &site->reply);
	web_expect(&site->reply, 200, NULL);
	expect_session(f, revoked, 401);
	expect_me(f, site->token, 200);
	cli_run(
	    &f->cli, OTHER_PASSWORD "\n", "user add later@example.org --json");
	cli_expect(&f->cli, 0, "later@example.org");
	snprintf(newer, sizeof(newer), "%.16s", f->cli.text.data);

	stack_stop_pool(site->stack, SIGTERM);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 0, "sessions ended: ");
	cli_expect(&f->cli, 0, "the old database is now ");
	database_check(f->db);
	start_pool(f);

	expect_session(f, revoked, 401);
	expect_me(f, revoked_token, 401);
	expect_session(f, site->session, 401);
	expect_me(f, site->token, 401);
	cli_run(&f->cli, NULL, "user show later@example.org");
	cli_expect(&f->cli, 1, "not found");
	/* The id of a deleted account must not be reused. */
	cli_run(
	    &f->cli, OTHER_PASSWORD "\n", "user add other@example.org --json");
	cli_expect(&f->cli, 0, "other@example.org");
	assert_null(strstr(f->cli.text.data, newer));
	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}",
	    site->email);
	web_post(site->web, "/auth/login", body, &site->reply);
	web_expect(&site->reply, 200, NULL);
}

/* A replaced key, which may have been disclosed, stays replaced. */
TEST(replaced_keys_do_not_come_back)
{
	struct fixture *f = begin(state);
	char kid[64];

	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 0, "checked");
	cli_run(&f->cli, NULL, "key rotate --replace");
	cli_expect(&f->cli, 0, " signs now; all tokens ended");
	cli_run(&f->cli, NULL, "key list --json");
	assert_int_equal(json_value_size(f->cli.json), 1);
	assert_int_equal(json_value_copy_string(json_value_at(f->cli.json, 0),
			     "kid", kid, sizeof(kid)),
	    ERR_OK);
	stack_stop_pool(f->site->stack, SIGTERM);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 0, "sessions ended: ");
	assert_int_equal(
	    database_int(f->db, "SELECT count(*) FROM signing_keys"), 1);
	start_pool(f);
	cli_run(&f->cli, NULL, "key list");
	cli_expect(&f->cli, 0, kid);
}

TEST(an_unusable_backup_is_refused)
{
	struct fixture *f = begin(state);
	struct buf before = { 0 }, whole = { 0 };
	char foreign[160];

	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 0, "checked");
	stack_stop_pool(f->site->stack, SIGTERM);
	files_read(f->db, &before);
	files_read(f->copy, &whole);

	files_write(f->copy, "not a database, but long enough to be one", 41);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 1, "not a database");
	files_write(f->copy, whole.data, whole.len / 4096 / 2 * 4096);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 1, "latchkey: restore: ");
	files_write(f->copy, whole.data, whole.len);
	files_put(f->copy, (off_t)(whole.len / 2), "\xff\xff\xff\xff\xff", 5);
	memset(whole.data + 4096, 0xa5, 2048);
	files_write(f->copy, whole.data, whole.len);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 1, "latchkey: restore: ");
	snprintf(foreign, sizeof(foreign), "%s-foreign", f->copy);
	database_run(foreign, "CREATE TABLE t (x)");
	snprintf(f->restore, sizeof(f->restore), "restore %s", foreign);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 1, "not a database of this program");
	cli_run(&f->cli, NULL, "restore /nowhere/at/all");
	cli_expect(&f->cli, 1, "No such file");

	assert_true(files_hold(f->db, &before));
	buf_clear(&before);
	buf_clear(&whole);
	start_pool(f);
}

/* A restore replaces a database that cannot be read. */
TEST(a_damaged_database_is_replaced)
{
	struct fixture *f = begin(state);
	char junk[4096];

	site_account(f->site);
	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 0, "checked");
	stack_stop_pool(f->site->stack, SIGTERM);
	memset(junk, 0xa5, sizeof(junk));
	files_put(f->db, 0, junk, sizeof(junk));
	cli_run(&f->cli, NULL, "user list");
	assert_int_equal(f->cli.status, 1);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 0, "sessions ended: ");
	database_check(f->db);
	start_pool(f);
	expect_me(f, f->site->token, 401);
	web_login(f->site->web, f->site->email, &f->site->reply);
}

/* The leftover log of a lost database must not affect the restored one. */
TEST(a_lost_database_is_replaced)
{
	struct fixture *f = begin(state);
	char aside[160];

	site_account(f->site);
	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 0, "checked");
	cli_run(&f->cli, OTHER_PASSWORD "\n", "user add lost@example.org");
	cli_expect(&f->cli, 0, "lost@example.org");
	stack_stop_pool(f->site->stack, SIGTERM);
	snprintf(aside, sizeof(aside), "%s-aside", f->db);
	assert_int_equal(rename(f->db, aside), 0);
	cli_run(&f->cli, NULL, f->restore);
	cli_expect(&f->cli, 0, "sessions ended: ");
	assert_null(strstr(f->cli.text.data, "the old database"));
	database_check(f->db);
	cli_run(&f->cli, NULL, "user show lost@example.org");
	cli_expect(&f->cli, 1, "not found");
	start_pool(f);
	web_login(f->site->web, f->site->email, &f->site->reply);
}

/* A restore killed at any point leaves the old or the new database intact. */
TEST(a_killed_restore_leaves_an_intact_database)
{
	static const struct {
		const char *point;
		bool restored;
	} cases[] = {
		{ "restore:copied", false },
		{ "restore:aside", false },
		{ "restore:ready", false },
		{ "restore:done", true },
	};
	struct fixture *f = begin(state);
	char points[160], path[224], variable[192];

	site_account(f->site);
	cli_run(&f->cli, NULL, f->backup);
	cli_expect(&f->cli, 0, "checked");
	cli_run(&f->cli, OTHER_PASSWORD "\n", "user add after@example.org");
	cli_expect(&f->cli, 0, "after@example.org");
	stack_stop_pool(f->site->stack, SIGTERM);

	f->cli.program = getenv("LATCHKEY_TEST_PROGRAM");
	snprintf(points, sizeof(points), "%s/restore-points", f->cli.dir);
	assert_int_equal(mkdir(points, 0700), 0);
	snprintf(
	    variable, sizeof(variable), "LATCHKEY_TESTPOINT_DIR=%s", points);
	cli_env(&f->cli, variable);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		snprintf(
		    path, sizeof(path), "%s/%s.kill", points, cases[i].point);
		files_write(path, "", 0);
		cli_run(&f->cli, NULL, f->restore);
		assert_int_equal(f->cli.status, -SIGKILL);
		cli_run(&f->cli, NULL, "user show after@example.org");
		if (cases[i].restored)
			cli_expect(&f->cli, 1, "not found");
		else
			cli_expect(&f->cli, 0, "after@example.org");
		database_check(f->db);
	}
	start_pool(f);
	expect_me(f, f->site->token, 401);
}

TEST_RUN()
{
	static const struct stack_options options = { .workers = 2 };

	return site_run("backup", TEST_ALL, &options);
}
