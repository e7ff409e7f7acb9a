/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include "support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/testpoint.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/database.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/* Several processes at once, some of them killed. */

#define NOW TEST_USERS_NOW
#define JTI_NUMBER 1

static const struct store_options patient = { .write_wait_ms = 5000 };

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
	struct person ann;
};

static struct store *
open_store(struct fixture *f)
{
	struct store *st;

	assert_int_equal(store_open(f->table.db, f->m, &patient, &st), ERR_OK);
	return st;
}

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	f->st = open_store(f);
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

/* In a child: open a mapping and a connection of its own. */
static struct store *
child_store(struct fixture *f)
{
	struct shm *m;
	struct store *st;

	child_check(shm_attach(f->table.dir, SHM_FIXTURE_MB, &m) == ERR_OK);
	child_check(store_open(f->table.db, m, &patient, &st) == ERR_OK);
	return st;
}

static enum err
do_logout(struct fixture *f, struct store *st)
{
	struct claims c = test_users_claims(&f->ann, JTI_NUMBER, NOW);
	struct store_actor actor = test_users_actor(NOW);

	return store_logout(st, &actor, f->ann.session.handle, &c);
}

static void
logout_in_child(void *ctx)
{
	struct fixture *f = ctx;

	child_check(do_logout(f, child_store(f)) == ERR_OK);
}

struct outcome {
	bool session_live;
	bool token_good;
};

static struct outcome
lookup(struct fixture *f)
{
	struct claims c = test_users_claims(&f->ann, JTI_NUMBER, NOW);
	struct outcome o;
	bool revoked;

	assert_int_equal(
	    test_users_live(f->st, f->ann.session.handle, NOW, &o.session_live),
	    ERR_OK);
	assert_int_equal(store_token_revoked(f->st, c.jti, &revoked), ERR_OK);
	o.token_good = !revoked;
	return o;
}

static uint64_t
generation_of_session(struct fixture *f)
{
	char key[SESSION_KEY_SIZE];

	session_key(key, f->ann.session.handle);
	return generation_read(f->m, key);
}

/* ---- killed at every step ---- */

TEST(a_killed_change_is_whole_or_not_at_all, struct fixture *f)
{
	static const struct {
		const char *point;
		bool in_flight; /* the generation is odd afterwards */
		bool made;
	} steps[] = {
		{ "change:begun", false, false },
		{ "change:marked", true, false },
		{ "change:written", true, false },
		{ "change:committed", true, true },
		{ "change:settled", false, true },
		{ "change:tidied", false, true },
	};
	char file[64];

	for (size_t i = 0; i < NELEMS(steps); i++) {
		struct outcome o;

		(void)snprintf(file, sizeof(file), "%s.kill", steps[i].point);
		child_arm(file);
		child_killed(child_start(logout_in_child, f));
		assert_int_equal(generation_quiet(generation_of_session(f)),
		    !steps[i].in_flight);
		o = lookup(f);
		assert_int_equal(o.session_live, !steps[i].made);
		assert_int_equal(o.token_good, !steps[i].made);
		database_check(f->table.db);
		/* The next change settles what the killed one left. */
		assert_int_equal(do_logout(f, f->st), ERR_OK);
		assert_true(generation_quiet(generation_of_session(f)));
		o = lookup(f);
		assert_false(o.session_live || o.token_good);
		database_run(f->table.db,
		    "UPDATE sessions SET revoked_at = 0;"
		    "DELETE FROM revoked_tokens");
	}
}

/* ---- killed before the index of the log was written ---- */

/* Two copies of the wal-index header (the SQLite file format, section 4.4). */
#define INDEX_HEADER ((size_t)96)

struct index_copy {
	struct fixture *f;
	unsigned char *header; /* shared with the children */
	bool put_back;
};

/*
 * Runs in a child, because closing a file drops all locks that the process has
 * on it, SQLite's too.
 */
static void
copy_index(void *ctx)
{
	struct index_copy *copy = ctx;
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s-shm", copy->f->table.db);
	fd = open(path, O_RDWR | O_CLOEXEC);
	child_check(fd >= 0);
	n = copy->put_back ? pwrite(fd, copy->header, INDEX_HEADER, 0)
			   : pread(fd, copy->header, INDEX_HEADER, 0);
	child_check(n == (ssize_t)INDEX_HEADER);
}

/*
 * No reader sees the change of a writer that died when its commit was in the
 * log but not in the wal-index, and its generations are settled.  The change
 * must not reappear when the log is read again, because caches filled under
 * those generations would contradict the store.
 */
TEST(an_unseen_commit_of_a_killed_writer_never_reappears, struct fixture *f)
{
	struct index_copy copy = { .f = f };
	struct store_actor actor = test_users_actor(NOW);
	struct outcome o;

	copy.header = child_shared(INDEX_HEADER);
	child_passed(child_start(copy_index, &copy));
	child_arm("change:committed.kill");
	child_killed(child_start(logout_in_child, f));
	copy.put_back = true;
	child_passed(child_start(copy_index, &copy));
	o = lookup(f);
	assert_true(o.session_live && o.token_good);

	/* A change with nothing to do settles what was in flight. */
	assert_int_equal(store_logout(f->st, &actor,
			     "00000000000000000000000000000000", NULL),
	    ERR_OK);
	assert_true(generation_quiet(generation_of_session(f)));
	store_close(f->st);
	f->st = open_store(f);
	o = lookup(f);
	assert_true(o.session_live && o.token_good);
	child_unshare(copy.header, INDEX_HEADER);
}

/* ---- held between two steps ---- */

/* Odd before readers see the change, even only afterwards. */
TEST(the_generation_is_odd_while_the_answer_changes, struct fixture *f)
{
	static const struct {
		const char *point;
		bool odd, made;
	} steps[] = {
		{ "change:begun", false, false },
		{ "change:marked", true, false },
		{ "change:written", true, false },
		{ "change:committed", true, true },
		{ "change:settled", false, true },
	};
	char file[64];

	for (size_t i = 0; i < NELEMS(steps); i++) {
		struct outcome o;
		pid_t pid;

		(void)snprintf(file, sizeof(file), "%s.hold", steps[i].point);
		child_arm(file);
		pid = child_start(logout_in_child, f);
		child_reached(steps[i].point);
		assert_int_equal(
		    generation_quiet(generation_of_session(f)), !steps[i].odd);
		o = lookup(f);
		assert_int_equal(o.session_live, !steps[i].made);
		child_disarm(file);
		child_passed(pid);
		o = lookup(f);
		assert_false(o.session_live || o.token_good);
		database_run(f->table.db,
		    "UPDATE sessions SET revoked_at = 0;"
		    "DELETE FROM revoked_tokens");
	}
}

static void
login_denied_in_child(void *ctx)
{
	struct fixture *f = ctx;
	struct store_actor actor = test_users_actor(NOW);
	struct session s = test_users_session(2, NOW);
	struct store *st = child_store(f);
	struct user u;

	child_check(store_user_by_email(st, "ann@example.org", &u) == ERR_OK);
	child_check(store_session_open(st, &actor, TEST_USERS_PROOF(&u), &s) ==
	    ERR_DENIED);
}

TEST(a_change_between_password_and_session_wins, struct fixture *f)
{
	struct store_actor actor = test_users_actor(NOW);
	int64_t epoch, ended;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		child_arm("login:conditional.hold");
		pid = child_start(login_denied_in_child, f);
		child_reached("login:conditional");
		assert_int_equal(i == 0
			? store_password_change(f->st, &actor,
			      TEST_USERS_PROOF(&f->ann.user), "other", NULL,
			      &epoch)
			: store_logout_all(f->st, &actor, f->ann.user.id, NULL,
			      &epoch, &ended),
		    ERR_OK);
		child_disarm("login:conditional.hold");
		child_passed(pid);
	}
	assert_int_equal(
	    database_int(f->table.db, "SELECT count(*) FROM sessions"), 1);
}

/* ---- many at once ---- */

#define ROUNDS 25

static void
rename_in_child(void *ctx)
{
	struct fixture *f = ctx;
	struct store_actor actor = test_users_actor(NOW);
	struct store *st = child_store(f);
	bool names = getpid() % 2 == 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct user_patch patch = { .name = names ? "Ann" : NULL,
			.avatar_url = names ? NULL : "https://example.org/a" };
		struct user u;

		child_check(store_profile_update(st, &actor, f->ann.user.id,
				&patch, &u) == ERR_OK);
	}
}

TEST(no_profile_change_is_lost, struct fixture *f)
{
	pid_t pids[4];
	struct user u;

	for (size_t i = 0; i < NELEMS(pids); i++)
		pids[i] = child_start(rename_in_child, f);
	for (size_t i = 0; i < NELEMS(pids); i++)
		child_passed(pids[i]);
	assert_int_equal(store_user_by_id(f->st, f->ann.user.id, &u), ERR_OK);
	assert_int_equal(u.version, 1 + NELEMS(pids) * ROUNDS);
}

static void
churn_in_child(void *ctx)
{
	struct fixture *f = ctx;
	struct store *st = child_store(f);
	struct store_actor actor = test_users_actor(NOW);
	int first = (int)getpid() * 1000;
	int64_t removed;

	for (int i = 0; i < ROUNDS; i++) {
		struct session s = test_users_session(first + i, NOW);

		child_check(store_session_open(st, &actor,
				TEST_USERS_PROOF(&f->ann.user), &s) == ERR_OK);
		child_check(store_maintenance(st, NOW, &removed) == ERR_OK);
		child_check(store_logout(st, &actor, s.handle, NULL) == ERR_OK);
	}
}

/* No commit is lost while the log is copied back. */
TEST(maintenance_and_changes_run_together, struct fixture *f)
{
	pid_t pids[4];

	for (size_t i = 0; i < NELEMS(pids); i++)
		pids[i] = child_start(churn_in_child, f);
	for (size_t i = 0; i < NELEMS(pids); i++)
		child_passed(pids[i]);
	assert_int_equal(
	    database_int(f->table.db, "SELECT count(*) FROM sessions"),
	    1 + NELEMS(pids) * ROUNDS);
	assert_int_equal(database_int(f->table.db,
			     "SELECT count(*) FROM sessions"
			     " WHERE revoked_at = 0"),
	    1);
}

/* ---- two connections of one process ---- */

static void
try_to_take_it_over(void *ctx)
{
	const struct fixture *f = ctx;
	sqlite3 *db;

	child_check(sqlite3_open(f->table.db, &db) == SQLITE_OK);
	/* Leaving WAL mode needs an exclusive lock. */
	child_check(sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL,
			NULL) == SQLITE_BUSY);
	child_check(sqlite3_close(db) == SQLITE_OK);
}

TEST(closing_one_leaves_the_locks_of_the_other, struct fixture *f)
{
	struct store *second = open_store(f);
	bool is_live = true;

	assert_int_equal(do_logout(f, second), ERR_OK);
	assert_int_equal(
	    test_users_live(f->st, f->ann.session.handle, NOW, &is_live),
	    ERR_OK);
	assert_false(is_live);
	store_close(second);
	child_passed(child_start(try_to_take_it_over, f));
	assert_int_equal(store_ping(f->st), ERR_OK);
}
