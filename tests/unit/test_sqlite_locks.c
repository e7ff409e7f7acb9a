/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include "support/test.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/testpoint.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/database.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/* The database is locked by another program, a backup for instance. */

#define NOW TEST_USERS_NOW
#define WAIT_MS 3000

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
	struct person ann;
};

static struct store *
open_store(const struct fixture *f, struct shm *m, int wait_ms)
{
	const struct store_options options = { .write_wait_ms = wait_ms };
	struct store *st;

	return store_open(f->table.db, m, &options, &st) == ERR_OK ? st : NULL;
}

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	f->st = open_store(f, f->m, 5000);
	assert_non_null(f->st);
	assert_int_equal(
	    test_users_register(f->st, "ann", 1, NOW, &f->ann), ERR_OK);
}

static void
tear_down(struct fixture *f)
{
	store_close(f->st);
	database_check(f->table.db);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static enum err
do_logout(const struct fixture *f, struct store *st)
{
	struct store_actor actor = test_users_actor(NOW);

	return store_logout(st, &actor, f->ann.session.handle, NULL);
}

static bool
is_live(const struct fixture *f)
{
	bool live;

	assert_int_equal(
	    test_users_live(f->st, f->ann.session.handle, NOW, &live), ERR_OK);
	return live;
}

static sqlite3 *
lock_from_outside(const struct fixture *f)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->table.db, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

TEST(a_lock_held_too_long_makes_the_store_unavailable, struct fixture *f)
{
	struct store_actor actor = test_users_actor(NOW);
	struct session s = test_users_session(2, NOW);
	struct store *st = open_store(f, f->m, 50);
	sqlite3 *db = lock_from_outside(f);
	char key[SESSION_KEY_SIZE];
	struct user u;
	uint64_t before;

	session_key(key, f->ann.session.handle);
	before = generation_read(f->m, key);
	assert_int_equal(do_logout(f, st), ERR_UNAVAILABLE);
	assert_int_equal(
	    store_session_open(st, &actor, TEST_USERS_PROOF(&f->ann.user), &s),
	    ERR_UNAVAILABLE);
	assert_int_equal(
	    store_session_touch(f->st, f->ann.session.handle, NOW + 999),
	    ERR_UNAVAILABLE);
	/* Reads go on, and cached entries stay valid. */
	assert_int_equal(store_user_by_id(st, f->ann.user.id, &u), ERR_OK);
	assert_true(is_live(f));
	assert_int_equal(generation_read(f->m, key), before);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(do_logout(f, st), ERR_OK);
	store_close(st);
}

static void
hold_a_while(void *ctx)
{
	struct fixture *f = ctx;
	sqlite3 *db;

	child_check(sqlite3_open(f->table.db, &db) == SQLITE_OK);
	child_check(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
	TESTPOINT("test:locked");
	child_check(usleep(200 * 1000) == 0);
	child_check(sqlite3_close(db) == SQLITE_OK);
}

TEST(a_lock_held_briefly_is_waited_for, struct fixture *f)
{
	pid_t pid;

	child_arm("test:locked.hold");
	pid = child_start(hold_a_while, f);
	child_reached("test:locked");
	child_disarm("test:locked.hold");
	assert_int_equal(do_logout(f, f->st), ERR_OK);
	child_passed(pid);
}

/* In a process with a mapping and a connection of its own. */
static void
refused_in_time(void *ctx)
{
	const struct fixture *f = ctx;
	struct shm *m;
	struct store *st;
	int64_t start;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	st = open_store(f, m, WAIT_MS);
	child_check(st != NULL);
	TESTPOINT("test:opened");
	start = clock_system.mono_us();
	child_check(do_logout(f, st) == ERR_UNAVAILABLE);
	/* The write lock is held for the whole wait of the change. */
	child_check(
	    clock_system.mono_us() - start < (int64_t)2 * WAIT_MS * 1000);
}

/* Time spent on the write lock is not left for the database's lock. */
TEST(a_change_waits_once_for_all_its_locks, struct fixture *f)
{
	const struct timespec all = { WAIT_MS / 1000, 0 };
	sqlite3 *db;
	pid_t pid;

	child_arm("test:opened.hold");
	pid = child_start(refused_in_time, f);
	child_reached("test:opened");
	db = lock_from_outside(f);
	child_arm("generation:locked.hold");
	child_disarm("test:opened.hold");
	child_reached("generation:locked");
	assert_int_equal(nanosleep(&all, NULL), 0);
	child_disarm("generation:locked.hold");
	child_passed(pid);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_true(is_live(f));
}
