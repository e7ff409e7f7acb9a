/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "support/async_request.h"
#include "support/database.h"
#include "support/signed_in_user.h"
#include "support/stack.h"

/*
 * Two pools on one database, each with a socket, a web server and a Redis of
 * its own, so that each Redis is told nothing of what the other pool does.
 */
struct fixture {
	struct stack *pool[2];
	struct web *web[2];
	char db[160];
	char db_env[200];
	const char *env[2];
	int serial;
};

static void
set_up(struct fixture *f)
{
	const struct stack_options first = { .workers = 2 };
	struct stack_options second = { .workers = 2 };

	f->pool[0] = stack_new(&first);
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", stack_dir(f->pool[0]));
	snprintf(f->db_env, sizeof(f->db_env), "DATABASE_URL=sqlite:%s", f->db);
	f->env[0] = f->db_env;
	second.env = f->env;
	f->pool[1] = stack_new(&second);
	for (int i = 0; i < 2; i++)
		f->web[i] = web_new(stack_base(f->pool[i]));
}

static void
tear_down(struct fixture *f)
{
	for (int i = 0; i < 2; i++) {
		web_free(f->web[i]);
		stack_stop_pool(f->pool[i], SIGTERM);
	}
	database_check(f->db);
	stack_free(f->pool[1]);
	stack_free(f->pool[0]);
}

/* Each of the workers may be the one that answers. */
static void
expect(struct fixture *f, int pool, const struct signed_in_user *m, long status)
{
	for (int round = 0; round < 4; round++) {
		for (enum signed_in_user_way credential_source = 0;
		     credential_source < SIGNED_IN_USER_WAYS;
		     credential_source++)
			assert_int_equal(signed_in_user_ask(f->web[pool], m,
					     credential_source),
			    status);
	}
}

static void
new_member(struct fixture *f, int pool, struct signed_in_user *m)
{
	char email[64];

	snprintf(email, sizeof(email), "two%d@example.org", ++f->serial);
	signed_in_user_register(f->web[pool], email, m);
}

/* ${ending} at one pool; the other has the session in its Redis. */
static void
ends_at_both(
    struct fixture *f, const struct signed_in_user_ending *ending, int here)
{
	struct web_reply reply = { 0 };
	struct signed_in_user m, other;
	struct signed_in_user_call c;

	new_member(f, !here, &m);
	signed_in_user_login(f->web[here], m.email, &other);
	expect(f, here, &m, 200);
	expect(f, !here, &m, 200);
	signed_in_user_end(ending, &m, &other, &c);
	if (web_as(f->web[here], &c.call, c.cookie, &reply) != ending->status)
		fail_msg("%s: %ld", ending->name, reply.status);
	expect(f, !here, &m, 401);
	expect(f, here, &m, 401);
	web_reply_clear(&reply);
}

TEST(a_logout_at_one_is_seen_at_the_other)
{
	for (size_t i = 0; i < signed_in_user_endings_count; i++) {
		ends_at_both(*state, &signed_in_user_endings[i], 0);
		ends_at_both(*state, &signed_in_user_endings[i], 1);
	}
}

/* The name as the pool ${pool} knows it. */
static void
expect_name(struct fixture *f, int pool, const struct signed_in_user *m,
    const char *name)
{
	const struct web_call me = { .path = "/api/v1/auth/me" };
	struct web_reply reply = { 0 };

	for (int round = 0; round < 8; round++) {
		assert_int_equal(
		    web_as(f->web[pool], &me, m->session, &reply), 200);
		assert_string_equal(web_text(&reply, "user.name"), name);
	}
	web_reply_clear(&reply);
}

TEST(a_new_name_at_one_is_known_at_the_other, struct fixture *f)
{
	struct web_reply reply = { 0 };
	struct signed_in_user m;

	new_member(f, 0, &m);
	for (int i = 0; i < 20; i++) {
		char body[64], name[32];
		const struct web_call rename = {
			.method = "PUT",
			.path = "/api/v1/auth/update-profile",
			.body = body,
		};

		snprintf(name, sizeof(name), "Name %d", i);
		snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
		assert_int_equal(
		    web_as(f->web[i % 2], &rename, m.session, &reply), 200);
		expect_name(f, !(i % 2), &m, name);
		expect_name(f, i % 2, &m, name);
	}
	web_reply_clear(&reply);
}

/* One pool is killed; the other holds the table, so it is not begun anew. */
TEST(one_may_die_and_come_back, struct fixture *f)
{
	const struct signed_in_user_ending *logout =
	    signed_in_user_ending("logout by token");
	struct web_reply reply = { 0 };
	struct stat before, after;
	struct signed_in_user m, gone;
	struct signed_in_user_call c;
	char table[200];

	snprintf(table, sizeof(table), "%s/shared.mem", stack_dir(f->pool[0]));
	assert_int_equal(stat(table, &before), 0);
	new_member(f, 0, &m);
	new_member(f, 0, &gone);
	expect(f, 0, &gone, 200);
	expect(f, 1, &gone, 200);
	stack_stop_pool(f->pool[0], SIGKILL);
	expect(f, 1, &m, 200);
	signed_in_user_end(logout, &gone, &m, &c);
	assert_int_equal(web_as(f->web[1], &c.call, c.cookie, &reply), 200);
	stack_start_pool(f->pool[0]);
	assert_int_equal(stat(table, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	expect(f, 0, &gone, 401);
	expect(f, 0, &m, 200);
	expect(f, 1, &gone, 401);
	signed_in_user_end(logout, &m, &gone, &c);
	assert_int_equal(web_as(f->web[0], &c.call, c.cookie, &reply), 200);
	expect(f, 1, &m, 401);
	web_reply_clear(&reply);
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
