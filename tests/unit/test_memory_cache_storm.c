/* SPDX-License-Identifier: ISC */
/*
 * Many processes use few entries; some are killed, some stopped until others
 * have claimed the slots that they were writing.
 */
#include "cache/memory_cache.h"

#include "support/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/process.h"
#include "support/shm_fixture.h"
#include "support/shm_pattern.h"

#define PROCESSES 6
#define BLOWS 150
#define PATIENCE_MS 60000

struct storm {
	struct table table;
	struct shm_pattern_crowd *crowd;
	unsigned seed;
};

static void
join(void *ctx)
{
	struct storm *storm = ctx;
	struct memory_cache t;
	struct shm *m;

	child_check(unsetenv("LATCHKEY_TESTPOINT_DIR") == 0);
	child_check(shm_attach(storm->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	memory_cache_init(&t, m);
	shm_pattern_crowd_join(&t, storm->crowd, storm->seed);
	shm_detach(m);
}

static pid_t
join_another(struct storm *storm)
{
	storm->seed++;
	return child_start(join, storm);
}

/* Wait until the other processes have made progress. */
struct progress {
	struct shm_pattern_crowd *crowd;
	uint64_t puts;
};

static bool
have_come_on(void *ctx)
{
	const struct progress *p = ctx;

	return atomic_load(&p->crowd->puts) >= p->puts;
}

static void
wait_for_puts(struct shm_pattern_crowd *crowd, uint64_t n)
{
	struct progress p = { crowd, atomic_load(&crowd->puts) + n };

	assert_true(process_until(have_come_on, &p, PATIENCE_MS));
}

/* Stop a process until others may claim its slot, or kill it. */
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

/* Afterwards every slot can be written. */
static void
assert_usable(const struct memory_cache *t, int64_t now)
{
	struct memory_cache_entry e;

	for (unsigned i = 0; i < 8; i++) {
		shm_pattern_make_len(
		    t, shm_pattern_neighbour(t, 1000 + i), 2, 100, &e);
		memory_cache_put(t, &e, now);
		assert_true(memory_cache_get(t, &e.name, 2, now, &e));
	}
	for (unsigned i = 0; i < 8; i++) {
		struct memory_cache_name name =
		    shm_pattern_name(t, shm_pattern_neighbour(t, 1000 + i));

		assert_true(memory_cache_get(t, &name, 2, now, &e));
	}
}

TEST(readers_see_only_entries_that_were_put)
{
	struct storm storm = { .crowd = child_shared(sizeof(*storm.crowd)) };
	pid_t pids[PROCESSES];
	struct memory_cache t;
	struct shm *m;

	shm_fixture_make(&storm.table);
	m = shm_fixture_open(&storm.table);
	memory_cache_init(&t, m);
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

	for (unsigned i = 0; i < SHM_PATTERN_CROWD_KEYS; i++) {
		struct memory_cache_name name =
		    shm_pattern_name(&t, shm_pattern_crowd_key(&t, i));

		memory_cache_drop(
		    &t, &name, atomic_load(&storm.crowd->now) + 10);
	}
	assert_usable(&t, atomic_load(&storm.crowd->now) + 10);
	child_unshare(storm.crowd, sizeof(*storm.crowd));
	shm_detach(m);
	shm_fixture_remove(&storm.table);
}
