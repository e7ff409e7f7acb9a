/* SPDX-License-Identifier: ISC */
#include "coherence/coherence.h"

#include "support/test.h"

#include "coherence/shm_coherence.h"
#include "shm/shm.h"
#include "support/shm_fixture.h"

/* What every implementation promises, over the shared memory's. */

struct fixture {
	struct table table;
	struct shm *shm[2];
	struct coherence *one, *two; /* of two processes */
};

static const char *const keys[] = { "user:1", "session:abc" };

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->shm[0] = shm_fixture_open(&f->table);
	f->shm[1] = shm_fixture_open(&f->table);
	assert_int_equal(shm_coherence_new(f->shm[0], &f->one), ERR_OK);
	assert_int_equal(shm_coherence_new(f->shm[1], &f->two), ERR_OK);
}

static void
tear_down(struct fixture *f)
{
	coherence_free(f->one);
	coherence_free(f->two);
	shm_detach(f->shm[0]);
	shm_detach(f->shm[1]);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static void
begin(struct coherence *co)
{
	assert_int_equal(coherence_lock(co, 0, NULL, NULL), ERR_OK);
	assert_int_equal(coherence_begin(co, keys, 2), ERR_OK);
}

TEST(a_version_is_unknown_while_a_change_is_in_flight, struct fixture *f)
{
	coherence_step_fn *const ends[] = { coherence_publish,
		coherence_abort };

	for (size_t i = 0; i < NELEMS(ends); i++) {
		uint64_t before = coherence_read(f->two, keys[0]);
		uint64_t other = coherence_read(f->two, "user:2");

		assert_true(coherence_current(f->two, keys[0], before));
		begin(f->one);
		assert_false(coherence_known(coherence_read(f->two, keys[0])));
		assert_false(coherence_known(coherence_read(f->two, keys[1])));
		assert_false(coherence_current(f->two, keys[0], before));
		ends[i](f->one);
		coherence_unlock(f->one);
		assert_true(coherence_known(coherence_read(f->two, keys[0])));
		assert_false(coherence_current(f->two, keys[0], before));
		assert_true(coherence_current(f->two, "user:2", other));
	}
	assert_int_equal(coherence_lock(f->one, 0, NULL, NULL), ERR_OK);
	assert_int_equal(coherence_begin(f->one, NULL, 0), ERR_OK);
	coherence_publish(f->one);
	coherence_unlock(f->one);
}

TEST(an_unknown_version_is_never_current, struct fixture *f)
{
	uint64_t unknown;

	assert_false(coherence_current(f->two, keys[0], COHERENCE_UNKNOWN));
	begin(f->one);
	unknown = coherence_read(f->two, keys[0]);
	assert_false(coherence_current(f->two, keys[0], unknown));
	coherence_publish(f->one);
	coherence_unlock(f->one);
	shm_distrust(f->shm[1]);
	unknown = coherence_read(f->two, "user:2");
	assert_false(coherence_known(unknown));
	assert_false(coherence_current(f->two, "user:2", unknown));
	assert_int_equal(
	    coherence_lock(f->two, 0, NULL, NULL), ERR_UNAVAILABLE);
}

static enum err
answer(void *ctx)
{
	return *(const enum err *)ctx;
}

/* What became of the commit is not known: neither published nor aborted. */
TEST(what_is_in_doubt_stays_unknown_until_it_is_flushed, struct fixture *f)
{
	uint64_t before = coherence_read(f->two, keys[0]);
	enum err cannot = ERR_UNAVAILABLE, done = ERR_OK;

	begin(f->one);
	coherence_unlock(f->one);
	assert_int_equal(
	    coherence_lock(f->two, 0, answer, &cannot), ERR_UNAVAILABLE);
	assert_false(coherence_known(coherence_read(f->two, keys[0])));
	assert_int_equal(coherence_lock(f->two, 0, answer, &done), ERR_OK);
	assert_true(coherence_known(coherence_read(f->two, keys[0])));
	assert_false(coherence_current(f->two, keys[0], before));
	coherence_unlock(f->two);
}

TEST(one_change_at_a_time, struct fixture *f)
{
	assert_int_equal(coherence_lock(f->one, 0, NULL, NULL), ERR_OK);
	assert_int_equal(
	    coherence_lock(f->two, 10, NULL, NULL), ERR_UNAVAILABLE);
	coherence_unlock(f->one);
	assert_int_equal(coherence_lock(f->two, 0, NULL, NULL), ERR_OK);
	coherence_unlock(f->two);
}

/* The same for all processes of the file's life, and for no other version. */
TEST(an_entry_is_bound_to_the_file_and_the_version, struct fixture *f)
{
	static const uint64_t others[] = { 44, 42 + (UINT64_C(1) << 32),
		42 + (UINT64_C(1) << 56) };
	unsigned char one[COHERENCE_BINDING_BYTES];
	unsigned char two[COHERENCE_BINDING_BYTES];
	struct coherence *later;

	coherence_binding(f->one, 42, one);
	coherence_binding(f->two, 42, two);
	assert_memory_equal(one, two, sizeof(one));
	for (size_t i = 0; i < NELEMS(others); i++) {
		coherence_binding(f->two, others[i], two);
		assert_memory_not_equal(one, two, sizeof(one));
	}
	shm_detach(f->shm[0]);
	shm_detach(f->shm[1]);
	f->shm[0] = shm_fixture_open(&f->table);
	f->shm[1] = shm_fixture_open(&f->table);
	assert_int_equal(shm_coherence_new(f->shm[0], &later), ERR_OK);
	coherence_binding(later, 42, two);
	assert_memory_not_equal(one, two, sizeof(one));
	coherence_free(later);
}
