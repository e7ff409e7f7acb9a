/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW

/*
 * A token without an epoch ends with the time at which the epoch last rose, so
 * every change that raises the epoch notes the time.
 */

static enum err
log_out(struct fixture *f)
{
	int64_t epoch, ended;

	return store_logout_all(f->st, &f->actor, f->ann.user.id,
	    f->ann.session.handle, &epoch, &ended);
}

static enum err
change_password(struct fixture *f)
{
	int64_t epoch;

	return store_password_change(f->st, &f->actor,
	    TEST_USERS_PROOF(&f->ann.user), TEST_USERS_HASH, NULL, &epoch);
}

static enum err
set_password(struct fixture *f)
{
	int64_t ended;

	return store_password_set(
	    f->st, &f->actor, f->ann.user.id, TEST_USERS_HASH, &ended);
}

static enum err
set_status(struct fixture *f, enum user_status status)
{
	int64_t ended;

	return store_user_role_and_status(f->st, &f->actor, f->ann.user.id,
	    &(struct user_role_and_status){ .status = status }, &ended);
}

static enum err
disable(struct fixture *f)
{
	return set_status(f, USER_STATUS_INACTIVE);
}

static enum err
enable(struct fixture *f)
{
	return set_status(f, USER_STATUS_ACTIVE);
}

static enum err
deactivate(struct fixture *f)
{
	return store_deactivate(
	    f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user));
}

static enum err
promote(struct fixture *f)
{
	int64_t ended;

	return store_user_role_and_status(f->st, &f->actor, f->ann.user.id,
	    &(struct user_role_and_status){ .role = USER_ROLE_ADMIN }, &ended);
}

static enum err
rename_ann(struct fixture *f)
{
	static const struct user_patch patch = { .name = "Eve" };
	struct user u;

	return store_profile_update(
	    f->st, &f->actor, f->ann.user.id, &patch, &u);
}

static enum err
log_in(struct fixture *f)
{
	static int n = 100;

	return login(f, &f->ann, n++, f->actor.now);
}

static const struct {
	const char *name;
	enum err (*make)(struct fixture *f);
	bool raises;
} changes[] = {
	{ "logout-all", log_out, true },
	{ "login", log_in, false },
	{ "password", change_password, true },
	{ "profile", rename_ann, false },
	{ "password set", set_password, true },
	{ "promote", promote, false },
	{ "disable", disable, true },
	{ "enable", enable, false },
	{ "deactivate", deactivate, true },
};

static void
assert_next(struct fixture *f, size_t i, struct user *u, int64_t at)
{
	struct user before = *u;

	f->ann.user = *u; /* for the proofs of changes */
	gives(ERR_OK, changes[i].make(f));
	gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, u));
	if (u->epoch != before.epoch + (changes[i].raises ? 1 : 0) ||
	    u->epoch_at != (changes[i].raises ? at : before.epoch_at))
		fail_msg("%s: epoch %jd at %jd", changes[i].name,
		    (intmax_t)u->epoch, (intmax_t)u->epoch_at);
}

TEST(a_raised_epoch_notes_the_time, struct fixture *f)
{
	struct user u = f->ann.user;

	assert_int_equal(u.epoch_at, 0);
	for (size_t i = 0; i < NELEMS(changes); i++) {
		f->actor.now = NOW + 10 * (int64_t)i;
		assert_next(f, i, &u, f->actor.now);
	}
}

/* Otherwise an old token would seem newer than the change. */
TEST(a_clock_set_back_does_not_count, struct fixture *f)
{
	struct user u = f->ann.user;

	f->actor.now = NOW + 1000;
	gives(ERR_OK, store_write_check(f->st, &f->actor));
	f->actor.now = NOW;
	for (size_t i = 0; i < NELEMS(changes); i++)
		assert_next(f, i, &u, NOW + 1000);
}

STORE_FIXTURES;
