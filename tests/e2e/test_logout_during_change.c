/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>

#include "base/err.h"
#include "support/cli.h"
#include "support/logout_fixture.h"

/*
 * A user is signed out while a change of theirs, already authorized, waits for
 * the lock.  After the acknowledgement the session must not count for that
 * change either.  Through the web server and eight workers; a test point holds
 * the request between the check and the change.
 */

#define API "/api/v1/auth"
#define WAITING "change:lock"
#define NEW_EMAIL "taken.over@example.org"

struct user_request {
	const char *method, *path, *body;
	const char *point; /* where it is held */
	bool by_cookie;
};

#define PASSWORD_BODY "{\"password\":\"" WEB_PASSWORD "\"}"
#define CHANGE_BODY                                                            \
	"{\"current_password\":\"" WEB_PASSWORD                                \
	"\",\"new_password\":\"" SIGNED_IN_USER_NEW_PASSWORD "\"}"

/* %s: the handle of a device that stays */
static const struct user_request user_requests[] = {
	{ "PUT", API "/update-profile",
	    "{\"email\":\"" NEW_EMAIL "\",\"current_password\":\"" WEB_PASSWORD
	    "\",\"name\":\"Other Name\"}",
	    WAITING, false },
	{ "PUT", API "/update-profile",
	    "{\"email\":\"" NEW_EMAIL "\",\"current_password\":\"" WEB_PASSWORD
	    "\"}",
	    WAITING, true },
	{ "POST", API "/change-password", CHANGE_BODY, WAITING, false },
	{ "POST", API "/change-password", CHANGE_BODY, "change:hashed", true },
	{ "POST", API "/logout-all-devices", "{\"keep_current\":true}", WAITING,
	    true },
	{ "DELETE", API "/sessions/%s", NULL, WAITING, false },
	{ "POST", API "/deactivate", PASSWORD_BODY, WAITING, false },
	{ "DELETE", API "/account", PASSWORD_BODY, "end:hashed", true },
};

static struct async_request *
start_request(struct logout_fixture *f, const struct user_request *r,
    const struct signed_in_user *m, const struct signed_in_user *stays)
{
	struct web_call call = { .method = r->method, .body = r->body };
	char path[128];

	if (strstr(r->path, "%s") != NULL)
		snprintf(path, sizeof(path), API "/sessions/%s", stays->handle);
	else
		snprintf(path, sizeof(path), "%s", r->path);
	call.path = path;
	if (!r->by_cookie)
		call.bearer = m->token;
	return async_request_start(
	    stack_base(f->stack), &call, r->by_cookie ? m->session : NULL);
}

/*
 * Hold the request ${r} of ${m}, end that session, release the request: it must
 * be refused.  The ${other} device ends all sessions where the ending does.
 */
static void
end_while_it_waits(struct logout_fixture *f, const struct user_request *r,
    const struct signed_in_user_ending *ending, const struct signed_in_user *m,
    const struct signed_in_user *other)
{
	bool all = (ending->flags & SIGNED_IN_USER_USER_KEY) != 0;
	struct web_reply reply = { 0 };
	struct async_request *e;

	stack_point(f->stack, r->point, "once-hold");
	e = start_request(f, r, m, other);
	stack_point_wait(f->stack, r->point);
	assert_int_equal(
	    logout_fixture_end(f, ending, all ? other : m, all ? m : other),
	    ending->status);
	stack_point_release(f->stack, r->point);
	if (async_request_end(e, &reply) != 401)
		fail_msg("%s %s after %s: %ld", r->method, r->path,
		    ending->name, reply.status);
	web_expect(
	    &reply, 401, r->by_cookie ? "invalid_session" : "invalid_token");
	web_reply_clear(&reply);
}

/* The account is what it was: same address, name and password, and active. */
static void
account_unchanged(struct logout_fixture *f, const struct signed_in_user *m)
{
	struct web_reply reply = { 0 };
	struct signed_in_user now;

	signed_in_user_login(f->web, m->email, &now);
	assert_string_equal(now.user_id, m->user_id);
	assert_int_equal(async_request_end(logout_fixture_login_start(f, m,
					       SIGNED_IN_USER_NEW_PASSWORD),
			     NULL),
	    401);
	web_call(f->web,
	    &(struct web_call){
		.path = API "/me", .bearer = now.token, .no_cookies = true },
	    &reply);
	web_expect(&reply, 200, NULL);
	assert_string_equal(web_text(&reply, "user.email"), m->email);
	assert_string_not_equal(web_text(&reply, "user.name"), "Other Name");
	web_reply_clear(&reply);
}

TEST(a_logout_all_beats_whatever_waits, struct logout_fixture *f)
{
	for (size_t i = 0; i < NELEMS(user_requests); i++) {
		struct signed_in_user m, other;

		logout_fixture_member(f, &m);
		logout_fixture_device(f, &m, &other);
		/* Asked for from the other device. */
		end_while_it_waits(f, &user_requests[i],
		    signed_in_user_ending("logout-all"), &other, &m);
		account_unchanged(f, &m);
		logout_fixture_dead(f, &m);
	}
}

TEST(a_logout_beats_whatever_waits, struct logout_fixture *f)
{
	static const char *const names[] = { "logout by token",
		"logout by cookie", "end a device" };

	for (size_t i = 0; i < NELEMS(user_requests); i++) {
		struct signed_in_user m, other;

		logout_fixture_member(f, &m);
		logout_fixture_device(f, &m, &other);
		end_while_it_waits(f, &user_requests[i],
		    signed_in_user_ending(names[i % NELEMS(names)]), &m,
		    &other);
		account_unchanged(f, &m);
		logout_fixture_expect(f, &other, 200);
		logout_fixture_dead(f, &m);
	}
}

/* ---- administrators ---- */

#define ADMIN "/api/v1/admin/"

/* %s: the id of another user */
static const struct user_request admin_requests[] = {
	{ "PATCH", ADMIN "users/%s",
	    "{\"role\":\"admin\",\"status\":\"inactive\"}", WAITING, false },
	{ "PATCH", ADMIN "users/%s", "{\"role\":\"admin\"}", WAITING, true },
	{ "DELETE", ADMIN "user-sessions/%s", NULL, WAITING, false },
};

static void
set_role(
    struct logout_fixture *f, const struct signed_in_user *m, const char *how)
{
	struct cli cli = { 0 };
	char line[96];

	snprintf(line, sizeof(line), "user %s %s", how, m->user_id);
	cli_open(&cli, stack_dir(f->stack));
	cli_run(&cli, NULL, line);
	cli_expect(&cli, 0, m->email);
	cli_close(&cli);
}

/* Start what ${admin} admin_requests for ${m}, as far as where it waits. */
static struct async_request *
start_admin_request(struct logout_fixture *f, const struct user_request *r,
    const struct signed_in_user *admin, const struct signed_in_user *m)
{
	struct web_call call = { .method = r->method, .body = r->body };
	struct async_request *e;
	char path[128];

	snprintf(path, sizeof(path), "%.*s%s", (int)strcspn(r->path, "%"),
	    r->path, m->user_id);
	call.path = path;
	if (!r->by_cookie)
		call.bearer = admin->token;
	stack_point(f->stack, r->point, "once-hold");
	e = async_request_start(
	    stack_base(f->stack), &call, r->by_cookie ? admin->session : NULL);
	stack_point_wait(f->stack, r->point);
	return e;
}

/*
 * After a demotion no request of the former administrator takes effect, not
 * even one that was already waiting.
 */
TEST(a_demotion_beats_a_waiting_request, struct logout_fixture *f)
{
	for (size_t i = 0; i < NELEMS(admin_requests); i++) {
		struct web_reply reply = { 0 };
		struct signed_in_user admin, m;
		struct async_request *e;

		logout_fixture_member(f, &admin);
		logout_fixture_member(f, &m);
		set_role(f, &admin, "promote");
		e = start_admin_request(f, &admin_requests[i], &admin, &m);
		set_role(f, &admin, "demote --force");
		stack_point_release(f->stack, admin_requests[i].point);
		assert_int_equal(async_request_end(e, &reply), 403);
		web_expect(&reply, 403, "forbidden");
		web_reply_clear(&reply);
		logout_fixture_expect(f, &admin, 200);
		logout_fixture_expect(f, &m, 200);
		web_call(f->web,
		    &(struct web_call){ .path = API "/me",
			.bearer = m.token,
			.no_cookies = true },
		    &reply);
		assert_string_equal(web_text(&reply, "user.role"), "user");
		web_reply_clear(&reply);
	}
}

/* Nor does who is signed out, though still an administrator. */
TEST(a_logout_beats_a_decree_that_waits, struct logout_fixture *f)
{
	const struct signed_in_user_ending *ending =
	    signed_in_user_ending("logout by token");

	for (size_t i = 0; i < NELEMS(admin_requests); i++) {
		struct web_reply reply = { 0 };
		struct signed_in_user admin, m;
		struct async_request *e;

		logout_fixture_member(f, &admin);
		logout_fixture_member(f, &m);
		set_role(f, &admin, "promote");
		e = start_admin_request(f, &admin_requests[i], &admin, &m);
		assert_int_equal(logout_fixture_end(f, ending, &admin, NULL),
		    ending->status);
		stack_point_release(f->stack, admin_requests[i].point);
		assert_int_equal(async_request_end(e, &reply), 401);
		web_reply_clear(&reply);
		logout_fixture_expect(f, &m, 200);
		logout_fixture_dead(f, &admin);
	}
}

TEST_RUN()
{
	return logout_fixture_run("final actor", TEST_ALL, true);
}
