/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>

#include "base/err.h"
#include "support/logout_fixture.h"
#include "support/redis_server.h"
#include "support/revocation_monitor.h"

/*
 * The writer is killed at every step of a change.  Nothing was acknowledged, so
 * the session may be live or ended; but all workers agree on which, an ended
 * one never comes back, and the next change is not blocked.
 */

static const struct step {
	const char *point;
	bool committed; /* by then */
} steps[] = {
	{ "generation:locked", false },
	{ "change:begun", false },
	{ "generation:noted", false },
	{ "generation:marked", false },
	{ "change:marked", false },
	{ "change:written", false },
	{ "change:committed", true },
	{ "generation:settled", true },
	{ "generation:cleared", true },
	{ "change:settled", true },
	{ "table:claimed", true }, /* it removes what is stale there */
	{ "change:tidied", true },
};

/* ${m} and another device of the account; both cached. */
static void
people(struct logout_fixture *f, struct signed_in_user *m,
    struct signed_in_user *other)
{
	logout_fixture_member(f, m);
	logout_fixture_device(f, m, other);
	assert_int_equal(
	    signed_in_user_ask(f->web, m, SIGNED_IN_USER_COOKIE), 200);
	assert_int_equal(
	    signed_in_user_ask(f->web, other, SIGNED_IN_USER_COOKIE), 200);
}

/* Kill the process that reaches ${point} first; return the status, or 0. */
static long
die_at(struct logout_fixture *f, const char *point,
    const struct signed_in_user_ending *ending, const struct signed_in_user *m,
    const struct signed_in_user *other)
{
	struct logout_fixture_workers worker_group;
	long status;

	logout_fixture_workers(f, &worker_group);
	stack_point(f->stack, point, "kill");
	status = logout_fixture_end(f, ending, m, other);
	if (!stack_point_taken(f->stack, point, 5000))
		fail_msg("no process died at %s", point);
	logout_fixture_wait_replaced(f, &worker_group);
	return status;
}

/*
 * Maintenance takes the write mutex too and may be what dies there.  Then the
 * end was acknowledged, and the test tries again.
 */
static void
kill_the_writer(struct logout_fixture *f, const char *point,
    const struct signed_in_user_ending *ending, struct signed_in_user *m,
    struct signed_in_user *other)
{
	for (int i = 0; i < 30; i++) {
		long status;

		people(f, m, other);
		status = die_at(f, point, ending, m, other);
		if (status == 0 || status >= 500)
			return;
		assert_string_equal(point, "generation:locked");
		assert_int_equal(status, ending->status);
		logout_fixture_dead(f, m);
	}
	fail_msg("no writer died at %s", point);
}

/* A change by another user, which completes what the dead writer left. */
static void
change_something(struct logout_fixture *f)
{
	struct signed_in_user m;

	logout_fixture_member(f, &m);
	assert_int_equal(logout_fixture_end(f,
			     signed_in_user_ending("logout by token"), &m, &m),
	    200);
	logout_fixture_expect(f, &m, 401);
}

/* The generation of the key is even again: what is read is cached. */
static void
expect_caching(struct logout_fixture *f, const struct signed_in_user *m,
    enum logout_fixture_key key)
{
	logout_fixture_wait_redis(f);
	logout_fixture_uncache(f, m, key);
	assert_int_equal(
	    signed_in_user_ask(f->web, m, SIGNED_IN_USER_COOKIE), 200);
	assert_true(logout_fixture_cached(f, m, key));
}

/* The session was not ended; the user tries again. */
static void
lives_on_until_the_retry(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const struct signed_in_user *m,
    const struct signed_in_user *other)
{
	logout_fixture_expect_everywhere(f, m, 200, 0);
	change_something(f);
	logout_fixture_expect(f, m, 200);
	expect_caching(f, m, LOGOUT_FIXTURE_SESSION);
	expect_caching(f, m, LOGOUT_FIXTURE_USER);
	assert_int_equal(
	    logout_fixture_end(f, ending, m, other), ending->status);
	logout_fixture_dead(f, m);
}

/* The session was ended, though not acknowledged. */
static void
is_over(struct logout_fixture *f, const struct signed_in_user_ending *ending,
    const struct signed_in_user *m)
{
	struct signed_in_user again;

	logout_fixture_dead(f, m);
	change_something(f);
	logout_fixture_expect(f, m, 401);
	/* After these a sign-in with the old password must fail anyway. */
	if ((ending->flags & (SIGNED_IN_USER_ACCOUNT | SIGNED_IN_USER_SLOW)) !=
	    0)
		return;
	logout_fixture_device(f, m, &again);
	expect_caching(f, &again, LOGOUT_FIXTURE_SESSION);
	expect_caching(f, &again, LOGOUT_FIXTURE_USER);
}

static void
a_writer_dies(struct logout_fixture *f,
    const struct signed_in_user_ending *ending, const struct step *step)
{
	struct signed_in_user m, other;

	kill_the_writer(f, step->point, ending, &m, &other);
	if (step->committed)
		is_over(f, ending, &m);
	else
		lives_on_until_the_retry(f, ending, &m, &other);
}

TEST(the_writer_of_a_logout_dies_at_each_step, struct logout_fixture *f)
{
	for (size_t i = 0; i < NELEMS(steps); i++)
		a_writer_dies(
		    f, signed_in_user_ending("logout by token"), &steps[i]);
}

TEST(the_writer_of_a_logout_all_dies_at_each_step, struct logout_fixture *f)
{
	for (size_t i = 0; i < NELEMS(steps); i++)
		a_writer_dies(
		    f, signed_in_user_ending("logout-all"), &steps[i]);
}

TEST(the_writer_of_any_end_dies_around_the_commit, struct logout_fixture *f)
{
	static const struct step around[] = {
		{ "change:written", false },
		{ "change:committed", true },
	};

	for (size_t i = 0; i < signed_in_user_endings_count; i++)
		for (size_t j = 0; j < NELEMS(around); j++)
			a_writer_dies(
			    f, &signed_in_user_endings[i], &around[j]);
}

static long
login(struct logout_fixture *f, const struct signed_in_user *m,
    const char *password)
{
	return async_request_end(
	    logout_fixture_login_start(f, m, password), NULL);
}

/* The password is the old one or the new one, and all workers agree. */
TEST(a_password_change_dies_whole_or_not_at_all, struct logout_fixture *f)
{
	static const struct step around[] = {
		{ "change:written", false },
		{ "change:committed", true },
	};

	for (size_t i = 0; i < NELEMS(around); i++) {
		bool done = around[i].committed;
		struct signed_in_user m, other;

		kill_the_writer(f, around[i].point,
		    signed_in_user_ending("change password"), &m, &other);
		for (int j = 0; j < LOGOUT_FIXTURE_WORKERS; j++) {
			assert_int_equal(
			    login(f, &m, WEB_PASSWORD), done ? 401 : 200);
			assert_int_equal(
			    login(f, &m, SIGNED_IN_USER_NEW_PASSWORD),
			    done ? 200 : 401);
		}
		logout_fixture_expect_everywhere(f, &m, done ? 401 : 200, 0);
		/* Its device never learned the new id of its session. */
		assert_int_equal(
		    signed_in_user_ask(f->web, &other, SIGNED_IN_USER_COOKIE),
		    done ? 401 : 200);
	}
}

/*
 * Checks go on while the writer dies (or the maintenance of another
 * worker): once one check was refused no later one is accepted.
 */
TEST(checks_go_on_while_the_writer_dies, struct logout_fixture *f)
{
	for (size_t i = 0; i < NELEMS(steps); i++) {
		struct signed_in_user m, other;
		struct revocation_monitor *watch;

		people(f, &m, &other);
		watch = revocation_monitor_start(stack_base(f->stack), &m);
		revocation_monitor_tolerate(watch);
		(void)die_at(f, steps[i].point,
		    signed_in_user_ending("logout by token"), &m, &other);
		revocation_monitor_more(watch, 2);
		assert_int_equal(
		    logout_fixture_end(f,
			signed_in_user_ending("logout by session id"), &m, &m),
		    200);
		revocation_monitor_ended(watch);
		revocation_monitor_free(watch);
		logout_fixture_dead(f, &m);
	}
}

/*
 * A check is killed while it fills the table, where an entry remains half
 * written: the others go on, and what is written there next counts again.
 */
TEST(a_check_dies_inside_an_entry, struct logout_fixture *f)
{
	static const char *const points[] = { "table:claimed", "table:half",
		"table:written" };
	static const enum logout_fixture_key keys[] = { LOGOUT_FIXTURE_SESSION,
		LOGOUT_FIXTURE_USER };

	for (size_t i = 0; i < NELEMS(points) * NELEMS(keys); i++) {
		const char *point = points[i / NELEMS(keys)];
		enum logout_fixture_key key = keys[i % NELEMS(keys)];
		struct logout_fixture_workers worker_group;
		struct signed_in_user m, other;

		people(f, &m, &other);
		logout_fixture_workers(f, &worker_group);
		logout_fixture_uncache(f, &m, key);
		stack_point(f->stack, point, "kill");
		(void)signed_in_user_ask(f->web, &m, SIGNED_IN_USER_COOKIE);
		if (!stack_point_taken(f->stack, point, 5000))
			fail_msg("no process died at %s", point);
		logout_fixture_expect(f, &m, 200);
		logout_fixture_wait_replaced(f, &worker_group);
		logout_fixture_expect_everywhere(f, &m, 200, 0);
		expect_caching(f, &m, key);
		assert_int_equal(
		    logout_fixture_end(
			f, signed_in_user_ending("logout-all"), &m, &other),
		    200);
		logout_fixture_dead(f, &m);
	}
}

/* Everything is killed in the middle of a change: a restart finds the truth. */
TEST(everything_is_killed_in_the_middle, struct logout_fixture *f)
{
	static const struct step around[] = {
		{ "change:marked", false },
		{ "change:written", false },
		{ "change:committed", true },
		{ "change:settled", true },
	};
	static const char *const names[] = { "logout by token", "logout-all" };

	for (size_t i = 0; i < 2 * NELEMS(around); i++) {
		const struct signed_in_user_ending *ending =
		    signed_in_user_ending(names[i / NELEMS(around)]);
		const struct step *step = &around[i % NELEMS(around)];
		struct signed_in_user m, other;
		struct async_request *end;

		people(f, &m, &other);
		stack_point(f->stack, step->point, "once-hold");
		end = logout_fixture_end_start(f, ending, &m, &other);
		stack_point_wait(f->stack, step->point);
		stack_stop_pool(f->stack, SIGKILL);
		stack_point_release(f->stack, step->point);
		(void)async_request_end(end, NULL);
		stack_start_pool(f->stack);
		if (step->committed)
			is_over(f, ending, &m);
		else
			lives_on_until_the_retry(f, ending, &m, &other);
	}
}

TEST_RUN()
{
	return logout_fixture_run("the writer dies", TEST_ALL, true);
}
