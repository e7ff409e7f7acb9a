/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW

/* ---- the account ---- */

TEST(a_profile_changes_in_part, struct fixture *f)
{
	struct user_patch name = { .name = "Ann B." };
	struct user_patch email = { .email = "Ann@New.org",
		.normal = "ann@new.org",
		.proof = TEST_USERS_PROOF(&f->ann.user) };
	struct user_patch none = { 0 };
	struct user u;

	f->actor.now = NOW + 9;
	gives(ERR_OK,
	    store_profile_update(f->st, &f->actor, f->ann.user.id, &name, &u));
	assert_string_equal(u.name, "Ann B.");
	assert_string_equal(u.email, f->ann.user.email);
	assert_int_equal(u.version, f->ann.user.version + 1);
	assert_int_equal(u.updated_at, NOW + 9);
	assert_int_equal(u.epoch, f->ann.user.epoch);
	assert_int_equal(f->key_count, 1);
	assert_true(tidied_user(f, u.id));
	gives(ERR_OK,
	    store_profile_update(f->st, &f->actor, f->ann.user.id, &email, &u));
	gives(ERR_OK, store_user_by_email(f->st, "ann@new.org", &u));
	assert_string_equal(u.email, "Ann@New.org");
	assert_string_equal(u.name, "Ann B.");
	gives(ERR_NOT_FOUND, store_user_by_email(f->st, "ann@example.org", &u));
	f->tidied = 0;
	gives(ERR_OK,
	    store_profile_update(f->st, &f->actor, f->ann.user.id, &none, &u));
	assert_int_equal(u.version, f->ann.user.version + 2);
	assert_int_equal(f->tidied, 0);
}

TEST(a_bad_profile_changes_nothing, struct fixture *f)
{
	char long_name[USER_NAME_SIZE + 1];
	const struct store_proof stale = { .user_id = f->ann.user.id,
		.epoch = f->ann.user.epoch - 1 };
	struct person bob;
	struct user u;

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	gives(ERR_OK, test_users_register(f->st, "bob", 2, NOW, &bob));

	const struct {
		struct user_patch patch;
		int64_t id;
		enum err expect;
	} cases[] = {
		{ { .name = "New",
		      .email = "bob@example.org",
		      .normal = "bob@example.org",
		      .proof = TEST_USERS_PROOF(&f->ann.user) },
		    f->ann.user.id, ERR_CONFLICT },
		{ { .name = "New", .email = "x@y.org" }, f->ann.user.id,
		    ERR_INVALID },
		{ { .name = "New", .email = "x@y.org", .normal = "x@y.org" },
		    f->ann.user.id, ERR_INVALID },
		{ { .email = "x@y.org", .normal = "x@y.org", .proof = &stale },
		    f->ann.user.id, ERR_DENIED },
		{ { .avatar_url = "https://y.org", .name = long_name },
		    f->ann.user.id, ERR_INVALID },
		{ { .name = "New" }, 99, ERR_NOT_FOUND },
	};
	for (size_t i = 0; i < NELEMS(cases); i++) {
		dirty(&u, sizeof(u));
		assert_int_equal(store_profile_update(f->st, &f->actor,
				     cases[i].id, &cases[i].patch, &u),
		    cases[i].expect);
		assert_true(all_zero(&u, sizeof(u)));
		gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, &u));
		assert_true(test_users_same_user(&u, &f->ann.user));
	}
	assert_int_equal(f->tidied, 0);
}

/* A proof under any other epoch than the user's, or for no user, is none. */
TEST(a_proof_holds_under_its_epoch_only, struct fixture *f)
{
	const struct store_proof stale[] = {
		{ .user_id = f->ann.user.id, .epoch = f->ann.user.epoch - 1 },
		{ .user_id = f->ann.user.id, .epoch = f->ann.user.epoch + 1 },
		{ .user_id = f->ann.user.id, .epoch = 0 },
		{ .user_id = 99, .epoch = f->ann.user.epoch },
	};
	char hash[USER_HASH_SIZE];
	struct user u;

	for (size_t i = 0; i < NELEMS(stale); i++) {
		struct session s = test_users_session(2, NOW);
		int64_t epoch = 77;

		gives(ERR_DENIED,
		    store_session_open(f->st, &f->actor, &stale[i], &s));
		assert_int_equal(s.user_id, 0);
		gives(ERR_DENIED,
		    store_password_change(
			f->st, &f->actor, &stale[i], "other", &s, &epoch));
		assert_int_equal(epoch, 0);
		gives(
		    ERR_DENIED, store_deactivate(f->st, &f->actor, &stale[i]));
		gives(ERR_DENIED, store_delete(f->st, &f->actor, &stale[i]));
	}
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 1);
	gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, &u));
	assert_true(test_users_same_user(&u, &f->ann.user));
	gives(ERR_OK, store_password_hash(f->st, f->ann.user.id, hash));
	assert_string_equal(hash, TEST_USERS_HASH);
	assert_int_equal(f->tidied, 0);
}

/* The session that changed it continues under another handle. */
TEST(a_password_change_ends_all_sessions, struct fixture *f)
{
	struct session s = test_users_session(3, NOW);
	char hash[USER_HASH_SIZE];
	int64_t epoch = 77;

	gives(ERR_OK, login(f, &f->ann, 2, NOW));
	gives(ERR_OK,
	    store_password_change(f->st, &f->actor,
		TEST_USERS_PROOF(&f->ann.user), "other", &s, &epoch));
	assert_int_equal(epoch, f->ann.user.epoch + 1);
	gives(ERR_OK, store_password_hash(f->st, f->ann.user.id, hash));
	assert_string_equal(hash, "other");
	assert_false(live(f, handle_of(1), NOW));
	assert_false(live(f, handle_of(2), NOW));
	assert_true(live(f, handle_of(3), NOW));
	assert_int_equal(s.user_id, f->ann.user.id);
	assert_int_equal(s.epoch, epoch);
	assert_int_equal(f->key_count, 1);
	assert_true(tidied_user(f, f->ann.user.id));
}

TEST(a_deactivated_user_cannot_sign_in, struct fixture *f)
{
	struct person twin;
	struct user u;

	gives(ERR_OK,
	    store_deactivate(f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user)));
	assert_false(live(f, handle_of(1), NOW));
	assert_true(tidied_user(f, f->ann.user.id));
	gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, &u));
	assert_int_equal(u.status, USER_STATUS_INACTIVE);
	assert_int_equal(u.epoch, f->ann.user.epoch + 1);
	gives(ERR_CONFLICT, test_users_register(f->st, "ann", 5, NOW, &twin));
	gives(ERR_DENIED,
	    store_deactivate(f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user)));
}

TEST(a_deleted_user_is_gone_and_its_id_with_it, struct fixture *f)
{
	struct person again;
	struct session s;
	struct user u;

	gives(ERR_OK, login(f, &f->ann, 2, NOW));
	gives(ERR_OK,
	    store_delete(f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user)));
	assert_int_equal(f->key_count, 3);
	assert_true(tidied_user(f, f->ann.user.id));
	assert_true(tidied_session(f, handle_of(1)));
	gives(ERR_NOT_FOUND, store_user_by_id(f->st, f->ann.user.id, &u));
	gives(ERR_NOT_FOUND, store_user_by_email(f->st, "ann@example.org", &u));
	gives(ERR_NOT_FOUND, store_session_by_handle(f->st, handle_of(2), &s));
	gives(ERR_OK, test_users_register(f->st, "ann", 1, NOW, &again));
	assert_true(again.user.id > f->ann.user.id);
}

STORE_FIXTURES;
