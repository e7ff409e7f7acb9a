/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>

#include "base/err.h"
#include "support/finality.h"
#include "support/watch.h"

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

static enum finality_key
key_of(const struct member_ending *ending)
{
	return (ending->flags & MEMBER_USER_KEY) != 0 ? FINALITY_USER
						      : FINALITY_SESSION;
}

/* ---- a check that began before ---- */

/*
 * The check has read what will soon be over, sleeps through the whole change,
 * and fills the cache afterwards.  Its own answer may be either; a token that
 * it hands out is dead like the rest.
 */
static void
a_fill_lands_after(struct finality *f, const struct member_ending *ending,
    enum member_way way, const char *point)
{
	struct web_reply reply = { 0 };
	struct member m, other;
	struct errand *check;
	struct watch *watch;
	const char *token;
	pid_t held;
	long status;

	finality_pair(f, ending, &m, &other);
	check = finality_hold_check(f, &m, way, key_of(ending), point, &held);
	watch = watch_start(stack_base(f->stack), &m);
	assert_int_equal(finality_end(f, ending, &m, &other), ending->status);
	watch_ended(watch);
	watch_more(watch, 2);
	stack_point_release(f->stack, point);
	status = errand_end(check, &reply);
	assert_true(status == 200 || status == 401);
	token = web_text(&reply, "access_token");
	if (token != NULL)
		snprintf(m.second, sizeof(m.second), "%s", token);
	web_reply_clear(&reply);
	watch_free(watch);
	finality_dead(f, &m);
}

static void
a_fill_held_at_each_step_races_a_logout(void **state)
{
	static const char *const names[] = { "logout by token", "logout-all" };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(names); i++) {
		for (size_t j = 0; j < NELEMS(read_points); j++)
			a_fill_lands_after(f, member_ending(names[i]),
			    MEMBER_COOKIE, read_points[j]);
	}
}

static void
a_fill_races_every_kind_of_end(void **state)
{
	struct finality *f = *state;

	for (size_t i = 0; i < member_endings_count; i++)
		a_fill_lands_after(f, &member_endings[i],
		    (enum member_way)(i % MEMBER_WAYS), "read:store-read");
}

/* It is known to have been good a moment ago, and ended before it is judged. */
static void
a_token_is_looked_up_while_it_is_ended(void **state)
{
	static const char *const names[] = { "logout by token", "logout-all",
		"end a device", "delete account" };
	static const char point[] = "token:entry";
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(names); i++) {
		const struct member_ending *ending = member_ending(names[i]);
		struct member m, other;
		struct member_call c;
		struct errand *check;

		finality_pair(f, ending, &m, &other);
		assert_int_equal(member_ask(f->web, &m, MEMBER_TOKEN), 200);
		stack_point(f->stack, point, "once-hold");
		member_question(&m, MEMBER_TOKEN, &c);
		check = errand_start(stack_base(f->stack), &c.call, c.cookie);
		stack_point_wait(f->stack, point);
		assert_int_equal(
		    finality_end(f, ending, &m, &other), ending->status);
		finality_expect(f, &m, 401);
		stack_point_release(f->stack, point);
		/* Its session and user are asked for after that. */
		assert_int_equal(errand_end(check, NULL), 401);
		finality_dead(f, &m);
	}
}

/* The token was made from the old rows; it must not outlive them. */
static void
a_token_issued_during_the_end_is_dead(void **state)
{
	static const char *const names[] = { "logout by cookie", "end a device",
		"change password", "delete account" };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(names); i++)
		a_fill_lands_after(f, member_ending(names[i]), MEMBER_SESSION,
		    i % 2 == 0 ? "read:store-read" : "read:filled");
}

/* ---- a check that begins in the middle of the change ---- */

/*
 * The generation is taken while the change is in flight, the old row read,
 * and the fill comes when all is over: it must not have happened under a
 * generation that then counts.
 */
static void
a_fill_from_the_middle(struct finality *f, const struct member_ending *ending,
    const char *change_point, const char *read_point)
{
	struct member m, other;
	struct errand *end, *check;
	struct watch *watch;
	pid_t held;

	finality_pair(f, ending, &m, &other);
	assert_int_equal(member_ask(f->web, &m, MEMBER_COOKIE), 200);
	stack_point(f->stack, change_point, "once-hold");
	end = finality_end_start(f, ending, &m, &other);
	stack_point_wait(f->stack, change_point);
	check = finality_hold_check(
	    f, &m, MEMBER_COOKIE, key_of(ending), read_point, &held);
	watch = watch_start(stack_base(f->stack), &m);
	stack_point_release(f->stack, change_point);
	assert_int_equal(errand_end(end, NULL), ending->status);
	watch_ended(watch);
	watch_more(watch, 1);
	stack_point_release(f->stack, read_point);
	errand_end(check, NULL);
	watch_free(watch);
	finality_dead(f, &m);
}

static void
a_fill_begun_at_each_step_of_the_change(void **state)
{
	/* After the commit a check reads no old row. */
	static const char *const before[] = { "generation:noted",
		"change:begun", "change:marked", "change:written" };
	static const char *const names[] = { "logout by token", "logout-all" };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(names); i++) {
		for (size_t j = 0; j < NELEMS(before); j++) {
			a_fill_from_the_middle(f, member_ending(names[i]),
			    before[j], "read:store-read");
			a_fill_from_the_middle(f, member_ending(names[i]),
			    before[j], "read:cache-missed");
		}
	}
}

/*
 * Between the commit and the settling the old row is filled, by a check that
 * began before the change or in the middle of it.  Somebody has been refused
 * by the store already: nobody may be accepted from the cache.
 */
static void
a_fill_before_the_settling(struct finality *f,
    const struct member_ending *ending, const char *begun_at)
{
	struct member m, other;
	struct errand *end, *check = NULL;
	struct watch *watch;
	pid_t reader, writer;

	finality_pair(f, ending, &m, &other);
	if (begun_at == NULL)
		check = finality_hold_check(f, &m, MEMBER_TOKEN, key_of(ending),
		    "read:store-read", &reader);
	else
		stack_point(f->stack, begun_at, "once-hold");
	stack_point(f->stack, "change:committed", "once-hold");
	end = finality_end_start(f, ending, &m, &other);
	if (begun_at != NULL) {
		stack_point_wait(f->stack, begun_at);
		check = finality_hold_check(f, &m, MEMBER_TOKEN, key_of(ending),
		    "read:store-read", &reader);
		stack_point_release(f->stack, begun_at);
	}
	writer = stack_point_wait(f->stack, "change:committed");
	finality_uncache(f, &m, FINALITY_SESSION);
	finality_uncache(f, &m, FINALITY_USER);
	finality_expect(f, &m, 401);
	watch = watch_start(stack_base(f->stack), &m);
	stack_point_release(f->stack, "read:store-read");
	errand_end(check, NULL);
	watch_more(watch, 2);
	finality_expect_everywhere(
	    f, &m, 401, (ending->flags & MEMBER_SLOW) == 0 ? writer : 0);
	stack_point_release(f->stack, "change:committed");
	assert_int_equal(errand_end(end, NULL), ending->status);
	watch_ended(watch);
	watch_free(watch);
	finality_dead(f, &m);
}

static void
a_fill_between_commit_and_settling(void **state)
{
	static const char *const names[] = { "logout by token", "logout-all",
		"deactivate" };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(names); i++) {
		const struct member_ending *ending = member_ending(names[i]);

		a_fill_before_the_settling(f, ending, NULL);
		a_fill_before_the_settling(f, ending, "change:marked");
		a_fill_before_the_settling(f, ending, "change:written");
	}
}

/* ---- a change held at each step ---- */

static void
hold_the_change(struct finality *f, const struct member_ending *ending,
    const char *point, bool cold)
{
	struct member m, other;
	struct errand *end;
	struct watch *watch;
	pid_t writer;

	finality_pair(f, ending, &m, &other);
	assert_int_equal(member_ask(f->web, &m, MEMBER_COOKIE), 200);
	if (cold && stack_redis(f->stack) != NULL) {
		finality_uncache(f, &m, FINALITY_SESSION);
		finality_uncache(f, &m, FINALITY_USER);
	}
	watch = watch_start(stack_base(f->stack), &m);
	stack_point(f->stack, point, "once-hold");
	end = finality_end_start(f, ending, &m, &other);
	writer = stack_point_wait(f->stack, point);
	finality_consistent_everywhere(
	    f, &m, (ending->flags & MEMBER_SLOW) == 0 ? writer : 0);
	watch_more(watch, 3);
	stack_point_release(f->stack, point);
	assert_int_equal(errand_end(end, NULL), ending->status);
	watch_ended(watch);
	watch_free(watch);
	finality_dead(f, &m);
}

static void
a_logout_held_at_each_step(void **state)
{
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(change_points); i++) {
		hold_the_change(f, member_ending("logout by token"),
		    change_points[i], i % 2 == 0);
		hold_the_change(
		    f, member_ending("logout-all"), change_points[i], i % 2);
	}
}

static void
every_kind_of_end_held_after_its_commit(void **state)
{
	struct finality *f = *state;

	for (size_t i = 0; i < member_endings_count; i++)
		hold_the_change(
		    f, &member_endings[i], "change:committed", i % 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fill_held_at_each_step_races_a_logout),
		cmocka_unit_test(a_fill_races_every_kind_of_end),
		cmocka_unit_test(a_token_is_looked_up_while_it_is_ended),
		cmocka_unit_test(a_token_issued_during_the_end_is_dead),
		cmocka_unit_test(a_fill_begun_at_each_step_of_the_change),
		cmocka_unit_test(a_fill_between_commit_and_settling),
		cmocka_unit_test(a_logout_held_at_each_step),
		cmocka_unit_test(every_kind_of_end_held_after_its_commit),
	};
	const struct CMUnitTest store_alone[] = {
		cmocka_unit_test(a_logout_held_at_each_step),
	};
	int failed;

	failed = finality_run("final logout", tests, NELEMS(tests), true);
	failed += finality_run(
	    "final logout, no Redis", store_alone, NELEMS(store_alone), false);
	return failed;
}
