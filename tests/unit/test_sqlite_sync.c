/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/database.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/*
 * A disk that fails when the log is synced.  SQLite works on real files through
 * a VFS whose xSync fails on demand.
 */

#define NOW TEST_USERS_NOW

static const struct store_options options = { .write_wait_ms = 500 };

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	sqlite3_io_methods methods;
	const sqlite3_io_methods *real_methods;
	int fail_syncs; /* that fail from now on */
	int opened;     /* how often the log was opened */
} disk;

static int
disk_sync(sqlite3_file *file, int flags)
{
	if (disk.fail_syncs > 0) {
		disk.fail_syncs--;
		return SQLITE_IOERR_FSYNC;
	}
	return disk.real_methods->xSync(file, flags);
}

static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_out)
{
	int rc = disk.real->xOpen(disk.real, name, file, flags, flags_out);

	(void)vfs;
	if (rc != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0)
		return rc;
	disk.opened++;
	disk.real_methods = file->pMethods;
	disk.methods = *file->pMethods;
	disk.methods.xSync = disk_sync;
	file->pMethods = &disk.methods;
	return rc;
}

static void
replace_disk(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	assert_non_null(disk.real);
	disk.vfs = *disk.real;
	disk.vfs.zName = "failing-disk";
	disk.vfs.xOpen = disk_open;
	assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
	struct person ann;
	struct store_actor actor;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	disk.opened = 0;
	disk.fail_syncs = 0;
	assert_int_equal(
	    store_open(f->table.db, f->m, &options, &f->st), ERR_OK);
	f->actor = test_users_actor(NOW);
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

/* After the last connection has closed, the log is read again. */
static void
reopen(struct fixture *f)
{
	store_close(f->st);
	assert_int_equal(
	    store_open(f->table.db, f->m, &options, &f->st), ERR_OK);
}

/*
 * A logout whose sync failed may be on the disk or not.  It is not
 * acknowledged, and its frames are overwritten, so that no later connection
 * finds them and the next logout has something to end.
 */
TEST(a_failed_sync_closes_the_connection, struct fixture *f)
{
	const char *handle = f->ann.session.handle;
	char key[SESSION_KEY_SIZE];
	bool live;

	session_key(key, handle);
	assert_int_equal(disk.opened, 1);
	disk.fail_syncs = 1;
	assert_int_equal(
	    store_logout(f->st, &f->actor, handle, NULL), ERR_UNAVAILABLE);
	assert_int_equal(disk.fail_syncs, 0);
	assert_int_equal(disk.opened, 2);
	assert_int_equal(generation_read(f->m, key), 2);
	assert_int_equal(store_ping(f->st), ERR_OK);
	reopen(f);
	assert_int_equal(test_users_live(f->st, handle, NOW, &live), ERR_OK);
	assert_true(live);
	assert_int_equal(store_logout(f->st, &f->actor, handle, NULL), ERR_OK);
	assert_int_equal(test_users_live(f->st, handle, NOW, &live), ERR_OK);
	assert_false(live);
}

/* While syncs fail, changes fail and reads go on. */
TEST(a_disk_that_keeps_failing_stops_changes_only, struct fixture *f)
{
	struct session s = test_users_session(2, NOW);
	struct user u;

	disk.fail_syncs = 20;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(store_session_open(f->st, &f->actor,
				     TEST_USERS_PROOF(&f->ann.user), &s),
		    ERR_UNAVAILABLE);
		assert_int_equal(
		    store_user_by_id(f->st, f->ann.user.id, &u), ERR_OK);
	}
	disk.fail_syncs = 0;
	assert_int_equal(store_session_open(f->st, &f->actor,
			     TEST_USERS_PROOF(&f->ann.user), &s),
	    ERR_OK);
}

/*
 * A change that cannot be overwritten may reappear, so its keys are not cached
 * until another change was committed.
 */
TEST(keys_of_a_commit_in_doubt_stay_uncached, struct fixture *f)
{
	const char *handle = f->ann.session.handle;
	char key[SESSION_KEY_SIZE];
	bool live;

	session_key(key, handle);
	disk.fail_syncs = 20;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_logout(f->st, &f->actor, handle, NULL),
		    ERR_UNAVAILABLE);
		assert_false(generation_quiet(generation_read(f->m, key)));
	}
	disk.fail_syncs = 0;
	assert_int_equal(store_logout(f->st, &f->actor, handle, NULL), ERR_OK);
	assert_true(generation_quiet(generation_read(f->m, key)));
	assert_int_equal(test_users_live(f->st, handle, NOW, &live), ERR_OK);
	assert_false(live);
}

/* ---- creating the database ---- */

static int
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	child_check(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
create_on_a_broken_disk(void *ctx)
{
	const char *db = ctx;
	struct shm *m = NULL;
	struct store *st = NULL;
	struct stat file;
	int before = open_files();

	m = shm_fixture_of(db);
	child_refuse(SYS_fsync, 0, EIO);
	for (int i = 0; i < 3; i++) {
		child_check(
		    store_open(db, m, &options, &st) == ERR_UNAVAILABLE);
		child_check(stat(db, &file) != 0 && errno == ENOENT);
	}
	/* With the shared memory goes the claim on the database. */
	shm_detach(m);
	child_check(open_files() == before);
}

/* Leave neither a descriptor nor a file that is not durable. */
TEST(a_database_that_cannot_be_synced_leaves_nothing, struct fixture *f)
{
	char db[PATH_MAX];

	/* Another site: its shared memory file lies beside its database. */
	(void)snprintf(db, sizeof(db), "%s/other", f->table.dir);
	assert_int_equal(mkdir(db, 0700), 0);
	(void)snprintf(db, sizeof(db), "%s/other/other.db", f->table.dir);
	child_passed(child_start(create_on_a_broken_disk, db));
}

TEST_RUN()
{
	replace_disk();
	return test_run("tests", TEST_ALL, NULL, NULL);
}
