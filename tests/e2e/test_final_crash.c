/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>

#include "base/err.h"
#include "support/finality.h"
#include "support/redis_server.h"
#include "support/watch.h"

/*
 * The writer is killed at every step of a change.  Nobody was promised
 * anything, so the session may live on or be over; but all workers agree on
 * which, it never comes back, and the next change finds nothing in its way.
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
people(struct finality *f, struct member *m, struct member *other)
{
	finality_member(f, m);
	finality_device(f, m, other);
	assert_int_equal(member_ask(f->web, m, MEMBER_COOKIE), 200);
	assert_int_equal(member_ask(f->web, other, MEMBER_COOKIE), 200);
}

/* Kill whoever comes to ${point} first; the answer's status, 0 for none. */
static long
die_at(struct finality *f, const char *point,
    const struct member_ending *ending, const struct member *m,
    const struct member *other)
{
	struct finality_crew crew;
	long status;

	finality_crew(f, &crew);
	stack_point(f->stack, point, "kill");
	status = finality_end(f, ending, m, other);
	if (!stack_point_taken(f->stack, point, 5000))
		fail_msg("nobody died at %s", point);
	finality_wait_replaced(f, &crew);
	return status;
}

/*
 * The write mutex is taken by the upkeep too, which may be the one that dies
 * there.  Then the end was acknowledged like any other, and another try is
 * made.
 */
static void
kill_the_writer(struct finality *f, const char *point,
    const struct member_ending *ending, struct member *m, struct member *other)
{
	for (int i = 0; i < 30; i++) {
		long status;

		people(f, m, other);
		status = die_at(f, point, ending, m, other);
		if (status == 0 || status >= 500)
			return;
		assert_string_equal(point, "generation:locked");
		assert_int_equal(status, ending->status);
		finality_dead(f, m);
	}
	fail_msg("no writer died at %s", point);
}

/* A change of somebody else, which closes what the dead one has left. */
static void
change_something(struct finality *f)
{
	struct member m;

	finality_member(f, &m);
	assert_int_equal(
	    finality_end(f, member_ending("logout by token"), &m, &m), 200);
	finality_expect(f, &m, 401);
}

/* The generation of the key is even again: what is read is cached. */
static void
expect_caching(
    struct finality *f, const struct member *m, enum finality_key key)
{
	finality_wait_redis(f);
	finality_uncache(f, m, key);
	assert_int_equal(member_ask(f->web, m, MEMBER_COOKIE), 200);
	assert_true(finality_cached(f, m, key));
}

/* The end did not take place; somebody tries again. */
static void
lives_on_until_the_retry(struct finality *f, const struct member_ending *ending,
    const struct member *m, const struct member *other)
{
	finality_expect_everywhere(f, m, 200, 0);
	change_something(f);
	finality_expect(f, m, 200);
	expect_caching(f, m, FINALITY_SESSION);
	expect_caching(f, m, FINALITY_USER);
	assert_int_equal(finality_end(f, ending, m, other), ending->status);
	finality_dead(f, m);
}

/* It did, though nobody was told. */
static void
is_over(struct finality *f, const struct member_ending *ending,
    const struct member *m)
{
	struct member again;

	finality_dead(f, m);
	change_something(f);
	finality_expect(f, m, 401);
	/* Whoever cannot sign in with the old password has said enough. */
	if ((ending->flags & (MEMBER_ACCOUNT | MEMBER_SLOW)) != 0)
		return;
	finality_device(f, m, &again);
	expect_caching(f, &again, FINALITY_SESSION);
	expect_caching(f, &again, FINALITY_USER);
}

static void
a_writer_dies(struct finality *f, const struct member_ending *ending,
    const struct step *step)
{
	struct member m, other;

	kill_the_writer(f, step->point, ending, &m, &other);
	if (step->committed)
		is_over(f, ending, &m);
	else
		lives_on_until_the_retry(f, ending, &m, &other);
}

static void
the_writer_of_a_logout_dies_at_each_step(void **state)
{
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(steps); i++)
		a_writer_dies(f, member_ending("logout by token"), &steps[i]);
}

static void
the_writer_of_a_logout_all_dies_at_each_step(void **state)
{
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(steps); i++)
		a_writer_dies(f, member_ending("logout-all"), &steps[i]);
}

static void
the_writer_of_any_end_dies_around_the_commit(void **state)
{
	static const struct step around[] = {
		{ "change:written", false },
		{ "change:committed", true },
	};
	struct finality *f = *state;

	for (size_t i = 0; i < member_endings_count; i++)
		for (size_t j = 0; j < NELEMS(around); j++)
			a_writer_dies(f, &member_endings[i], &around[j]);
}

static long
login(struct finality *f, const struct member *m, const char *password)
{
	return errand_end(finality_login_start(f, m, password), NULL);
}

/* The password is the old one or the new one, and all workers agree. */
static void
a_password_change_dies_whole_or_not_at_all(void **state)
{
	static const struct step around[] = {
		{ "change:written", false },
		{ "change:committed", true },
	};
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(around); i++) {
		bool done = around[i].committed;
		struct member m, other;

		kill_the_writer(f, around[i].point,
		    member_ending("change password"), &m, &other);
		for (int j = 0; j < FINALITY_WORKERS; j++) {
			assert_int_equal(
			    login(f, &m, WEB_PASSWORD), done ? 401 : 200);
			assert_int_equal(login(f, &m, MEMBER_NEW_PASSWORD),
			    done ? 200 : 401);
		}
		finality_expect_everywhere(f, &m, done ? 401 : 200, 0);
		/* The device it was changed on stays signed in. */
		assert_int_equal(
		    member_ask(f->web, &other, MEMBER_COOKIE), 200);
	}
}

/*
 * Checks go on while the writer dies (or the upkeep of another worker, where
 * that comes first): once one was refused no other is accepted.
 */
static void
checks_go_on_while_the_writer_dies(void **state)
{
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(steps); i++) {
		struct member m, other;
		struct watch *watch;

		people(f, &m, &other);
		watch = watch_start(stack_base(f->stack), &m);
		watch_tolerate(watch);
		(void)die_at(f, steps[i].point,
		    member_ending("logout by token"), &m, &other);
		watch_more(watch, 2);
		assert_int_equal(
		    finality_end(
			f, member_ending("logout by session id"), &m, &m),
		    200);
		watch_ended(watch);
		watch_free(watch);
		finality_dead(f, &m);
	}
}

/*
 * A check is killed while it fills the table, where an entry remains half
 * written: the others go on, and what is written there next counts again.
 */
static void
a_check_dies_inside_an_entry(void **state)
{
	static const char *const points[] = { "table:claimed", "table:half",
		"table:written" };
	static const enum finality_key keys[] = { FINALITY_SESSION,
		FINALITY_USER };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(points) * NELEMS(keys); i++) {
		const char *point = points[i / NELEMS(keys)];
		enum finality_key key = keys[i % NELEMS(keys)];
		struct finality_crew crew;
		struct member m, other;

		people(f, &m, &other);
		finality_crew(f, &crew);
		finality_uncache(f, &m, key);
		stack_point(f->stack, point, "kill");
		(void)member_ask(f->web, &m, MEMBER_COOKIE);
		if (!stack_point_taken(f->stack, point, 5000))
			fail_msg("nobody died at %s", point);
		finality_expect(f, &m, 200);
		finality_wait_replaced(f, &crew);
		finality_expect_everywhere(f, &m, 200, 0);
		expect_caching(f, &m, key);
		assert_int_equal(
		    finality_end(f, member_ending("logout-all"), &m, &other),
		    200);
		finality_dead(f, &m);
	}
}

/* Everything is killed in the middle of a change: a restart finds the truth. */
static void
everything_is_killed_in_the_middle(void **state)
{
	static const struct step around[] = {
		{ "change:marked", false },
		{ "change:written", false },
		{ "change:committed", true },
		{ "change:settled", true },
	};
	static const char *const names[] = { "logout by token", "logout-all" };
	struct finality *f = *state;

	for (size_t i = 0; i < 2 * NELEMS(around); i++) {
		const struct member_ending *ending =
		    member_ending(names[i / NELEMS(around)]);
		const struct step *step = &around[i % NELEMS(around)];
		struct member m, other;
		struct errand *end;

		people(f, &m, &other);
		stack_point(f->stack, step->point, "once-hold");
		end = finality_end_start(f, ending, &m, &other);
		stack_point_wait(f->stack, step->point);
		stack_stop_pool(f->stack, SIGKILL);
		stack_point_release(f->stack, step->point);
		(void)errand_end(end, NULL);
		stack_start_pool(f->stack);
		if (step->committed)
			is_over(f, ending, &m);
		else
			lives_on_until_the_retry(f, ending, &m, &other);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_writer_of_a_logout_dies_at_each_step),
		cmocka_unit_test(the_writer_of_a_logout_all_dies_at_each_step),
		cmocka_unit_test(the_writer_of_any_end_dies_around_the_commit),
		cmocka_unit_test(a_password_change_dies_whole_or_not_at_all),
		cmocka_unit_test(checks_go_on_while_the_writer_dies),
		cmocka_unit_test(a_check_dies_inside_an_entry),
		cmocka_unit_test(everything_is_killed_in_the_middle),
	};

	return finality_run("the writer dies", tests, NELEMS(tests), true);
}
