/* SPDX-License-Identifier: ISC */
/*
 * Writers are killed or stopped within an entry: no reader sees half of one,
 * and the slot is used again.
 */
#include "cache/memory_cache.h"

#include "support/test.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/shm_fixture.h"
#include "support/shm_pattern.h"

#define NOW INT64_C(1800000000)
#define LATER (NOW + 3) /* when a claim of NOW has expired */
#define CREDENTIAL_SOURCES 8
#define OLD 4
#define NEW 6

struct fixture {
	struct table table;
	struct shm *m;
	struct memory_cache t;
	struct memory_cache_entry e;
	uint64_t key; /* of the entry being written */
	size_t len;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	memory_cache_init(&f->t, f->m);
	f->key = shm_pattern_neighbour(&f->t, 0);
	f->len = 200;
}

static void
tear_down(struct fixture *f)
{
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static void
put(struct fixture *f, uint64_t key, uint64_t generation, int64_t now)
{
	shm_pattern_make_len(&f->t, key, generation, f->len, &f->e);
	memory_cache_put(&f->t, &f->e, now);
}

/* Any entry that is found must be right. */
static bool
has_in(const struct memory_cache *t, uint64_t key, uint64_t generation)
{
	struct memory_cache_name name = shm_pattern_name(t, key);
	struct memory_cache_entry e;

	if (!memory_cache_get(t, &name, generation, NOW, &e))
		return false;
	assert_true(shm_pattern_is_true(t, key, &e));
	assert_int_equal(e.generation, generation);
	return true;
}

static bool
has(struct fixture *f, uint64_t key, uint64_t generation)
{
	return has_in(&f->t, key, generation);
}

static void
drop_one(struct fixture *f, uint64_t key, int64_t now)
{
	struct memory_cache_name name = shm_pattern_name(&f->t, key);

	memory_cache_drop(&f->t, &name, now);
}

/* Count the slots of a bucket that can be written at ${now}. */
static unsigned
usable(struct fixture *f, int64_t now)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < 2; i++)
		drop_one(f, shm_pattern_neighbour(&f->t, i), now);
	for (unsigned i = 0; i < CREDENTIAL_SOURCES; i++)
		drop_one(f, shm_pattern_neighbour(&f->t, 100 + i), now);
	for (unsigned i = 0; i < CREDENTIAL_SOURCES; i++)
		put(f, shm_pattern_neighbour(&f->t, 100 + i), NEW, now);
	for (unsigned i = 0; i < CREDENTIAL_SOURCES; i++)
		taken += has(f, shm_pattern_neighbour(&f->t, 100 + i), NEW);
	return taken;
}

static void
write_new(void *ctx)
{
	struct fixture *f = ctx;

	put(f, f->key, NEW, NOW);
}

static void
drop(void *ctx)
{
	struct fixture *f = ctx;

	drop_one(f, f->key, NOW);
}

static const char *const points[] = { "table:claimed", "table:half",
	"table:written" };

/* ---- killed ---- */

static void
die_at(struct fixture *f, const char *point, child_fn *fn)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.kill", point);
	child_arm(file);
	child_killed(child_start(fn, f));
}

TEST(the_slot_of_a_killed_writer_is_free_after_seconds, struct fixture *f)
{
	uint64_t other = shm_pattern_neighbour(&f->t, 1);

	for (size_t i = 0; i < NELEMS(points); i++) {
		/* entries left by usable() might evict one of these two */
		for (unsigned k = 0; k < CREDENTIAL_SOURCES; k++)
			drop_one(
			    f, shm_pattern_neighbour(&f->t, 100 + k), LATER);
		put(f, f->key, OLD, NOW);
		put(f, other, OLD, NOW);
		die_at(f, points[i], write_new);
		assert_false(has(f, f->key, OLD));
		assert_false(has(f, f->key, NEW));
		/* other writers go on, in another slot */
		assert_true(has(f, other, OLD));
		put(f, f->key, NEW, NOW);
		assert_true(has(f, f->key, NEW));
		assert_int_equal(usable(f, LATER - 1), CREDENTIAL_SOURCES - 1);
		assert_int_equal(usable(f, LATER), CREDENTIAL_SOURCES);
	}
}

TEST(the_slot_of_a_killed_dropper_is_free_after_seconds, struct fixture *f)
{
	put(f, f->key, OLD, NOW);
	die_at(f, points[0], drop);
	assert_false(has(f, f->key, OLD));
	assert_int_equal(usable(f, LATER - 1), CREDENTIAL_SOURCES - 1);
	assert_int_equal(usable(f, LATER), CREDENTIAL_SOURCES);
}

/* A wrong clock must not block the slot for ever. */
TEST(a_claim_from_the_future_or_past_expires, struct fixture *f)
{
	static const int64_t apart[] = { 3, 100, 86400 * 365, -3, -100,
		-86400 * 365 };

	for (size_t i = 0; i < NELEMS(apart); i++) {
		die_at(f, points[1], write_new);
		assert_int_equal(usable(f, NOW + apart[i]), CREDENTIAL_SOURCES);
	}
}

/* ---- stopped, and the claim lost ---- */

/* Hold a writer at ${point}, let another claim its slot, let it go on. */
static void
overtake(struct fixture *f, const char *point, child_fn *fn)
{
	char file[64];
	pid_t pid;

	snprintf(file, sizeof(file), "%s.once-hold", point);
	child_arm(file);
	pid = child_start(fn, f);
	child_reached(point);
	assert_int_equal(usable(f, LATER), CREDENTIAL_SOURCES);
	child_release(point, pid);
	child_passed(pid);
}

static unsigned
still_there(struct fixture *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CREDENTIAL_SOURCES; i++)
		n += has(f, shm_pattern_neighbour(&f->t, 100 + i), NEW);
	return n;
}

/*
 * A writer that had written nothing yet may leave its own entry in place of the
 * other, but never a mixture.
 */
TEST(a_late_writer_leaves_no_mixture, struct fixture *f)
{
	overtake(f, "table:claimed", write_new);
	assert_true(has(f, f->key, NEW));
	assert_int_equal(still_there(f), CREDENTIAL_SOURCES - 1);
	assert_int_equal(usable(f, NOW), CREDENTIAL_SOURCES);

	overtake(f, "table:half", write_new);
	assert_false(has(f, f->key, NEW));
	assert_int_equal(still_there(f), CREDENTIAL_SOURCES - 1);
	assert_int_equal(usable(f, NOW), CREDENTIAL_SOURCES);

	overtake(f, "table:written", write_new);
	assert_false(has(f, f->key, NEW));
	assert_int_equal(still_there(f), CREDENTIAL_SOURCES);
	assert_int_equal(usable(f, NOW), CREDENTIAL_SOURCES);
}

TEST(a_late_dropper_leaves_no_mixture, struct fixture *f)
{
	put(f, f->key, OLD, NOW);
	overtake(f, "table:claimed", drop);
	assert_int_equal(still_there(f), CREDENTIAL_SOURCES - 1);
	assert_int_equal(usable(f, NOW), CREDENTIAL_SOURCES);
}

/* ---- readers after each instruction ---- */

struct stepped {
	struct fixture *f;
	child_fn *fn;
	unsigned char *copy; /* of the area */
	size_t size;
	long old, none, new; /* times that was seen */
};

static void
run_traced(void *ctx)
{
	struct stepped *s = ctx;

	child_check(unsetenv("LATCHKEY_TESTPOINT_DIR") == 0);
	child_check(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	child_check(raise(SIGSTOP) == 0);
	s->fn(s->f);
	child_check(raise(SIGSTOP) == 0);
}

/* old, none, new appear in this order, and never old and new together. */
static void
lookup(struct stepped *s)
{
	bool old = has(s->f, s->f->key, OLD), new = has(s->f, s->f->key, NEW);

	assert_false(old && new);
	assert_false(old && s->none > 0);
	assert_false(!new && s->new > 0);
	s->old += old;
	s->new += new;
	s->none += !old && !new;
}

/* Check in a copy what readers would find if the writer died here. */
static void
use_again(struct stepped *s)
{
	struct memory_cache copy = s->f->t;
	struct memory_cache_entry e;

	memcpy(s->copy, s->f->t.area, s->size);
	copy.area = s->copy;
	shm_pattern_make_len(&copy, s->f->key, NEW + 2, s->f->len, &e);
	memory_cache_put(&copy, &e, LATER);
	assert_true(has_in(&copy, s->f->key, NEW + 2));
	assert_false(has_in(&copy, s->f->key, OLD));
	assert_false(has_in(&copy, s->f->key, NEW));
}

static void
step(struct stepped *s)
{
	pid_t pid = child_start(run_traced, s);
	int status;

	child_stopped(pid);
	for (long done = 0;; done++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGSTOP)
			break;
		lookup(s);
		if (done % 16 == 0)
			use_again(s);
	}
	child_kill(pid);
}

static void
walk(struct fixture *f, child_fn *fn, bool makes_new)
{
	struct stepped s = { .f = f, .fn = fn };
	void *area = shm_region(f->m, &s.size);

	assert_ptr_equal(area, f->t.area);
	s.copy = malloc(s.size);
	assert_non_null(s.copy);
	/* the only slot that can be chosen */
	put(f, f->key, OLD, NOW);
	step(&s);
	assert_true(s.old > 0 && s.none > 0);
	assert_int_equal(s.new > 0, makes_new);
	free(s.copy);
}

TEST(an_entry_is_whole_after_each_instruction)
{
	walk(*state, write_new, true);
}

TEST(a_large_entry_is_whole_after_each_instruction, struct fixture *f)
{
	f->len = MEMORY_CACHE_DATA_MAX;
	walk(f, write_new, true);
}

TEST(a_drop_is_whole_after_each_instruction)
{
	walk(*state, drop, false);
}
