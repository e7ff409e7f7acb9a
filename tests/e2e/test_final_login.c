/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>

#include "base/err.h"
#include "support/finality.h"
#include "support/process.h"

/*
 * Logins and profile changes that overlap with other changes, held between
 * two steps by a test point, through the web server and eight workers.
 */

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

		finality_pair(f, ending, &m, &other);
		stack_point(f->stack, point, "once-hold");
		login = finality_login_start(f, &m, WEB_PASSWORD);
		held = stack_point_wait(f->stack, point);
		/* Or what is slow might queue behind it. */
		process_pause(held);
		assert_int_equal(
		    finality_end(f, ending, &m, &other), ending->status);
		process_resume(held);
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
	process_pause(pid);
	assert_int_equal(
	    finality_end(f, member_ending("change password"), &m, &other), 200);
	assert_int_equal(login(f, &m, WEB_PASSWORD), 401);
	assert_int_equal(login(f, &m, MEMBER_NEW_PASSWORD), 200);
	process_resume(pid);
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
		cmocka_unit_test(an_end_beats_a_login),
		cmocka_unit_test(a_changed_password_is_changed_for_every_login),
		cmocka_unit_test(a_login_that_was_first_ends_with_the_rest),
		cmocka_unit_test(two_profile_changes_race),
		cmocka_unit_test(two_profile_changes_overlap),
	};
	const struct CMUnitTest store_alone[] = {
		cmocka_unit_test(an_end_beats_a_login),
	};
	int failed;

	failed =
	    finality_run("logins and profiles", tests, NELEMS(tests), true);
	failed += finality_run("logins and profiles, no Redis", store_alone,
	    NELEMS(store_alone), false);
	return failed;
}
