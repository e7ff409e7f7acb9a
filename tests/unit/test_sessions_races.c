/* SPDX-License-Identifier: ISC */
#include "auth/sessions.h"

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/account_close.h"
#include "store/store.h"
#include "support/accounts.h"
#include "support/child.h"

/*
 * A check is held after reading the session and before reading its user, while
 * another thread makes a change. Only one of them uses the store at a time.
 */

#define NOW ACCOUNTS_NOW
#define POINT "sessions:user"

struct check {
	struct accounts *a;
	char id[SESSION_ID_SIZE];
	struct identity who;
	enum err err;
	pthread_t thread;
};

static const struct store_actor actor = { .address = "", .now = NOW };

static void *
run(void *arg)
{
	struct check *c = arg;

	c->err = sessions_by_id(&c->a->sessions, c->id, NOW, &c->who);
	return NULL;
}

/* Hold a check of a new account's only session between its two reads. */
static void
hold(struct check *c, struct accounts *a, struct identity *who_out)
{
	struct login_grant grant;

	accounts_register(a, &grant);
	*who_out = accounts_who(a, grant.session_id);
	c->a = a;
	memcpy(c->id, grant.session_id, sizeof(c->id));
	child_arm(POINT ".once-hold");
	assert_int_equal(pthread_create(&c->thread, NULL, run, c), 0);
	child_reached(POINT);
}

static enum err
let_go(struct check *c)
{
	char file[64];

	(void)snprintf(file, sizeof(file), POINT ".hold.%ld", (long)getpid());
	child_disarm(file);
	assert_int_equal(pthread_join(c->thread, NULL), 0);
	return c->err;
}

static void
logout_all(struct accounts *a, const struct identity *who, const char *keep)
{
	int64_t epoch, ended;

	assert_int_equal(store_logout_all(a->store, &actor, who->user.id, keep,
			     &epoch, &ended),
	    ERR_OK);
}

TEST_FIXTURE(accounts_set_up, accounts_tear_down);

/* The session is read before the change, the user after it. */
TEST(a_session_that_is_kept_is_never_refused)
{
	struct check c = { 0 };
	struct identity who;

	hold(&c, *state, &who);
	logout_all(*state, &who, who.session.handle);
	assert_int_equal(let_go(&c), ERR_OK);
	assert_true(c.who.session.epoch == who.session.epoch + 1);
	assert_true(c.who.user.epoch == c.who.session.epoch);
}

TEST(a_session_that_is_not_kept_is_refused)
{
	struct check c = { 0 };
	struct identity who;

	hold(&c, *state, &who);
	logout_all(*state, &who, NULL);
	assert_int_equal(let_go(&c), ERR_DENIED);
}

/* The first change keeps it, the second ends it. */
TEST(a_session_that_ends_after_it_was_kept_is_refused)
{
	struct check c = { 0 };
	struct identity who;

	hold(&c, *state, &who);
	logout_all(*state, &who, who.session.handle);
	assert_int_equal(store_session_end(c.a->store, &actor, who.user.id,
			     who.session.handle),
	    ERR_OK);
	assert_int_equal(let_go(&c), ERR_DENIED);
}

TEST(a_session_whose_user_is_deleted_is_refused)
{
	struct check c = { 0 };
	struct identity who;

	hold(&c, *state, &who);
	assert_int_equal(
	    account_close_delete(&c.a->login, &who, ACCOUNTS_PASSWORD, "", NOW),
	    ERR_OK);
	assert_int_equal(let_go(&c), ERR_DENIED);
}
