/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>

#include "base/err.h"
#include "support/logout_fixture.h"
#include "support/redis_server.h"
#include "support/revocation_monitor.h"

/*
 * Redis lies, lags, loses, hangs and comes back from the past.  Each test
 * shows that Redis truly has the old entry, or is truly used, when the site is
 * asked; else it would prove nothing.
 */

/* Sign a user in whose session and user row are in Redis. */
static void
cached_member(struct logout_fixture *f, struct signed_in_user *m,
    struct signed_in_user *other)
{
	logout_fixture_member(f, m);
	logout_fixture_device(f, m, other);
	assert_int_equal(
	    signed_in_user_ask(f->web, other, SIGNED_IN_USER_COOKIE), 200);
	assert_int_equal(
	    signed_in_user_ask(f->web, m, SIGNED_IN_USER_COOKIE), 200);
	assert_true(logout_fixture_cached(f, m, LOGOUT_FIXTURE_SESSION));
	assert_true(logout_fixture_cached(f, m, LOGOUT_FIXTURE_USER));
}

/* Redis holds the old entry and is used, and every worker refuses it. */
static void
old_entries_are_refused(
    struct logout_fixture *f, const struct signed_in_user *m)
{
	logout_fixture_wait_redis(f);
	assert_true(logout_fixture_cached(f, m, LOGOUT_FIXTURE_SESSION));
	logout_fixture_dead(f, m);
}

/* The endings that differ in their keys or in the thread that runs them. */
static const char *const kinds[] = { "logout by token", "logout by session id",
	"end a device", "logout-all", "change password", "deactivate",
	"delete account" };

/* ---- outages ---- */

static void
end_in_the_outage(struct logout_fixture *f, const char *kind,
    const struct signed_in_user *m, const struct signed_in_user *other)
{
	const struct signed_in_user_ending *ending =
	    signed_in_user_ending(kind);
	struct revocation_monitor *watch =
	    revocation_monitor_start(stack_base(f->stack), m);

	assert_int_equal(
	    logout_fixture_end(f, ending, m, other), ending->status);
	revocation_monitor_ended(watch);
	revocation_monitor_free(watch);
	logout_fixture_expect_everywhere(f, m, 401, 0);
}

TEST(redis_hangs_during_the_end_and_comes_back, struct logout_fixture *f)
{
	struct redis_server *redis = stack_redis(f->stack);
	struct signed_in_user m[NELEMS(kinds)], other[NELEMS(kinds)];

	for (size_t i = 0; i < NELEMS(kinds); i++)
		cached_member(f, &m[i], &other[i]);
	redis_server_pause(redis);
	for (size_t i = 0; i < NELEMS(kinds); i++)
		end_in_the_outage(f, kinds[i], &m[i], &other[i]);
	redis_server_resume(redis);
	/* Who ran into the deadline may have had its entry removed late. */
	logout_fixture_wait_redis(f);
	for (size_t i = 1; i < NELEMS(kinds); i++)
		old_entries_are_refused(f, &m[i]);
	logout_fixture_dead(f, &m[0]);
}

TEST(redis_is_gone_during_the_end_and_back_with_the_old_entry,
    struct logout_fixture *f)
{
	struct redis_server *redis = stack_redis(f->stack);
	struct signed_in_user m[NELEMS(kinds)], other[NELEMS(kinds)];

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

TEST(redis_is_restarted_from_an_older_snapshot, struct logout_fixture *f)
{
	struct redis_server *redis = stack_redis(f->stack);
	struct signed_in_user m[NELEMS(kinds)], other;

	for (size_t i = 0; i < NELEMS(kinds); i++)
		cached_member(f, &m[i], &other);
	redis_server_keep(redis);
	for (size_t i = 0; i < NELEMS(kinds); i++) {
		const struct signed_in_user_ending *ending =
		    signed_in_user_ending(kinds[i]);

		if (ending->who == SIGNED_IN_USER_OTHER)
			logout_fixture_device(f, &m[i], &other);
		assert_int_equal(logout_fixture_end(f, ending, &m[i], &other),
		    ending->status);
		logout_fixture_expect(f, &m[i], 401);
	}
	redis_server_bring_back(redis);
	for (size_t i = 0; i < NELEMS(kinds); i++)
		old_entries_are_refused(f, &m[i]);
}

/* The same, and Latchkey was restarted too: its counters begin again. */
TEST(an_older_snapshot_meets_a_new_table, struct logout_fixture *f)
{
	static const int signals[] = { SIGTERM, SIGKILL };
	struct redis_server *redis = stack_redis(f->stack);

	for (size_t i = 0; i < NELEMS(signals); i++) {
		struct signed_in_user one, all, other;

		stack_stop_pool(f->stack, signals[i]);
		stack_start_pool(f->stack);
		cached_member(f, &one, &other);
		cached_member(f, &all, &other);
		redis_server_keep(redis);
		assert_int_equal(
		    logout_fixture_end(f,
			signed_in_user_ending("logout by token"), &one, &one),
		    200);
		assert_int_equal(
		    logout_fixture_end(
			f, signed_in_user_ending("logout-all"), &all, &all),
		    200);
		logout_fixture_expect(f, &one, 401);
		logout_fixture_expect(f, &all, 401);
		stack_stop_pool(f->stack, signals[i]);
		redis_server_bring_back(redis);
		stack_start_pool(f->stack);
		old_entries_are_refused(f, &one);
		old_entries_are_refused(f, &all);
	}
}

TEST(no_user_is_signed_out_when_redis_restarts_or_forgets,
    struct logout_fixture *f)
{
	struct redis_server *redis = stack_redis(f->stack);
	struct signed_in_user m, gone, other;
	struct revocation_monitor *watch;

	cached_member(f, &m, &other);
	cached_member(f, &gone, &other);
	assert_int_equal(
	    logout_fixture_end(
		f, signed_in_user_ending("logout by token"), &gone, &gone),
	    200);
	watch = revocation_monitor_start(stack_base(f->stack), &m);
	redis_server_ask(redis, "FLUSHALL");
	logout_fixture_dead(f, &gone);
	redis_server_kill(redis);
	logout_fixture_expect_everywhere(f, &gone, 401, 0);
	logout_fixture_expect_everywhere(f, &m, 200, 0);
	logout_fixture_ask_redis(f, &m);
	logout_fixture_expect_everywhere(f, &m, 200, 0);
	redis_server_start(redis);
	logout_fixture_wait_redis(f);
	logout_fixture_expect_everywhere(f, &gone, 401, 0);
	revocation_monitor_more(watch, 3);
	assert_int_equal(logout_fixture_end(f,
			     signed_in_user_ending("logout by cookie"), &m, &m),
	    200);
	revocation_monitor_ended(watch);
	revocation_monitor_free(
	    watch); /* none of its answers was but 200, then 401 */
	logout_fixture_dead(f, &m);
}

/* Evicted before, in the middle, and after. */
TEST(entries_are_evicted, struct logout_fixture *f)
{
	static const char *const points[] = { "change:marked",
		"change:committed", "change:settled" };
	static const char *const names[] = { "logout by token", "logout-all" };

	for (size_t i = 0; i < NELEMS(points) * NELEMS(names); i++) {
		const struct signed_in_user_ending *ending =
		    signed_in_user_ending(names[i % NELEMS(names)]);
		const char *point = points[i / NELEMS(names)];
		struct signed_in_user m, other;
		struct revocation_monitor *watch;
		struct async_request *end;

		cached_member(f, &m, &other);
		watch = revocation_monitor_start(stack_base(f->stack), &m);
		stack_point(f->stack, point, "once-hold");
		end = logout_fixture_end_start(f, ending, &m, &other);
		stack_point_wait(f->stack, point);
		for (int j = 0; j < 3; j++) {
			logout_fixture_uncache(f, &m, LOGOUT_FIXTURE_SESSION);
			logout_fixture_uncache(f, &m, LOGOUT_FIXTURE_USER);
			revocation_monitor_more(watch, 1);
		}
		redis_server_ask(stack_redis(f->stack), "FLUSHALL");
		stack_point_release(f->stack, point);
		assert_int_equal(async_request_end(end, NULL), ending->status);
		revocation_monitor_ended(watch);
		logout_fixture_uncache(f, &m, LOGOUT_FIXTURE_SESSION);
		logout_fixture_uncache(f, &m, LOGOUT_FIXTURE_USER);
		revocation_monitor_free(watch);
		logout_fixture_dead(f, &m);
	}
}

/* ---- an attacker who can write to Redis ---- */

static void
copy_key(struct logout_fixture *f, const char *from, const char *to)
{
	assert_int_equal(redis_server_int(stack_redis(f->stack),
			     "COPY %s %s REPLACE", from, to),
	    1);
}

static void
keep_entries(struct logout_fixture *f, const struct signed_in_user *m)
{
	char name[80];

	snprintf(name, sizeof(name), "session:%s", m->handle);
	copy_key(f, name, "kept:session");
	snprintf(name, sizeof(name), "user:%s", m->user_id);
	copy_key(f, name, "kept:user");
}

static void
put_entries_back(struct logout_fixture *f, const struct signed_in_user *m)
{
	char name[80];

	snprintf(name, sizeof(name), "session:%s", m->handle);
	copy_key(f, "kept:session", name);
	snprintf(name, sizeof(name), "user:%s", m->user_id);
	copy_key(f, "kept:user", name);
}

/* Put back at once, while checks go on, and again once all is over. */
TEST(old_entries_are_put_back, struct logout_fixture *f)
{
	for (size_t i = 0; i < signed_in_user_endings_count; i++) {
		const struct signed_in_user_ending *ending =
		    &signed_in_user_endings[i];
		struct signed_in_user m, other;
		struct revocation_monitor *watch;
		struct async_request *end;

		cached_member(f, &m, &other);
		keep_entries(f, &m);
		watch = revocation_monitor_start(stack_base(f->stack), &m);
		stack_point(f->stack, "change:committed", "once-hold");
		end = logout_fixture_end_start(f, ending, &m, &other);
		stack_point_wait(f->stack, "change:committed");
		put_entries_back(f, &m);
		revocation_monitor_more(watch, 1);
		stack_point_release(f->stack, "change:committed");
		assert_int_equal(async_request_end(end, NULL), ending->status);
		revocation_monitor_ended(watch);
		put_entries_back(f, &m);
		revocation_monitor_free(watch);
		put_entries_back(f, &m);
		assert_true(
		    logout_fixture_cached(f, &m, LOGOUT_FIXTURE_SESSION));
		assert_true(logout_fixture_cached(f, &m, LOGOUT_FIXTURE_USER));
		logout_fixture_dead(f, &m);
	}
}

/* Who ${m} is, in the way ${credential_source}, by the site's own word, after
 * Redis's. */
static void
expect_own_answer(struct logout_fixture *f, const struct signed_in_user *m,
    enum signed_in_user_way credential_source)
{
	struct web_reply reply = { 0 };
	struct signed_in_user_call c;
	const char *id, *email;

	logout_fixture_ask_redis(f, m);
	signed_in_user_question(m, credential_source, &c);
	assert_int_equal(web_as(f->web, &c.call, c.cookie, &reply), 200);
	id = web_text(&reply, "user.id");
	email = web_text(&reply, "user.email");
	assert_non_null(id);
	assert_non_null(email);
	assert_string_equal(id, m->user_id);
	assert_string_equal(email, m->email);
	web_reply_clear(&reply);
}

TEST(an_entry_under_another_ones_key_is_not_believed, struct logout_fixture *f)
{
	struct signed_in_user m, victim, other;

	cached_member(f, &m, &other);
	cached_member(f, &victim, &other);
	for (int credential_source = 0;
	     credential_source < SIGNED_IN_USER_GUARDED; credential_source++) {
		keep_entries(f, &victim);
		put_entries_back(f, &m);
		expect_own_answer(
		    f, &m, (enum signed_in_user_way)credential_source);
	}
	/* A dead session's entry does not live in a living one's place. */
	keep_entries(f, &m);
	assert_int_equal(
	    logout_fixture_end(
		f, signed_in_user_ending("logout by token"), &victim, &victim),
	    200);
	put_entries_back(f, &victim);
	logout_fixture_dead(f, &victim);
}

TEST(rubbish_is_not_believed, struct logout_fixture *f)
{
	static const char *const rubbish[] = { "", "1", "{}",
		"{\"revoked_at\":0}" };
	struct signed_in_user m, other;

	cached_member(f, &m, &other);
	for (size_t i = 0; i < NELEMS(rubbish); i++) {
		redis_server_ask(stack_redis(f->stack), "SET session:%s %s",
		    m.handle, rubbish[i]);
		redis_server_ask(stack_redis(f->stack), "SET user:%s %s",
		    m.user_id, rubbish[i]);
		expect_own_answer(f, &m, SIGNED_IN_USER_COOKIE);
	}
	redis_server_ask(stack_redis(f->stack), "DEL session:%s user:%s",
	    m.handle, m.user_id);
	redis_server_ask(stack_redis(f->stack), "LPUSH session:%s 1", m.handle);
	expect_own_answer(f, &m, SIGNED_IN_USER_COOKIE);
	assert_int_equal(logout_fixture_end(f,
			     signed_in_user_ending("logout by token"), &m, &m),
	    200);
	redis_server_ask(stack_redis(f->stack), "DEL session:%s", m.handle);
	logout_fixture_dead(f, &m);
}

/* ---- answers that come late ---- */

/*
 * Redis hangs with commands for ${m} in its socket and answers them when it
 * continues.  The next command must not receive these answers.
 */
TEST(a_late_reply_answers_no_later_command, struct logout_fixture *f)
{
	struct redis_server *redis = stack_redis(f->stack);
	struct signed_in_user m, n, other;

	cached_member(f, &m, &other);
	cached_member(f, &n, &other);
	for (int round = 0; round < 2; round++) {
		redis_server_pause(redis);
		/* More than there are workers: each has asked. */
		for (int i = 0; i < 2 * LOGOUT_FIXTURE_WORKERS; i++)
			expect_own_answer(
			    f, &m, (enum signed_in_user_way)(i % 4));
		redis_server_resume(redis);
		for (int i = 0; i < 2 * LOGOUT_FIXTURE_WORKERS; i++)
			expect_own_answer(
			    f, &n, (enum signed_in_user_way)(i % 4));
		logout_fixture_wait_redis(f);
		for (int i = 0; i < 4 * LOGOUT_FIXTURE_WORKERS; i++)
			expect_own_answer(f, i % 2 == 0 ? &n : &m,
			    (enum signed_in_user_way)(i % 4));
	}
	assert_int_equal(logout_fixture_end(f,
			     signed_in_user_ending("logout by token"), &m, &m),
	    200);
	logout_fixture_dead(f, &m);
	expect_own_answer(f, &n, SIGNED_IN_USER_COOKIE);
}

/*
 * A check has read the old row; its fill lies in the socket of a Redis that
 * sleeps until the end was acknowledged, and is carried out then.
 */
TEST(a_late_fill_lands_after_the_end, struct logout_fixture *f)
{
	static const char *const names[] = { "logout by token", "logout-all" };
	struct redis_server *redis = stack_redis(f->stack);

	for (size_t i = 0; i < NELEMS(names); i++) {
		const struct signed_in_user_ending *ending =
		    signed_in_user_ending(names[i]);
		enum logout_fixture_key key =
		    i == 0 ? LOGOUT_FIXTURE_SESSION : LOGOUT_FIXTURE_USER;
		struct signed_in_user m;
		struct async_request *check;
		pid_t held;

		logout_fixture_member(f, &m);
		check = logout_fixture_hold_check(f, &m, SIGNED_IN_USER_COOKIE,
		    key, "read:store-read", &held);
		assert_false(logout_fixture_cached(f, &m, key));
		redis_server_pause(redis);
		/* It runs into the deadline, with the fill sent. */
		stack_point_release(f->stack, "read:store-read");
		assert_int_equal(async_request_end(check, NULL), 200);
		assert_int_equal(
		    logout_fixture_end(f, ending, &m, &m), ending->status);
		logout_fixture_expect_everywhere(f, &m, 401, 0);
		redis_server_resume(redis);
		logout_fixture_wait_redis(f);
		assert_true(
		    logout_fixture_cached(f, &m, key)); /* it has landed */
		logout_fixture_dead(f, &m);
	}
}

TEST_RUN()
{
	return logout_fixture_run("Redis misbehaves", TEST_ALL, true);
}
