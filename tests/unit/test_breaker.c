/* SPDX-License-Identifier: ISC */
#include "host/breaker.h"

#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/secret.h"
#include "host/layout.h"
#include "host/mapped.h"
#include "support/child.h"
#include "support/table.h"

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
	struct mapped *m;
	struct shared *shared;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	table_make(&f->table);
	f->m = table_open(&f->table);
	f->shared = child_shared(sizeof(*f->shared));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	child_unshare(f->shared, sizeof(*f->shared));
	mapped_close(f->m);
	table_remove(&f->table);
	free(f);
	return 0;
}

/* Claim the first probe there may be; return how long after ${now} it is. */
static int64_t
claim_after(struct mapped *m, int64_t now)
{
	int64_t until = atomic_load(&mapped_layout(m)->redis.open_until_us);

	assert_false(breaker_claim_probe(m, until - 1));
	assert_true(breaker_claim_probe(m, until));
	return until - now;
}

static void
it_is_closed_until_tripped(void **state)
{
	struct mapped *m = ((struct fixture *)*state)->m;

	assert_true(breaker_closed(m));
	assert_false(breaker_claim_probe(m, START));
	breaker_trip(m, START);
	assert_false(breaker_closed(m));
	assert_false(breaker_claim_probe(m, START));
	assert_true(breaker_claim_probe(m, START + 2 * SECOND));
	assert_false(breaker_closed(m));
	breaker_reset(m);
	assert_true(breaker_closed(m));
	assert_false(breaker_claim_probe(m, START + 99 * SECOND));
	breaker_reset(m);
	assert_true(breaker_closed(m));
}

static void
each_failed_probe_doubles_the_back_off_within_its_bounds(void **state)
{
	static const int64_t base[] = { 1, 2, 4, 8, 16, 30, 30, 30 };
	struct mapped *m = ((struct fixture *)*state)->m;
	bool varies = false;

	for (int run = 0; run < 20; run++) {
		int64_t now = START, first = 0;

		for (size_t i = 0; i < NELEMS(base); i++) {
			int64_t b = base[i] * SECOND, wait;

			breaker_trip(m, now);
			wait = claim_after(m, now);
			assert_in_range(wait, BREAKER_BACK_OFF_MIN_US - 1,
			    BREAKER_BACK_OFF_MAX_US);
			assert_in_range(wait,
			    base[i] == 30 ? b - b / 4 - 1 : b - 1,
			    base[i] == 30 ? b : b + b / 4);
			now += wait;
			varies = varies || (i == 7 && wait != first);
			first = i == 6 ? wait : first;
		}
		breaker_reset(m); /* and begins at 1 s again */
	}
	assert_true(varies);
}

/* Requests that were under way when another tripped it are no probes. */
static void
stragglers_do_not_double_it(void **state)
{
	struct mapped *m = ((struct fixture *)*state)->m;
	struct layout_breaker *b = &mapped_layout(m)->redis;
	int64_t until;

	breaker_trip(m, START);
	until = atomic_load(&b->open_until_us);
	for (int i = 0; i < 50; i++)
		breaker_trip(m, START + i);
	assert_int_equal(atomic_load(&b->open_until_us), until);
	assert_int_equal(atomic_load(&b->opened), 1);
	assert_in_range(claim_after(m, START), SECOND - 1, SECOND * 5 / 4);
}

static void
the_claim_of_a_dead_prober_falls_to_another(void **state)
{
	struct mapped *m = ((struct fixture *)*state)->m;
	int64_t now = START;

	breaker_trip(m, now);
	now += 2 * SECOND;
	assert_true(breaker_claim_probe(m, now));
	assert_false(breaker_claim_probe(m, now));
	assert_false(breaker_claim_probe(m, now + SECOND - 1));
	assert_true(breaker_claim_probe(m, now + SECOND + 1));
	assert_false(breaker_claim_probe(m, now + SECOND + 1));
	/* Nobody failed in between, so it is the first that fails now. */
	breaker_trip(m, now + SECOND + 1);
	assert_in_range(claim_after(m, now + SECOND + 1), 2 * SECOND - 1,
	    2 * SECOND * 5 / 4);
}

static void
claim_in_vain(void *ctx)
{
	struct fixture *f = ctx;
	struct mapped *m;

	child_check(mapped_open(f->table.db, TABLE_MB, &m) == ERR_OK);
	child_check(!breaker_claim_probe(m, START + 2 * SECOND));
	mapped_close(m);
}

static void
a_claim_overtaken_by_another_is_lost(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	breaker_trip(f->m, START);
	child_arm("breaker:claiming.once-hold");
	pid = child_start(claim_in_vain, f);
	child_reached("breaker:claiming");
	assert_true(breaker_claim_probe(f->m, START + 2 * SECOND));
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
	struct mapped *m;

	child_check(mapped_open(f->table.db, TABLE_MB, &m) == ERR_OK);
	for (int r = 0; r < ROUNDS; r++) {
		int64_t now = START + r * 100 * SECOND;

		meet(f->shared); /* it is closed */
		breaker_trip(m, now);
		meet(f->shared); /* all have tripped it */
		if (breaker_claim_probe(m, now + 40 * SECOND))
			(void)atomic_fetch_add(&f->shared->claims[r], 1);
		meet(f->shared); /* all have tried */
	}
	mapped_close(m);
}

/* Several processes see one outage: it opens once, and one of them probes. */
static void
one_process_of_all_probes(void **state)
{
	struct fixture *f = *state;
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
		breaker_reset(f->m);
		meet(f->shared);
		meet(f->shared);
		meet(f->shared);
		assert_int_equal(atomic_load(&f->shared->claims[r]), 1);
	}
	for (int i = 0; i < PROCESSES; i++)
		child_passed(pids[i]);
	assert_int_equal(
	    atomic_load(&mapped_layout(f->m)->redis.opened), ROUNDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_closed_until_tripped),
		TEST(each_failed_probe_doubles_the_back_off_within_its_bounds),
		TEST(stragglers_do_not_double_it),
		TEST(the_claim_of_a_dead_prober_falls_to_another),
		TEST(a_claim_overtaken_by_another_is_lost),
		TEST(one_process_of_all_probes),
	};

	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
