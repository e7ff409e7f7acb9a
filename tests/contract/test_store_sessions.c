/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW

/* ---- ending sessions ---- */

TEST(a_logout_ends_session_and_token, struct fixture *f)
{
	struct claims c = test_users_claims(&f->ann, 1, NOW);
	char key[TOKEN_KEY_SIZE];
	struct session s;
	bool revoked;

	gives(ERR_OK, login(f, &f->ann, 2, NOW));
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), &c));
	assert_false(live(f, handle_of(1), NOW));
	assert_true(live(f, handle_of(2), NOW));
	gives(ERR_OK, store_session_by_handle(f->st, handle_of(1), &s));
	assert_int_equal(s.revoked_at, NOW);
	gives(ERR_OK, store_token_revoked(f->st, c.jti, &revoked));
	assert_true(revoked);
	token_key(key, c.jti);
	assert_int_equal(f->tidied, 1);
	assert_int_equal(f->key_count, 2);
	assert_true(tidied_session(f, handle_of(1)) && tidied(f, key));
}

TEST(a_logout_may_be_repeated, struct fixture *f)
{
	struct claims c = test_users_claims(&f->ann, 1, NOW);
	struct claims d = test_users_claims(&f->ann, 2, NOW);
	bool revoked;

	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), &c));
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), &c));
	assert_int_equal(f->tidied, 1); /* the second call changed nothing */
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), &d));
	gives(ERR_OK, store_token_revoked(f->st, d.jti, &revoked));
	assert_true(revoked);
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(9), NULL));
	gives(ERR_OK, store_logout(f->st, &f->actor, NULL, NULL));
}

TEST(a_session_is_ended_by_its_user_only, struct fixture *f)
{
	struct person bob;

	gives(ERR_OK, test_users_register(f->st, "bob", 2, NOW, &bob));
	gives(ERR_NOT_FOUND,
	    store_session_end(f->st, &f->actor, bob.user.id, handle_of(1)));
	assert_true(live(f, handle_of(1), NOW));
	assert_int_equal(f->tidied, 0);
	for (int i = 0; i < 2; i++)
		gives(ERR_OK,
		    store_session_end(
			f->st, &f->actor, f->ann.user.id, handle_of(1)));
	assert_false(live(f, handle_of(1), NOW));
	assert_int_equal(f->tidied, 1);
	assert_true(tidied_session(f, handle_of(1)));
	gives(ERR_NOT_FOUND,
	    store_session_end(f->st, &f->actor, bob.user.id, handle_of(9)));
}

TEST(logout_all_ends_all_but_the_kept, struct fixture *f)
{
	int64_t epoch, ended;
	struct user u;

	gives(ERR_OK, login(f, &f->ann, 2, NOW));
	gives(ERR_OK, login(f, &f->ann, 3, NOW));
	gives(ERR_OK,
	    store_logout_all(f->st, &f->actor, f->ann.user.id, handle_of(2),
		&epoch, &ended));
	assert_int_equal(epoch, f->ann.user.epoch + 1);
	assert_int_equal(ended, 2);
	assert_false(live(f, handle_of(1), NOW));
	assert_true(live(f, handle_of(2), NOW));
	assert_false(live(f, handle_of(3), NOW));
	assert_int_equal(f->key_count, 2);
	assert_true(tidied_user(f, f->ann.user.id));
	assert_true(tidied_session(f, handle_of(2)));
	gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, &u));
	assert_int_equal(u.epoch, epoch);
	assert_true(u.version > f->ann.user.version);

	gives(ERR_OK,
	    store_logout_all(
		f->st, &f->actor, f->ann.user.id, NULL, &epoch, &ended));
	assert_int_equal(ended, 1);
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 0);
	gives(ERR_NOT_FOUND,
	    store_logout_all(f->st, &f->actor, 99, NULL, &epoch, &ended));
	assert_true(epoch == 0 && ended == 0);
}

/* Keeping an ended or foreign session must not revive it. */
TEST(only_a_live_session_of_ones_own_is_kept, struct fixture *f)
{
	int64_t epoch, ended;
	struct person bob;

	gives(ERR_OK, test_users_register(f->st, "bob", 2, NOW, &bob));
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), NULL));
	gives(ERR_OK,
	    store_logout_all(f->st, &f->actor, f->ann.user.id, handle_of(1),
		&epoch, &ended));
	assert_false(live(f, handle_of(1), NOW));
	gives(ERR_OK,
	    store_logout_all(f->st, &f->actor, f->ann.user.id, handle_of(2),
		&epoch, &ended));
	assert_true(live(f, handle_of(2), NOW));
	gives(ERR_OK,
	    store_logout_all(
		f->st, &f->actor, bob.user.id, NULL, &epoch, &ended));
	gives(ERR_OK,
	    store_logout_all(
		f->st, &f->actor, bob.user.id, handle_of(2), &epoch, &ended));
	assert_false(live(f, handle_of(2), NOW));
}

/* ---- time ---- */

TEST(last_seen_is_updated_when_it_is_due, struct fixture *f)
{
	int64_t due = NOW + SESSION_TOUCH_SECONDS;
	struct session s;

	gives(ERR_OK, store_session_touch(f->st, handle_of(1), due - 1));
	assert_int_equal(f->tidied, 0);
	gives(ERR_OK, store_session_touch(f->st, handle_of(1), due));
	gives(ERR_OK, store_session_touch(f->st, handle_of(1), due + 1));
	assert_int_equal(f->tidied, 1);
	assert_true(tidied_session(f, handle_of(1)));
	gives(ERR_OK, store_session_by_handle(f->st, handle_of(1), &s));
	assert_int_equal(s.last_seen_at, due);

	gives(ERR_NOT_FOUND, store_session_touch(f->st, handle_of(9), due));
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), NULL));
	gives(
	    ERR_NOT_FOUND, store_session_touch(f->st, handle_of(1), due + 999));
}

TEST(a_clock_set_back_revives_nothing, struct fixture *f)
{
	int64_t late = NOW + TEST_USERS_LIFETIME + 1, latest;
	struct session s;
	struct person bob;

	gives(ERR_OK, store_latest_time(f->st, &latest));
	assert_int_equal(latest, NOW);
	gives(ERR_OK, test_users_register(f->st, "bob", 2, late, &bob));
	gives(ERR_OK, store_latest_time(f->st, &latest));
	assert_int_equal(latest, late);
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 0);
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(2), NULL));
	gives(ERR_OK, store_session_by_handle(f->st, handle_of(2), &s));
	assert_int_equal(s.revoked_at, late);
	gives(ERR_OK, store_latest_time(f->st, &latest));
	assert_int_equal(latest, late);
}

TEST(live_sessions_come_newest_first, struct fixture *f)
{
	static struct session s[SESSION_MAX_PER_USER];
	size_t n;

	gives(ERR_OK, login(f, &f->ann, 2, NOW + 20));
	gives(ERR_OK, login(f, &f->ann, 3, NOW + 30));
	gives(ERR_OK, login(f, &f->ann, 4, NOW + 10));
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(2), NULL));
	gives(ERR_OK,
	    store_sessions_live(
		f->st, f->ann.user.id, NOW + TEST_USERS_LIFETIME, s, &n));
	assert_int_equal(n, 2);
	assert_string_equal(s[0].handle, handle_of(3));
	assert_string_equal(s[1].handle, handle_of(4));
}

/* The one in use stays, although it is the oldest. */
TEST(at_the_cap_the_session_used_longest_ago_ends, struct fixture *f)
{
	int64_t later = NOW + SESSION_TOUCH_SECONDS;

	for (int i = 2; i <= SESSION_MAX_PER_USER; i++)
		gives(ERR_OK, login(f, &f->ann, i, NOW + i));
	gives(ERR_OK, store_session_touch(f->st, handle_of(1), later));
	gives(ERR_OK, login(f, &f->ann, SESSION_MAX_PER_USER + 1, later));
	assert_true(live(f, handle_of(1), later));
	assert_false(live(f, handle_of(2), later));
	assert_true(live(f, handle_of(3), later));
}

TEST(maintenance_removes_expired_rows, struct fixture *f)
{
	int64_t end = NOW + TEST_USERS_LIFETIME, removed;
	struct claims c = test_users_claims(&f->ann, 1, NOW);
	struct session s;
	bool revoked;

	gives(ERR_OK, login(f, &f->ann, 2, NOW + 10));
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), &c));
	gives(ERR_OK, store_maintenance(f->st, c.expires_at, &removed));
	assert_int_equal(removed, 0);
	/* A revoked session stays until no cache can hold a live copy. */
	gives(ERR_OK, store_session_by_handle(f->st, handle_of(1), &s));
	gives(ERR_OK, store_maintenance(f->st, end, &removed));
	assert_int_equal(removed, 2); /* the session and the token */
	gives(ERR_NOT_FOUND, store_session_by_handle(f->st, handle_of(1), &s));
	gives(ERR_OK, store_session_by_handle(f->st, handle_of(2), &s));
	gives(ERR_OK, store_token_revoked(f->st, c.jti, &revoked));
	assert_false(revoked);
	/* The audit rows of register, login, logout. */
	gives(ERR_OK, store_maintenance(f->st, NOW + 91 * 24 * 3600, &removed));
	assert_int_equal(removed, 1 + 3);
}

TEST(maintenance_takes_small_steps, struct fixture *f)
{
	int64_t removed;

	for (int n = 0; n < 510; n++) {
		struct claims c = test_users_claims(&f->ann, n, NOW);

		gives(ERR_OK, store_logout(f->st, &f->actor, NULL, &c));
	}
	gives(ERR_OK, store_maintenance(f->st, NOW + 86400, &removed));
	assert_int_equal(removed, 500);
	gives(ERR_OK, store_maintenance(f->st, NOW + 86400, &removed));
	assert_int_equal(removed, 10);
	gives(ERR_OK, store_maintenance(f->st, NOW + 86400, &removed));
	assert_int_equal(removed, 0);
}

TEST(the_size_counts_all_rows, struct fixture *f)
{
	struct claims c = test_users_claims(&f->ann, 1, NOW);
	struct store_size size, more;

	gives(ERR_OK, store_size(f->st, &size));
	assert_int_equal(size.rows, 2); /* ann and her session */
	assert_true(size.bytes > 0);
	gives(ERR_OK, login(f, &f->ann, 2, NOW));
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), &c));
	gives(ERR_OK, store_size(f->st, &more));
	assert_int_equal(more.rows, 4); /* the ended session counts */
	assert_true(more.bytes >= size.bytes);
	break_store(f);
	dirty(&more, sizeof(more));
	gives(ERR_UNAVAILABLE, store_size(f->st, &more));
	assert_true(all_zero(&more, sizeof(more)));
	mend_store(f);
}

/* A token is cached under its session's key for being handed out again. */
TEST(a_token_ends_and_its_session_lives, struct fixture *f)
{
	struct claims c = test_users_claims(&f->ann, 7, NOW);
	char key[TOKEN_KEY_SIZE];
	bool revoked;

	gives(ERR_OK, store_token_end(f->st, &f->actor, &c));
	gives(ERR_OK, store_token_revoked(f->st, c.jti, &revoked));
	assert_true(revoked);
	token_key(key, c.jti);
	assert_true(tidied(f, key));
	assert_true(tidied_session(f, c.handle));
	assert_true(live(f, c.handle, NOW));
	/* a second time, nothing is written */
	f->tidied = 0;
	gives(ERR_OK, store_token_end(f->st, &f->actor, &c));
	assert_int_equal(f->tidied, 0);
	break_store(f);
	c = test_users_claims(&f->ann, 8, NOW);
	gives(ERR_UNAVAILABLE, store_token_end(f->st, &f->actor, &c));
}

/* A token without a session is blacklisted by its jti. */
TEST(an_external_token_ends_alone, struct fixture *f)
{
	static const char names[][TOKEN_JTI_SIZE] = {
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"
		"ef",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"
		"e0",
	};
	char key[TOKEN_KEY_SIZE];
	bool revoked;

	for (size_t i = 0; i < NELEMS(names); i++) {
		struct claims c = test_users_claims(&f->ann, 7, NOW);

		c.origin = TOKEN_OF_ISSUER;
		c.handle[0] = '\0';
		memcpy(c.jti, names[i], sizeof(c.jti));
		gives(ERR_OK, store_token_revoked(f->st, c.jti, &revoked));
		assert_false(revoked);
		gives(ERR_OK,
		    i == 0 ? store_logout(f->st, &f->actor, NULL, &c)
			   : store_token_end(f->st, &f->actor, &c));
		gives(ERR_OK, store_token_revoked(f->st, c.jti, &revoked));
		assert_true(revoked);
		assert_int_equal(f->key_count, 1);
		token_key(key, c.jti);
		assert_true(tidied(f, key));
		/* A logout may be repeated. */
		f->tidied = 0;
		gives(ERR_OK, store_logout(f->st, &f->actor, c.handle, &c));
		gives(ERR_OK, store_token_end(f->st, &f->actor, &c));
		assert_int_equal(f->tidied, 0);
	}
	assert_true(live(f, handle_of(1), NOW));
}

STORE_FIXTURES;
