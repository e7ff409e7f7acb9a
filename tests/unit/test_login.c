/* SPDX-License-Identifier: ISC */
#include "auth/login.h"

#include "support/test.h"

#include <time.h>

#include "auth/account_admin.h"
#include "auth/account_close.h"
#include "auth/password_change.h"
#include "auth/registration.h"
#include "shm/semaphore.h"
#include "store/store.h"
#include "support/accounts.h"
#include "support/store_memory.h"

#define NOW ACCOUNTS_NOW
#define EMAIL ACCOUNTS_EMAIL
#define PASSWORD ACCOUNTS_PASSWORD
#define OTHER "seventeen brass kettles"

static const struct login_grant nothing;

static enum err
register_as(struct accounts *a, const struct login_credentials *cred,
    struct login_grant *grant, const char **why)
{
	enum err err;

	memset(grant, 0xaa, sizeof(*grant));
	err = registration_create(
	    &a->login, cred, &accounts_origin, NOW, grant, why);
	if (err != ERR_OK)
		assert_memory_equal(grant, &nothing, sizeof(*grant));
	return err;
}

static enum err
attempt(struct accounts *a, const char *email, const char *password)
{
	struct login_grant grant;
	enum err err;

	memset(&grant, 0xaa, sizeof(grant));
	err = accounts_login(a, email, password, &grant);
	if (err != ERR_OK)
		assert_memory_equal(&grant, &nothing, sizeof(grant));
	return err;
}

TEST_FIXTURE(accounts_set_up, accounts_tear_down);

TEST(registers_and_signs_in, struct accounts *a)
{
	struct login_grant grant, again;
	struct identity who;

	accounts_register(a, &grant);
	assert_true(grant.user.id > 0);
	assert_string_equal(grant.user.email, EMAIL);
	assert_string_equal(grant.user.name, "Zoe");
	assert_int_equal(grant.user.role, USER_ROLE_USER);
	assert_int_equal(grant.user.status, USER_STATUS_ACTIVE);
	who = accounts_who(a, grant.session_id);
	assert_int_equal(who.user.id, grant.user.id);
	assert_int_equal(
	    sessions_by_token(&a->sessions, grant.token.text, "", NOW, &who),
	    ERR_OK);

	/* the address is known by its normal form */
	assert_int_equal(
	    accounts_login(a, "Zoe@EXAMPLE.org", PASSWORD, &again), ERR_OK);
	assert_int_equal(again.user.id, grant.user.id);
	assert_string_equal(again.user.email, EMAIL);
	assert_string_not_equal(again.session_id, grant.session_id);
	assert_string_equal(again.session.device, "laptop");
	assert_int_equal(
	    sessions_by_token(&a->sessions, again.token.text, "", NOW, &who),
	    ERR_OK);
	assert_int_equal(accounts_live(a, grant.user.id), 2);
}

TEST(registers_an_address_once, struct accounts *a)
{
	struct login_credentials cred = { .email = "ZOE@example.org",
		.password = OTHER,
		.name = "Zoe again" };
	struct login_grant grant;
	const char *why;

	accounts_register(a, &grant);
	assert_int_equal(register_as(a, &cred, &grant, &why), ERR_CONFLICT);
	assert_int_equal(attempt(a, EMAIL, OTHER), ERR_DENIED);
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_OK);
}

TEST(says_why_it_does_not_register, struct accounts *a)
{
	static const struct {
		struct login_credentials cred;
		enum err expect;
		const char *word;
	} cases[] = {
		{ { "no address", OTHER, "Max" }, ERR_INVALID, "email" },
		{ { "", OTHER, "Max" }, ERR_INVALID, "email" },
		{ { "max@example.org", OTHER, "" }, ERR_INVALID, "name" },
		{ { "max@example.org", OTHER, "a\nb" }, ERR_INVALID, "name" },
		{ { "max@example.org", "short", "Max" }, ERR_DENIED, "8" },
		{ { "max@example.org", "password", "Max" }, ERR_DENIED,
		    "most used" },
		{ { "max@example.org", "Max@Example.Org", "Max" }, ERR_DENIED,
		    "email" },
		{ { "max@example.org", "Max Mustermann", "max mustermann" },
		    ERR_DENIED, "name" },
		{ { "max@example.org",
		      "0123456789012345678901234567890123456789"
		      "0123456789012345678901234567890123456789"
		      "0123456789012345678901234567890123456789012345678",
		      "Max" },
		    ERR_DENIED, "128" },
	};
	struct login_grant grant;
	const char *why;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		assert_int_equal(register_as(a, &cases[i].cred, &grant, &why),
		    cases[i].expect);
		assert_non_null(why);
		if (strstr(why, cases[i].word) == NULL)
			fail_msg("%s: %s", cases[i].cred.password, why);
		assert_int_equal(
		    attempt(a, cases[i].cred.email, cases[i].cred.password),
		    ERR_DENIED);
	}
}

TEST(grants_only_on_a_proven_password, struct accounts *a)
{
	static const char zeros[200] = "tangerine orbit walrus";
	struct login_grant grant;
	char hash[USER_HASH_SIZE];

	accounts_register(a, &grant);
	assert_int_equal(
	    store_password_hash(a->store, grant.user.id, hash), ERR_OK);
	assert_int_equal(attempt(a, EMAIL, ""), ERR_DENIED);
	assert_int_equal(
	    attempt(a, EMAIL, "Tangerine orbit walrus"), ERR_DENIED);
	assert_int_equal(attempt(a, EMAIL, PASSWORD " "), ERR_DENIED);
	assert_int_equal(attempt(a, EMAIL, hash), ERR_DENIED);
	assert_int_equal(attempt(a, EMAIL, "\xff"), ERR_DENIED);
	assert_int_equal(attempt(a, "max@example.org", PASSWORD), ERR_DENIED);
	assert_int_equal(attempt(a, "", PASSWORD), ERR_DENIED);
	assert_int_equal(attempt(a, "\xff@", PASSWORD), ERR_DENIED);
	assert_int_equal(accounts_live(a, grant.user.id), 1);
	assert_int_equal(attempt(a, EMAIL, zeros), ERR_OK);
	assert_int_equal(accounts_live(a, grant.user.id), 2);
}

/* The steps of a sign-in, up to the proof. */
static enum err
prove(struct accounts *a, const char *email, const char *password,
    struct login_proof *proof_out)
{
	char normal[PASSWORD_NORMAL_SIZE];

	assert_int_equal(password_normal(normal, password), ERR_OK);
	assert_int_equal(login_begin(&a->login, email, proof_out), ERR_OK);
	return login_prove_password(&a->login, normal, proof_out);
}

TEST(opens_a_session_under_the_epoch_of_the_beginning, struct accounts *a)
{
	const struct store_actor actor = { .address = "", .now = NOW };
	struct login_proof proof, early;
	struct login_grant grant;
	int64_t epoch, ended;

	accounts_register(a, &grant);
	assert_int_equal(
	    prove(a, "max@example.org", PASSWORD, &proof), ERR_DENIED);
	assert_false(proof.proved);
	assert_int_equal(prove(a, EMAIL, OTHER, &proof), ERR_DENIED);
	assert_false(proof.proved);
	assert_int_equal(prove(a, EMAIL, PASSWORD, &early), ERR_OK);
	assert_true(early.proved);
	assert_int_equal(store_logout_all(a->store, &actor, early.user.id, NULL,
			     &epoch, &ended),
	    ERR_OK);
	assert_int_equal(
	    login_finish(&a->login, &early, &accounts_origin, NOW, &grant),
	    ERR_DENIED);
	assert_memory_equal(&grant, &nothing, sizeof(grant));
	assert_int_equal(prove(a, EMAIL, PASSWORD, &proof), ERR_OK);
	assert_int_equal(
	    login_finish(&a->login, &proof, &accounts_origin, NOW, &grant),
	    ERR_OK);
	assert_int_equal(grant.session.epoch, epoch);
	assert_int_equal(accounts_live(a, early.user.id), 1);
}

TEST(denies_an_inactive_user, struct accounts *a)
{
	struct login_grant grant;
	struct identity who;

	accounts_register(a, &grant);
	who = accounts_who(a, grant.session_id);
	assert_int_equal(
	    account_close_deactivate(&a->login, &who, OTHER, "192.0.2.1", NOW),
	    ERR_DENIED);
	assert_int_equal(accounts_live(a, grant.user.id), 1);
	assert_int_equal(account_close_deactivate(
			     &a->login, &who, PASSWORD, "192.0.2.1", NOW),
	    ERR_OK);
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_DENIED);
	assert_int_equal(accounts_live(a, grant.user.id), 0);
}

TEST(deletes_for_the_password_only, struct accounts *a)
{
	struct login_grant grant;
	struct identity who;

	accounts_register(a, &grant);
	who = accounts_who(a, grant.session_id);
	assert_int_equal(
	    account_close_delete(&a->login, &who, OTHER, "192.0.2.1", NOW),
	    ERR_DENIED);
	assert_int_equal(
	    account_close_delete(&a->login, &who, PASSWORD, "192.0.2.1", NOW),
	    ERR_OK);
	assert_int_equal(
	    account_close_delete(&a->login, &who, PASSWORD, "192.0.2.1", NOW),
	    ERR_NOT_FOUND);
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_DENIED);
	accounts_register(a, &grant); /* the address is free again */
	assert_true(grant.user.id > who.user.id);
}

/* A failure of the store is no wrong password and leaves no session. */
TEST(calls_a_failure_no_denial, struct accounts *a)
{
	static const struct login_credentials max = { "max@example.org", OTHER,
		"Max" };
	struct login_grant grant, other;
	struct identity who;
	const char *why;

	accounts_register(a, &grant);
	who = accounts_who(a, grant.session_id);

	store_memory_fail_next(a->store, ERR_UNAVAILABLE);
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_UNAVAILABLE);
	store_memory_fail_next(a->store, ERR_UNAVAILABLE);
	assert_int_equal(attempt(a, "max@example.org", "x"), ERR_UNAVAILABLE);
	store_memory_fail_commit(a->store, ERR_UNAVAILABLE);
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_UNAVAILABLE);
	assert_int_equal(accounts_live(a, grant.user.id), 1);

	store_memory_fail_commit(a->store, ERR_UNAVAILABLE);
	assert_int_equal(register_as(a, &max, &other, &why), ERR_UNAVAILABLE);
	assert_null(why);
	assert_int_equal(attempt(a, "max@example.org", OTHER), ERR_DENIED);

	store_memory_fail_next(a->store, ERR_UNAVAILABLE);
	assert_int_equal(
	    account_close_delete(&a->login, &who, PASSWORD, "", NOW),
	    ERR_UNAVAILABLE);
	store_memory_fail_commit(a->store, ERR_UNAVAILABLE);
	assert_int_equal(
	    account_close_deactivate(&a->login, &who, PASSWORD, "", NOW),
	    ERR_UNAVAILABLE);
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_OK);
}

TEST(acquires_and_releases_the_semaphore, struct accounts *a)
{
	struct login_grant grant;
	struct semaphore *other;

	accounts_register(a, &grant);
	assert_int_equal(semaphore_new(a->m, 1, &other), ERR_OK);
	assert_int_equal(semaphore_acquire(other, 0), ERR_OK);
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_BUSY);
	assert_int_equal(attempt(a, EMAIL, "wrong"), ERR_BUSY);
	assert_int_equal(attempt(a, "max@example.org", "x"), ERR_BUSY);
	semaphore_release(other);

	/* every outcome releases the semaphore */
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_OK);
	assert_int_equal(semaphore_acquire(other, 0), ERR_OK);
	semaphore_release(other);
	assert_int_equal(attempt(a, EMAIL, "wrong"), ERR_DENIED);
	assert_int_equal(semaphore_acquire(other, 0), ERR_OK);
	semaphore_release(other);
	assert_int_equal(attempt(a, "max@example.org", "x"), ERR_DENIED);
	assert_int_equal(semaphore_acquire(other, 0), ERR_OK);
	semaphore_release(other);
	a->login.params.kib = 1; /* below the minimum: an error */
	assert_int_equal(attempt(a, "max@example.org", "x"), ERR_INTERNAL);
	assert_int_equal(semaphore_acquire(other, 0), ERR_OK);
	semaphore_release(other);
	semaphore_free(other);
}

static int64_t
cost_of(struct accounts *a, const char *email, const char *password)
{
	struct timespec before, after;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	assert_int_equal(attempt(a, email, password), ERR_DENIED);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	return (after.tv_sec - before.tv_sec) * 1000000000 +
	    (after.tv_nsec - before.tv_nsec);
}

/* An account of an external issuer, without a password; ${email} or NULL. */
static struct user
account_from_outside(struct accounts *a, const char *email)
{
	const struct store_actor actor = { .address = "", .now = NOW };
	const struct external_profile p = { .issuer = "https://a.example",
		.subject = "max",
		.issued_at = NOW,
		.email = email,
		.normal = email,
		.name = "Max",
		.avatar_url = "",
		.digest = { email != NULL } };
	enum external_done done;
	struct user u;
	int64_t id;

	assert_int_equal(
	    store_external_provision(a->store, &actor, &p, &id, &done), ERR_OK);
	assert_int_equal(store_user_by_id(a->store, id, &u), ERR_OK);
	return u;
}

/* A hash of 16 MiB takes a thousand times the rest of the work. */
TEST(pays_one_hash_for_an_unknown_address, struct accounts *a)
{
	struct login_grant grant;
	int64_t known = 0, unknown = 0, none = 0, without = 0;

	a->login.params.kib = 16 * 1024;
	accounts_register(a, &grant);
	(void)account_from_outside(a, "out@example.org");
	for (int i = 0; i < 4; i++) {
		known += cost_of(a, EMAIL, "wrong");
		unknown += cost_of(a, "max@example.org", "wrong");
		none += cost_of(a, "no address", "wrong");
		without += cost_of(a, "out@example.org", "wrong");
	}
	assert_true(unknown > known / 3 && unknown < known * 3);
	assert_true(none > known / 3 && none < known * 3);
	assert_true(without > known / 3 && without < known * 3);
}

TEST(denies_an_account_without_a_password, struct accounts *a)
{
	struct user u = account_from_outside(a, "out@example.org");
	struct password_change change = {
		.address = "192.0.2.1", .current = "", .replacement = OTHER
	};
	struct identity who = { .user = u };
	struct login_grant grant;
	const char *why;

	assert_int_equal(attempt(a, u.email, ""), ERR_DENIED);
	assert_int_equal(attempt(a, u.email, PASSWORD), ERR_DENIED);
	/* Nor does an empty password prove anything for a signed-in user. */
	who.session.user_id = u.id;
	assert_int_equal(
	    password_change(&a->login, &who, &change, NOW, &grant, &why),
	    ERR_NOT_FOUND);
	assert_int_equal(
	    account_close_delete(&a->login, &who, "", "192.0.2.1", NOW),
	    ERR_NOT_FOUND);
	assert_int_equal(store_user_by_id(a->store, u.id, &who.user), ERR_OK);
	assert_int_equal(accounts_live(a, u.id), 0);
}

TEST(sets_a_password_for_an_account_with_an_address, struct accounts *a)
{
	struct user u = account_from_outside(a, NULL);
	const char *why = NULL;
	int64_t ended;

	assert_int_equal(
	    account_admin_password(&a->login, &u, OTHER, NOW, &ended, &why),
	    ERR_DENIED);
	assert_non_null(strstr(why, "no address"));
	u = account_from_outside(a, "out@example.org");
	assert_int_equal(
	    account_admin_password(&a->login, &u, OTHER, NOW, &ended, &why),
	    ERR_OK);
	assert_int_equal(attempt(a, "out@example.org", OTHER), ERR_OK);
}

TEST(renews_a_hash_when_parameters_rose, struct accounts *a)
{
	char hash[USER_HASH_SIZE], renewed[USER_HASH_SIZE];
	struct login_grant grant;

	accounts_register(a, &grant);
	assert_int_equal(
	    store_password_hash(a->store, grant.user.id, hash), ERR_OK);
	a->login.params.passes = 2;
	assert_int_equal(attempt(a, EMAIL, "wrong"), ERR_DENIED);
	assert_int_equal(
	    store_password_hash(a->store, grant.user.id, renewed), ERR_OK);
	assert_string_equal(hash, renewed);

	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_OK);
	assert_int_equal(
	    store_password_hash(a->store, grant.user.id, renewed), ERR_OK);
	assert_string_not_equal(hash, renewed);
	assert_non_null(strstr(renewed, "m=8,t=2,p=1"));
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_OK);

	/* weaker parameters renew nothing */
	a->login.params.passes = 1;
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_OK);
	assert_int_equal(
	    store_password_hash(a->store, grant.user.id, hash), ERR_OK);
	assert_string_equal(hash, renewed);
	/* no session ended */
	assert_int_equal(accounts_live(a, grant.user.id), 4);
}

TEST(changes_the_password, struct accounts *a)
{
	struct password_change change = { .address = "192.0.2.1" };
	struct login_grant first, second, changed;
	struct identity who;
	const char *why;

	accounts_register(a, &first);
	assert_int_equal(accounts_login(a, EMAIL, PASSWORD, &second), ERR_OK);
	who = accounts_who(a, second.session_id);

	change.current = "wrong";
	change.replacement = OTHER;
	assert_int_equal(
	    password_change(&a->login, &who, &change, NOW, &changed, &why),
	    ERR_DENIED);
	assert_null(why);
	change.current = PASSWORD;
	change.replacement = "password1";
	assert_int_equal(
	    password_change(&a->login, &who, &change, NOW, &changed, &why),
	    ERR_DENIED);
	assert_non_null(why);
	assert_memory_equal(&changed, &nothing, sizeof(changed));
	assert_int_equal(accounts_live(a, first.user.id), 2);

	change.replacement = OTHER;
	assert_int_equal(
	    password_change(&a->login, &who, &change, NOW, &changed, &why),
	    ERR_OK);
	assert_null(why);
	assert_string_not_equal(changed.session_id, second.session_id);
	assert_string_not_equal(changed.session.handle, second.session.handle);
	assert_string_equal(changed.session.device, second.session.device);
	assert_int_equal(changed.session.expires_at, second.session.expires_at);
	assert_int_equal(
	    sessions_by_token(&a->sessions, changed.token.text, "", NOW, &who),
	    ERR_OK);
	assert_int_equal(changed.user.epoch, who.user.epoch);
	assert_int_equal(changed.session.epoch, who.session.epoch);

	/* only that session and its new token are valid */
	who = accounts_who(a, changed.session_id);
	assert_int_equal(sessions_by_id(&a->sessions, second.session_id, NOW,
			     &(struct identity){ 0 }),
	    ERR_DENIED);
	assert_int_equal(accounts_live(a, first.user.id), 1);
	assert_int_equal(
	    sessions_by_id(&a->sessions, first.session_id, NOW, &who),
	    ERR_DENIED);
	assert_int_equal(
	    sessions_by_token(&a->sessions, second.token.text, "", NOW, &who),
	    ERR_DENIED);
	assert_int_equal(attempt(a, EMAIL, PASSWORD), ERR_DENIED);
	assert_int_equal(attempt(a, EMAIL, OTHER), ERR_OK);
}
