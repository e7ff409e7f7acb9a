/* SPDX-License-Identifier: ISC */
#include "support/store_memory.h"

#include "support/test.h"

#include "base/secret.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/* The failures on demand of the store in memory. */

#define NOW TEST_USERS_NOW

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
	struct person ann;
	struct store_actor actor;
	size_t tidied;
};

static void
count_tidied(void *ctx, const char *const *keys, size_t n)
{
	struct fixture *f = ctx;

	(void)keys;
	f->tidied += n;
}

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	assert_int_equal(store_open_memory(f->m, &f->st), ERR_OK);
	store_on_change(f->st, count_tidied, f);
	f->actor = test_users_actor(NOW);
	assert_int_equal(
	    test_users_register(f->st, "ann", 1, NOW, &f->ann), ERR_OK);
}

static void
tear_down(struct fixture *f)
{
	store_close(f->st);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

TEST(the_next_call_fails_once, struct fixture *f)
{
	struct user u;

	store_memory_fail_next(f->st, ERR_INTERNAL);
	assert_int_equal(
	    store_user_by_id(f->st, f->ann.user.id, &u), ERR_INTERNAL);
	assert_int_equal(store_user_by_id(f->st, f->ann.user.id, &u), ERR_OK);
}

/* Rows are rolled back, keys settled, caches not notified. */
TEST(a_failed_commit_leaves_everything_as_it_was, struct fixture *f)
{
	char key[USER_KEY_SIZE], hash[USER_HASH_SIZE];
	int64_t epoch = 5;
	bool live;
	struct user u;

	user_key(key, f->ann.user.id);
	store_memory_fail_commit(f->st, ERR_UNAVAILABLE);
	assert_int_equal(
	    store_password_change(f->st, &f->actor,
		TEST_USERS_PROOF(&f->ann.user), "other", NULL, &epoch),
	    ERR_UNAVAILABLE);
	assert_int_equal(epoch, 0);
	assert_int_equal(generation_read(f->m, key), 2);
	assert_int_equal(f->tidied, 0);
	assert_int_equal(
	    store_password_hash(f->st, f->ann.user.id, hash), ERR_OK);
	assert_string_equal(hash, TEST_USERS_HASH);
	assert_int_equal(store_user_by_id(f->st, f->ann.user.id, &u), ERR_OK);
	assert_true(test_users_same_user(&u, &f->ann.user));
	assert_int_equal(
	    test_users_live(f->st, f->ann.session.handle, NOW, &live), ERR_OK);
	assert_true(live);
	assert_int_equal(
	    store_password_change(f->st, &f->actor,
		TEST_USERS_PROOF(&f->ann.user), "other", NULL, &epoch),
	    ERR_OK);
	assert_int_equal(f->tidied, 1);
}
