/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>

#include "base/err.h"
#include "support/logout_fixture.h"
#include "support/process.h"

/*
 * Logins and profile changes that overlap with other changes, held between
 * two steps by a test point, through the web server and eight workers.
 */

/* ---- logins ---- */

/* where a test runs */
enum { REDIS = 1, NO_REDIS = 2 };

/*
 * The password was right when it was looked up.  What lands before the
 * session is written comes first, and wins.
 */
TEST_IN(REDIS | NO_REDIS, an_end_beats_a_login, struct logout_fixture *f)
{
	static const char *const points[] = { "login:read", "login:hashed",
		"login:conditional" };
	static const char *const names[] = { "logout-all",
		"logout-all but this", "change password", "deactivate",
		"delete account" };

	for (size_t i = 0; i < NELEMS(names) * NELEMS(points); i++) {
		const struct signed_in_user_ending *ending =
		    signed_in_user_ending(names[i / NELEMS(points)]);
		const char *point = points[i % NELEMS(points)];
		struct web_reply reply = { 0 };
		struct signed_in_user m, other;
		struct async_request *login;
		pid_t held;

		logout_fixture_pair(f, ending, &m, &other);
		stack_point(f->stack, point, "once-hold");
		login = logout_fixture_login_start(f, &m, WEB_PASSWORD);
		held = stack_point_wait(f->stack, point);
		/* Or what is slow might queue behind it. */
		process_pause(held);
		assert_int_equal(
		    logout_fixture_end(f, ending, &m, &other), ending->status);
		process_resume(held);
		stack_point_release(f->stack, point);
		/* After "login:read" too: the hash it has read is over. */
		assert_int_equal(async_request_end(login, &reply), 401);
		web_expect(&reply, 401, "invalid_credentials");
		web_reply_clear(&reply);
		logout_fixture_dead(f, &m);
	}
}

static long
login(struct logout_fixture *f, const struct signed_in_user *m,
    const char *password)
{
	return async_request_end(
	    logout_fixture_login_start(f, m, password), NULL);
}

TEST_IN(REDIS, a_changed_password_is_changed_for_every_login,
    struct logout_fixture *f)
{
	struct signed_in_user m, other;
	struct async_request *held;
	pid_t pid;

	logout_fixture_member(f, &m);
	logout_fixture_device(f, &m, &other);
	stack_point(f->stack, "login:hashed", "once-hold");
	held = logout_fixture_login_start(f, &m, WEB_PASSWORD);
	pid = stack_point_wait(f->stack, "login:hashed");
	process_pause(pid);
	assert_int_equal(
	    logout_fixture_end(
		f, signed_in_user_ending("change password"), &m, &other),
	    200);
	assert_int_equal(login(f, &m, WEB_PASSWORD), 401);
	assert_int_equal(login(f, &m, SIGNED_IN_USER_NEW_PASSWORD), 200);
	process_resume(pid);
	stack_point_release(f->stack, "login:hashed");
	assert_int_equal(async_request_end(held, NULL), 401);
	assert_int_equal(login(f, &m, WEB_PASSWORD), 401);
	assert_int_equal(login(f, &m, SIGNED_IN_USER_NEW_PASSWORD), 200);
	logout_fixture_dead(f, &m);
}

/* The session was written first: then it is one of those that end. */
TEST_IN(
    REDIS, a_login_that_was_first_ends_with_the_rest, struct logout_fixture *f)
{
	struct web_reply reply = { 0 };
	struct signed_in_user m, late;
	struct async_request *login;
	const char *session;

	logout_fixture_member(f, &m);
	late = m;
	stack_point(f->stack, "change:settled", "once-hold");
	login = logout_fixture_login_start(f, &m, WEB_PASSWORD);
	stack_point_wait(f->stack, "change:settled");
	assert_int_equal(
	    logout_fixture_end(f, signed_in_user_ending("logout-all"), &m, &m),
	    200);
	stack_point_release(f->stack, "change:settled");
	assert_int_equal(async_request_end(login, &reply), 200);
	session = web_text(&reply, "session_id");
	assert_non_null(session);
	snprintf(late.session, sizeof(late.session), "%s", session);
	snprintf(late.token, sizeof(late.token), "%s",
	    web_text(&reply, "access_token"));
	web_reply_clear(&reply);
	logout_fixture_dead(f, &late);
	logout_fixture_dead(f, &m);
}

/* ---- the profile ---- */

static struct async_request *
rename_start(
    struct logout_fixture *f, const struct signed_in_user *m, const char *name)
{
	char body[128];
	struct web_call call = {
		.method = "PATCH",
		.path = "/api/v1/auth/update-profile",
		.body = body,
		.bearer = m->token,
	};

	snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
	return async_request_start(stack_base(f->stack), &call, NULL);
}

/* Every worker must return ${name}: ask more often than there are workers. */
static void
expect_name(
    struct logout_fixture *f, const struct signed_in_user *m, const char *name)
{
	struct web_reply reply = { 0 };
	struct signed_in_user_call c;

	for (int i = 0; i < 2 * LOGOUT_FIXTURE_WORKERS; i++) {
		signed_in_user_question(m,
		    i % 2 == 0 ? SIGNED_IN_USER_SESSION : SIGNED_IN_USER_TOKEN,
		    &c);
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
TEST_IN(REDIS, two_profile_changes_race, struct logout_fixture *f)
{
	static const char *const points[] = { "change:settled",
		"change:tidied" };

	for (size_t i = 0; i < NELEMS(points); i++) {
		struct async_request *first, *check;
		struct signed_in_user m;
		pid_t held;

		logout_fixture_member(f, &m);
		check = logout_fixture_hold_check(f, &m, SIGNED_IN_USER_COOKIE,
		    LOGOUT_FIXTURE_USER, "read:store-read", &held);
		stack_point(f->stack, points[i], "once-hold");
		first = rename_start(f, &m, "First");
		stack_point_wait(f->stack, points[i]);
		expect_name(f, &m, "First");
		assert_int_equal(
		    async_request_end(rename_start(f, &m, "Second"), NULL),
		    200);
		expect_name(f, &m, "Second");
		stack_point_release(f->stack, points[i]);
		assert_int_equal(async_request_end(first, NULL), 200);
		expect_name(f, &m, "Second");
		stack_point_release(f->stack, "read:store-read");
		async_request_end(check, NULL);
		expect_name(f, &m, "Second");
	}
}

/* The second waits for the first, and neither undoes the other. */
TEST_IN(REDIS, two_profile_changes_overlap, struct logout_fixture *f)
{
	static const char *const points[] = { "change:begun", "change:marked",
		"change:written", "change:committed" };

	for (size_t i = 0; i < NELEMS(points); i++) {
		const char avatar[] = "https://example.org/a.png";
		const char email[] = "{\"avatar_url\":"
				     "\"https://example.org/a.png\"}";
		struct web_reply reply = { 0 };
		struct async_request *first, *second;
		struct signed_in_user m;
		struct web_call call = {
			.method = "PATCH",
			.path = "/api/v1/auth/update-profile",
			.body = email,
			.bearer = m.token,
		};

		logout_fixture_member(f, &m);
		stack_point(f->stack, points[i], "once-hold");
		first = rename_start(f, &m, "First");
		stack_point_wait(f->stack, points[i]);
		second = async_request_start(stack_base(f->stack), &call, NULL);
		logout_fixture_expect(f, &m, 200);
		stack_point_release(f->stack, points[i]);
		assert_int_equal(async_request_end(first, NULL), 200);
		assert_int_equal(async_request_end(second, &reply), 200);
		assert_string_equal(web_text(&reply, "user.name"), "First");
		assert_string_equal(
		    web_text(&reply, "user.avatar_url"), avatar);
		web_reply_clear(&reply);
		expect_name(f, &m, "First");
	}
}

TEST_RUN()
{
	int failed;

	failed = logout_fixture_run("logins and profiles", REDIS, true);
	failed += logout_fixture_run(
	    "logins and profiles, no Redis", NO_REDIS, false);
	return failed;
}
