/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include <unistd.h>

#include "shm/generation.h"
#include "shm/shm.h"
#include "support/store_cases.h"

#define NOW TEST_USERS_NOW

/* ---- a failure is neither yes nor no ---- */

TEST(a_failed_read_leaves_nothing_behind, struct fixture *f)
{
	static struct session sessions[SESSION_MAX_PER_USER];
	int64_t id = f->ann.user.id, latest = 5;
	char hash[USER_HASH_SIZE];
	struct user u, users[2];
	bool revoked = false;
	size_t n = 5;

	dirty(&u, sizeof(u));
	dirty(hash, sizeof(hash));
	dirty(users, sizeof(users));
	dirty(sessions, sizeof(sessions));
	break_store(f);
	gives(ERR_UNAVAILABLE, store_user_by_id(f->st, id, &u));
	assert_true(all_zero(&u, sizeof(u)));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_users_by_ids(f->st, (int64_t[]){ id, id }, 2, users));
	assert_true(all_zero(users, sizeof(users)));
	break_store(f);
	gives(
	    ERR_UNAVAILABLE, store_user_by_email(f->st, "ann@example.org", &u));
	break_store(f);
	gives(ERR_UNAVAILABLE, store_password_hash(f->st, id, hash));
	assert_true(all_zero(hash, sizeof(hash)));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_session_by_handle(f->st, handle_of(1), &sessions[0]));
	break_store(f);
	gives(
	    ERR_UNAVAILABLE, store_sessions_live(f->st, id, NOW, sessions, &n));
	assert_int_equal(n, 0);
	assert_true(all_zero(sessions, sizeof(sessions)));
	break_store(f);
	gives(ERR_UNAVAILABLE, store_token_revoked(f->st, "x", &revoked));
	assert_true(revoked);
	break_store(f);
	gives(ERR_UNAVAILABLE, store_latest_time(f->st, &latest));
	assert_int_equal(latest, 0);
	break_store(f);
	gives(ERR_UNAVAILABLE, store_ping(f->st));
}

TEST(a_failed_change_changes_nothing, struct fixture *f)
{
	int64_t id = f->ann.user.id, epoch = 5, ended = 5, removed = 5;
	struct user_patch patch = { .name = "New" };
	struct person bob;
	struct user u;

	break_store(f);
	gives(ERR_UNAVAILABLE, test_users_register(f->st, "bob", 2, NOW, &bob));
	assert_int_equal(bob.user.id, 0);
	break_store(f);
	gives(ERR_UNAVAILABLE, login(f, &f->ann, 2, NOW));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_logout(f->st, &f->actor, handle_of(1), NULL));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_session_end(f->st, &f->actor, id, handle_of(1)));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_logout_all(f->st, &f->actor, id, NULL, &epoch, &ended));
	assert_true(epoch == 0 && ended == 0);
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_profile_update(f->st, &f->actor, id, &patch, &u));
	assert_true(all_zero(&u, sizeof(u)));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_password_change(f->st, &f->actor,
		TEST_USERS_PROOF(&f->ann.user), "other", NULL, &epoch));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_deactivate(f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user)));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_delete(f->st, &f->actor, TEST_USERS_PROOF(&f->ann.user)));
	break_store(f);
	gives(ERR_UNAVAILABLE,
	    store_session_touch(f->st, handle_of(1), NOW + 999));
	break_store(f);
	gives(ERR_UNAVAILABLE, store_maintenance(f->st, NOW, &removed));
	assert_int_equal(removed, 0);

	mend_store(f);
	assert_int_equal(f->tidied, 0);
	assert_true(live(f, handle_of(1), NOW));
	gives(ERR_OK, store_user_by_id(f->st, id, &u));
	assert_true(test_users_same_user(&u, &f->ann.user));
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), NULL));
}

/* A failed change releases the write lock. */
TEST(a_failed_change_releases_the_write_lock, struct fixture *f)
{
	struct shm *other = shm_fixture_open(&f->table);

	gives(ERR_OK, generation_lock(other, 0, NULL, NULL));
	gives(ERR_UNAVAILABLE,
	    store_session_touch(f->st, handle_of(1), NOW + 999));
	assert_true(live(f, handle_of(1), NOW));
	generation_unlock(other);
	gives(ERR_OK, store_session_touch(f->st, handle_of(1), NOW + 999));
	shm_detach(other);
}

/* A change through a replaced shared-memory file would reach no cache. */
TEST(no_change_without_the_shared_memory_file, struct fixture *f)
{
	assert_int_equal(unlink(f->table.path), 0);
	gives(ERR_UNAVAILABLE,
	    store_logout(f->st, &f->actor, handle_of(1), NULL));
	assert_true(live(f, handle_of(1), NOW));
}

TEST(every_change_ends_a_generation, struct fixture *f)
{
	char user[USER_KEY_SIZE], session[SESSION_KEY_SIZE];
	uint64_t user_was, session_was;
	int64_t epoch, ended;

	user_key(user, f->ann.user.id);
	session_key(session, f->ann.session.handle);
	user_was = generation_read(f->m, user);
	session_was = generation_read(f->m, session);
	gives(ERR_OK,
	    store_logout_all(
		f->st, &f->actor, f->ann.user.id, NULL, &epoch, &ended));
	assert_int_equal(generation_read(f->m, user), user_was + 2);
	assert_int_equal(generation_read(f->m, session), session_was);
	gives(ERR_OK, store_logout(f->st, &f->actor, handle_of(1), NULL));
	assert_int_equal(generation_read(f->m, session), session_was + 2);
}

STORE_FIXTURES;
