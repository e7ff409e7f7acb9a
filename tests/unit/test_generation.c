/* SPDX-License-Identifier: ISC */
#include "shm/generation.h"

#include "support/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/siphash.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"
#include "support/child.h"
#include "support/shm_fixture.h"

struct fixture {
	struct table table;
	struct shm *m;
	_Atomic int *row; /* the database: 0 before the change, 1 after */
};

static const char *const keys[] = { "user:1", "session:abc" };

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	f->row = child_shared(sizeof(*f->row));
}

static void
tear_down(struct fixture *f)
{
	child_unshare(f->row, sizeof(*f->row));
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static size_t
bucket_of(const struct shm *m, const char *key)
{
	return siphash_bytes(shm_layout(m)->hash_key, key, strlen(key)) %
	    SHM_LAYOUT_GENERATIONS;
}

/* The list is empty and no generation odd. */
static void
assert_quiet(const struct shm *m)
{
	const struct shm_layout *lo = shm_layout(m);

	assert_int_equal(atomic_load(&lo->in_flight_count), 0);
	for (size_t i = 0; i < SHM_LAYOUT_GENERATIONS; i++)
		assert_true(generation_quiet(atomic_load(&lo->generation[i])));
}

TEST(a_change_is_odd_and_then_even, struct fixture *f)
{
	struct shm *other = shm_fixture_open(&f->table);
	uint64_t bystander = generation_read(f->m, "user:2");

	for (uint64_t g = 0; g < 20; g += 2) {
		assert_int_equal(generation_read(other, keys[0]), g);
		assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
		assert_int_equal(generation_read(other, keys[0]), g);
		assert_int_equal(generation_mark(f->m, keys, 2), ERR_OK);
		assert_int_equal(generation_read(other, keys[0]), g + 1);
		assert_int_equal(generation_read(other, keys[1]), g + 1);
		assert_false(generation_quiet(g + 1));
		/* Committed or not: what was cached before does not count. */
		generation_settle(f->m);
		assert_int_equal(generation_read(other, keys[0]), g + 2);
		assert_int_equal(generation_read(other, keys[1]), g + 2);
		assert_true(generation_quiet(g + 2));
		generation_unlock(f->m);
	}
	assert_int_equal(generation_read(f->m, "user:2"), bystander);
	assert_memory_equal(shm_id(f->m), shm_id(other), SHM_ID_BYTES);

	/* A change of nothing cached marks nothing, and settles all the same.
	 */
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_int_equal(generation_mark(f->m, NULL, 0), ERR_OK);
	generation_settle(f->m);
	generation_settle(f->m);
	generation_unlock(f->m);
	assert_quiet(f->m);
	shm_detach(other);
}

#define NAME_SIZE 24

TEST(each_bucket_counts_once, struct fixture *f)
{
	struct shm_layout *lo = shm_layout(f->m);
	char name[NAME_SIZE] = "";
	const char *again[] = { "user:1", name, "user:1", "session:abc" };
	const char *more[] = { name, "session:abc" };
	size_t bucket = bucket_of(f->m, "user:1");

	/* Another name for the same bucket: one in 2^18 is. */
	for (int i = 2; bucket_of(f->m, name) != bucket; i++)
		(void)snprintf(name, sizeof(name), "user:%d", i);

	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_int_equal(generation_mark(f->m, again, 4), ERR_OK);
	assert_int_equal(atomic_load(&lo->in_flight_count), 2);
	assert_int_equal(generation_read(f->m, name), 1);
	assert_int_equal(generation_read(f->m, "session:abc"), 1);
	/* Nor does a second mark in one change make it even again. */
	assert_int_equal(generation_mark(f->m, more, 2), ERR_OK);
	assert_int_equal(atomic_load(&lo->in_flight_count), 2);
	assert_int_equal(generation_read(f->m, name), 1);
	generation_settle(f->m);
	assert_int_equal(generation_read(f->m, name), 2);
	assert_int_equal(generation_read(f->m, "session:abc"), 2);
	generation_unlock(f->m);
	assert_quiet(f->m);
}

TEST(more_than_the_list_holds_marks_nothing, struct fixture *f)
{
	struct shm_layout *lo = shm_layout(f->m);
	char names[SHM_LAYOUT_IN_FLIGHT_MAX + 1][NAME_SIZE];
	const char *list[SHM_LAYOUT_IN_FLIGHT_MAX + 1];
	size_t n = 0;

	for (int i = 0; n < NELEMS(list); i++) {
		bool fresh = true;

		list[n] = names[n];
		(void)snprintf(names[n], NAME_SIZE, "session:%d", i);
		for (size_t k = 0; k < n; k++)
			fresh = fresh &&
			    bucket_of(f->m, list[k]) !=
				bucket_of(f->m, list[n]);
		n += fresh;
	}
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_int_equal(generation_mark(f->m, list, n), ERR_INVALID);
	assert_quiet(f->m);
	assert_int_equal(generation_mark(f->m, list, 100), ERR_OK);
	assert_int_equal(
	    generation_mark(f->m, list + 100, n - 100), ERR_INVALID);
	assert_int_equal(atomic_load(&lo->in_flight_count), 100);
	assert_int_equal(generation_read(f->m, list[100]), 0);
	assert_int_equal(generation_mark(f->m, list, n - 1), ERR_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    generation_read(f->m, list[i]), i < n - 1 ? 1 : 0);
	generation_settle(f->m);
	generation_unlock(f->m);
	assert_quiet(f->m);
}

static void
make_the_change(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(generation_lock(m, 1000, NULL, NULL) == ERR_OK);
	child_check(generation_mark(m, keys, 2) == ERR_OK);
	atomic_store(f->row, 1);
	generation_settle(m);
	generation_unlock(m);
	shm_detach(m);
}

TEST(the_next_closes_what_the_killed_left, struct fixture *f)
{
	static const struct {
		const char *point;
		uint64_t raised; /* of the first key */
		int row;
	} cases[] = {
		{ "generation:locked", 0, 0 },
		{ "generation:noted", 0, 0 },
		{ "generation:marked", 2, 0 },
		{ "generation:settled", 2, 1 },
		{ "generation:cleared", 2, 1 },
	};
	char file[64];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		uint64_t before = generation_read(f->m, keys[0]);

		atomic_store(f->row, 0);
		(void)snprintf(file, sizeof(file), "%s.kill", cases[i].point);
		child_arm(file);
		child_killed(child_start(make_the_change, f));
		assert_int_equal(atomic_load(f->row), cases[i].row);
		if (strcmp(cases[i].point, "generation:marked") == 0)
			assert_false(
			    generation_quiet(generation_read(f->m, keys[0])));

		assert_int_equal(
		    generation_lock(f->m, 1000, NULL, NULL), ERR_OK);
		assert_quiet(f->m);
		assert_int_equal(
		    generation_read(f->m, keys[0]), before + cases[i].raised);
		generation_unlock(f->m);
		/* It is whole again: the next owner finds nothing to do. */
		assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
		generation_unlock(f->m);
	}
}

static void
lock_only(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(generation_lock(m, 1000, NULL, NULL) == ERR_OK);
	generation_unlock(m);
}

TEST(he_who_closes_may_be_killed_too, struct fixture *f)
{
	child_arm("generation:marked.kill");
	child_killed(child_start(make_the_change, f));
	for (int i = 0; i < 3; i++) {
		child_arm("generation:settled.kill");
		child_killed(child_start(lock_only, f));
		assert_int_equal(generation_read(f->m, keys[0]), 2);
		assert_int_equal(generation_read(f->m, keys[1]), 2);
	}
	child_arm("generation:cleared.kill");
	child_killed(child_start(lock_only, f));
	child_arm("generation:locked.kill");
	child_killed(child_start(lock_only, f));
	assert_int_equal(generation_lock(f->m, 1000, NULL, NULL), ERR_OK);
	assert_quiet(f->m);
	assert_int_equal(generation_read(f->m, keys[0]), 2);
	assert_int_equal(generation_read(f->m, keys[1]), 2);
	generation_unlock(f->m);
}

/* Also without a death, and also when the list makes no sense. */
TEST(what_is_left_in_the_list_is_closed, struct fixture *f)
{
	struct shm_layout *lo = shm_layout(f->m);

	lo->in_flight[0] = 17;
	lo->in_flight[1] = 18; /* noted, but even */
	lo->in_flight_count = 2;
	lo->generation[17] = 5;
	lo->generation[18] = 8;
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_quiet(f->m);
	assert_int_equal(lo->generation[17], 6);
	assert_int_equal(lo->generation[18], 8);
	generation_unlock(f->m);

	lo->in_flight_count = SHM_LAYOUT_IN_FLIGHT_MAX + 1;
	lo->generation[SHM_LAYOUT_GENERATIONS - 1] = 9;
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_quiet(f->m);
	assert_int_equal(lo->generation[SHM_LAYOUT_GENERATIONS - 1], 10);
	generation_unlock(f->m);

	lo->in_flight[0] = SHM_LAYOUT_GENERATIONS;
	lo->in_flight[1] = 17;
	lo->in_flight_count = 2;
	lo->generation[17] = 7;
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_quiet(f->m);
	assert_int_equal(lo->generation[17], 8);
	generation_unlock(f->m);
}

static enum err
cannot_tell(void *ctx)
{
	++*(int *)ctx;
	return ERR_UNAVAILABLE;
}

static enum err
can_tell(void *ctx)
{
	++*(int *)ctx;
	return ERR_OK;
}

/* Nothing of a dead owner's is closed while it may still come back. */
TEST(what_is_not_settled_stays_in_flight, struct fixture *f)
{
	int asked = 0;

	assert_int_equal(generation_lock(f->m, 0, cannot_tell, &asked), ERR_OK);
	generation_unlock(f->m);
	assert_int_equal(asked, 0);

	child_arm("generation:marked.kill");
	child_killed(child_start(make_the_change, f));
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(generation_lock(f->m, 0, cannot_tell, &asked),
		    ERR_UNAVAILABLE);
		assert_int_equal(asked, i);
		assert_int_equal(generation_read(f->m, keys[0]), 1);
	}
	assert_int_equal(generation_lock(f->m, 0, can_tell, &asked), ERR_OK);
	assert_int_equal(asked, 3);
	assert_quiet(f->m);
	assert_int_equal(generation_read(f->m, keys[0]), 2);
	generation_unlock(f->m);
}

static void
stop_with_the_mutex(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(generation_lock(m, 1000, NULL, NULL) == ERR_OK);
	child_check(generation_mark(m, keys, 2) == ERR_OK);
	child_check(raise(SIGSTOP) == 0);
	generation_settle(m);
	generation_unlock(m);
}

TEST(a_stopped_owner_is_waited_for_in_bounds, struct fixture *f)
{
	pid_t pid = child_start(stop_with_the_mutex, f);

	child_stopped(pid);
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_UNAVAILABLE);
	assert_int_equal(
	    generation_lock(f->m, 30, NULL, NULL), ERR_UNAVAILABLE);
	/* Stopped is not dead: his change is still in flight. */
	assert_int_equal(generation_read(f->m, keys[0]), 1);
	assert_true(shm_trusted(f->m));
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(generation_lock(f->m, 10000, NULL, NULL), ERR_OK);
	assert_quiet(f->m);
	generation_unlock(f->m);
	child_passed(pid);
}

static void *
try_from_another_thread(void *ctx)
{
	struct fixture *f = ctx;

	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_UNAVAILABLE);
	assert_int_equal(
	    generation_lock(f->m, 10, NULL, NULL), ERR_UNAVAILABLE);
	return NULL;
}

/* It dies with the mutex, as a thread does that is cancelled. */
static void *
leave_a_change_open(void *ctx)
{
	struct fixture *f = ctx;

	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_int_equal(generation_mark(f->m, keys, 2), ERR_OK);
	return NULL;
}

TEST(the_mutex_is_between_threads_too, struct fixture *f)
{
	pthread_t thread;

	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_int_equal(
	    pthread_create(&thread, NULL, try_from_another_thread, f), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	generation_unlock(f->m);

	assert_int_equal(
	    pthread_create(&thread, NULL, leave_a_change_open, f), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_OK);
	assert_quiet(f->m);
	assert_int_equal(generation_read(f->m, keys[0]), 2);
	generation_unlock(f->m);
}

TEST(nothing_is_changed_in_a_replaced_file, struct fixture *f)
{
	struct shm *other = shm_fixture_open(&f->table), *fresh;

	assert_true(generation_quiet(generation_read(f->m, keys[0])));
	assert_int_equal(unlink(f->table.path), 0);
	fresh = shm_fixture_open(&f->table);
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_UNAVAILABLE);
	assert_false(shm_trusted(f->m));
	assert_false(generation_quiet(generation_read(f->m, keys[0])));
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_UNAVAILABLE);
	/* The mutex was given back: the other view gets as far. */
	assert_true(shm_trusted(other));
	assert_int_equal(
	    pthread_mutex_trylock(&shm_layout(other)->write_mutex), 0);
	assert_int_equal(
	    pthread_mutex_unlock(&shm_layout(other)->write_mutex), 0);
	assert_int_equal(generation_lock(fresh, 0, NULL, NULL), ERR_OK);
	generation_unlock(fresh);
	shm_detach(other);
	shm_detach(fresh);
}

TEST(a_mutex_beyond_help_is_an_outage, struct fixture *f)
{
	pthread_mutex_t *mutex = &shm_layout(f->m)->write_mutex;

	child_arm("generation:locked.kill");
	child_killed(child_start(make_the_change, f));
	assert_int_equal(pthread_mutex_lock(mutex), EOWNERDEAD);
	assert_int_equal(pthread_mutex_unlock(mutex), 0);
	assert_int_equal(generation_lock(f->m, 0, NULL, NULL), ERR_UNAVAILABLE);
	assert_int_equal(
	    generation_lock(f->m, 10, NULL, NULL), ERR_UNAVAILABLE);
}
