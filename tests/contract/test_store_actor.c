/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include <stdio.h>

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW
#define EXPIRED (NOW + TEST_USERS_LIFETIME)

/*
 * Changes made with a session of Ann's that was live when the request was
 * authenticated.  Her other session, on a second device, expires a little
 * later.
 */
#define UNKNOWN "ffffffffffffffffffffffffffffffff"
#define OWN (f->ann.session.handle)

static const char *
other_of(struct fixture *f)
{
	int n;

	assert_int_equal(sscanf(f->ann.user.name, "ann%d", &n), 1);
	return handle_of(n + 1);
}

/* ---- changes made with a session ---- */

typedef enum err change_fn(struct fixture *f, const struct store_actor *who);

static enum err
profile(struct fixture *f, const struct store_actor *who)
{
	const struct user_patch patch = { .name = "Eve",
		.email = "Eve@New.org",
		.normal = "eve@new.org",
		.proof = TEST_USERS_PROOF(&f->ann.user) };
	struct user u;

	return store_profile_update(f->st, who, f->ann.user.id, &patch, &u);
}

static enum err
empty_profile(struct fixture *f, const struct store_actor *who)
{
	static const struct user_patch patch = { 0 };
	struct user u;

	return store_profile_update(f->st, who, f->ann.user.id, &patch, &u);
}

static enum err
end_other(struct fixture *f, const struct store_actor *who)
{
	return store_session_end(f->st, who, f->ann.user.id, other_of(f));
}

static enum err
end_own(struct fixture *f, const struct store_actor *who)
{
	return store_session_end(f->st, who, f->ann.user.id, OWN);
}

static enum err
end_unknown(struct fixture *f, const struct store_actor *who)
{
	return store_session_end(f->st, who, f->ann.user.id, UNKNOWN);
}

static enum err
logout_all(struct fixture *f, const struct store_actor *who)
{
	int64_t epoch, ended;

	return store_logout_all(
	    f->st, who, f->ann.user.id, NULL, &epoch, &ended);
}

static enum err
logout_others(struct fixture *f, const struct store_actor *who)
{
	int64_t epoch, ended;

	return store_logout_all(
	    f->st, who, f->ann.user.id, OWN, &epoch, &ended);
}

static enum err
password(struct fixture *f, const struct store_actor *who)
{
	int64_t epoch;

	return store_password_change(
	    f->st, who, TEST_USERS_PROOF(&f->ann.user), "other", NULL, &epoch);
}

static enum err
deactivate(struct fixture *f, const struct store_actor *who)
{
	return store_deactivate(f->st, who, TEST_USERS_PROOF(&f->ann.user));
}

static enum err
remove_account(struct fixture *f, const struct store_actor *who)
{
	return store_delete(f->st, who, TEST_USERS_PROOF(&f->ann.user));
}

static const struct {
	const char *name;
	change_fn *make;
	enum err live; /* the result with a live session */
} changes[] = {
	{ "profile", profile, ERR_OK },
	{ "empty profile", empty_profile, ERR_OK },
	{ "end another device", end_other, ERR_OK },
	{ "end an unknown one", end_unknown, ERR_NOT_FOUND },
	{ "end itself", end_own, ERR_OK },
	{ "logout-all", logout_all, ERR_OK },
	{ "logout-all but this", logout_others, ERR_OK },
	{ "password", password, ERR_OK },
	{ "deactivate", deactivate, ERR_OK },
	{ "delete", remove_account, ERR_OK },
};

/* ---- nothing changed ---- */

struct snapshot {
	struct user user;
	struct session sessions[2];
	char hash[USER_HASH_SIZE];
	enum err errs[4];
	int64_t latest;
	int64_t rows; /* without the audit table */
	size_t tidied;
};

static struct snapshot
lookup(struct fixture *f)
{
	int64_t id = f->ann.user.id;
	struct store_size size;
	struct snapshot s;

	memset(&s, 0, sizeof(s));
	s.errs[0] = store_user_by_id(f->st, id, &s.user);
	s.errs[1] = store_password_hash(f->st, id, s.hash);
	s.errs[2] = store_session_by_handle(f->st, OWN, &s.sessions[0]);
	s.errs[3] = store_session_by_handle(f->st, other_of(f), &s.sessions[1]);
	gives(ERR_OK, store_latest_time(f->st, &s.latest));
	gives(ERR_OK, store_size(f->st, &size));
	s.rows = size.rows;
	s.tidied = f->tidied;
	return s;
}

static void
assert_same(const struct snapshot *a, const struct snapshot *b)
{
	assert_memory_equal(a->errs, b->errs, sizeof(a->errs));
	assert_true(test_users_same_user(&a->user, &b->user));
	assert_string_equal(a->hash, b->hash);
	for (size_t i = 0; i < NELEMS(a->sessions); i++)
		assert_true(
		    test_users_same_session(&a->sessions[i], &b->sessions[i]));
	assert_int_equal(a->latest, b->latest);
	assert_int_equal(a->rows, b->rows);
	assert_int_equal(a->tidied, b->tidied);
}

/* Register a new ann with two sessions. */
static struct store_actor
ann(struct fixture *f)
{
	struct store_actor who = test_users_actor(NOW);
	char name[16];
	int n = 10;

	if (sscanf(f->ann.user.name, "ann%d", &n) == 1)
		n += 10;
	(void)snprintf(name, sizeof(name), "ann%d", n);
	gives(ERR_OK, test_users_register(f->st, name, n, NOW, &f->ann));
	gives(ERR_OK, login(f, &f->ann, n + 1, NOW + 10));
	who.handle = OWN;
	who.epoch = f->ann.user.epoch;
	gives(ERR_OK, store_actor_check(f->st, &who));
	return who;
}

/* Every change is denied and changes nothing. */
static void
nothing_counts(struct fixture *f, const struct store_actor *who)
{
	struct snapshot before = lookup(f);

	gives(ERR_DENIED, store_actor_check(f->st, who));
	for (size_t i = 0; i < NELEMS(changes); i++) {
		enum err err = changes[i].make(f, who);
		struct snapshot after = lookup(f);

		if (err != ERR_DENIED)
			fail_msg("%s: %s", changes[i].name, err_name(err));
		assert_same(&before, &after);
	}
}

/* ---- the ends of a session ---- */

TEST(a_session_that_ended_changes_nothing, struct fixture *f)
{
	struct store_actor who = ann(f);

	gives(ERR_OK, store_logout(f->st, &f->actor, who.handle, NULL));
	nothing_counts(f, &who);
	assert_true(live(f, other_of(f), NOW + 10));
}

TEST(a_session_of_an_older_epoch_changes_nothing)
{
	static change_fn *const raise[] = { logout_all, logout_others,
		password };

	struct fixture *f = *state;

	for (size_t i = 0; i < NELEMS(raise); i++) {
		struct store_actor who = ann(f);

		gives(ERR_OK, raise[i](f, &f->actor));
		nothing_counts(f, &who);
		/* A kept session is valid under the new epoch. */
		who.epoch++;
		gives(raise[i] == logout_others ? ERR_OK : ERR_DENIED,
		    end_own(f, &who));
	}
}

TEST(a_session_that_expired_changes_nothing, struct fixture *f)
{
	struct store_actor who = ann(f);
	struct person bob;

	who.now = EXPIRED - 1;
	gives(ERR_OK, empty_profile(f, &who));
	who.now = EXPIRED;
	nothing_counts(f, &who);
	/* Setting the clock back changes nothing. */
	gives(ERR_OK, test_users_register(f->st, "bob", 7, EXPIRED, &bob));
	who.now = NOW;
	nothing_counts(f, &who);
	assert_true(live(f, other_of(f), EXPIRED));
}

TEST(a_session_whose_user_is_not_active_changes_nothing, struct fixture *f)
{
	struct store_actor who = ann(f);

	gives(ERR_OK, deactivate(f, &f->actor));
	nothing_counts(f, &who);
	who.epoch++; /* the status is checked, too */
	nothing_counts(f, &who);
}

TEST(a_session_that_is_gone_changes_nothing, struct fixture *f)
{
	struct store_actor who = ann(f), unknown = who;

	unknown.handle = UNKNOWN;
	nothing_counts(f, &unknown);
	gives(ERR_OK, remove_account(f, &f->actor));
	nothing_counts(f, &who);
}

/* The session stays live for changes that need no administrator. */
TEST(a_demoted_administrator_changes_nothing, struct fixture *f)
{
	static const struct user_role_and_status up = { .role =
							    USER_ROLE_ADMIN },
						 down = { .role =
							      USER_ROLE_USER };
	struct store_actor who = ann(f);
	int64_t ended;

	who.as_admin = true;
	nothing_counts(f, &who);
	gives(ERR_OK,
	    store_user_role_and_status(
		f->st, &f->actor, f->ann.user.id, &up, &ended));
	gives(ERR_OK, store_actor_check(f->st, &who));
	gives(ERR_OK, profile(f, &who));
	gives(ERR_OK,
	    store_user_role_and_status(
		f->st, &f->actor, f->ann.user.id, &down, &ended));
	nothing_counts(f, &who);
	who.as_admin = false;
	gives(ERR_OK, store_actor_check(f->st, &who));
	gives(ERR_OK, profile(f, &who));
}

/* ---- a live session ---- */

TEST(a_live_session_makes_every_change, struct fixture *f)
{
	for (size_t i = 0; i < NELEMS(changes); i++) {
		struct store_actor who = ann(f);
		struct snapshot before = lookup(f), after;

		gives(changes[i].live, changes[i].make(f, &who));
		after = lookup(f);
		if (changes[i].live == ERR_OK &&
		    changes[i].make != empty_profile)
			assert_true(after.tidied > before.tidied);
		else
			assert_same(&before, &after);
	}
}

TEST(a_change_without_a_session_is_made, struct fixture *f)
{
	gives(ERR_OK, store_actor_check(f->st, &f->actor));
	gives(ERR_OK, profile(f, &f->actor));
	gives(ERR_OK, store_logout(f->st, &f->actor, OWN, NULL));
	gives(ERR_OK, store_logout(f->st, &f->actor, OWN, NULL));
}

TEST(a_failure_is_no_denial, struct fixture *f)
{
	struct store_actor who = ann(f);
	struct snapshot before = lookup(f), after;

	break_store(f);
	gives(ERR_UNAVAILABLE, store_actor_check(f->st, &who));
	mend_store(f);
	break_store(f);
	gives(ERR_UNAVAILABLE, profile(f, &who));
	mend_store(f);
	after = lookup(f);
	assert_same(&before, &after);
}

STORE_FIXTURES;
