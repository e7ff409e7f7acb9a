/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW

/* ---- register ---- */

TEST(a_registered_user_is_found, struct fixture *f)
{
	char hash[USER_HASH_SIZE];
	struct session s;
	struct user u;

	assert_true(f->ann.user.id > 0);
	assert_int_equal(f->ann.user.role, USER_ROLE_USER);
	assert_int_equal(f->ann.user.status, USER_STATUS_ACTIVE);
	assert_int_equal(f->ann.user.created_at, NOW);
	gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, &u));
	assert_true(test_users_same_user(&u, &f->ann.user));
	gives(ERR_OK, store_user_by_email(f->st, "ann@example.org", &u));
	assert_true(test_users_same_user(&u, &f->ann.user));
	gives(ERR_OK, store_password_hash(f->st, u.id, hash));
	assert_string_equal(hash, TEST_USERS_HASH);
	gives(ERR_OK, store_session_by_handle(f->st, handle_of(1), &s));
	assert_true(test_users_same_session(&s, &f->ann.session));
	assert_int_equal(s.user_id, u.id);
	assert_true(live(f, handle_of(1), NOW));
	assert_int_equal(f->tidied, 0); /* no cache can hold it */
	gives(ERR_OK, store_ping(f->st));
}

TEST(an_address_is_registered_once, struct fixture *f)
{
	struct person twin;

	gives(ERR_CONFLICT, test_users_register(f->st, "ann", 2, NOW, &twin));
	assert_int_equal(twin.user.id, 0);
	assert_int_equal(twin.session.user_id, 0);
	assert_false(live(f, handle_of(2), NOW));
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 1);
}

TEST(a_user_may_be_made_without_a_session, struct fixture *f)
{
	struct user u = {
		.email = "op@example.org", .name = "Op", .role = USER_ROLE_ADMIN
	};

	gives(ERR_OK,
	    store_register(
		f->st, &f->actor, &u, "op@example.org", TEST_USERS_HASH, NULL));
	assert_int_equal(u.role, USER_ROLE_ADMIN);
	assert_int_equal(live_count(f, u.id, NOW), 0);
}

TEST(many_users_are_read_by_one_call, struct fixture *f)
{
	struct user users[101];
	struct person bob;
	int64_t ids[101] = { 0 };

	gives(ERR_OK, test_users_register(f->st, "bob", 2, NOW, &bob));
	ids[0] = bob.user.id;
	ids[1] = 4711;
	ids[2] = f->ann.user.id;
	ids[3] = bob.user.id;
	ids[4] = INT64_MIN;
	dirty(users, sizeof(users));
	gives(ERR_OK, store_users_by_ids(f->st, ids, 100, users));
	assert_true(test_users_same_user(&users[0], &bob.user));
	assert_true(all_zero(&users[1], sizeof(users[1])));
	assert_true(test_users_same_user(&users[2], &f->ann.user));
	assert_true(test_users_same_user(&users[3], &bob.user));
	assert_true(all_zero(&users[4], 96 * sizeof(users[4])));
	gives(ERR_INVALID, store_users_by_ids(f->st, ids, 101, users));
	assert_true(all_zero(users, sizeof(users)));
	gives(ERR_OK, store_users_by_ids(f->st, ids, 0, users));
}

TEST(missing_rows_are_not_found, struct fixture *f)
{
	char hash[USER_HASH_SIZE];
	bool revoked = true;
	struct session s;
	struct user u;

	gives(ERR_NOT_FOUND, store_user_by_id(f->st, 99, &u));
	gives(ERR_NOT_FOUND, store_user_by_email(f->st, "no@example.org", &u));
	gives(ERR_NOT_FOUND, store_password_hash(f->st, 99, hash));
	gives(ERR_NOT_FOUND, store_session_by_handle(f->st, handle_of(9), &s));
	gives(ERR_OK, store_token_revoked(f->st, "no", &revoked));
	assert_false(revoked);
	assert_int_equal(live_count(f, 99, NOW), 0);
}

/* ---- login ---- */

TEST(a_login_adds_a_session, struct fixture *f)
{
	struct session s = test_users_session(2, NOW + 5);

	gives(ERR_OK,
	    store_session_open(
		f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user), &s));
	assert_int_equal(s.user_id, f->ann.user.id);
	assert_int_equal(s.epoch, f->ann.user.epoch);
	assert_true(live(f, s.handle, NOW));
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 2);
	assert_int_equal(f->tidied, 0);
}

/* A proof of ann's password that rehashes it. */
static struct store_proof
rehashing(const struct fixture *f, const char *rehash)
{
	struct store_proof proof = *TEST_USERS_PROOF(&f->ann.user);

	proof.hash = TEST_USERS_HASH;
	proof.rehash = rehash;
	return proof;
}

TEST(a_login_can_replace_the_hash, struct fixture *f)
{
	struct store_proof proof = rehashing(f, "stronger");
	struct session s = test_users_session(2, NOW);
	char hash[USER_HASH_SIZE];
	struct user u;

	gives(ERR_OK, store_session_open(f->st, &f->actor, &proof, &s));
	gives(ERR_OK, store_password_hash(f->st, f->ann.user.id, hash));
	assert_string_equal(hash, "stronger");
	gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, &u));
	assert_true(test_users_same_user(&u, &f->ann.user));
	assert_int_equal(f->tidied, 0);
}

/* Several logins may rehash one password at once; the first one stays. */
TEST(a_rehash_by_another_login_denies_nothing, struct fixture *f)
{
	struct store_proof first = rehashing(f, "stronger");
	struct store_proof second = rehashing(f, "as strong");
	struct session s = test_users_session(2, NOW);
	struct session late = test_users_session(3, NOW);
	char hash[USER_HASH_SIZE];
	int64_t epoch;

	gives(ERR_OK, store_session_open(f->st, &f->actor, &first, &s));
	gives(ERR_OK, store_session_open(f->st, &f->actor, &second, &late));
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 3);
	gives(ERR_OK, store_password_hash(f->st, f->ann.user.id, hash));
	assert_string_equal(hash, "stronger");
	gives(ERR_OK,
	    store_password_change(
		f->st, &f->actor, &second, "other", NULL, &epoch));
}

/* A rehash of the old password must not replace a new one. */
TEST(a_rehash_loses_to_a_password_change, struct fixture *f)
{
	struct store_proof proof = rehashing(f, "stronger");
	struct session s = test_users_session(2, NOW);
	char hash[USER_HASH_SIZE];
	int64_t epoch;

	gives(ERR_OK,
	    store_password_change(f->st, &f->actor,
		TEST_USERS_PROOF(&f->ann.user), "other", NULL, &epoch));
	gives(ERR_DENIED, store_session_open(f->st, &f->actor, &proof, &s));
	proof.epoch = epoch;
	gives(ERR_OK, store_session_open(f->st, &f->actor, &proof, &s));
	gives(ERR_OK, store_password_hash(f->st, f->ann.user.id, hash));
	assert_string_equal(hash, "other");
}

/* A change between the proof and the session wins. */
TEST(a_login_loses_to_a_password_change, struct fixture *f)
{
	int64_t epoch;

	gives(ERR_OK,
	    store_password_change(f->st, &f->actor,
		TEST_USERS_PROOF(&f->ann.user), "other", NULL, &epoch));
	gives(ERR_DENIED, login(f, &f->ann, 2, NOW));
	assert_false(live(f, handle_of(2), NOW));
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 0);
}

TEST(a_login_loses_to_logout_all, struct fixture *f)
{
	int64_t epoch, ended;

	gives(ERR_OK,
	    store_logout_all(
		f->st, &f->actor, f->ann.user.id, NULL, &epoch, &ended));
	gives(ERR_DENIED, login(f, &f->ann, 2, NOW));
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 0);
}

TEST(a_login_loses_to_the_end_of_the_account, struct fixture *f)
{
	struct person bob;

	gives(ERR_OK, test_users_register(f->st, "bob", 7, NOW, &bob));
	gives(ERR_OK,
	    store_deactivate(f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user)));
	gives(ERR_DENIED, login(f, &f->ann, 2, NOW));
	gives(ERR_OK,
	    store_delete(f->st, &f->actor, TEST_USERS_PROOF(&bob.user)));
	gives(ERR_DENIED, login(f, &bob, 3, NOW));
}

TEST(the_101st_session_ends_the_oldest, struct fixture *f)
{
	for (int n = 2; n <= 100; n++)
		gives(ERR_OK, login(f, &f->ann, n, NOW + n));
	assert_int_equal(live_count(f, f->ann.user.id, NOW + 100), 100);
	assert_int_equal(f->tidied, 0);
	gives(ERR_OK, login(f, &f->ann, 101, NOW + 101));
	assert_false(live(f, handle_of(1), NOW + 101));
	assert_true(live(f, handle_of(2), NOW + 101));
	assert_true(live(f, handle_of(101), NOW + 101));
	assert_int_equal(live_count(f, f->ann.user.id, NOW + 101), 100);
	assert_int_equal(f->tidied, 1);
	assert_int_equal(f->key_count, 1);
	assert_true(tidied_session(f, handle_of(1)));
}

STORE_FIXTURES;
