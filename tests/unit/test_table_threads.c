/* SPDX-License-Identifier: ISC */
/*
 * Many threads at few entries.  tests/run tsan builds this with the thread
 * sanitizer, which cannot follow several processes.
 */
#include "cache/table.h"

#include "support/test.h"

#include <pthread.h>
#include <unistd.h>

#include "base/secret.h"
#include "host/mapped.h"
#include "support/lore.h"
#include "support/table.h"

#define THREADS 4
#define PUTS 60000

struct joiner {
	const struct table_view *t;
	struct lore_crowd *crowd;
	unsigned seed;
};

static void *
join(void *ctx)
{
	struct joiner *j = ctx;

	lore_crowd_join(j->t, j->crowd, j->seed);
	return NULL;
}

static void
threads_see_what_was_put_there(void **state)
{
	struct lore_crowd crowd = { .now = 1000 };
	struct joiner joiners[THREADS];
	pthread_t threads[THREADS];
	struct table_view t;
	struct table table;
	struct mapped *m;

	(void)state;
	table_make(&table);
	m = table_open(&table);
	assert_int_equal(unsetenv("LATCHKEY_TESTPOINT_DIR"), 0);
	table_init(&t, m);
	for (unsigned i = 0; i < THREADS; i++) {
		joiners[i] = (struct joiner){ &t, &crowd, i + 1 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, join, &joiners[i]), 0);
	}
	/* Time flies, so that who has to wait is overtaken. */
	while (atomic_load(&crowd.puts) < PUTS)
		(void)atomic_fetch_add(&crowd.now, 1);
	atomic_store(&crowd.stop, 1);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&crowd.lies), 0);
	assert_true(atomic_load(&crowd.hits) > 1000);
	mapped_close(m);
	table_remove(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_see_what_was_put_there),
	};

	alarm(300); /* a wait without end is a failure too */
	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
