/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "shm/shm.h"
#include "store/store.h"
#include "support/child.h"
#include "support/database.h"
#include "support/files.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/*
 * A migration killed before any one of its writes.  SQLite works on real files
 * through a VFS that counts the calls that write and kills the process at a
 * given one.
 */

#define NOW TEST_USERS_NOW
#define FOREIGN 4 /* the user that an external issuer brought */

static const struct store_options options = { .write_wait_ms = 500 };

/* ---- the VFS ---- */

#define METHODS_MAX 8

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	int left; /* calls until the process is killed; 0: never */
} disk;

/* Files of different kinds have different methods. */
static struct method {
	const sqlite3_io_methods *real;
	sqlite3_io_methods killing;
} methods[METHODS_MAX];

static void
count_down(void)
{
	if (disk.left > 0 && --disk.left == 0)
		(void)raise(SIGKILL);
}

static const sqlite3_io_methods *
real_methods(const sqlite3_file *file)
{
	return ((const struct method *)((const char *)file->pMethods -
		    offsetof(struct method, killing)))
	    ->real;
}

static int
disk_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	count_down();
	return real_methods(file)->xWrite(file, data, len, at);
}

static int
disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	count_down();
	return real_methods(file)->xTruncate(file, size);
}

static int
disk_sync(sqlite3_file *file, int flags)
{
	count_down();
	return real_methods(file)->xSync(file, flags);
}

/* A commit to the log ends with its index in shared memory. */
static void
disk_barrier(sqlite3_file *file)
{
	count_down();
	real_methods(file)->xShmBarrier(file);
}

static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_out)
{
	int rc = disk.real->xOpen(disk.real, name, file, flags, flags_out);
	size_t i = 0;

	(void)vfs;
	if (rc != SQLITE_OK || file->pMethods == NULL)
		return rc;
	while (methods[i].real != NULL && methods[i].real != file->pMethods)
		i++;
	assert_true(i < METHODS_MAX);
	methods[i].real = file->pMethods;
	methods[i].killing = *file->pMethods;
	methods[i].killing.xWrite = disk_write;
	methods[i].killing.xTruncate = disk_truncate;
	methods[i].killing.xSync = disk_sync;
	methods[i].killing.xShmBarrier = disk_barrier;
	file->pMethods = &methods[i].killing;
	return rc;
}

static int
disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	count_down();
	return disk.real->xDelete(disk.real, name, sync);
}

static int
replace_disk(void **state)
{
	(void)state;
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "killing-disk";
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	return sqlite3_vfs_register(&disk.vfs, 1);
}

TEST_GROUP_FIXTURE(replace_disk, NULL);

/* ---- a database of version 3 ---- */

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
	char original[PATH_MAX];
};

/* Ann and Bob have passwords; user 4 came from an external issuer. */
static void
make_version_3(const char *path, const char *journal_mode)
{
	char sql[64];

	database_make(path, 3);
	database_run(path,
	    "INSERT INTO users (id, email, email_normal, name, avatar_url,"
	    " role, status, password_hash, epoch, version, created_at,"
	    " updated_at) VALUES (4, '', 'none:1', 'Zoe', '', 'user',"
	    " 'active', '', 1, 1, 100, 100);"
	    "INSERT INTO sessions VALUES"
	    " ('00000000000000000000000000000001', 1, 1, 300, 300, 1800000000,"
	    " 0, 'Laptop', 'Test', '192.0.2.1'),"
	    " ('00000000000000000000000000000002', 1, 1, 300, 300, 1800000000,"
	    " 350, 'Laptop', 'Test', '192.0.2.1');"
	    "INSERT INTO revoked_tokens VALUES ('jti', 1800000000);"
	    "INSERT INTO signing_keys VALUES ('kid', 'ES256', x'01', 100, 100,"
	    " 900);"
	    "INSERT INTO subjects VALUES ('https://a.example', 'zoe', 4, 0,"
	    " zeroblob(32), 390, 0);"
	    "INSERT INTO issuer_keys VALUES ('https://a.example', '{}', 1, 2,"
	    " 1, 0, '');"
	    "INSERT INTO audit VALUES (1, 100, 'register', 1, '', '');"
	    "UPDATE latest SET outside_since = 350;"
	    "PRAGMA wal_checkpoint(TRUNCATE)");
	(void)snprintf(
	    sql, sizeof(sql), "PRAGMA journal_mode = %s", journal_mode);
	database_run(path, sql);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	(void)snprintf(
	    f->original, sizeof(f->original), "%s/original", f->table.dir);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->st);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
	free(f);
	return 0;
}

TEST_FIXTURE(set_up, tear_down);

static enum err
open_store(struct fixture *f)
{
	return store_open(f->table.db, f->m, &options, &f->st);
}

static void
remove_database(struct fixture *f)
{
	static const char *const suffixes[] = { "", "-wal", "-shm",
		"-journal" };
	char path[PATH_MAX];

	store_close(f->st);
	f->st = NULL;
	for (size_t i = 0; i < NELEMS(suffixes); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s%s", f->table.db, suffixes[i]);
		(void)unlink(path);
	}
}

/* ---- checks afterwards ---- */

static void
check_rows(struct fixture *f)
{
	static struct signing_key_row keys[SIGNING_KEYS_MAX];
	static struct issuer_keys issuers[ISSUERS_MAX];
	const struct external_profile p = { .issuer = "https://a.example",
		.subject = "zoe",
		.issued_at = 391,
		.name = "Zoe",
		.avatar_url = "" };
	char hash[USER_HASH_SIZE];
	bool live, revoked;
	int64_t id;
	size_t n;

	assert_int_equal(store_password_hash(f->st, 1, hash), ERR_OK);
	assert_string_equal(hash, "h");
	assert_int_equal(
	    store_password_hash(f->st, FOREIGN, hash), ERR_NOT_FOUND);
	assert_int_equal(test_users_live(f->st,
			     test_users_session(1, NOW).handle, NOW, &live),
	    ERR_OK);
	assert_true(live);
	assert_int_equal(test_users_live(f->st,
			     test_users_session(2, NOW).handle, NOW, &live),
	    ERR_OK);
	assert_false(live);
	assert_int_equal(store_token_revoked(f->st, "jti", &revoked), ERR_OK);
	assert_true(revoked);
	assert_int_equal(store_keys(f->st, keys, &n), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(store_issuers(f->st, issuers, &n), ERR_OK);
	assert_int_equal(n, 1);
	issuer_keys_clear(&issuers[0]);
	assert_int_equal(store_external_user(f->st, &p, &id), ERR_OK);
	assert_int_equal(id, FOREIGN);
}

static void
check_schema(const char *path)
{
	database_check(path);
	assert_int_equal(
	    database_int(path, "PRAGMA user_version"), sqlite_newest_version());
	assert_int_equal(
	    database_int(path,
		"SELECT count(*) FROM credentials WHERE kind = 'password'"
		" AND id = '' AND data = 'h' AND created_at = 100"
		" AND used_at = 0 AND user_id IN (1, 2)"),
	    2);
	assert_int_equal(
	    database_int(path, "SELECT count(*) FROM credentials"), 2);
	assert_int_equal(database_int(path,
			     "SELECT count(*) FROM pragma_table_info('users')"
			     " WHERE name = 'password_hash'"),
	    0);
	assert_int_equal(
	    database_int(path, "SELECT external_since FROM latest"), 350);
}

/* Log in, change the password and delete the account of Ann. */
static void
use_account(struct fixture *f)
{
	struct store_actor actor = test_users_actor(NOW);
	struct session s = test_users_session(3, NOW);
	struct store_proof proof = {
		.user_id = 1, .epoch = 1, .hash = "h", .rehash = "stronger"
	};
	char hash[USER_HASH_SIZE];

	assert_int_equal(store_session_open(f->st, &actor, &proof, &s), ERR_OK);
	assert_int_equal(store_password_hash(f->st, 1, hash), ERR_OK);
	assert_string_equal(hash, "stronger");
	assert_int_equal(
	    database_int(f->table.db,
		"SELECT used_at FROM credentials WHERE user_id = 1"),
	    NOW);
	assert_int_equal(store_password_change(f->st, &actor, &proof, "other",
			     NULL, &proof.epoch),
	    ERR_OK);
	assert_int_equal(store_password_hash(f->st, 1, hash), ERR_OK);
	assert_string_equal(hash, "other");
	assert_int_equal(store_delete(f->st, &actor, &proof), ERR_OK);
	assert_int_equal(
	    database_int(f->table.db,
		"SELECT count(*) FROM credentials WHERE user_id = 1"),
	    0);
	database_check(f->table.db);
}

/* ---- the tests ---- */

static void
migrate_in_child(void *ctx)
{
	(void)open_store(ctx);
}

struct attempt {
	struct fixture *f;
	int left;
	bool *opened; /* shared with the child */
};

static void
migrate_until_killed(void *ctx)
{
	struct attempt *a = ctx;

	disk.left = a->left;
	*a->opened = open_store(a->f) == ERR_OK;
	(void)raise(SIGKILL);
}

/* Return the number of writes of a migration that is not killed. */
static int
kill_at_each_write(struct fixture *f)
{
	struct attempt a = { .f = f, .opened = child_shared(sizeof(bool)) };

	while (!*a.opened) {
		a.left++;
		files_copy(f->original, f->table.db);
		child_killed(child_start(migrate_until_killed, &a));
		assert_int_equal(open_store(f), ERR_OK);
		check_rows(f);
		check_schema(f->table.db);
		if (*a.opened)
			use_account(f);
		remove_database(f);
	}
	child_unshare(a.opened, sizeof(bool));
	return a.left;
}

TEST(a_migration_killed_at_any_write_is_whole_or_not_at_all, struct fixture *f)
{
	static const char *const modes[] = { "WAL", "DELETE" };

	for (size_t i = 0; i < NELEMS(modes); i++) {
		make_version_3(f->original, modes[i]);
		assert_true(kill_at_each_write(f) > 10);
		assert_int_equal(unlink(f->original), 0);
	}
}

TEST(a_migration_killed_around_its_commit_is_whole_or_not_at_all,
    struct fixture *f)
{
	static const char *const points[] = { "store:migrating",
		"store:migrated" };
	char file[64];

	make_version_3(f->original, "WAL");
	for (size_t i = 0; i < NELEMS(points); i++) {
		files_copy(f->original, f->table.db);
		(void)snprintf(file, sizeof(file), "%s.kill", points[i]);
		child_arm(file);
		child_killed(child_start(migrate_in_child, f));
		/* Before the commit, the version is still 3. */
		assert_int_equal(
		    database_int(f->table.db, "PRAGMA user_version"),
		    i == 0 ? 3 : sqlite_newest_version());
		assert_int_equal(open_store(f), ERR_OK);
		check_rows(f);
		check_schema(f->table.db);
		use_account(f);
		remove_database(f);
	}
}
