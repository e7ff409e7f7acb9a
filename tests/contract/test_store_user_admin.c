/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include <stdio.h>

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW

static int64_t
epoch_of(struct fixture *f)
{
	struct user u;

	gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, &u));
	return u.epoch;
}

static enum err
set_status(
    struct fixture *f, int64_t id, enum user_status status, int64_t *ended_out)
{
	const struct user_role_and_status to = { .status = status };

	return store_user_role_and_status(f->st, &f->actor, id, &to, ended_out);
}

static enum err
set_role(struct fixture *f, int64_t id, enum user_role role)
{
	const struct user_role_and_status to = { .role = role };
	int64_t ended = 9;
	enum err err =
	    store_user_role_and_status(f->st, &f->actor, id, &to, &ended);

	assert_int_equal(ended, 0);
	return err;
}

/* Sessions end at once and stay ended when the user is enabled again. */
TEST(a_disabled_user_cannot_sign_in_until_enabled, struct fixture *f)
{
	int64_t id = f->ann.user.id, ended = 9;

	gives(ERR_OK, login(f, &f->ann, 2, NOW));
	gives(ERR_OK, set_status(f, id, USER_STATUS_INACTIVE, &ended));
	assert_int_equal(ended, 2);
	assert_true(tidied_user(f, id));
	assert_false(live(f, handle_of(1), NOW));
	gives(ERR_DENIED, login(f, &f->ann, 3, NOW));
	f->tidied = 0;
	gives(ERR_OK, set_status(f, id, USER_STATUS_INACTIVE, &ended));
	assert_int_equal(ended, 0);
	assert_int_equal(f->tidied, 0);
	gives(ERR_OK, set_status(f, id, USER_STATUS_ACTIVE, &ended));
	assert_int_equal(f->tidied, 1);
	assert_true(tidied_user(f, id));
	assert_false(live(f, handle_of(1), NOW));
	assert_false(live(f, handle_of(2), NOW));
	gives(ERR_OK, store_user_by_id(f->st, id, &f->ann.user));
	gives(ERR_OK, login(f, &f->ann, 3, NOW));
	assert_true(live(f, handle_of(3), NOW));
}

/* Sessions live on, and caches drop the user. */
TEST(a_role_changes_for_open_sessions_too, struct fixture *f)
{
	int64_t id = f->ann.user.id;
	struct user u;

	gives(ERR_OK, set_role(f, id, USER_ROLE_ADMIN));
	assert_true(tidied_user(f, id));
	gives(ERR_OK, store_user_by_id(f->st, id, &u));
	assert_int_equal(u.role, USER_ROLE_ADMIN);
	assert_int_equal(u.version, f->ann.user.version + 1);
	assert_int_equal(u.epoch, f->ann.user.epoch);
	assert_true(live(f, handle_of(1), NOW));
	f->tidied = 0;
	gives(ERR_OK, set_role(f, id, USER_ROLE_ADMIN));
	assert_int_equal(f->tidied, 0);
	gives(ERR_OK, set_role(f, id, USER_ROLE_USER));
	assert_int_equal(f->tidied, 1);
	gives(ERR_OK, store_user_by_id(f->st, id, &u));
	assert_int_equal(u.role, USER_ROLE_USER);
}

TEST(the_last_administrator_stays_one, struct fixture *f)
{
	static const struct user_role_and_status down[] = {
		{ .role = USER_ROLE_USER },
		{ .status = USER_STATUS_INACTIVE },
		{ USER_ROLE_USER, USER_STATUS_INACTIVE },
	};
	struct store_actor actor = f->actor;
	int64_t id = f->ann.user.id, ended;
	struct person bob;
	struct user before, u;

	gives(ERR_OK, set_role(f, id, USER_ROLE_ADMIN));
	gives(ERR_OK, store_user_by_id(f->st, id, &before));
	gives(ERR_OK, test_users_register(f->st, "bob", 2, NOW, &bob));
	actor.even_last_admin = false;
	for (size_t i = 0; i < NELEMS(down); i++)
		gives(ERR_CONFLICT,
		    store_user_role_and_status(
			f->st, &actor, id, &down[i], &ended));
	gives(ERR_CONFLICT,
	    store_deactivate(f->st, &actor, TEST_USERS_PROOF(&before)));
	gives(ERR_CONFLICT,
	    store_delete(f->st, &actor, TEST_USERS_PROOF(&before)));
	gives(ERR_CONFLICT, store_user_remove(f->st, &actor, id, &ended));
	gives(ERR_OK, store_user_by_id(f->st, id, &u));
	assert_true(test_users_same_user(&u, &before));
	/* A disabled administrator is none; an active one is enough. */
	gives(ERR_OK, set_role(f, bob.user.id, USER_ROLE_ADMIN));
	gives(ERR_OK,
	    store_user_role_and_status(
		f->st, &actor, bob.user.id, &down[1], &ended));
	gives(ERR_CONFLICT,
	    store_user_role_and_status(f->st, &actor, id, &down[0], &ended));
	gives(ERR_OK, set_status(f, bob.user.id, USER_STATUS_ACTIVE, &ended));
	gives(ERR_OK,
	    store_user_role_and_status(f->st, &actor, id, &down[0], &ended));
}

/* Role and status change together, from any to any. */
TEST(role_and_status_change_together, struct fixture *f)
{
	static const struct {
		struct user_role_and_status to;
		int changes; /* of the row */
		int64_t ended;
	} steps[] = {
		{ { USER_ROLE_ADMIN, USER_STATUS_INACTIVE }, 1, 1 },
		{ { USER_ROLE_ADMIN, USER_STATUS_INACTIVE }, 0, 0 },
		{ { USER_ROLE_NONE, USER_STATUS_NONE }, 0, 0 },
		{ { USER_ROLE_USER, USER_STATUS_INACTIVE }, 1, 0 },
		{ { USER_ROLE_ADMIN, USER_STATUS_ACTIVE }, 1, 0 },
		{ { USER_ROLE_USER, USER_STATUS_ACTIVE }, 1, 0 },
	};
	int64_t id = f->ann.user.id, ended = 9;
	struct user before = f->ann.user, u;

	for (size_t i = 0; i < NELEMS(steps); i++) {
		const struct user_role_and_status *to = &steps[i].to;

		f->tidied = 0;
		gives(ERR_OK,
		    store_user_role_and_status(
			f->st, &f->actor, id, to, &ended));
		gives(ERR_OK, store_user_by_id(f->st, id, &u));
		assert_int_equal(ended, steps[i].ended);
		assert_int_equal(u.version, before.version + steps[i].changes);
		assert_int_equal(f->tidied, steps[i].changes);
		if (to->role != USER_ROLE_NONE)
			assert_int_equal(u.role, to->role);
		if (to->status != USER_STATUS_NONE)
			assert_int_equal(u.status, to->status);
		before = u;
	}
	assert_int_equal(u.epoch, f->ann.user.epoch + 1);
}

TEST(a_password_that_is_set_ends_everything, struct fixture *f)
{
	int64_t id = f->ann.user.id, epoch = epoch_of(f), ended;
	char hash[USER_HASH_SIZE];

	gives(ERR_OK, login(f, &f->ann, 2, NOW));
	gives(
	    ERR_OK, store_password_set(f->st, &f->actor, id, "$other", &ended));
	assert_int_equal(ended, 2);
	assert_int_equal(epoch_of(f), epoch + 1);
	assert_true(tidied_user(f, id));
	assert_false(live(f, handle_of(1), NOW));
	gives(ERR_OK, store_password_hash(f->st, id, hash));
	assert_string_equal(hash, "$other");
	gives(ERR_DENIED, login(f, &f->ann, 3, NOW));
}

TEST(a_user_that_is_removed_is_gone, struct fixture *f)
{
	int64_t id = f->ann.user.id, ended;
	struct session s;
	struct user u;

	gives(ERR_OK, login(f, &f->ann, 2, NOW));
	gives(ERR_OK, store_user_remove(f->st, &f->actor, id, &ended));
	assert_int_equal(ended, 2);
	assert_int_equal(f->key_count, 3);
	assert_true(tidied_user(f, id));
	assert_true(tidied_session(f, handle_of(2)));
	gives(ERR_NOT_FOUND, store_user_by_id(f->st, id, &u));
	gives(ERR_NOT_FOUND, store_session_by_handle(f->st, handle_of(1), &s));
}

TEST(a_missing_user_is_not_found, struct fixture *f)
{
	int64_t ended = 9;

	gives(ERR_NOT_FOUND, set_status(f, 99, USER_STATUS_ACTIVE, &ended));
	gives(ERR_NOT_FOUND, set_status(f, 99, USER_STATUS_INACTIVE, &ended));
	assert_int_equal(ended, 0);
	gives(ERR_NOT_FOUND, set_role(f, 99, USER_ROLE_ADMIN));
	gives(ERR_NOT_FOUND, set_role(f, 99, USER_ROLE_USER));
	gives(ERR_NOT_FOUND,
	    store_password_set(f->st, &f->actor, 99, "$other", &ended));
	gives(ERR_NOT_FOUND, store_user_remove(f->st, &f->actor, 99, &ended));
	assert_int_equal(f->tidied, 0);
}

TEST(a_list_is_in_pages_and_may_be_searched, struct fixture *f)
{
	static struct user users[STORE_LIST_MAX];
	struct person other;
	char name[16];
	size_t n;

	for (int i = 0; i < STORE_LIST_MAX; i++) {
		(void)snprintf(name, sizeof(name), "guest%d", i);
		gives(ERR_OK,
		    test_users_register(f->st, name, 10 + i, NOW, &other));
	}
	gives(ERR_OK, store_users_list(f->st, "", 0, users, &n));
	assert_int_equal(n, STORE_LIST_MAX);
	assert_int_equal(users[0].id, f->ann.user.id);
	gives(ERR_OK, store_users_list(f->st, "", users[n - 1].id, users, &n));
	assert_int_equal(n, 1);
	assert_string_equal(users[0].email, other.user.email);
	gives(ERR_OK, store_users_list(f->st, "", users[0].id, users, &n));
	assert_int_equal(n, 0);
	gives(ERR_OK, store_users_list(f->st, "ANN@", 0, users, &n));
	assert_int_equal(n, 1);
	assert_int_equal(users[0].id, f->ann.user.id);
	gives(ERR_OK, store_users_list(f->st, "guest9", 0, users, &n));
	assert_int_equal(n, 11);
	gives(ERR_OK, store_users_list(f->st, "%", 0, users, &n));
	assert_int_equal(n, 0);
	break_store(f);
	gives(ERR_UNAVAILABLE, store_users_list(f->st, "", 0, users, &n));
	assert_int_equal(n, 0);
	assert_true(all_zero(users, sizeof(users)));
	mend_store(f);
}

TEST(live_sessions_are_listed_newest_first, struct fixture *f)
{
	struct session sessions[3];
	struct person bob;
	int64_t ended;
	size_t n;

	gives(ERR_OK, test_users_register(f->st, "bob", 2, NOW + 1, &bob));
	gives(ERR_OK, login(f, &f->ann, 3, NOW + 2));
	gives(ERR_OK, login(f, &bob, 4, NOW + 3));
	gives(ERR_OK, store_sessions_list(f->st, NOW + 3, 3, sessions, &n));
	assert_int_equal(n, 3);
	assert_int_equal(sessions[0].user_id, bob.user.id);
	assert_string_equal(sessions[1].handle, handle_of(3));
	assert_int_equal(sessions[2].user_id, bob.user.id);
	gives(ERR_OK, set_status(f, bob.user.id, USER_STATUS_INACTIVE, &ended));
	gives(ERR_OK, store_sessions_list(f->st, NOW + 3, 3, sessions, &n));
	assert_int_equal(n, 2);
	gives(ERR_OK,
	    store_session_end(f->st, &f->actor, f->ann.user.id, handle_of(3)));
	gives(ERR_OK, store_sessions_list(f->st, NOW + 3, 3, sessions, &n));
	assert_int_equal(n, 1);
	assert_string_equal(sessions[0].handle, handle_of(1));
	gives(ERR_OK,
	    store_sessions_list(
		f->st, NOW + TEST_USERS_LIFETIME, 3, sessions, &n));
	assert_int_equal(n, 0);
}

/* Ann was registered before store_first_admin(), so she is the first. */
TEST(only_the_first_user_becomes_an_admin, struct fixture *f)
{
	struct person bob;
	int64_t ended;

	store_first_admin(f->st);
	gives(ERR_OK, test_users_register(f->st, "bob", 2, NOW, &bob));
	assert_int_equal(bob.user.role, USER_ROLE_USER);
	gives(ERR_OK,
	    store_user_remove(f->st, &f->actor, f->ann.user.id, &ended));
	gives(ERR_OK, store_user_remove(f->st, &f->actor, bob.user.id, &ended));
	gives(ERR_OK, test_users_register(f->st, "zoe", 3, NOW, &bob));
	assert_int_equal(bob.user.role, USER_ROLE_USER);
}

TEST(a_healthy_store_can_be_read_and_written, struct fixture *f)
{
	gives(ERR_OK, store_check(f->st));
	gives(ERR_OK, store_write_check(f->st, &f->actor));
	assert_int_equal(f->tidied, 0);
	break_store(f);
	gives(ERR_UNAVAILABLE, store_check(f->st));
	break_store(f);
	gives(ERR_UNAVAILABLE, store_write_check(f->st, &f->actor));
	mend_store(f);
}

STORE_FIXTURES;

TEST(a_search_ignores_case_in_any_script, struct fixture *f)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "J\xc3\xbcrgen M\xc3\xbcller", "M\xc3\x9cLLER" },
		{ "\xd0\x9f\xd0\x95\xd0\xa2\xd0\xa0\xd0\x9e\xd0\x92",
		    "\xd0\xbf\xd0\xb5\xd1\x82\xd1\x80" },
		{ "Gro\xc3\x9f \x41", "gross" },
	};
	static struct user users[STORE_LIST_MAX];
	size_t n;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct user_patch patch = { .name = cases[i].name };
		struct user u;

		gives(ERR_OK,
		    store_profile_update(
			f->st, &f->actor, f->ann.user.id, &patch, &u));
		gives(ERR_OK,
		    store_users_list(f->st, cases[i].text, 0, users, &n));
		assert_int_equal(n, 1);
	}
}
