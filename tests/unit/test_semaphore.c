/* SPDX-License-Identifier: ISC */
#include "shm/semaphore.h"

#include "support/test.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/process.h"
#include "support/shm_fixture.h"

#define PLACES 3
#define CROWD 8

struct shared {
	atomic_int entered;
	atomic_int leave;
	atomic_int inside;
	atomic_int most;
};

struct fixture {
	struct table table;
	struct shm *m;
	struct shared *shared;
	int wanted;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	f->shared = child_shared(sizeof(*f->shared));
}

static void
tear_down(struct fixture *f)
{
	child_unshare(f->shared, sizeof(*f->shared));
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static struct semaphore *
new_gate(struct fixture *f, int places)
{
	struct semaphore *g;

	assert_int_equal(semaphore_new(f->m, places, &g), ERR_OK);
	return g;
}

static void
tick(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	(void)nanosleep(&ms, NULL);
}

TEST(there_are_as_many_places_as_said, struct fixture *f)
{
	struct semaphore *gates[PLACES + 1], *none;

	for (int i = 0; i <= PLACES; i++)
		gates[i] = new_gate(f, PLACES);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < PLACES; i++)
			assert_int_equal(
			    semaphore_acquire(gates[i], 0), ERR_OK);
		assert_int_equal(semaphore_acquire(gates[PLACES], 0), ERR_BUSY);
		semaphore_release(gates[round % PLACES]);
		assert_int_equal(semaphore_acquire(gates[PLACES], 0), ERR_OK);
		assert_int_equal(
		    semaphore_acquire(gates[round % PLACES], 0), ERR_BUSY);
		semaphore_release(gates[PLACES]);
		for (int i = 0; i < PLACES; i++) {
			if (i != round % PLACES)
				semaphore_release(gates[i]);
		}
	}
	/* Freed inside, a gate gives its place back. */
	for (int i = 0; i < PLACES; i++)
		assert_int_equal(semaphore_acquire(gates[i], 0), ERR_OK);
	semaphore_free(gates[0]);
	assert_int_equal(semaphore_acquire(gates[PLACES], 0), ERR_OK);
	for (int i = 1; i <= PLACES; i++)
		semaphore_free(gates[i]);
	semaphore_free(NULL);
	assert_int_equal(semaphore_new(f->m, 0, &none), ERR_INVALID);
	assert_int_equal(semaphore_new(f->m, 1025, &none), ERR_INVALID);
	assert_null(none);
}

/* The JWKS refresher has one place, apart from those of hashes. */
TEST(there_is_one_jwks_refresher, struct fixture *f)
{
	struct semaphore *hash = new_gate(f, PLACES), *one, *other;

	assert_int_equal(semaphore_new_jwks_refresh(f->m, &one), ERR_OK);
	assert_int_equal(semaphore_new_jwks_refresh(f->m, &other), ERR_OK);
	assert_int_equal(semaphore_acquire(one, 0), ERR_OK);
	assert_int_equal(semaphore_acquire(other, 0), ERR_BUSY);
	assert_int_equal(semaphore_acquire(hash, 0), ERR_OK);
	semaphore_free(one);
	assert_int_equal(semaphore_acquire(other, 0), ERR_OK);
	semaphore_free(other);
	semaphore_free(hash);
}

TEST(waiting_ends, struct fixture *f)
{
	struct semaphore *one = new_gate(f, 1), *other = new_gate(f, 1);
	int64_t start = clock_system.mono_us();

	assert_int_equal(semaphore_acquire(one, 0), ERR_OK);
	assert_int_equal(semaphore_acquire(other, 30), ERR_BUSY);
	assert_true(clock_system.mono_us() - start >= 30 * 1000);
	semaphore_free(one);
	semaphore_free(other);
}

static void
enter_and_stay(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;
	struct semaphore *g;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(semaphore_new(m, PLACES, &g) == ERR_OK);
	child_check(semaphore_acquire(g, 0) == ERR_OK);
	(void)atomic_fetch_add(&f->shared->entered, 1);
	while (atomic_load(&f->shared->leave) == 0)
		tick();
	semaphore_release(g);
	semaphore_free(g);
	shm_detach(m);
}

static bool
have_entered(void *ctx)
{
	const struct fixture *f = ctx;

	return atomic_load(&f->shared->entered) >= f->wanted;
}

TEST(the_place_of_the_killed_is_free, struct fixture *f)
{
	struct semaphore *g = new_gate(f, PLACES), *other = new_gate(f, PLACES);
	pid_t pids[PLACES];

	f->wanted = PLACES;
	for (int i = 0; i < PLACES; i++)
		pids[i] = child_start(enter_and_stay, f);
	assert_true(process_until(have_entered, f, 10000));
	assert_int_equal(semaphore_acquire(g, 0), ERR_BUSY);
	/* Stopped is not dead: the memory of its hash is still taken. */
	assert_int_equal(kill(pids[1], SIGSTOP), 0);
	child_stopped(pids[1]);
	assert_int_equal(semaphore_acquire(g, 20), ERR_BUSY);
	child_kill(pids[1]);
	assert_int_equal(semaphore_acquire(g, 0), ERR_OK);
	assert_int_equal(semaphore_acquire(other, 0), ERR_BUSY);
	/* Who leaves lets in him who waits. */
	atomic_store(&f->shared->leave, 1);
	assert_int_equal(semaphore_acquire(other, 10000), ERR_OK);
	child_passed(pids[0]);
	child_passed(pids[2]);
	semaphore_free(g);
	semaphore_free(other);
}

static void
push_through(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;
	struct semaphore *g;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(semaphore_new(m, PLACES, &g) == ERR_OK);
	for (int i = 0; i < 40; i++) {
		int now, most;

		child_check(semaphore_acquire(g, 20000) == ERR_OK);
		now = atomic_fetch_add(&f->shared->inside, 1) + 1;
		most = atomic_load(&f->shared->most);
		while (most < now &&
		    !atomic_compare_exchange_weak(&f->shared->most, &most, now))
			;
		(void)usleep(200);
		(void)atomic_fetch_sub(&f->shared->inside, 1);
		semaphore_release(g);
	}
	semaphore_free(g);
	shm_detach(m);
}

TEST(a_crowd_is_let_through_a_few_at_a_time, struct fixture *f)
{
	pid_t pids[CROWD];

	for (int i = 0; i < CROWD; i++)
		pids[i] = child_start(push_through, f);
	for (int i = 0; i < CROWD; i++)
		child_passed(pids[i]);
	assert_int_equal(atomic_load(&f->shared->inside), 0);
	assert_in_range(atomic_load(&f->shared->most), 1, PLACES);
}

/* The gate's locks are none of the file's life, nor the reverse. */
TEST(a_gate_does_not_keep_the_table_alive, struct fixture *f)
{
	unsigned char id[SHM_ID_BYTES];
	struct semaphore *g = new_gate(f, 1), *other;

	memcpy(id, shm_id(f->m), sizeof(id));
	assert_int_equal(semaphore_acquire(g, 0), ERR_OK);
	shm_detach(f->m);
	f->m = shm_fixture_open(&f->table);
	assert_memory_not_equal(id, shm_id(f->m), sizeof(id));
	other = new_gate(f, 1);
	assert_int_equal(semaphore_acquire(other, 0), ERR_BUSY);
	semaphore_release(g);
	assert_int_equal(semaphore_acquire(other, 0), ERR_OK);
	semaphore_free(g);
	semaphore_free(other);

	assert_int_equal(unlink(f->table.path), 0);
	assert_int_equal(semaphore_new(f->m, 1, &other), ERR_UNAVAILABLE);
	assert_null(other);
}
