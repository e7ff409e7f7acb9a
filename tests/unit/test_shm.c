/* SPDX-License-Identifier: ISC */
#include "shm/shm.h"

#include "support/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm_layout.h"
#include "support/child.h"
#include "support/process.h"
#include "support/shm_fixture.h"

#define OPENERS 6

struct shared {
	atomic_int started;
	atomic_int opened;
	atomic_int leave;
	unsigned char id[OPENERS][SHM_ID_BYTES];
};

struct fixture {
	struct table table;
	struct shared *shared;
	int slot; /* of the child that is started next */
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->shared = child_shared(sizeof(*f->shared));
}

static void
tear_down(struct fixture *f)
{
	shm_fixture_remove(&f->table);
	child_unshare(f->shared, sizeof(*f->shared));
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static void
id_of(const struct shm *m, unsigned char id[SHM_ID_BYTES])
{
	memcpy(id, shm_layout(m)->shm_id, SHM_ID_BYTES);
}

static bool
same(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, SHM_ID_BYTES) == 0;
}

/* Leave a good table of a life that is over; its id is written to ${id}. */
static void
leave_old_table(const struct fixture *f, unsigned char *id)
{
	struct shm *m = shm_fixture_open(&f->table);

	id_of(m, id);
	assert_int_equal(shm_time(m, 4711), 4711);
	shm_detach(m);
}

static bool
is_at_least(void *ctx)
{
	const struct fixture *f = ctx;

	return atomic_load(&f->shared->opened) >= f->slot;
}

static void
tick(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	(void)nanosleep(&ms, NULL);
}

/* A child: open, tell the id, stay until told to leave. */
static void
open_and_stay(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	(void)atomic_fetch_add(&f->shared->started, 1);
	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	id_of(m, f->shared->id[f->slot]);
	child_check(shm_is_current(m));
	(void)atomic_fetch_add(&f->shared->opened, 1);
	while (atomic_load(&f->shared->leave) == 0)
		tick();
	shm_detach(m);
}

TEST(only_the_first_resets, struct fixture *f)
{
	unsigned char id[SHM_ID_BYTES];
	struct shm *m, *other;
	pid_t pid;

	pid = child_start(open_and_stay, f);
	f->slot = 1;
	assert_true(process_until(is_at_least, f, 10000));
	m = shm_fixture_open(&f->table);
	assert_true(same(shm_layout(m)->shm_id, f->shared->id[0]));
	assert_int_equal(shm_time(m, 4711), 4711);

	/* The first goes, by force; the life goes on with the second. */
	child_kill(pid);
	other = shm_fixture_open(&f->table);
	assert_true(same(shm_layout(other)->shm_id, f->shared->id[0]));
	assert_int_equal(shm_time(other, 1), 4711);
	id_of(m, id);
	shm_detach(m);
	shm_detach(other);

	m = shm_fixture_open(&f->table);
	assert_false(same(shm_layout(m)->shm_id, id));
	assert_int_equal(shm_time(m, 1), 1);
	shm_detach(m);
	shm_detach(NULL);
}

/* One process of the host logs that the clock is behind. */
TEST(a_change_of_the_clock_is_new_to_one_process, struct fixture *f)
{
	struct shm *m = shm_fixture_open(&f->table);
	struct shm *other = shm_fixture_open(&f->table);

	assert_false(shm_note_clock(m, false));
	assert_true(shm_note_clock(m, true));
	assert_false(shm_note_clock(other, true));
	assert_false(shm_note_clock(m, true));
	assert_true(shm_note_clock(other, false));
	assert_false(shm_note_clock(m, false));
	assert_true(shm_note_clock(m, true));
	shm_detach(m);
	shm_detach(other);
}

static void
take_an_inherited_view(void *ctx)
{
	struct fixture *f = ((void **)ctx)[0];
	struct shm *inherited = ((void **)ctx)[1], *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(same(shm_layout(m)->shm_id, shm_layout(inherited)->shm_id));
	shm_detach(inherited);
	id_of(m, f->shared->id[0]);
	(void)atomic_fetch_add(&f->shared->opened, 1);
	while (atomic_load(&f->shared->leave) == 0)
		tick();
}

/* Neither does the child's close end the parent's lock, nor the reverse. */
TEST(an_inherited_view_is_closed_without_harm, struct fixture *f)
{
	struct shm *m = shm_fixture_open(&f->table), *other;
	void *ctx[] = { f, m };
	pid_t pid = child_start(take_an_inherited_view, ctx);

	f->slot = 1;
	assert_true(process_until(is_at_least, f, 10000));
	other = shm_fixture_open(&f->table);
	assert_true(same(shm_layout(other)->shm_id, f->shared->id[0]));
	shm_detach(other);
	shm_detach(m);
	/* Only the child is left. */
	m = shm_fixture_open(&f->table);
	assert_true(same(shm_layout(m)->shm_id, f->shared->id[0]));
	shm_detach(m);
	child_kill(pid);
	m = shm_fixture_open(&f->table);
	assert_false(same(shm_layout(m)->shm_id, f->shared->id[0]));
	shm_detach(m);
}

TEST(a_replaced_file_is_noticed, struct fixture *f)
{
	struct shm *m = shm_fixture_open(&f->table), *other;
	int fd;

	assert_true(shm_is_current(m));
	assert_true(shm_trusted(m));
	assert_int_equal(unlink(f->table.path), 0);
	assert_false(shm_is_current(m));
	assert_int_equal(shm_reopen(m, &fd), ERR_UNAVAILABLE);

	other = shm_fixture_open(&f->table);
	assert_false(shm_is_current(m));
	assert_true(shm_is_current(other));
	assert_false(same(shm_layout(m)->shm_id, shm_layout(other)->shm_id));
	assert_int_equal(shm_reopen(m, &fd), ERR_UNAVAILABLE);
	assert_int_equal(fd, -1);
	assert_int_equal(shm_reopen(other, &fd), ERR_OK);
	assert_int_equal(close(fd), 0);

	shm_distrust(m);
	assert_false(shm_trusted(m));
	assert_true(shm_trusted(other));
	shm_detach(m);
	assert_int_equal(truncate(f->table.path, 4096), 0);
	assert_false(shm_is_current(other));
	shm_detach(other);
}

TEST(a_file_replaced_while_it_is_opened_is_left, struct fixture *f)
{
	pid_t pid;

	child_arm("shm:opened.hold");
	pid = child_start(open_and_stay, f);
	child_reached("shm:opened");
	assert_int_equal(unlink(f->table.path), 0);
	atomic_store(&f->shared->leave, 1);
	child_disarm("shm:opened.hold");
	child_passed(pid); /* it checked that its file is current */
	assert_int_equal(access(f->table.path, F_OK), 0);
}

TEST(a_killed_opener_leaves_nothing_behind, struct fixture *f)
{
	static const char *const points[] = { "shm:opened", "shm:first",
		"shm:zeroed", "shm:filled", "shm:ready", "shm:entered" };
	unsigned char id[SHM_ID_BYTES];
	char file[64];

	for (size_t i = 0; i < NELEMS(points); i++) {
		struct shm *m;

		leave_old_table(f, id);
		(void)snprintf(file, sizeof(file), "%s.kill", points[i]);
		child_arm(file);
		child_killed(child_start(open_and_stay, f));
		m = shm_fixture_open(&f->table);
		assert_false(same(shm_layout(m)->shm_id, id));
		assert_int_equal(shm_time(m, 1), 1);
		shm_detach(m);
	}
}

static bool
have_started(void *ctx)
{
	const struct fixture *f = ctx;

	return atomic_load(&f->shared->started) >= OPENERS;
}

/*
 * He who resets the file is killed while others wait for him.  They must not
 * take each other for proof that the file, which may still look good from its
 * last life, has been reset.
 */
TEST(those_who_waited_for_a_killed_first_begin_anew, struct fixture *f)
{
	static const char *const points[] = { "shm:first", "shm:zeroed",
		"shm:filled", "shm:ready" };
	unsigned char old[SHM_ID_BYTES];

	for (size_t i = 0; i < NELEMS(points); i++) {
		pid_t pids[OPENERS];
		char file[64];

		memset(f->shared, 0, sizeof(*f->shared));
		leave_old_table(f, old);
		(void)snprintf(file, sizeof(file), "%s.once-hold", points[i]);
		child_arm(file);
		f->slot = 0;
		pids[0] = child_start(open_and_stay, f);
		child_reached(points[i]);
		for (f->slot = 1; f->slot < OPENERS; f->slot++)
			pids[f->slot] = child_start(open_and_stay, f);
		assert_true(process_until(have_started, f, 10000));
		child_kill(pids[0]);

		f->slot = OPENERS - 1;
		assert_true(process_until(is_at_least, f, 10000));
		atomic_store(&f->shared->leave, 1);
		for (int k = 1; k < OPENERS; k++) {
			child_passed(pids[k]);
			assert_false(same(f->shared->id[k], old));
			assert_true(same(f->shared->id[k], f->shared->id[1]));
		}
		(void)snprintf(file, sizeof(file), "%s.hold.%ld", points[i],
		    (long)pids[0]);
		child_disarm(file);
		(void)snprintf(file, sizeof(file), "%s.reached", points[i]);
		child_disarm(file);
	}
}

static bool
others_were_met(void *ctx)
{
	const struct fixture *f = ctx;
	char path[PATH_MAX + 32];

	(void)snprintf(
	    path, sizeof(path), "%s/mapped:others.reached", f->table.dir);
	return access(path, F_OK) == 0;
}

/*
 * The same in slow motion.  While the first has yet to reset the file nobody
 * may come as far as to take him for a user of it, so the wait for that ends
 * in vain; where it did not, he would be killed before they ask for the lock
 * that they share, and the file of the last life would do for them.
 */
TEST(no_process_mistakes_the_first_for_another, struct fixture *f)
{
	unsigned char old[SHM_ID_BYTES];
	pid_t pids[OPENERS];

	leave_old_table(f, old);
	child_arm("shm:first.once-hold");
	pids[0] = child_start(open_and_stay, f);
	child_reached("shm:first");
	child_arm("shm:others.hold");
	for (f->slot = 1; f->slot < OPENERS; f->slot++)
		pids[f->slot] = child_start(open_and_stay, f);
	assert_true(process_until(have_started, f, 10000));
	assert_false(process_until(others_were_met, f, 200));
	child_kill(pids[0]);
	child_disarm("shm:others.hold");

	f->slot = OPENERS - 1;
	assert_true(process_until(is_at_least, f, 10000));
	atomic_store(&f->shared->leave, 1);
	for (int k = 1; k < OPENERS; k++) {
		child_passed(pids[k]);
		assert_false(same(f->shared->id[k], old));
		assert_true(same(f->shared->id[k], f->shared->id[1]));
	}
}

TEST(a_stuck_opener_is_not_waited_for_for_ever, struct fixture *f)
{
	struct shm *m;
	pid_t pid;

	child_arm("shm:zeroed.hold");
	pid = child_start(open_and_stay, f);
	child_reached("shm:zeroed");
	assert_int_equal(
	    shm_attach(f->table.dir, SHM_FIXTURE_MB, &m), ERR_UNAVAILABLE);
	child_kill(pid);
	child_disarm("shm:zeroed.hold");
	shm_detach(shm_fixture_open(&f->table));
}

#define TIMES 5000

static void
pass_many_times(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	for (int64_t t = 1, seen = 0, got; t <= TIMES; t++) {
		got = shm_time(m, t * OPENERS + f->slot);
		child_check(got >= t * OPENERS + f->slot && got >= seen);
		seen = got;
	}
	shm_detach(m);
}

TEST(time_never_goes_back, struct fixture *f)
{
	struct shm *m = shm_fixture_open(&f->table);
	pid_t pids[OPENERS];

	for (f->slot = 0; f->slot < OPENERS; f->slot++)
		pids[f->slot] = child_start(pass_many_times, f);
	for (int k = 0; k < OPENERS; k++)
		child_passed(pids[k]);
	assert_int_equal(shm_time(m, 0), (TIMES + 1) * OPENERS - 1);
	shm_detach(m);
}

static void
open_again_and_again(void *ctx)
{
	struct fixture *f = ctx;
	struct shm *m, *held = NULL;

	for (int i = 0; i < 100; i++) {
		child_check(
		    shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
		/* No process may have reset the file while this one holds it.
		 */
		child_check(held == NULL ||
		    same(shm_layout(m)->shm_id, shm_layout(held)->shm_id));
		child_check(shm_layout(m)->magic == SHM_LAYOUT_MAGIC);
		shm_detach(held);
		held = m;
		if (i % 5 == f->slot % 5) {
			shm_detach(held);
			held = NULL;
		}
	}
	shm_detach(held);
}

TEST(many_may_open_at_once, struct fixture *f)
{
	pid_t pids[OPENERS];

	for (f->slot = 0; f->slot < OPENERS; f->slot++)
		pids[f->slot] = child_start(open_again_and_again, f);
	for (int k = 0; k < OPENERS; k++)
		child_passed(pids[k]);
}
