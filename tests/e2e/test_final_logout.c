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
	"read:cache-missed", "read:store-read", "read:filled" };
static const char *const change_points[] = { "change:begun", "change:marked",
	"change:written", "change:committed", "change:settled",
	"change:tidied" };

/* Make ${m}, and a device of the same account if ${ending} needs one. */
static void
people(struct finality *f, const struct member_ending *ending, struct member *m,
    struct member *other)
{
	finality_member(f, m);
	if (ending->who == MEMBER_OTHER)
		finality_device(f, m, other);
	else
		*other = *m;
}

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

	people(f, ending, &m, &other);
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

	people(f, ending, &m, &other);
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

	people(f, ending, &m, &other);
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

	people(f, ending, &m, &other);
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

/* ---- logins ---- */

/*
 * The password was right when it was looked up.  What lands before the
 * session is written comes first, and wins.
 */
static void
an_end_beats_a_login(void **state)
{
	static const char *const points[] = { "login:read", "login:hashed",
		"login:conditional" };
	static const char *const names[] = { "logout-all",
		"logout-all but this", "change password", "deactivate",
		"delete account" };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(names) * NELEMS(points); i++) {
		const struct member_ending *ending =
		    member_ending(names[i / NELEMS(points)]);
		const char *point = points[i % NELEMS(points)];
		struct web_reply reply = { 0 };
		struct member m, other;
		struct errand *login;
		pid_t held;

		people(f, ending, &m, &other);
		stack_point(f->stack, point, "once-hold");
		login = finality_login_start(f, &m, WEB_PASSWORD);
		held = stack_point_wait(f->stack, point);
		/* Or what is slow might queue behind it. */
		finality_stop(held);
		assert_int_equal(
		    finality_end(f, ending, &m, &other), ending->status);
		finality_continue(held);
		stack_point_release(f->stack, point);
		/* After "login:read" too: the hash it has read is over. */
		assert_int_equal(errand_end(login, &reply), 401);
		web_expect(&reply, 401, "invalid_credentials");
		web_reply_clear(&reply);
		finality_dead(f, &m);
	}
}

static long
login(struct finality *f, const struct member *m, const char *password)
{
	return errand_end(finality_login_start(f, m, password), NULL);
}

static void
a_changed_password_is_changed_for_every_login(void **state)
{
	struct finality *f = *state;
	struct member m, other;
	struct errand *held;
	pid_t pid;

	finality_member(f, &m);
	finality_device(f, &m, &other);
	stack_point(f->stack, "login:hashed", "once-hold");
	held = finality_login_start(f, &m, WEB_PASSWORD);
	pid = stack_point_wait(f->stack, "login:hashed");
	finality_stop(pid);
	assert_int_equal(
	    finality_end(f, member_ending("change password"), &m, &other), 200);
	assert_int_equal(login(f, &m, WEB_PASSWORD), 401);
	assert_int_equal(login(f, &m, MEMBER_NEW_PASSWORD), 200);
	finality_continue(pid);
	stack_point_release(f->stack, "login:hashed");
	assert_int_equal(errand_end(held, NULL), 401);
	assert_int_equal(login(f, &m, WEB_PASSWORD), 401);
	assert_int_equal(login(f, &m, MEMBER_NEW_PASSWORD), 200);
	finality_dead(f, &m);
}

/* The session was written first: then it is one of those that end. */
static void
a_login_that_was_first_ends_with_the_rest(void **state)
{
	struct finality *f = *state;
	struct web_reply reply = { 0 };
	struct member m, late;
	struct errand *login;
	const char *session;

	finality_member(f, &m);
	late = m;
	stack_point(f->stack, "change:settled", "once-hold");
	login = finality_login_start(f, &m, WEB_PASSWORD);
	stack_point_wait(f->stack, "change:settled");
	assert_int_equal(
	    finality_end(f, member_ending("logout-all"), &m, &m), 200);
	stack_point_release(f->stack, "change:settled");
	assert_int_equal(errand_end(login, &reply), 200);
	session = web_text(&reply, "session_id");
	assert_non_null(session);
	snprintf(late.session, sizeof(late.session), "%s", session);
	snprintf(late.token, sizeof(late.token), "%s",
	    web_text(&reply, "access_token"));
	web_reply_clear(&reply);
	finality_dead(f, &late);
	finality_dead(f, &m);
}

/* ---- the profile ---- */

static struct errand *
rename_start(struct finality *f, const struct member *m, const char *name)
{
	char body[128];
	struct web_call call = {
		.method = "PATCH",
		.path = "/api/v1/auth/update-profile",
		.body = body,
		.bearer = m->token,
	};

	snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
	return errand_start(stack_base(f->stack), &call, NULL);
}

/* Everybody, more often than there are workers, reads ${name}. */
static void
expect_name(struct finality *f, const struct member *m, const char *name)
{
	struct web_reply reply = { 0 };
	struct member_call c;

	for (int i = 0; i < 2 * FINALITY_WORKERS; i++) {
		member_question(
		    m, i % 2 == 0 ? MEMBER_SESSION : MEMBER_TOKEN, &c);
		assert_int_equal(
		    web_as(f->web, &c.call, c.cookie, &reply), 200);
		assert_string_equal(web_text(&reply, "user.name"), name);
	}
	web_reply_clear(&reply);
}

/*
 * The first is held with its rows committed and its tidying still to come
 * while the second goes through; and a check that has read the row before
 * both fills the cache after both.
 */
static void
two_profile_changes_race(void **state)
{
	static const char *const points[] = { "change:settled",
		"change:tidied" };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(points); i++) {
		struct errand *first, *check;
		struct member m;
		pid_t held;

		finality_member(f, &m);
		check = finality_hold_check(f, &m, MEMBER_COOKIE, FINALITY_USER,
		    "read:store-read", &held);
		stack_point(f->stack, points[i], "once-hold");
		first = rename_start(f, &m, "First");
		stack_point_wait(f->stack, points[i]);
		expect_name(f, &m, "First");
		assert_int_equal(
		    errand_end(rename_start(f, &m, "Second"), NULL), 200);
		expect_name(f, &m, "Second");
		stack_point_release(f->stack, points[i]);
		assert_int_equal(errand_end(first, NULL), 200);
		expect_name(f, &m, "Second");
		stack_point_release(f->stack, "read:store-read");
		errand_end(check, NULL);
		expect_name(f, &m, "Second");
	}
}

/* The second waits for the first, and neither undoes the other. */
static void
two_profile_changes_overlap(void **state)
{
	static const char *const points[] = { "change:begun", "change:marked",
		"change:written", "change:committed" };
	struct finality *f = *state;

	for (size_t i = 0; i < NELEMS(points); i++) {
		const char avatar[] = "https://example.org/a.png";
		const char email[] = "{\"avatar_url\":"
				     "\"https://example.org/a.png\"}";
		struct web_reply reply = { 0 };
		struct errand *first, *second;
		struct member m;
		struct web_call call = {
			.method = "PATCH",
			.path = "/api/v1/auth/update-profile",
			.body = email,
			.bearer = m.token,
		};

		finality_member(f, &m);
		stack_point(f->stack, points[i], "once-hold");
		first = rename_start(f, &m, "First");
		stack_point_wait(f->stack, points[i]);
		second = errand_start(stack_base(f->stack), &call, NULL);
		finality_expect(f, &m, 200);
		stack_point_release(f->stack, points[i]);
		assert_int_equal(errand_end(first, NULL), 200);
		assert_int_equal(errand_end(second, &reply), 200);
		assert_string_equal(web_text(&reply, "user.name"), "First");
		assert_string_equal(
		    web_text(&reply, "user.avatar_url"), avatar);
		web_reply_clear(&reply);
		expect_name(f, &m, "First");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fill_held_at_each_step_races_a_logout),
		cmocka_unit_test(a_fill_races_every_kind_of_end),
		cmocka_unit_test(a_token_issued_during_the_end_is_dead),
		cmocka_unit_test(a_fill_begun_at_each_step_of_the_change),
		cmocka_unit_test(a_fill_between_commit_and_settling),
		cmocka_unit_test(two_profile_changes_race),
		cmocka_unit_test(a_logout_held_at_each_step),
		cmocka_unit_test(every_kind_of_end_held_after_its_commit),
		cmocka_unit_test(an_end_beats_a_login),
		cmocka_unit_test(a_changed_password_is_changed_for_every_login),
		cmocka_unit_test(a_login_that_was_first_ends_with_the_rest),
		cmocka_unit_test(two_profile_changes_overlap),
	};
	const struct CMUnitTest store_alone[] = {
		cmocka_unit_test(a_logout_held_at_each_step),
		cmocka_unit_test(an_end_beats_a_login),
	};
	int failed;

	failed = finality_run("final logout", tests, NELEMS(tests), true);
	failed += finality_run(
	    "final logout, no Redis", store_alone, NELEMS(store_alone), false);
	return failed;
}
