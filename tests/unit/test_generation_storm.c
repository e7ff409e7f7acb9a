/* SPDX-License-Identifier: ISC */
#include "shm/generation.h"

#include "support/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/siphash.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"
#include "support/child.h"
#include "support/shm_fixture.h"

/*
 * The protocol under force: owners killed between any two instructions, and
 * a crowd of readers, writers and a killer, with a toy database and cache
 * whose every answer is checked.
 */
#define KEYS 4
#define WRITERS 2
#define READERS 2
#define THREADS 2 /* in each */
#define KILLS 60

/* A row only ever rises, so that what is too old shows. */
struct row {
	_Atomic uint64_t value;
	_Atomic uint64_t entry; /* cached: generation << 32 | value */
	_Atomic uint64_t acked; /* every later reader must see as much */
	_Atomic uint64_t seen;  /* and as much as any reader before it */
};

struct shared {
	struct row rows[KEYS];
	_Atomic int stop;
	_Atomic uint64_t reads;
	_Atomic uint64_t hits;
	_Atomic uint64_t changes;
};

struct fixture {
	struct table table;
	struct shm *m;
	struct shared *shared;
};

static const char *const names[KEYS] = { "user:1", "user:2", "session:a",
	"session:b" };

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

static void
raise_to(_Atomic uint64_t *p, uint64_t value)
{
	uint64_t now = atomic_load(p);

	while (now < value && !atomic_compare_exchange_weak(p, &now, value))
		;
}

/* ---- killed between any two instructions ---- */

struct stepped {
	struct fixture *f;
	struct shm *copy;
	uint64_t before[2]; /* the generations, before the change */
	bool recover; /* only take the mutex, after the death of another */
	long odd;     /* so many were seen in flight */
};

static void
run_traced(void *ctx)
{
	struct stepped *s = ctx;
	struct shm *m = s->f->m; /* ours too: only its memory is used */

	child_check(unsetenv("LATCHKEY_TESTPOINT_DIR") == 0);
	child_check(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	child_check(raise(SIGSTOP) == 0);
	child_check(generation_lock(m, 1000, NULL, NULL) == ERR_OK);
	if (!s->recover) {
		child_check(generation_mark(m, names, 2) == ERR_OK);
		atomic_store(&s->f->shared->rows[0].value, 1);
		generation_settle(m);
	}
	generation_unlock(m);
	child_check(raise(SIGSTOP) == 0);
}

/* Even; and higher, if the change came to pass. */
static void
assert_recovered(const struct stepped *s, struct shm *m)
{
	bool changed = atomic_load(&s->f->shared->rows[0].value) == 1;

	assert_int_equal(generation_lock(m, 1000, NULL, NULL), ERR_OK);
	assert_int_equal(atomic_load(&shm_layout(m)->in_flight_count), 0);
	generation_unlock(m);
	for (int k = 0; k < 2; k++) {
		uint64_t after = generation_read(m, names[k]);

		if (changed || after != s->before[k])
			assert_int_equal(after, s->before[k] + 2);
	}
}

static _Atomic uint64_t *
generation_of(struct shm *m, const char *key)
{
	struct shm_layout *lo = shm_layout(m);

	return &lo->generation[siphash_bytes(lo->hash_key, key, strlen(key)) %
	    SHM_LAYOUT_GENERATIONS];
}

/*
 * What the next owner would find if the stopped child died just here, given to
 * him in a table of his own, so that the child can go on.
 */
static void
lookup(struct stepped *s)
{
	struct shm_layout *from = shm_layout(s->f->m);
	struct shm_layout *to = shm_layout(s->copy);

	to->in_flight_count = from->in_flight_count;
	for (int i = 0; i < 2; i++)
		to->in_flight[i] = from->in_flight[i];
	for (int k = 0; k < 2; k++) {
		uint64_t g = *generation_of(s->f->m, names[k]);

		*generation_of(s->copy, names[k]) = g;
		s->odd += !generation_quiet(g);
	}
	assert_recovered(s, s->copy);
}

/*
 * Let a child run instruction by instruction, and look after each; after
 * ${limit} of them, or at its end, kill it.  Return how many it did.
 */
static long
step(struct stepped *s, long limit, bool looking)
{
	pid_t pid = child_start(run_traced, s);
	int status;
	long done;

	child_stopped(pid);
	for (done = 0; done < limit; done++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGSTOP)
			break;
		if (looking)
			lookup(s);
	}
	child_kill(pid);
	return done;
}

static void
begin(struct stepped *s)
{
	for (int k = 0; k < 2; k++)
		s->before[k] = generation_read(s->f->m, names[k]);
	atomic_store(&s->f->shared->rows[0].value, 0);
}

static void
leave_a_change_open(void *ctx)
{
	struct fixture *f = ctx;

	child_check(generation_lock(f->m, 1000, NULL, NULL) == ERR_OK);
	child_check(generation_mark(f->m, names, 2) == ERR_OK);
	atomic_store(&f->shared->rows[0].value, 1);
	child_check(kill(getpid(), SIGKILL) == 0);
}

/* Beside a look after each instruction, so many deaths in earnest. */
#define DEATHS 20

static void
walk(struct stepped *s)
{
	struct table other;
	long all = 0;

	log_set_level(LOG_LEVEL_ERROR); /* or it tells of every recovery */
	shm_fixture_make(&other);
	s->copy = shm_fixture_open(&other);
	memcpy(shm_layout(s->copy)->hash_key, shm_layout(s->f->m)->hash_key,
	    sizeof(shm_layout(s->copy)->hash_key));

	for (long at = -1; at < DEATHS; at++) {
		begin(s);
		if (s->recover)
			child_killed(child_start(leave_a_change_open, s->f));
		if (at < 0)
			all = step(s, LONG_MAX, true);
		else
			(void)step(s, all * at / DEATHS, false);
		assert_recovered(s, s->f->m);
	}
	assert_true(s->odd > 0);
	log_set_level(LOG_LEVEL_INFO);
	shm_detach(s->copy);
	shm_fixture_remove(&other);
}

TEST(a_change_may_be_killed_between_any_two_instructions)
{
	struct stepped s = { .f = *state };

	walk(&s);
}

TEST(a_recovery_may_be_killed_between_any_two_instructions)
{
	struct stepped s = { .f = *state, .recover = true };

	walk(&s);
}

/* ---- the crowd ---- */

static void
change_one(struct fixture *f, struct shm *m, unsigned int *seed)
{
	int a = rand_r(seed) % KEYS, b = rand_r(seed) % KEYS;
	struct row *one = &f->shared->rows[a], *two = &f->shared->rows[b];
	const char *both[] = { names[a], names[b] };
	uint64_t value_one, value_two;

	child_check(generation_lock(m, 10000, NULL, NULL) == ERR_OK);
	child_check(generation_mark(m, both, 2) == ERR_OK);
	value_one = atomic_fetch_add(&one->value, 1) + 1;
	value_two = atomic_fetch_add(&two->value, 1) + 1;
	generation_settle(m);
	generation_unlock(m);
	raise_to(&one->acked, value_one);
	raise_to(&two->acked, value_two);
	(void)atomic_fetch_add(&f->shared->changes, 1);
}

/* The read of the protocol: what this returns is checked by its caller. */
static uint64_t
read_one(struct fixture *f, struct row *row, uint64_t g)
{
	uint64_t entry, value;

	if (!generation_quiet(g))
		return atomic_load(&row->value);
	entry = atomic_load(&row->entry);
	if (entry >> 32 == g) {
		(void)atomic_fetch_add(&f->shared->hits, 1);
		return entry & UINT32_MAX;
	}
	value = atomic_load(&row->value);
	atomic_store(&row->entry, g << 32 | value);
	return value;
}

struct worker {
	struct fixture *f;
	struct shm *m;
	unsigned int seed;
};

static void *
write_on(void *ctx)
{
	struct worker *w = ctx;

	while (atomic_load(&w->f->shared->stop) == 0) {
		change_one(w->f, w->m, &w->seed);
		/* Let there be quiet times, in which something is cached. */
		for (int i = rand_r(&w->seed) % 2000; i > 0; i--)
			atomic_signal_fence(memory_order_seq_cst);
	}
	return NULL;
}

static void *
read_on(void *ctx)
{
	struct worker *w = ctx;
	uint64_t last[KEYS] = { 0 };

	while (atomic_load(&w->f->shared->stop) == 0) {
		int k = rand_r(&w->seed) % KEYS;
		struct row *row = &w->f->shared->rows[k];
		uint64_t acked = atomic_load(&row->acked);
		uint64_t seen = atomic_load(&row->seen);
		uint64_t g = generation_read(w->m, names[k]);
		uint64_t value = read_one(w->f, row, g);

		child_check(g >= last[k]);
		child_check(value >= acked);
		child_check(value >= seen);
		raise_to(&row->seen, value);
		last[k] = g;
		(void)atomic_fetch_add(&w->f->shared->reads, 1);
	}
	return NULL;
}

static void
run_threads(struct fixture *f, void *(*fn)(void *))
{
	pthread_t threads[THREADS];
	struct worker workers[THREADS];
	struct shm *m;

	child_check(unsetenv("LATCHKEY_TESTPOINT_DIR") == 0);
	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	for (int i = 0; i < THREADS; i++) {
		workers[i] =
		    (struct worker){ f, m, (unsigned int)(getpid() + i) };
		child_check(
		    pthread_create(&threads[i], NULL, fn, &workers[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		child_check(pthread_join(threads[i], NULL) == 0);
	shm_detach(m);
}

static void
be_a_writer(void *ctx)
{
	run_threads(ctx, write_on);
}

static void
be_a_reader(void *ctx)
{
	run_threads(ctx, read_on);
}

/* Until ${what} has risen by ${by}, so that a slow machine has its time. */
static void
wait_until_risen(_Atomic uint64_t *what, uint64_t by)
{
	uint64_t start = atomic_load(what);
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; atomic_load(what) < start + by; i++) {
		assert_true(i < 20000);
		(void)nanosleep(&ms, NULL);
	}
}

TEST(no_reader_sees_what_is_too_old, struct fixture *f)
{
	struct shared *sh = f->shared;
	pid_t writers[WRITERS], readers[READERS];

	for (int i = 0; i < READERS; i++)
		readers[i] = child_start(be_a_reader, f);
	for (int i = 0; i < WRITERS; i++)
		writers[i] = child_start(be_a_writer, f);
	for (int i = 0; i < KILLS; i++) {
		wait_until_risen(&sh->changes, (uint64_t)(i * 7 % 20));
		child_kill(writers[i % WRITERS]);
		wait_until_risen(&sh->reads, 200);
		writers[i % WRITERS] = child_start(be_a_writer, f);
	}
	wait_until_risen(&sh->changes, 1000);
	atomic_store(&sh->stop, 1);
	for (int i = 0; i < WRITERS; i++)
		child_passed(writers[i]);
	for (int i = 0; i < READERS; i++)
		child_passed(readers[i]);

	/* The cache was of use, or this has shown nothing. */
	assert_true(atomic_load(&sh->hits) > 0);
	assert_int_equal(generation_lock(f->m, 1000, NULL, NULL), ERR_OK);
	for (size_t i = 0; i < SHM_LAYOUT_GENERATIONS; i++)
		assert_true(generation_quiet(
		    atomic_load(&shm_layout(f->m)->generation[i])));
	generation_unlock(f->m);
}
