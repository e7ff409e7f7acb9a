/* SPDX-License-Identifier: ISC */
/*
 * Many threads use few entries.  tests/run tsan builds this with the thread
 * sanitizer, which cannot follow several processes.
 */
#include "cache/memory_cache.h"

#include "support/test.h"

#include <pthread.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm.h"
#include "support/shm_fixture.h"
#include "support/shm_pattern.h"

#define THREADS 4
#define PUTS 60000

struct joiner {
	const struct memory_cache *t;
	struct shm_pattern_crowd *crowd;
	unsigned seed;
};

static void *
join(void *ctx)
{
	struct joiner *j = ctx;

	shm_pattern_crowd_join(j->t, j->crowd, j->seed);
	return NULL;
}

TEST(threads_see_only_entries_that_were_put)
{
	struct shm_pattern_crowd crowd = { .now = 1000 };
	struct joiner joiners[THREADS];
	pthread_t threads[THREADS];
	struct memory_cache t;
	struct table table;
	struct shm *m;

	shm_fixture_make(&table);
	m = shm_fixture_open(&table);
	assert_int_equal(unsetenv("LATCHKEY_TESTPOINT_DIR"), 0);
	memory_cache_init(&t, m);
	for (unsigned i = 0; i < THREADS; i++) {
		joiners[i] = (struct joiner){ &t, &crowd, i + 1 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, join, &joiners[i]), 0);
	}
	/* The clock runs fast, so that a slow writer loses its claim. */
	while (atomic_load(&crowd.puts) < PUTS)
		(void)atomic_fetch_add(&crowd.now, 1);
	atomic_store(&crowd.stop, 1);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&crowd.lies), 0);
	assert_true(atomic_load(&crowd.hits) > 1000);
	shm_detach(m);
	shm_fixture_remove(&table);
}
