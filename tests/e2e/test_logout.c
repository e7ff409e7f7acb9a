/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>

#include "base/err.h"
#include "support/logout_fixture.h"
#include "support/revocation_monitor.h"

/*
 * Checks and changes that overlap, each held between two steps by a test
 * point, through the web server and eight workers.  What was acknowledged as
 * ended, or once refused, must be refused from then on by each of them.
 */

static const char *const read_points[] = { "read:generation",
	"read:table-missed", "read:cache-missed", "read:store-read",
	"read:filled", "table:claimed", "table:half", "table:written" };
static const char *const change_points[] = { "change:begun", "change:marked",
	"change:written", "change:committed", "change:settled",
	"change:tidied" };

static enum logout_fixture_key
key_of(const struct signed_in_user_ending *ending)
{
	return (ending->flags & SIGNED_IN_USER_USER_KEY) != 0
	    ? LOGOUT_FIXTURE_USER
	    : LOGOUT_FIXTURE_SESSION;
}

/* ---- a check that began before ---- */

/*
 * The check has read what will soon be over, sleeps through the whole change,
 * and fills the cache afterwards.  Its own answer may be either; a token that
 * it hands out is dead like the rest.
 */
static void
a_fill_lands_after(struct logout_fixture *f,
    const struct signed_in_user_ending *ending,
    enum signed_in_user_way credential_source, const char *point)
{
	struct web_reply reply = { 0 };
	struct signed_in_user m, other;
	struct async_request *check;
	struct revocation_monitor *watch;
	const char *token;
	pid_t held;
	long status;

	logout_fixture_pair(f, ending, &m, &other);
	check = logout_fixture_hold_check(
	    f, &m, credential_source, key_of(ending), point, &held);
	watch = revocation_monitor_start(stack_base(f->stack), &m);
	assert_int_equal(
	    logout_fixture_end(f, ending, &m, &other), ending->status);
	revocation_monitor_ended(watch);
	revocation_monitor_more(watch, 2);
	stack_point_release(f->stack, point);
	status = async_request_end(check, &reply);
	assert_true(status == 200 || status == 401);
	token = web_text(&reply, "access_token");
	if (token != NULL)
		snprintf(m.second, sizeof(m.second), "%s", token);
	web_reply_clear(&reply);
	revocation_monitor_free(watch);
	logout_fixture_dead(f, &m);
}

/* where a test runs */
enum { REDIS = 1, NO_REDIS = 2 };

TEST_IN(
    REDIS, a_fill_held_at_each_step_races_a_logout, struct logout_fixture *f)
{
	static const char *const names[] = { "logout by token", "logout-all" };

	for (size_t i = 0; i < NELEMS(names); i++) {
		for (size_t j = 0; j < NELEMS(read_points); j++)
			a_fill_lands_after(f, signed_in_user_ending(names[i]),
			    SIGNED_IN_USER_COOKIE, read_points[j]);
	}
}

TEST_IN(REDIS, a_fill_races_every_kind_of_end, struct logout_fixture *f)
{
	for (size_t i = 0; i < signed_in_user_endings_count; i++)
		a_fill_lands_after(f, &signed_in_user_endings[i],
		    (enum signed_in_user_way)(i % SIGNED_IN_USER_WAYS),
		    "read:store-read");
}

/* It is known to have been good a moment ago, and ended before it is judged. */
TEST_IN(REDIS, a_token_is_looked_up_while_it_is_ended, struct logout_fixture *f)
{
	static const char *const names[] = { "logout by token", "logout-all",
		"end a device", "delete account" };
	static const char point[] = "token:entry";

	for (size_t i = 0; i < NELEMS(names); i++) {
		const struct signed_in_user_ending *ending =
		    signed_in_user_ending(names[i]);
		struct signed_in_user m, other;
		struct signed_in_user_call c;
		struct async_request *check;

		logout_fixture_pair(f, ending, &m, &other);
		assert_int_equal(
		    signed_in_user_ask(f->web, &m, SIGNED_IN_USER_TOKEN), 200);
		stack_point(f->stack, point, "once-hold");
		signed_in_user_question(&m, SIGNED_IN_USER_TOKEN, &c);
		check = async_request_start(
		    stack_base(f->stack), &c.call, c.cookie);
		stack_point_wait(f->stack, point);
		assert_int_equal(
		    logout_fixture_end(f, ending, &m, &other), ending->status);
		logout_fixture_expect(f, &m, 401);
		stack_point_release(f->stack, point);
		/* Its session and user are asked for after that. */
		assert_int_equal(async_request_end(check, NULL), 401);
		logout_fixture_dead(f, &m);
	}
}

/* The token was made from the old rows; it must not outlive them. */
TEST_IN(REDIS, a_token_issued_during_the_end_is_dead, struct logout_fixture *f)
{
	static const char *const names[] = { "logout by cookie", "end a device",
		"change password", "delete account" };

	for (size_t i = 0; i < NELEMS(names); i++)
		a_fill_lands_after(f, signed_in_user_ending(names[i]),
		    SIGNED_IN_USER_SESSION,
		    i % 2 == 0 ? "read:store-read" : "read:filled");
}

/* ---- a check that begins in the middle of the change ---- */

/*
 * The generation is taken while the change is in flight, the old row read,
 * and the fill comes when all is over: it must not have happened under a
 * generation that then counts.
 */
static void
a_fill_from_the_middle(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const char *change_point,
    const char *read_point)
{
	struct signed_in_user m, other;
	struct async_request *end, *check;
	struct revocation_monitor *watch;
	pid_t held;

	logout_fixture_pair(f, ending, &m, &other);
	assert_int_equal(
	    signed_in_user_ask(f->web, &m, SIGNED_IN_USER_COOKIE), 200);
	stack_point(f->stack, change_point, "once-hold");
	end = logout_fixture_end_start(f, ending, &m, &other);
	stack_point_wait(f->stack, change_point);
	check = logout_fixture_hold_check(
	    f, &m, SIGNED_IN_USER_COOKIE, key_of(ending), read_point, &held);
	watch = revocation_monitor_start(stack_base(f->stack), &m);
	stack_point_release(f->stack, change_point);
	assert_int_equal(async_request_end(end, NULL), ending->status);
	revocation_monitor_ended(watch);
	revocation_monitor_more(watch, 1);
	stack_point_release(f->stack, read_point);
	async_request_end(check, NULL);
	revocation_monitor_free(watch);
	logout_fixture_dead(f, &m);
}

TEST_IN(
    REDIS, a_fill_begun_at_each_step_of_the_change, struct logout_fixture *f)
{
	/* After the commit a check reads no old row. */
	static const char *const before[] = { "generation:noted",
		"change:begun", "change:marked", "change:written" };
	static const char *const names[] = { "logout by token", "logout-all" };

	for (size_t i = 0; i < NELEMS(names); i++) {
		for (size_t j = 0; j < NELEMS(before); j++) {
			a_fill_from_the_middle(f,
			    signed_in_user_ending(names[i]), before[j],
			    "read:store-read");
			a_fill_from_the_middle(f,
			    signed_in_user_ending(names[i]), before[j],
			    "read:cache-missed");
		}
	}
}

/*
 * Between the commit and the settling the old row is filled, by a check that
 * began before the change or in the middle of it.  One check has been refused
 * by the store already: none may be accepted from the cache.
 */
static void
a_fill_before_the_settling(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const char *begun_at)
{
	struct signed_in_user m, other;
	struct async_request *end, *check = NULL;
	struct revocation_monitor *watch;
	pid_t reader, json_writer;

	logout_fixture_pair(f, ending, &m, &other);
	if (begun_at == NULL)
		check = logout_fixture_hold_check(f, &m, SIGNED_IN_USER_TOKEN,
		    key_of(ending), "read:store-read", &reader);
	else
		stack_point(f->stack, begun_at, "once-hold");
	stack_point(f->stack, "change:committed", "once-hold");
	end = logout_fixture_end_start(f, ending, &m, &other);
	if (begun_at != NULL) {
		stack_point_wait(f->stack, begun_at);
		check = logout_fixture_hold_check(f, &m, SIGNED_IN_USER_TOKEN,
		    key_of(ending), "read:store-read", &reader);
		stack_point_release(f->stack, begun_at);
	}
	json_writer = stack_point_wait(f->stack, "change:committed");
	logout_fixture_uncache(f, &m, LOGOUT_FIXTURE_SESSION);
	logout_fixture_uncache(f, &m, LOGOUT_FIXTURE_USER);
	logout_fixture_expect(f, &m, 401);
	watch = revocation_monitor_start(stack_base(f->stack), &m);
	stack_point_release(f->stack, "read:store-read");
	async_request_end(check, NULL);
	revocation_monitor_more(watch, 2);
	logout_fixture_expect_everywhere(f, &m, 401,
	    (ending->flags & SIGNED_IN_USER_SLOW) == 0 ? json_writer : 0);
	stack_point_release(f->stack, "change:committed");
	assert_int_equal(async_request_end(end, NULL), ending->status);
	revocation_monitor_ended(watch);
	revocation_monitor_free(watch);
	logout_fixture_dead(f, &m);
}

TEST_IN(REDIS, a_fill_between_commit_and_settling, struct logout_fixture *f)
{
	static const char *const names[] = { "logout by token", "logout-all",
		"deactivate" };

	for (size_t i = 0; i < NELEMS(names); i++) {
		const struct signed_in_user_ending *ending =
		    signed_in_user_ending(names[i]);

		a_fill_before_the_settling(f, ending, NULL);
		a_fill_before_the_settling(f, ending, "change:marked");
		a_fill_before_the_settling(f, ending, "change:written");
	}
}

/* ---- a change held at each step ---- */

static void
hold_the_change(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const char *point, bool cold)
{
	struct signed_in_user m, other;
	struct async_request *end;
	struct revocation_monitor *watch;
	pid_t json_writer;

	logout_fixture_pair(f, ending, &m, &other);
	assert_int_equal(
	    signed_in_user_ask(f->web, &m, SIGNED_IN_USER_COOKIE), 200);
	if (cold && stack_redis(f->stack) != NULL) {
		logout_fixture_uncache(f, &m, LOGOUT_FIXTURE_SESSION);
		logout_fixture_uncache(f, &m, LOGOUT_FIXTURE_USER);
	}
	watch = revocation_monitor_start(stack_base(f->stack), &m);
	stack_point(f->stack, point, "once-hold");
	end = logout_fixture_end_start(f, ending, &m, &other);
	json_writer = stack_point_wait(f->stack, point);
	logout_fixture_consistent_everywhere(f, &m,
	    (ending->flags & SIGNED_IN_USER_SLOW) == 0 ? json_writer : 0);
	revocation_monitor_more(watch, 3);
	stack_point_release(f->stack, point);
	assert_int_equal(async_request_end(end, NULL), ending->status);
	revocation_monitor_ended(watch);
	revocation_monitor_free(watch);
	logout_fixture_dead(f, &m);
}

TEST_IN(REDIS | NO_REDIS, a_logout_held_at_each_step, struct logout_fixture *f)
{
	for (size_t i = 0; i < NELEMS(change_points); i++) {
		hold_the_change(f, signed_in_user_ending("logout by token"),
		    change_points[i], i % 2 == 0);
		hold_the_change(f, signed_in_user_ending("logout-all"),
		    change_points[i], i % 2);
	}
}

TEST_IN(
    REDIS, every_kind_of_end_held_after_its_commit, struct logout_fixture *f)
{
	for (size_t i = 0; i < signed_in_user_endings_count; i++)
		hold_the_change(
		    f, &signed_in_user_endings[i], "change:committed", i % 2);
}

TEST_RUN()
{
	int failed;

	failed = logout_fixture_run("final logout", REDIS, true);
	failed += logout_fixture_run("final logout, no Redis", NO_REDIS, false);
	return failed;
}
