/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>

#include "base/err.h"
#include "support/finality.h"
#include "support/redis_server.h"
#include "support/watch.h"

/*
 * Redis lies, lags, loses, hangs and comes back from the past.  Each test
 * shows that Redis truly has the old entry, or is truly used, when the site is
 * asked; else it would prove nothing.
 */

/* Somebody whose session and user are in Redis. */
static void
cached_member(struct finality *f, struct member *m, struct member *other)
{
	finality_member(f, m);
	finality_device(f, m, other);
	assert_int_equal(member_ask(f->web, other, MEMBER_COOKIE), 200);
	assert_int_equal(member_ask(f->web, m, MEMBER_COOKIE), 200);
	assert_true(finality_cached(f, m, FINALITY_SESSION));
	assert_true(finality_cached(f, m, FINALITY_USER));
}

/* The old entry is there, Redis is asked, and nobody believes it. */
static void
old_entries_are_refused(struct finality *f, const struct member *m)
{
	finality_wait_redis(f);
	assert_true(finality_cached(f, m, FINALITY_SESSION));
	finality_dead(f, m);
}

/* The kinds of end that differ in which keys and which lane they use. */
static const char *const kinds[] = { "logout by token", "logout by session id",
	"end a device", "logout-all", "change password", "deactivate",
	"delete account" };

/* ---- outages ---- */

static void
end_in_the_outage(struct finality *f, const char *kind, const struct member *m,
    const struct member *other)
{
	const struct member_ending *ending = member_ending(kind);
	struct watch *watch = watch_start(stack_base(f->stack), m);

	assert_int_equal(finality_end(f, ending, m, other), ending->status);
	watch_ended(watch);
	watch_free(watch);
	finality_expect_everywhere(f, m, 401, 0);
}

static void
redis_hangs_during_the_end_and_comes_back(void **state)
{
	struct finality *f = *state;
	struct redis_server *redis = stack_redis(f->stack);
	struct member m[NELEMS(kinds)], other[NELEMS(kinds)];

	for (size_t i = 0; i < NELEMS(kinds); i++)
		cached_member(f, &m[i], &other[i]);
	redis_server_pause(redis);
	for (size_t i = 0; i < NELEMS(kinds); i++)
		end_in_the_outage(f, kinds[i], &m[i], &other[i]);
	redis_server_resume(redis);
	/* Who ran into the deadline may have had its entry removed late. */
	finality_wait_redis(f);
	for (size_t i = 1; i < NELEMS(kinds); i++)
		old_entries_are_refused(f, &m[i]);
	finality_dead(f, &m[0]);
}

static void
redis_is_gone_during_the_end_and_back_with_the_old_entry(void **state)
{
	struct finality *f = *state;
	struct redis_server *redis = stack_redis(f->stack);
	struct member m[NELEMS(kinds)], other[NELEMS(kinds)];

	for (size_t i = 0; i < NELEMS(kinds); i++)
		cached_member(f, &m[i], &other[i]);
	redis_server_keep(redis);
	redis_server_kill(redis);
	for (size_t i = 0; i < NELEMS(kinds); i++)
		end_in_the_outage(f, kinds[i], &m[i], &other[i]);
	redis_server_start(redis);
	for (size_t i = 0; i < NELEMS(kinds); i++)
		old_entries_are_refused(f, &m[i]);
}

static void
redis_is_restarted_from_an_older_snapshot(void **state)
{
	struct finality *f = *state;
	struct redis_server *redis = stack_redis(f->stack);
	struct member m[NELEMS(kinds)], other;

	for (size_t i = 0; i < NELEMS(kinds); i++)
		cached_member(f, &m[i], &other);
	redis_server_keep(redis);
	for (size_t i = 0; i < NELEMS(kinds); i++) {
		const struct member_ending *ending = member_ending(kinds[i]);

		if (ending->who == MEMBER_OTHER)
			finality_device(f, &m[i], &other);
		assert_int_equal(
		    finality_end(f, ending, &m[i], &other), ending->status);
		finality_expect(f, &m[i], 401);
	}
	redis_server_bring_back(redis);
	for (size_t i = 0; i < NELEMS(kinds); i++)
		old_entries_are_refused(f, &m[i]);
}

/* The same, and Latchkey was restarted too: its counters begin again. */
static void
an_older_snapshot_meets_a_new_table(void **state)
{
	static const int signals[] = { SIGTERM, SIGKILL };
	struct finality *f = *state;
	struct redis_server *redis = stack_redis(f->stack);

	for (size_t i = 0; i < NELEMS(signals); i++) {
		struct member one, all, other;

		stack_stop_pool(f->stack, signals[i]);
		stack_start_pool(f->stack);
		cached_member(f, &one, &other);
		cached_member(f, &all, &other);
		redis_server_keep(redis);
		assert_int_equal(
		    finality_end(
			f, member_ending("logout by token"), &one, &one),
		    200);
		assert_int_equal(
		    finality_end(f, member_ending("logout-all"), &all, &all),
		    200);
		finality_expect(f, &one, 401);
		finality_expect(f, &all, 401);
		stack_stop_pool(f->stack, signals[i]);
		redis_server_bring_back(redis);
		stack_start_pool(f->stack);
		old_entries_are_refused(f, &one);
		old_entries_are_refused(f, &all);
	}
}

static void
nobody_is_signed_out_when_redis_restarts_or_forgets(void **state)
{
	struct finality *f = *state;
	struct redis_server *redis = stack_redis(f->stack);
	struct member m, gone, other;
	struct watch *watch;

	cached_member(f, &m, &other);
	cached_member(f, &gone, &other);
	assert_int_equal(
	    finality_end(f, member_ending("logout by token"), &gone, &gone),
	    200);
	watch = watch_start(stack_base(f->stack), &m);
	redis_server_ask(redis, "FLUSHALL");
	finality_dead(f, &gone);
	redis_server_kill(redis);
	finality_expect_everywhere(f, &gone, 401, 0);
	finality_expect_everywhere(f, &m, 200, 0);
	finality_ask_redis(f, &m);
	finality_expect_everywhere(f, &m, 200, 0);
	redis_server_start(redis);
	finality_wait_redis(f);
	finality_expect_everywhere(f, &gone, 401, 0);
	watch_more(watch, 3);
	assert_int_equal(
	    finality_end(f, member_ending("logout by cookie"), &m, &m), 200);
	watch_ended(watch);
	watch_free(watch); /* none of its answers was but 200, then 401 */
	finality_dead(f, &m);
}

/* Evicted before, in the middle, and after. */
static void
entries_are_evicted(void **state)
{
	static const char *const points[] = { "change:marked",
		"change:committed", "change:settled" };
	static const char *const names[] = { "logout by token", "logout-all" };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(points) * NELEMS(names); i++) {
		const struct member_ending *ending =
		    member_ending(names[i % NELEMS(names)]);
		const char *point = points[i / NELEMS(names)];
		struct member m, other;
		struct watch *watch;
		struct errand *end;

		cached_member(f, &m, &other);
		watch = watch_start(stack_base(f->stack), &m);
		stack_point(f->stack, point, "once-hold");
		end = finality_end_start(f, ending, &m, &other);
		stack_point_wait(f->stack, point);
		for (int j = 0; j < 3; j++) {
			finality_uncache(f, &m, FINALITY_SESSION);
			finality_uncache(f, &m, FINALITY_USER);
			watch_more(watch, 1);
		}
		redis_server_ask(stack_redis(f->stack), "FLUSHALL");
		stack_point_release(f->stack, point);
		assert_int_equal(errand_end(end, NULL), ending->status);
		watch_ended(watch);
		finality_uncache(f, &m, FINALITY_SESSION);
		finality_uncache(f, &m, FINALITY_USER);
		watch_free(watch);
		finality_dead(f, &m);
	}
}

/* ---- somebody who can write to Redis ---- */

static void
copy_key(struct finality *f, const char *from, const char *to)
{
	assert_int_equal(redis_server_int(stack_redis(f->stack),
			     "COPY %s %s REPLACE", from, to),
	    1);
}

static void
keep_entries(struct finality *f, const struct member *m)
{
	char name[80];

	snprintf(name, sizeof(name), "session:%s", m->handle);
	copy_key(f, name, "kept:session");
	snprintf(name, sizeof(name), "user:%s", m->user_id);
	copy_key(f, name, "kept:user");
}

static void
put_entries_back(struct finality *f, const struct member *m)
{
	char name[80];

	snprintf(name, sizeof(name), "session:%s", m->handle);
	copy_key(f, "kept:session", name);
	snprintf(name, sizeof(name), "user:%s", m->user_id);
	copy_key(f, "kept:user", name);
}

/* Put back at once, while checks go on, and again once all is over. */
static void
old_entries_are_put_back(void **state)
{
	struct finality *f = *state;

	for (size_t i = 0; i < member_endings_count; i++) {
		const struct member_ending *ending = &member_endings[i];
		struct member m, other;
		struct watch *watch;
		struct errand *end;

		cached_member(f, &m, &other);
		keep_entries(f, &m);
		watch = watch_start(stack_base(f->stack), &m);
		stack_point(f->stack, "change:committed", "once-hold");
		end = finality_end_start(f, ending, &m, &other);
		stack_point_wait(f->stack, "change:committed");
		put_entries_back(f, &m);
		watch_more(watch, 1);
		stack_point_release(f->stack, "change:committed");
		assert_int_equal(errand_end(end, NULL), ending->status);
		watch_ended(watch);
		put_entries_back(f, &m);
		watch_free(watch);
		put_entries_back(f, &m);
		assert_true(finality_cached(f, &m, FINALITY_SESSION));
		assert_true(finality_cached(f, &m, FINALITY_USER));
		finality_dead(f, &m);
	}
}

/* Who ${m} is, in the way ${way}, by the site's own word, after Redis's. */
static void
expect_own_answer(
    struct finality *f, const struct member *m, enum member_way way)
{
	struct web_reply reply = { 0 };
	struct member_call c;
	const char *id, *email;

	finality_ask_redis(f, m);
	member_question(m, way, &c);
	assert_int_equal(web_as(f->web, &c.call, c.cookie, &reply), 200);
	id = web_text(&reply, "user.id");
	email = web_text(&reply, "user.email");
	assert_non_null(id);
	assert_non_null(email);
	assert_string_equal(id, m->user_id);
	assert_string_equal(email, m->email);
	web_reply_clear(&reply);
}

static void
an_entry_under_another_ones_key_is_not_believed(void **state)
{
	struct finality *f = *state;
	struct member m, victim, other;

	cached_member(f, &m, &other);
	cached_member(f, &victim, &other);
	for (int way = 0; way < MEMBER_GUARDED; way++) {
		keep_entries(f, &victim);
		put_entries_back(f, &m);
		expect_own_answer(f, &m, (enum member_way)way);
	}
	/* A dead session's entry does not live in a living one's place. */
	keep_entries(f, &m);
	assert_int_equal(
	    finality_end(f, member_ending("logout by token"), &victim, &victim),
	    200);
	put_entries_back(f, &victim);
	finality_dead(f, &victim);
}

static void
rubbish_is_not_believed(void **state)
{
	static const char *const rubbish[] = { "", "1", "{}",
		"{\"revoked_at\":0}" };
	struct finality *f = *state;
	struct member m, other;

	cached_member(f, &m, &other);
	for (size_t i = 0; i < NELEMS(rubbish); i++) {
		redis_server_ask(stack_redis(f->stack), "SET session:%s %s",
		    m.handle, rubbish[i]);
		redis_server_ask(stack_redis(f->stack), "SET user:%s %s",
		    m.user_id, rubbish[i]);
		expect_own_answer(f, &m, MEMBER_COOKIE);
	}
	redis_server_ask(stack_redis(f->stack), "DEL session:%s user:%s",
	    m.handle, m.user_id);
	redis_server_ask(stack_redis(f->stack), "LPUSH session:%s 1", m.handle);
	expect_own_answer(f, &m, MEMBER_COOKIE);
	assert_int_equal(
	    finality_end(f, member_ending("logout by token"), &m, &m), 200);
	redis_server_ask(stack_redis(f->stack), "DEL session:%s", m.handle);
	finality_dead(f, &m);
}

/* ---- answers that come late ---- */

/*
 * Redis hangs with questions of ${m} in its socket.  When it goes on, it
 * answers them; whoever asks next must not get these answers.
 */
static void
a_late_reply_answers_nobody_else(void **state)
{
	struct finality *f = *state;
	struct redis_server *redis = stack_redis(f->stack);
	struct member m, n, other;

	cached_member(f, &m, &other);
	cached_member(f, &n, &other);
	for (int round = 0; round < 2; round++) {
		redis_server_pause(redis);
		/* More than there are workers: each has asked. */
		for (int i = 0; i < 2 * FINALITY_WORKERS; i++)
			expect_own_answer(f, &m, (enum member_way)(i % 4));
		redis_server_resume(redis);
		for (int i = 0; i < 2 * FINALITY_WORKERS; i++)
			expect_own_answer(f, &n, (enum member_way)(i % 4));
		finality_wait_redis(f);
		for (int i = 0; i < 4 * FINALITY_WORKERS; i++)
			expect_own_answer(
			    f, i % 2 == 0 ? &n : &m, (enum member_way)(i % 4));
	}
	assert_int_equal(
	    finality_end(f, member_ending("logout by token"), &m, &m), 200);
	finality_dead(f, &m);
	expect_own_answer(f, &n, MEMBER_COOKIE);
}

/*
 * A check has read the old row; its fill lies in the socket of a Redis that
 * sleeps until the end was acknowledged, and is carried out then.
 */
static void
a_late_fill_lands_after_the_end(void **state)
{
	static const char *const names[] = { "logout by token", "logout-all" };
	struct finality *f = *state;
	struct redis_server *redis = stack_redis(f->stack);

	for (size_t i = 0; i < NELEMS(names); i++) {
		const struct member_ending *ending = member_ending(names[i]);
		enum finality_key key =
		    i == 0 ? FINALITY_SESSION : FINALITY_USER;
		struct member m;
		struct errand *check;
		pid_t held;

		finality_member(f, &m);
		check = finality_hold_check(
		    f, &m, MEMBER_COOKIE, key, "read:store-read", &held);
		assert_false(finality_cached(f, &m, key));
		redis_server_pause(redis);
		/* It runs into the deadline, with the fill sent. */
		stack_point_release(f->stack, "read:store-read");
		assert_int_equal(errand_end(check, NULL), 200);
		assert_int_equal(
		    finality_end(f, ending, &m, &m), ending->status);
		finality_expect_everywhere(f, &m, 401, 0);
		redis_server_resume(redis);
		finality_wait_redis(f);
		assert_true(finality_cached(f, &m, key)); /* it has landed */
		finality_dead(f, &m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redis_hangs_during_the_end_and_comes_back),
		cmocka_unit_test(
		    redis_is_gone_during_the_end_and_back_with_the_old_entry),
		cmocka_unit_test(redis_is_restarted_from_an_older_snapshot),
		cmocka_unit_test(an_older_snapshot_meets_a_new_table),
		cmocka_unit_test(
		    nobody_is_signed_out_when_redis_restarts_or_forgets),
		cmocka_unit_test(entries_are_evicted),
		cmocka_unit_test(old_entries_are_put_back),
		cmocka_unit_test(
		    an_entry_under_another_ones_key_is_not_believed),
		cmocka_unit_test(rubbish_is_not_believed),
		cmocka_unit_test(a_late_reply_answers_nobody_else),
		cmocka_unit_test(a_late_fill_lands_after_the_end),
	};

	return finality_run("Redis misbehaves", tests, NELEMS(tests), true);
}
