/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>

#include "base/buf.h"
#include "support/database.h"
#include "support/files.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/stack.h"
#include "support/web.h"
#include "support/write_stress.h"

/*
 * What was acknowledged is there afterwards: everything is killed in the
 * middle of many changes, or the power goes.
 */
struct fixture {
	struct stack *stack;
	struct web *web;
	char db[160];
	int bursts;
};

static void
set_up(struct fixture *f)
{
	const struct stack_options options = { .workers = 4 };

	f->stack = stack_new(&options);
	f->web = web_new(stack_base(f->stack));
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", stack_dir(f->stack));
}

static void
tear_down(struct fixture *f)
{
	stack_stop_pool(f->stack, SIGTERM);
	database_check(f->db);
	web_free(f->web);
	stack_free(f->stack);
}

static struct write_stress *
start_burst(struct fixture *f, const char *what)
{
	char tag[32];

	snprintf(tag, sizeof(tag), "%s%d", what, ++f->bursts);
	return write_stress_start(stack_base(f->stack), tag);
}

/* ---- kill -9 of everything ---- */

/* How many are let through first differs, so that each kill meets another
 * moment. */
TEST(killed_in_a_burst, struct fixture *f)
{
	for (int round = 0; round < 6; round++) {
		struct write_stress *b = start_burst(f, "kill");
		struct write_stress_person *people;
		size_t n;

		write_stress_wait(b, 15 + 17 * (unsigned)round);
		stack_stop_pool(f->stack, SIGKILL);
		if (round % 2 == 1)
			redis_server_kill(stack_redis(f->stack));
		write_stress_stop(b);
		n = write_stress_people(b, &people);
		write_stress_free(b);
		database_check(f->db);
		if (round % 2 == 1)
			redis_server_start(stack_redis(f->stack));
		stack_start_pool(f->stack);
		write_stress_check(people, n, f->web);
		free(people);
	}
}

/* One worker after the other; the pool and the site stay. */
TEST(workers_killed_in_a_burst, struct fixture *f)
{
	for (int round = 0; round < 4; round++) {
		struct write_stress *b = start_burst(f, "worker");
		struct write_stress_person *people;
		pid_t pids[16];
		size_t n;

		write_stress_wait(b, 10);
		n = stack_workers(f->stack, pids, NELEMS(pids));
		for (size_t i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
		assert_true(stack_ready(f->stack, 10000));
		write_stress_stop(b);
		n = write_stress_people(b, &people);
		write_stress_free(b);
		write_stress_check(people, n, f->web);
		free(people);
	}
}

/* ---- a power cut ---- */

static void
copy_file(
    struct fixture *f, const char *name, const char *dir, const char *tail)
{
	struct buf all = { 0 };
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", stack_dir(f->stack), name);
	files_read(path, &all);
	buf_append(&all, tail, strlen(tail));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	files_write(path, all.data, all.len);
	buf_clear(&all);
}

/*
 * Everything stands still while the copy is made, so it is what lay on the
 * disk at one moment; but for ${tail}, the beginning of a write that the cut
 * has torn.
 */
static size_t
cut_power(struct fixture *f, struct write_stress *b, const char *dir,
    const char *tail, struct write_stress_person **people_out)
{
	pid_t pids[16];
	size_t workers = stack_workers(f->stack, pids, NELEMS(pids));
	size_t n;

	assert_true(workers >= 4);
	n = write_stress_people(b, people_out);
	for (size_t i = 0; i < workers; i++)
		process_pause(pids[i]);
	copy_file(f, "latchkey.db", dir, "");
	copy_file(f, "latchkey.db-wal", dir, tail);
	copy_file(f, "master.key", dir, "");
	for (size_t i = 0; i < workers; i++)
		process_resume(pids[i]);
	return n;
}

static void
check_copy(const char *dir, const struct write_stress_person *people, size_t n)
{
	struct stack_options options = { .workers = 2, .dir = dir };
	struct stack *copy;
	struct web *web;
	char db[160];

	copy = stack_new(&options);
	web = web_new(stack_base(copy));
	write_stress_check(people, n, web);
	web_free(web);
	stack_free(copy);
	snprintf(db, sizeof(db), "%s/latchkey.db", dir);
	database_check(db);
	process_remove_tree(dir);
}

TEST(the_power_goes, struct fixture *f)
{
	static const char *const tails[] = { "", "torn", "" };

	for (size_t i = 0; i < NELEMS(tails); i++) {
		char dir[] = "/tmp/latchkey-cut-XXXXXX";
		struct write_stress *b = start_burst(f, "power");
		struct write_stress_person *people;
		size_t n;

		assert_non_null(mkdtemp(dir));
		write_stress_wait(b, 60 + 45 * (unsigned)i);
		n = cut_power(f, b, dir, tails[i], &people);
		write_stress_stop(b);
		write_stress_free(b);
		check_copy(dir, people, n);
		free(people);
	}
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
