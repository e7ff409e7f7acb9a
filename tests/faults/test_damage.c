/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "support/async_request.h"
#include "support/database.h"
#include "support/files.h"
#include "support/process.h"
#include "support/signed_in_user.h"
#include "support/stack.h"

/*
 * Pages in the middle of the database go bad, under the running site or before
 * its start: requests that need them get 503, and none says that the user does
 * not exist or session, and nothing is made anew.
 */

#define API "/api/v1/auth"
#define PAGE 4096
#define PAGES_MAX 64

struct fixture {
	struct stack *stack;
	struct web *web;
	char db[160];
	struct signed_in_user survivor, victim;
	struct stat file;
	/* the pages that were damaged, as they were */
	size_t count;
	off_t at[PAGES_MAX];
	unsigned char good[PAGES_MAX][PAGE];
};

/*
 * So many users that the file is too large to be read whole at a start, and
 * that those we know are neither the first nor the last of anything, nor on
 * one page.
 */
static void
crowd(struct fixture *f, int from, int to)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %d) INSERT INTO users SELECT i,"
	    " substr('amz', i %% 3 + 1, 1) || i,"
	    " substr('amz', i %% 3 + 1, 1) || i, i, '', 'user', 'active',"
	    " 1, 1, 0, 0, 0 FROM n",
	    from, to);
	database_run(f->db, sql);
}

/* Whatever the site read is forgotten, and the log is in the file. */
static void
start_cold(struct fixture *f)
{
	database_run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	stack_start_pool(f->stack);
}

static void
set_up(struct fixture *f)
{
	const struct stack_options options = { .workers = 2, .no_redis = true };

	f->stack = stack_new(&options);
	f->web = web_new(stack_base(f->stack));
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", stack_dir(f->stack));
	stack_stop_pool(f->stack, SIGTERM);
	crowd(f, 1, 10000);
	stack_start_pool(f->stack);
	signed_in_user_register(f->web, "king@example.org", &f->survivor);
	stack_stop_pool(f->stack, SIGTERM);
	crowd(f, 10002, 20000);
	stack_start_pool(f->stack);
	signed_in_user_register(f->web, "victim@example.org", &f->victim);
	stack_stop_pool(f->stack, SIGTERM);
	crowd(f, 20002, 30000);
	start_cold(f);
	assert_int_equal(stat(f->db, &f->file), 0);
	assert_true(f->file.st_size > 256 * PAGE);
}

static void
tear_down(struct fixture *f)
{
	stack_stop_pool(f->stack, SIGTERM);
	database_check(f->db);
	web_free(f->web);
	stack_free(f->stack);
}

/* Every page where ${text} stands turns into junk. */
static void
damage(struct fixture *f, const char *text)
{
	struct buf all = { 0 };
	unsigned char junk[PAGE];

	memset(junk, 0xa5, sizeof(junk));
	f->count = 0;
	files_read(f->db, &all);
	for (size_t at = 0; at + PAGE <= all.len; at += PAGE) {
		if (memmem(all.data + at, PAGE, text, strlen(text)) == NULL)
			continue;
		assert_true(at > 0 && f->count < PAGES_MAX);
		memcpy(f->good[f->count], all.data + at, PAGE);
		f->at[f->count++] = (off_t)at;
		files_put(f->db, (off_t)at, junk, sizeof(junk));
	}
	buf_clear(&all);
	assert_true(f->count > 0);
}

static void
assert_not_made_anew(struct fixture *f)
{
	struct stat now;
	struct buf all = { 0 };
	unsigned char junk[PAGE];

	memset(junk, 0xa5, sizeof(junk));
	assert_int_equal(stat(f->db, &now), 0);
	assert_int_equal(now.st_ino, f->file.st_ino);
	assert_int_equal(now.st_size, f->file.st_size);
	files_read(f->db, &all);
	for (size_t i = 0; i < f->count; i++)
		assert_memory_equal(all.data + f->at[i], junk, PAGE);
	buf_clear(&all);
}

static void
repair(struct fixture *f)
{
	assert_not_made_anew(f);
	for (size_t i = 0; i < f->count; i++)
		files_put(f->db, f->at[i], f->good[i], PAGE);
}

static long
login(
    struct fixture *f, const struct signed_in_user *m, struct web_reply *reply)
{
	char body[160];
	struct web_call call = { .path = API "/login", .body = body };

	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}", m->email);
	return web_as(f->web, &call, NULL, reply);
}

/* No thread of any worker can read the row of ${m}. */
static void
check_is_unavailable(struct fixture *f, const struct signed_in_user *m)
{
	struct web_reply reply = { 0 };
	struct signed_in_user_call c;

	for (int round = 0; round < 4; round++) {
		for (enum signed_in_user_way credential_source = 0;
		     credential_source < SIGNED_IN_USER_WAYS;
		     credential_source++) {
			signed_in_user_question(m, credential_source, &c);
			web_as(f->web, &c.call, c.cookie, &reply);
			web_expect(&reply, 503, "unavailable");
		}
		login(f, m, &reply);
		web_expect(&reply, 503, "unavailable");
	}
	web_reply_clear(&reply);
}

static void
is_well(struct fixture *f, const struct signed_in_user *m)
{
	struct web_reply reply = { 0 };

	for (int round = 0; round < 4; round++) {
		for (enum signed_in_user_way credential_source = 0;
		     credential_source < SIGNED_IN_USER_WAYS;
		     credential_source++)
			assert_int_equal(
			    signed_in_user_ask(f->web, m, credential_source),
			    200);
		assert_int_equal(login(f, m, &reply), 200);
	}
	web_reply_clear(&reply);
}

/* No other answer may be untrue; 503 is not. */
static void
is_told_no_lie(struct fixture *f, const struct signed_in_user *m)
{
	for (int round = 0; round < 4; round++) {
		for (enum signed_in_user_way credential_source = 0;
		     credential_source < SIGNED_IN_USER_WAYS;
		     credential_source++) {
			long status =
			    signed_in_user_ask(f->web, m, credential_source);

			assert_true(status == 200 || status == 503);
		}
	}
}

TEST(a_page_of_users_under_the_site, struct fixture *f)
{
	damage(f, f->victim.email);
	check_is_unavailable(f, &f->victim);
	is_well(f, &f->survivor);
	check_is_unavailable(f, &f->victim);
	repair(f);
	is_well(f, &f->victim);
}

TEST(the_page_of_sessions_under_the_site, struct fixture *f)
{
	stack_stop_pool(f->stack, SIGTERM);
	start_cold(f);
	damage(f, f->victim.handle);
	/* What a start has read is true and may be told; any change ends it. */
	database_run(f->db, "UPDATE latest SET time = time + 1");
	check_is_unavailable(f, &f->victim);
	check_is_unavailable(f, &f->survivor);
	repair(f);
	is_well(f, &f->victim);
	is_well(f, &f->survivor);
}

TEST(a_page_of_users_before_a_start, struct fixture *f)
{
	stack_stop_pool(f->stack, SIGTERM);
	database_run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(stat(f->db, &f->file), 0);
	damage(f, f->victim.email);
	stack_start_pool(f->stack);
	check_is_unavailable(f, &f->victim);
	is_told_no_lie(f, &f->survivor);
	repair(f);
	is_well(f, &f->victim);
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
