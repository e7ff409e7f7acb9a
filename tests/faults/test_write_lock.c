/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "support/database.h"
#include "support/login_poller.h"
#include "support/process.h"
#include "support/signed_in_user.h"
#include "support/stack.h"
#include "support/write_stress.h"

/*
 * Another program, a backup or an operator's sqlite3, holds the database's
 * write lock: checks go on, changes wait a little and then say so, and what
 * they say is true.
 */

/* ---- the other program ---- */

struct holder {
	pthread_t thread;
	sqlite3 *db;
	long ms;
	atomic_bool let_go;
};

static void *
hold(void *arg)
{
	struct holder *h = arg;
	const struct timespec all = { h->ms / 1000, h->ms % 1000 * 1000000 };

	nanosleep(&all, NULL);
	atomic_store(&h->let_go, true);
	sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return NULL;
}

/* From the return on, for ${ms}, no other process can write. */
static void
hold_start(struct holder *h, const char *path, long ms)
{
	h->ms = ms;
	atomic_init(&h->let_go, false);
	assert_int_equal(
	    sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE, NULL),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_db_config(h->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL),
	    SQLITE_OK);
	sqlite3_busy_timeout(h->db, 10000);
	assert_int_equal(
	    sqlite3_exec(h->db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(pthread_create(&h->thread, NULL, hold, h), 0);
}

static void
hold_end(struct holder *h)
{
	assert_int_equal(pthread_join(h->thread, NULL), 0);
	assert_int_equal(sqlite3_close(h->db), SQLITE_OK);
}

/* ---- the site meanwhile ---- */

struct fixture {
	struct stack *stack;
	struct web *web;
	struct signed_in_user survivor;
	char db[160];
	int bursts;
};

static const struct stack_options *chosen;

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->stack = stack_new(chosen);
	f->web = web_new(stack_base(f->stack));
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", stack_dir(f->stack));
	signed_in_user_register(f->web, "survivor@example.org", &f->survivor);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f == NULL)
		return 0;
	stack_stop_pool(f->stack, SIGTERM);
	database_check(f->db);
	web_free(f->web);
	stack_free(f->stack);
	free(f);
	return 0;
}

static void
check_after(struct fixture *f, struct write_stress *b)
{
	struct write_stress_person *people;
	size_t n;

	write_stress_stop(b);
	n = write_stress_people(b, &people);
	write_stress_check(people, n, f->web);
	write_stress_free(b);
	/* And once more from the disk. */
	stack_stop_pool(f->stack, SIGKILL);
	stack_start_pool(f->stack);
	write_stress_check(people, n, f->web);
	free(people);
}

/* Without a change: checks do not need the lock. */
TEST(checks_do_not_notice, struct fixture *f)
{
	struct holder h;
	struct login_poller_report r;
	struct login_poller *v;

	hold_start(&h, f->db, 1000);
	v = login_poller_start(stack_base(f->stack), &f->survivor);
	hold_end(&h);
	login_poller_end(v, &r);
	assert_int_equal(r.accepted, r.asked);
	assert_true(r.asked > 20);
	assert_true(r.slowest < 0.5); /* far from the second it was held */
}

static void
held_for(struct fixture *f, long ms)
{
	struct write_stress *b;
	struct login_poller_report r;
	struct holder h;
	struct login_poller *v;
	char tag[32];

	snprintf(tag, sizeof(tag), "burst%d", ++f->bursts);
	b = write_stress_start(stack_base(f->stack), tag);
	write_stress_wait(b, 20);
	hold_start(&h, f->db, ms);
	v = login_poller_start(stack_base(f->stack), &f->survivor);
	hold_end(&h);
	login_poller_end(v, &r);
	assert_true(write_stress_refused(b) > 0);
	write_stress_wait(b, 40);
	print_message("%ld ms: %u checks, slowest %.3f s; %u changes refused, "
		      "slowest %.3f s\n",
	    ms, r.asked, r.slowest, write_stress_refused(b),
	    write_stress_slowest(b));
	check_after(f, b);
	assert_int_equal(r.accepted, r.asked);
	assert_true(r.asked > 20);
	assert_true(r.slowest < 1.0);
}

TEST(held_for_a_second)
{
	held_for(*state, 1000);
}

TEST(held_for_four_seconds)
{
	held_for(*state, 4000);
}

TEST_RUN()
{
	static const char *const env[] = { "LATCHKEY_WRITE_WAIT_MS=250", NULL };
	static const struct stack_options with_redis = { .workers = 4,
		.env = env };
	static const struct stack_options without = {
		.workers = 4, .no_redis = true, .env = env
	};
	int failed;

	chosen = &with_redis;
	failed = test_run("write lock, Redis", TEST_ALL, set_up, tear_down);
	chosen = &without;
	failed += test_run("write lock, no Redis", TEST_ALL, set_up, tear_down);
	return failed;
}
