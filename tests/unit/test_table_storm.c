/* SPDX-License-Identifier: ISC */
/*
 * Many processes at few entries, some of them killed, some stopped until
 * others have taken over what they were writing.
 */
#include "cache/table.h"

#include "support/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "host/mapped.h"
#include "support/child.h"
#include "support/lore.h"
#include "support/process.h"
#include "support/table.h"

#define PROCESSES 6
#define BLOWS 150
#define PATIENCE_MS 20000

struct storm {
	struct table table;
	struct lore_crowd *crowd;
	unsigned seed;
};

static void
join(void *ctx)
{
	struct storm *storm = ctx;
	struct table_view t;
	struct mapped *m;

	child_check(unsetenv("LATCHKEY_TESTPOINT_DIR") == 0);
	child_check(mapped_open(storm->table.db, TABLE_MB, &m) == ERR_OK);
	table_init(&t, m);
	lore_crowd_join(&t, storm->crowd, storm->seed);
	mapped_close(m);
}

static pid_t
join_another(struct storm *storm)
{
	storm->seed++;
	return child_start(join, storm);
}

/* Between two blows the others must have come on. */
struct progress {
	struct lore_crowd *crowd;
	uint64_t puts;
};

static bool
have_come_on(void *ctx)
{
	const struct progress *p = ctx;

	return atomic_load(&p->crowd->puts) >= p->puts;
}

static void
wait_for_puts(struct lore_crowd *crowd, uint64_t n)
{
	struct progress p = { crowd, atomic_load(&crowd->puts) + n };

	assert_true(process_until(have_come_on, &p, PATIENCE_MS));
}

/* Stop one until the others may have its place, or kill one. */
static void
strike(struct storm *storm, pid_t *pid, bool kill_it)
{
	if (kill_it) {
		child_kill(*pid);
		*pid = join_another(storm);
		return;
	}
	assert_int_equal(kill(*pid, SIGSTOP), 0);
	(void)atomic_fetch_add(&storm->crowd->now, 3);
	wait_for_puts(storm->crowd, 200);
	assert_int_equal(kill(*pid, SIGCONT), 0);
}

/* After all of it each place takes an entry. */
static void
assert_usable(const struct table_view *t, int64_t now)
{
	struct table_entry e;

	for (unsigned i = 0; i < 8; i++) {
		lore_make_len(t, lore_neighbour(t, 1000 + i), 2, 100, &e);
		table_put(t, &e, now);
		assert_true(table_get(t, &e.name, 2, now, &e));
	}
	for (unsigned i = 0; i < 8; i++) {
		struct table_name name =
		    lore_name(t, lore_neighbour(t, 1000 + i));

		assert_true(table_get(t, &name, 2, now, &e));
	}
}

static void
nobody_ever_sees_what_nobody_put_there(void **state)
{
	struct storm storm = { .crowd = child_shared(sizeof(*storm.crowd)) };
	pid_t pids[PROCESSES];
	struct table_view t;
	struct mapped *m;

	(void)state;
	table_make(&storm.table);
	m = table_open(&storm.table);
	table_init(&t, m);
	atomic_store(&storm.crowd->now, 1000);
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = join_another(&storm);
	for (int i = 0; i < BLOWS; i++) {
		wait_for_puts(storm.crowd, 200);
		strike(&storm, &pids[i % PROCESSES], i % 3 != 0);
	}
	atomic_store(&storm.crowd->stop, 1);
	for (int i = 0; i < PROCESSES; i++)
		child_passed(pids[i]);
	assert_int_equal(atomic_load(&storm.crowd->lies), 0);
	assert_true(atomic_load(&storm.crowd->hits) > 1000);

	for (unsigned i = 0; i < LORE_CROWD_KEYS; i++) {
		struct table_name name = lore_name(&t, lore_crowd_key(&t, i));

		table_drop(&t, &name, atomic_load(&storm.crowd->now) + 10);
	}
	assert_usable(&t, atomic_load(&storm.crowd->now) + 10);
	child_unshare(storm.crowd, sizeof(*storm.crowd));
	mapped_close(m);
	table_remove(&storm.table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_ever_sees_what_nobody_put_there),
	};

	alarm(300); /* a wait without end is a failure too */
	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
