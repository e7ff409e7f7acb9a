/* SPDX-License-Identifier: ISC */
#include "auth/login.h"

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/account_close.h"
#include "auth/password_change.h"
#include "store/store.h"
#include "support/accounts.h"
#include "support/child.h"
#include "support/store_memory.h"

/*
 * Changes between the proof of a password and the change that rests on it.  A
 * test point holds one thread there while the other makes its change.  Only one
 * of them uses the store at any time.
 */

#define NOW ACCOUNTS_NOW
#define EMAIL ACCOUNTS_EMAIL
#define PASSWORD ACCOUNTS_PASSWORD
#define OTHER "seventeen brass kettles"
#define THIRD "under the copper moon"

struct racer {
	struct accounts *a;
	enum err (*run)(struct racer *r);
	struct identity who;
	struct login_grant grant;
	enum err err;
	const char *point;
	pthread_t thread;
};

static const struct store_actor actor = { .address = "", .now = NOW };

static enum err
run_login(struct racer *r)
{
	return accounts_login(r->a, EMAIL, PASSWORD, &r->grant);
}

static enum err
run_change(struct racer *r)
{
	static const struct password_change change = {
		.current = PASSWORD, .replacement = OTHER, .address = ""
	};
	const char *why;

	return password_change(
	    &r->a->login, &r->who, &change, NOW, &r->grant, &why);
}

static enum err
run_deactivate(struct racer *r)
{
	return account_close_deactivate(
	    &r->a->login, &r->who, PASSWORD, "", NOW);
}

static enum err
run_delete(struct racer *r)
{
	return account_close_delete(&r->a->login, &r->who, PASSWORD, "", NOW);
}

static void *
run(void *arg)
{
	struct racer *r = arg;

	r->err = r->run(r);
	return NULL;
}

/* Run it in a thread until it reaches ${point}. */
static void
hold(struct racer *r, const char *point)
{
	char file[64];

	r->point = point;
	(void)snprintf(file, sizeof(file), "%s.once-hold", point);
	child_arm(file);
	assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
	child_reached(point);
}

static enum err
let_go(struct racer *r)
{
	char file[64];

	(void)snprintf(
	    file, sizeof(file), "%s.hold.%ld", r->point, (long)getpid());
	child_disarm(file);
	assert_int_equal(pthread_join(r->thread, NULL), 0);
	return r->err;
}

/* Register a user and prepare a racer with its session. */
static struct racer
racer(struct accounts *a, enum err (*fn)(struct racer *r))
{
	struct racer r = { .a = a, .run = fn };
	struct login_grant grant;

	accounts_register(a, &grant);
	r.who = accounts_who(a, grant.session_id);
	return r;
}

/* Change the password in another session, which the result is afterwards. */
static struct identity
set_password(struct accounts *a, const char *current, const char *replacement)
{
	const struct password_change change = {
		.current = current, .replacement = replacement, .address = ""
	};
	struct login_grant grant;
	struct identity who;
	const char *why;

	assert_int_equal(accounts_login(a, EMAIL, current, &grant), ERR_OK);
	who = accounts_who(a, grant.session_id);
	assert_int_equal(
	    password_change(&a->login, &who, &change, NOW, &grant, &why),
	    ERR_OK);
	return accounts_who(a, grant.session_id);
}

/* Sign in under stronger parameters, which renews the stored hash. */
static void
renew_hash(struct accounts *a)
{
	char before[USER_HASH_SIZE], after[USER_HASH_SIZE];
	struct login_grant grant;
	struct user user;

	assert_int_equal(store_user_by_email(a->store, EMAIL, &user), ERR_OK);
	assert_int_equal(
	    store_password_hash(a->store, user.id, before), ERR_OK);
	a->login.params.passes++;
	assert_int_equal(accounts_login(a, EMAIL, PASSWORD, &grant), ERR_OK);
	assert_int_equal(store_password_hash(a->store, user.id, after), ERR_OK);
	assert_string_not_equal(before, after);
}

TEST_FIXTURE(accounts_set_up, accounts_tear_down);

TEST(login_loses_against_a_password_change, struct accounts *a)
{
	static const char *const points[] = { "login:read", "login:hashed" };
	struct racer r = racer(a, run_login);
	struct login_grant grant;

	for (size_t i = 0; i < NELEMS(points); i++) {
		hold(&r, points[i]);
		set_password(a, PASSWORD, OTHER);
		assert_int_equal(let_go(&r), ERR_DENIED);
		assert_string_equal(r.grant.session_id, "");
		assert_int_equal(accounts_live(a, r.who.user.id), 1);
		set_password(a, OTHER, PASSWORD);
	}
	/* changed and changed back: the epoch is another one */
	hold(&r, "login:hashed");
	set_password(a, PASSWORD, OTHER);
	set_password(a, OTHER, PASSWORD);
	assert_int_equal(let_go(&r), ERR_DENIED);
	assert_int_equal(accounts_login(a, EMAIL, PASSWORD, &grant), ERR_OK);
}

TEST(login_loses_against_logout_all, struct accounts *a)
{
	struct racer r = racer(a, run_login);
	int64_t epoch, ended;

	hold(&r, "login:hashed");
	assert_int_equal(store_logout_all(a->store, &actor, r.who.user.id, NULL,
			     &epoch, &ended),
	    ERR_OK);
	assert_int_equal(let_go(&r), ERR_DENIED);
	assert_int_equal(accounts_live(a, r.who.user.id), 0);
}

TEST(login_loses_against_the_end_of_the_account, struct accounts *a)
{
	struct racer r = racer(a, run_login);

	hold(&r, "login:hashed");
	assert_int_equal(
	    account_close_deactivate(&a->login, &r.who, PASSWORD, "", NOW),
	    ERR_OK);
	assert_int_equal(let_go(&r), ERR_DENIED);
	assert_int_equal(accounts_live(a, r.who.user.id), 0);

	assert_int_equal(
	    store_user_by_id(a->store, r.who.user.id, &r.who.user), ERR_OK);
	assert_int_equal(r.who.user.status, USER_STATUS_INACTIVE);
}

TEST(login_survives_the_renewal_of_its_hash, struct accounts *a)
{
	struct racer r = racer(a, run_login);
	struct identity who;

	hold(&r, "login:hashed");
	renew_hash(a);
	assert_int_equal(let_go(&r), ERR_OK);
	assert_int_equal(
	    sessions_by_id(&a->sessions, r.grant.session_id, NOW, &who),
	    ERR_OK);
	assert_int_equal(accounts_live(a, r.who.user.id), 3);

	/* a password change after the renewal wins */
	hold(&r, "login:hashed");
	renew_hash(a);
	set_password(a, PASSWORD, OTHER);
	assert_int_equal(let_go(&r), ERR_DENIED);
	assert_int_equal(accounts_live(a, r.who.user.id), 1);
}

TEST(login_fails_with_the_store, struct accounts *a)
{
	struct racer r = racer(a, run_login);

	hold(&r, "login:hashed");
	store_memory_fail_next(a->store, ERR_UNAVAILABLE);
	assert_int_equal(let_go(&r), ERR_UNAVAILABLE);
	assert_string_equal(r.grant.session_id, "");
	assert_int_equal(accounts_live(a, r.who.user.id), 1);
}

TEST(of_two_password_changes_one_wins, struct accounts *a)
{
	struct racer r = racer(a, run_change);
	struct login_grant grant;

	hold(&r, "change:hashed");
	set_password(a, PASSWORD, THIRD);
	assert_int_equal(let_go(&r), ERR_NOT_FOUND);
	assert_int_equal(accounts_login(a, EMAIL, THIRD, &grant), ERR_OK);
	assert_int_equal(accounts_login(a, EMAIL, OTHER, &grant), ERR_DENIED);
}

TEST(password_change_survives_the_renewal_of_the_hash, struct accounts *a)
{
	struct racer r = racer(a, run_change);
	struct login_grant grant;

	hold(&r, "change:hashed");
	renew_hash(a);
	assert_int_equal(let_go(&r), ERR_OK);
	assert_int_equal(accounts_live(a, r.who.user.id), 1);
	assert_int_equal(accounts_login(a, EMAIL, OTHER, &grant), ERR_OK);
}

TEST(deletion_loses_against_a_password_change_only, struct accounts *a)
{
	struct racer r = racer(a, run_delete);

	hold(&r, "end:hashed");
	set_password(a, PASSWORD, OTHER);
	assert_int_equal(let_go(&r), ERR_NOT_FOUND);
	r.who = set_password(a, OTHER, PASSWORD);

	hold(&r, "end:hashed");
	renew_hash(a);
	assert_int_equal(let_go(&r), ERR_OK);
	assert_int_equal(store_user_by_id(a->store, r.who.user.id, &r.who.user),
	    ERR_NOT_FOUND);
}

/* A right password is useless after a logout while it was hashed. */
TEST(a_proof_loses_against_a_logout, struct accounts *a)
{
	static const struct {
		enum err (*run)(struct racer *r);
		const char *point;
	} cases[] = {
		{ run_change, "change:hashed" },
		{ run_deactivate, "end:hashed" },
		{ run_delete, "end:hashed" },
	};
	struct racer r = racer(a, NULL);
	struct login_grant grant;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		r.run = cases[i].run;
		hold(&r, cases[i].point);
		assert_int_equal(
		    store_logout(a->store, &actor, r.who.session.handle, NULL),
		    ERR_OK);
		assert_int_equal(let_go(&r), ERR_NOT_FOUND);
		/* The account is as it was. */
		assert_int_equal(
		    accounts_login(a, EMAIL, PASSWORD, &grant), ERR_OK);
		r.who = accounts_who(a, grant.session_id);
	}
}

/* A signed-out client does not learn whether the password was right. */
TEST(a_signed_out_client_learns_nothing_of_the_password, struct accounts *a)
{
	static const struct password_change changes[] = {
		{ "wrong", OTHER, "" },
		{ PASSWORD, "password1", "" },
		{ PASSWORD, OTHER, "" },
	};
	struct racer r = racer(a, NULL);
	struct login_grant grant;
	const char *why;

	assert_int_equal(
	    store_logout(a->store, &actor, r.who.session.handle, NULL), ERR_OK);
	for (size_t i = 0; i < NELEMS(changes); i++) {
		assert_int_equal(password_change(&a->login, &r.who, &changes[i],
				     NOW, &grant, &why),
		    ERR_NOT_FOUND);
		assert_null(why);
	}
	assert_int_equal(
	    account_close_delete(&a->login, &r.who, "wrong", "", NOW),
	    ERR_NOT_FOUND);
	assert_int_equal(
	    account_close_deactivate(&a->login, &r.who, "wrong", "", NOW),
	    ERR_NOT_FOUND);
}
