/* SPDX-License-Identifier: ISC */
#include "shm/shm.h"

#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm_file.h"
#include "shm/shm_layout.h"
#include "support/child.h"
#include "support/shm_fixture.h"

/* Two state directories, and the lock files of two stores. */
struct fixture {
	struct table table[2];
	char store[2][PATH_MAX * 4];
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	for (int i = 0; i < 2; i++) {
		shm_fixture_make(&f->table[i]);
		(void)snprintf(f->store[i], sizeof(f->store[i]),
		    "%s/store-lock", f->table[i].dir);
	}
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++)
		shm_fixture_remove(&f->table[i]);
	free(f);
	return 0;
}

TEST_FIXTURE(set_up, tear_down);

TEST(one_store_has_one_shared_memory, struct fixture *f)
{
	struct shm *one = shm_fixture_open(&f->table[0]);
	struct shm *same = shm_fixture_open(&f->table[0]);
	struct shm *other = shm_fixture_open(&f->table[1]);

	for (int i = 0; i < 2; i++) {
		assert_int_equal(shm_claim(one, f->store[0]), ERR_OK);
		assert_int_equal(shm_claim(same, f->store[0]), ERR_OK);
		assert_int_equal(shm_claim(other, f->store[0]), ERR_INVALID);
	}
	/* as long as any process holds the claim */
	shm_detach(one);
	assert_int_equal(shm_claim(other, f->store[0]), ERR_INVALID);
	shm_detach(same);
	assert_int_equal(shm_claim(other, f->store[0]), ERR_OK);
	one = shm_fixture_open(&f->table[0]);
	assert_int_equal(shm_claim(one, f->store[0]), ERR_INVALID);
	shm_detach(one);
	shm_detach(other);
}

TEST(one_shared_memory_serves_one_store, struct fixture *f)
{
	struct shm *one = shm_fixture_open(&f->table[0]);
	struct shm *same = shm_fixture_open(&f->table[0]);
	struct shm *other = shm_fixture_open(&f->table[1]);

	assert_int_equal(shm_claim(one, f->store[0]), ERR_OK);
	assert_int_equal(shm_claim(one, f->store[1]), ERR_INVALID);
	assert_int_equal(shm_claim(same, f->store[1]), ERR_INVALID);
	/* A refused process holds nothing. */
	assert_int_equal(shm_claim(other, f->store[1]), ERR_OK);
	shm_detach(one);
	shm_detach(same);
	shm_detach(other);
	/* and the file begins anew */
	one = shm_fixture_open(&f->table[0]);
	assert_int_equal(shm_claim(one, f->store[1]), ERR_OK);
	shm_detach(one);
}

static void
claim_and_die(void *ctx)
{
	struct fixture *f = ctx;

	child_check(
	    shm_claim(shm_fixture_open(&f->table[0]), f->store[0]) == ERR_OK);
}

TEST(a_dead_process_holds_no_claim, struct fixture *f)
{
	struct shm *other = shm_fixture_open(&f->table[1]);

	child_points(f->table[0].dir);
	child_arm("claim:written.kill");
	child_killed(child_start(claim_and_die, f));
	assert_int_equal(shm_claim(other, f->store[0]), ERR_OK);
	shm_detach(other);
}

/* What its file said counts no more, so it is in nobody's way. */
TEST(a_distrusted_process_gives_up_its_claim, struct fixture *f)
{
	struct shm *old = shm_fixture_open(&f->table[0]), *fresh;

	assert_int_equal(shm_claim(old, f->store[0]), ERR_OK);
	assert_int_equal(unlink(f->table[0].path), 0);
	fresh = shm_fixture_open(&f->table[0]);
	assert_false(shm_is_current(old));
	assert_int_equal(shm_claim(fresh, f->store[0]), ERR_INVALID);
	shm_distrust(old);
	assert_int_equal(shm_claim(fresh, f->store[0]), ERR_OK);
	shm_detach(old);
	shm_detach(fresh);
}

TEST(a_process_whose_lock_file_is_gone_is_not_current, struct fixture *f)
{
	struct shm *one = shm_fixture_open(&f->table[0]);
	struct shm *other = shm_fixture_open(&f->table[1]);

	assert_int_equal(shm_claim(one, f->store[0]), ERR_OK);
	assert_true(shm_is_current(one));
	assert_int_equal(unlink(f->store[0]), 0);
	assert_false(shm_is_current(one));
	assert_int_equal(shm_claim(other, f->store[0]), ERR_OK);
	assert_false(shm_is_current(one));
	assert_true(shm_is_current(other));
	shm_detach(one);
	shm_detach(other);
}

TEST(others_may_not_open_a_lock_file, struct fixture *f)
{
	struct shm *one = shm_fixture_open(&f->table[0]);
	int fd = open(f->store[0], O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(shm_claim(one, f->store[0]), ERR_UNAVAILABLE);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(shm_claim(one, f->store[0]), ERR_OK);
	assert_int_equal(close(fd), 0);
	shm_detach(one);
}

TEST(a_file_of_older_versions_goes_unless_it_is_in_use, struct fixture *f)
{
	static const off_t locks[] = { SHM_LAYOUT_LOCK_LIFE,
		SHM_LAYOUT_LOCK_OPENING };
	const char *old = f->store[0];

	assert_int_equal(shm_remove_old(old), ERR_OK);
	for (size_t i = 0; i < NELEMS(locks); i++) {
		int fd = open(old, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		assert_int_equal(shm_file_lock(fd, F_RDLCK, locks[i]), 0);
		assert_int_equal(shm_remove_old(old), ERR_INVALID);
		assert_int_equal(access(old, F_OK), 0);
		assert_int_equal(close(fd), 0);
		assert_int_equal(shm_remove_old(old), ERR_OK);
		assert_int_equal(access(old, F_OK), -1);
	}
	/* A folder of that name is none of ours. */
	assert_int_equal(mkdir(old, 0700), 0);
	assert_int_equal(shm_remove_old(old), ERR_OK);
	assert_int_equal(rmdir(old), 0);
}
