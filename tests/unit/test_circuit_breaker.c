/* SPDX-License-Identifier: ISC */
#include "shm/circuit_breaker.h"

#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/secret.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"
#include "support/child.h"
#include "support/shm_fixture.h"

#define SECOND ((int64_t)1000 * 1000)
#define START (SECOND * 1000)
#define PROCESSES 4
#define ROUNDS 300

struct shared {
	pthread_barrier_t step;
	atomic_int claims[ROUNDS];
};

struct fixture {
	struct table table;
	struct shm *m;
	struct shared *shared;
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

/* Claim the first probe there may be; return how long after ${now} it is. */
static int64_t
claim_after(struct shm *m, int64_t now)
{
	int64_t until = atomic_load(&shm_layout(m)->redis.open_until_us);

	assert_false(circuit_breaker_claim_probe(m, until - 1));
	assert_true(circuit_breaker_claim_probe(m, until));
	return until - now;
}

TEST(it_is_closed_until_tripped)
{
	struct shm *m = ((struct fixture *)*state)->m;

	assert_true(circuit_breaker_closed(m));
	assert_false(circuit_breaker_claim_probe(m, START));
	circuit_breaker_trip(m, START);
	assert_false(circuit_breaker_closed(m));
	assert_false(circuit_breaker_claim_probe(m, START));
	assert_true(circuit_breaker_claim_probe(m, START + 2 * SECOND));
	assert_false(circuit_breaker_closed(m));
	circuit_breaker_reset(m);
	assert_true(circuit_breaker_closed(m));
	assert_false(circuit_breaker_claim_probe(m, START + 99 * SECOND));
	circuit_breaker_reset(m);
	assert_true(circuit_breaker_closed(m));
}

TEST(each_failed_probe_doubles_the_back_off_within_its_bounds)
{
	static const int64_t base[] = { 1, 2, 4, 8, 16, 30, 30, 30 };
	struct shm *m = ((struct fixture *)*state)->m;
	bool varies = false;

	for (int run = 0; run < 20; run++) {
		int64_t now = START, first = 0;

		for (size_t i = 0; i < NELEMS(base); i++) {
			int64_t b = base[i] * SECOND, wait;

			circuit_breaker_trip(m, now);
			wait = claim_after(m, now);
			assert_in_range(wait,
			    CIRCUIT_BREAKER_BACK_OFF_MIN_US - 1,
			    CIRCUIT_BREAKER_BACK_OFF_MAX_US);
			assert_in_range(wait,
			    base[i] == 30 ? b - b / 4 - 1 : b - 1,
			    base[i] == 30 ? b : b + b / 4);
			now += wait;
			varies = varies || (i == 7 && wait != first);
			first = i == 6 ? wait : first;
		}
		circuit_breaker_reset(m); /* and begins at 1 s again */
	}
	assert_true(varies);
}

/* Requests that were under way when another tripped it are no probes. */
TEST(stragglers_do_not_double_it)
{
	struct shm *m = ((struct fixture *)*state)->m;
	struct shm_layout_circuit_breaker *b = &shm_layout(m)->redis;
	int64_t until;

	circuit_breaker_trip(m, START);
	until = atomic_load(&b->open_until_us);
	for (int i = 0; i < 50; i++)
		circuit_breaker_trip(m, START + i);
	assert_int_equal(atomic_load(&b->open_until_us), until);
	assert_int_equal(atomic_load(&b->opened), 1);
	assert_in_range(claim_after(m, START), SECOND - 1, SECOND * 5 / 4);
}

TEST(the_claim_of_a_dead_prober_falls_to_another)
{
	struct shm *m = ((struct fixture *)*state)->m;
	int64_t now = START;

	circuit_breaker_trip(m, now);
	now += 2 * SECOND;
	assert_true(circuit_breaker_claim_probe(m, now));
	assert_false(circuit_breaker_claim_probe(m, now));
	assert_false(circuit_breaker_claim_probe(m, now + SECOND - 1));
	assert_true(circuit_breaker_claim_probe(m, now + SECOND + 1));
	assert_false(circuit_breaker_claim_probe(m, now + SECOND + 1));
	/* No failure came in between, so this is the first one. */
	circuit_breaker_trip(m, now + SECOND + 1);
	assert_in_range(claim_after(m, now + SECOND + 1), 2 * SECOND - 1,
	    2 * SECOND * 5 / 4);
}

static void
claim_in_vain(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(!circuit_breaker_claim_probe(m, START + 2 * SECOND));
	shm_detach(m);
}

TEST(a_claim_overtaken_by_another_is_lost, struct fixture *f)
{
	pid_t pid;

	circuit_breaker_trip(f->m, START);
	child_arm("breaker:claiming.once-hold");
	pid = child_start(claim_in_vain, f);
	child_reached("breaker:claiming");
	assert_true(circuit_breaker_claim_probe(f->m, START + 2 * SECOND));
	child_release("breaker:claiming", pid);
	child_passed(pid);
}

static void
meet(struct shared *shared)
{
	(void)pthread_barrier_wait(&shared->step);
}

static void
trip_and_claim(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	for (int r = 0; r < ROUNDS; r++) {
		int64_t now = START + r * 100 * SECOND;

		meet(f->shared); /* it is closed */
		circuit_breaker_trip(m, now);
		meet(f->shared); /* all have tripped it */
		if (circuit_breaker_claim_probe(m, now + 40 * SECOND))
			(void)atomic_fetch_add(&f->shared->claims[r], 1);
		meet(f->shared); /* all have tried */
	}
	shm_detach(m);
}

/* Several processes see one outage: it opens once, and one of them probes. */
TEST(one_process_of_all_probes, struct fixture *f)
{
	pthread_barrierattr_t attr;
	pid_t pids[PROCESSES];

	assert_int_equal(pthread_barrierattr_init(&attr), 0);
	assert_int_equal(
	    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
	assert_int_equal(
	    pthread_barrier_init(&f->shared->step, &attr, PROCESSES + 1), 0);
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = child_start(trip_and_claim, f);
	for (int r = 0; r < ROUNDS; r++) {
		circuit_breaker_reset(f->m);
		meet(f->shared);
		meet(f->shared);
		meet(f->shared);
		assert_int_equal(atomic_load(&f->shared->claims[r]), 1);
	}
	for (int i = 0; i < PROCESSES; i++)
		child_passed(pids[i]);
	assert_int_equal(atomic_load(&shm_layout(f->m)->redis.opened), ROUNDS);
}
