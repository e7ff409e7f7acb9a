/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include "support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/database.h"
#include "support/files.h"
#include "support/shm_fixture.h"
#include "support/test_users.h"

/* Opening: files of every kind at the place of the database. */

#define NOW TEST_USERS_NOW
#define PAGE 4096

static const struct store_options options = { .write_wait_ms = 500 };

struct fixture {
	struct table table;
	struct shm *m;
	struct store *st;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
}

static void
tear_down(struct fixture *f)
{
	store_close(f->st);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static enum err
open_store(struct fixture *f)
{
	store_close(f->st);
	f->st = NULL;
	return store_open(f->table.db, f->m, &options, &f->st);
}

static void
close_store(struct fixture *f)
{
	store_close(f->st);
	f->st = NULL;
}

static void
register_people(struct fixture *f, int n)
{
	struct person p;
	char name[32];

	for (int i = 1; i <= n; i++) {
		(void)snprintf(name, sizeof(name), "person%d", i);
		assert_int_equal(
		    test_users_register(f->st, name, i, NOW, &p), ERR_OK);
	}
}

static void
write_file(const char *path, const void *data, size_t len, off_t at)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	assert_int_equal(close(fd), 0);
}

static off_t
size_of(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 ? file.st_size : -1;
}

static char *
beside(const struct fixture *f, const char *suffix)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s%s", f->table.db, suffix);
	return path;
}

static void
assert_private(const char *path)
{
	struct stat file;

	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0600);
}

/* Query the store's own connection. */
static int
setting(const struct fixture *f, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int value;

	assert_int_equal(
	    sqlite3_prepare_v2(sqlite_store(f->st)->db, sql, -1, &stmt, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int(stmt, 0);
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	return value;
}

TEST(a_new_database_is_private_and_durable, struct fixture *f)
{
	mode_t mask = umask(0);

	assert_int_equal(open_store(f), ERR_OK);
	(void)umask(mask);
	register_people(f, 1);
	assert_private(f->table.db);
	assert_private(beside(f, "-wal"));
	assert_private(beside(f, "-shm"));
	assert_private(beside(f, "-ballast"));
	assert_int_equal(size_of(beside(f, "-ballast")), 4 * 1024 * 1024);
	assert_int_equal(database_int(f->table.db, "PRAGMA application_id"),
	    SQLITE_APPLICATION_ID);
	assert_int_equal(database_int(f->table.db, "PRAGMA user_version"),
	    sqlite_newest_version());
	assert_int_equal(setting(f, "PRAGMA synchronous"), 2); /* FULL */
	assert_int_equal(setting(f, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(setting(f, "PRAGMA foreign_keys"), 1);
	assert_int_equal(setting(f, "PRAGMA trusted_schema"), 0);
	assert_int_equal(setting(f, "PRAGMA cell_size_check"), 1);
	assert_int_equal(setting(f, "PRAGMA mmap_size"), 0);
	close_store(f);
	database_check(f->table.db);
	assert_int_equal(open_store(f), ERR_OK);
	assert_int_equal(store_ping(f->st), ERR_OK);
}

TEST(an_empty_file_becomes_a_database, struct fixture *f)
{
	write_file(f->table.db, "", 0, 0);
	assert_int_equal(open_store(f), ERR_OK);
	register_people(f, 1);
}

TEST(a_file_that_is_no_database_is_left_alone, struct fixture *f)
{
	char text[8192];

	memset(text, 'x', sizeof(text));
	for (size_t len = 1; len <= sizeof(text); len *= 2) {
		write_file(f->table.db, text, len, 0);
		assert_int_equal(open_store(f), ERR_INVALID);
		assert_null(f->st);
		assert_int_equal(size_of(f->table.db), (off_t)len);
		assert_int_equal(size_of(beside(f, "-wal")), -1);
	}
}

TEST(a_foreign_database_is_left_alone, struct fixture *f)
{
	database_run(f->table.db,
	    "PRAGMA application_id = 7;"
	    "CREATE TABLE users (id INTEGER);");
	assert_int_equal(open_store(f), ERR_INVALID);
	assert_int_equal(size_of(beside(f, "-wal")), -1);
	database_run(f->table.db, "PRAGMA application_id = 0");
	assert_int_equal(open_store(f), ERR_INVALID);
	assert_int_equal(
	    database_int(f->table.db, "SELECT count(*) FROM sqlite_schema"), 1);
}

/* Present a token issued at ${issued_at}. */
static enum err
adopt(struct fixture *f, int64_t issued_at)
{
	const struct store_actor actor = { .address = "", .now = 1000 };
	const struct external_profile p = { .issuer = "https://a.example",
		.subject = "zoe",
		.issued_at = issued_at,
		.leeway = 5,
		.name = "Zoe",
		.avatar_url = "" };
	enum external_done done;
	int64_t id;

	return store_external_provision(f->st, &actor, &p, &id, &done);
}

TEST(an_older_version_is_brought_up_to_date, struct fixture *f)
{
	static struct signing_key_row keys[SIGNING_KEYS_MAX];
	static struct issuer_keys issuers[ISSUERS_MAX];
	char hash[USER_HASH_SIZE];
	struct user u;
	size_t n = 99;

	for (int version = 1; version < sqlite_newest_version(); version++) {
		database_make(f->table.db, version);
		assert_int_equal(open_store(f), ERR_OK);
		assert_int_equal(
		    database_int(f->table.db, "PRAGMA user_version"),
		    sqlite_newest_version());
		assert_int_equal(store_keys(f->st, keys, &n), ERR_OK);
		assert_int_equal(n, 0);
		assert_int_equal(store_issuers(f->st, issuers, &n), ERR_OK);
		assert_int_equal(n, 0);
		assert_int_equal(store_user_by_id(f->st, 1, &u), ERR_OK);
		assert_string_equal(u.email, "a@b.c");
		assert_int_equal(store_password_hash(f->st, 1, hash), ERR_OK);
		assert_string_equal(hash, "h");
		assert_int_equal(u.epoch, 1);
		assert_int_equal(u.epoch_at, 0);
		/* Not noted by old versions; not after the latest change. */
		assert_int_equal(store_user_by_id(f->st, 2, &u), ERR_OK);
		assert_int_equal(u.epoch, 5);
		assert_int_equal(u.epoch_at, 400);
		assert_int_equal(u.updated_at, 300);
		/* Tokens from before create no account. */
		assert_int_equal(adopt(f, 405), ERR_DENIED);
		assert_int_equal(adopt(f, 406), ERR_OK);
		assert_int_equal(adopt(f, 405), ERR_DENIED);
		close_store(f);
		database_check(f->table.db);
		assert_int_equal(unlink(f->table.db), 0);
		assert_int_equal(unlink(beside(f, "-wal")), 0);
		assert_int_equal(unlink(beside(f, "-shm")), 0);
	}
}

TEST(a_newer_version_is_refused, struct fixture *f)
{
	assert_int_equal(open_store(f), ERR_OK);
	close_store(f);
	database_run(f->table.db, "PRAGMA user_version = 1000");
	assert_int_equal(open_store(f), ERR_INVALID);
	assert_int_equal(
	    database_int(f->table.db, "PRAGMA user_version"), 1000);
}

TEST(a_table_that_is_missing_is_damage, struct fixture *f)
{
	assert_int_equal(open_store(f), ERR_OK);
	close_store(f);
	database_run(f->table.db, "DROP TABLE audit");
	assert_int_equal(open_store(f), ERR_INVALID);
}

TEST(a_folder_or_link_is_refused, struct fixture *f)
{
	assert_int_equal(mkdir(f->table.db, 0700), 0);
	assert_int_equal(open_store(f), ERR_INVALID);
	assert_int_equal(rmdir(f->table.db), 0);
	assert_int_equal(symlink("nowhere", f->table.db), 0);
	assert_int_equal(open_store(f), ERR_INVALID);
	assert_int_equal(unlink(f->table.db), 0);
}

/* Shared memory that is new knows no time; the clock may have been set back. */
TEST(the_host_knows_the_time_of_the_store, struct fixture *f)
{
	const struct store_actor late = { .address = "",
		.now = TEST_USERS_NOW + 7 };

	assert_int_equal(open_store(f), ERR_OK);
	assert_int_equal(store_write_check(f->st, &late), ERR_OK);
	close_store(f);
	assert_int_equal(shm_time(f->m, 1), 1);
	assert_int_equal(open_store(f), ERR_OK);
	assert_int_equal(shm_time(f->m, 1), TEST_USERS_NOW + 7);
}

TEST(a_missing_folder_is_unavailable, struct fixture *f)
{
	struct store *st;

	assert_int_equal(
	    store_open("/nonexistent/there/x.db", f->m, &options, &st),
	    ERR_UNAVAILABLE);
	assert_null(st);
}

/* ---- damage ---- */

/* Copy the log back, so that pages are read from the file. */
static void
close_and_copy_back(struct fixture *f)
{
	close_store(f);
	database_run(f->table.db, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(size_of(beside(f, "-wal")), 0);
}

static void
damage_page(struct fixture *f, int64_t page)
{
	char junk[PAGE];

	memset(junk, 0xa5, sizeof(junk));
	write_file(f->table.db, junk, sizeof(junk), (page - 1) * PAGE);
}

TEST(a_damaged_page_is_found_at_the_start, struct fixture *f)
{
	int64_t pages;

	assert_int_equal(open_store(f), ERR_OK);
	register_people(f, 30);
	close_and_copy_back(f);
	pages = size_of(f->table.db) / PAGE;
	assert_true(pages > 5);
	/* The first page last, as it identifies the file. */
	for (int64_t page = pages; page >= 1; page--) {
		char good[PAGE];
		int fd = open(f->table.db, O_RDONLY);

		assert_int_equal(
		    pread(fd, good, PAGE, (page - 1) * PAGE), PAGE);
		assert_int_equal(close(fd), 0);
		damage_page(f, page);
		assert_int_equal(open_store(f), ERR_INVALID);
		write_file(f->table.db, good, PAGE, (page - 1) * PAGE);
	}
	assert_int_equal(open_store(f), ERR_OK);
}

/* A large file is not read completely at the start, only when used. */
TEST(a_damaged_page_makes_a_read_fail, struct fixture *f)
{
	int unavailable = 0;
	int64_t page;

	assert_int_equal(open_store(f), ERR_OK);
	register_people(f, 100);
	close_store(f);
	database_run(f->table.db,
	    "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 30000) INSERT INTO users SELECT i, i, i, i, '', 'user',"
	    " 'active', 1, 1, 0, 0, 0 FROM n");
	close_and_copy_back(f);
	assert_true(size_of(f->table.db) > 256 * PAGE);
	page = database_int(f->table.db,
	    "SELECT pageno FROM dbstat WHERE name = 'users' AND"
	    " pagetype = 'leaf' LIMIT 1 OFFSET 20");
	damage_page(f, page);
	assert_int_equal(open_store(f), ERR_OK);
	for (int64_t id = 1000; id <= 30000; id++) {
		struct user u;
		enum err err = store_user_by_id(f->st, id, &u);

		if (err == ERR_UNAVAILABLE)
			unavailable++;
		else
			assert_int_equal(err, ERR_OK);
	}
	assert_true(unavailable > 0);
	assert_int_equal(store_ping(f->st), ERR_OK);
}

TEST(an_invalid_row_makes_a_read_fail, struct fixture *f)
{
	char hash[USER_HASH_SIZE];
	struct user u;

	assert_int_equal(open_store(f), ERR_OK);
	register_people(f, 1);
	database_run(f->table.db, "UPDATE users SET epoch = 0");
	assert_int_equal(store_user_by_id(f->st, 1, &u), ERR_UNAVAILABLE);
	assert_int_equal(u.id, 0);
	database_run(f->table.db,
	    "UPDATE users SET epoch = 1;"
	    "UPDATE credentials SET data = hex(zeroblob(99))");
	assert_int_equal(store_password_hash(f->st, 1, hash), ERR_UNAVAILABLE);
	assert_int_equal(store_user_by_id(f->st, 1, &u), ERR_OK);
}

/* ---- the file is moved or replaced ---- */

TEST(a_moved_file_is_noticed, struct fixture *f)
{
	struct store_actor actor = test_users_actor(NOW);
	struct person p;
	struct user u;

	assert_int_equal(open_store(f), ERR_OK);
	register_people(f, 1);
	assert_int_equal(rename(f->table.db, beside(f, "-aside")), 0);
	assert_int_equal(store_ping(f->st), ERR_UNAVAILABLE);
	assert_int_equal(store_user_by_id(f->st, 1, &u), ERR_UNAVAILABLE);
	assert_int_equal(
	    test_users_register(f->st, "late", 9, NOW, &p), ERR_UNAVAILABLE);
	/* Another file in its place is refused, too. */
	database_run(beside(f, "-other"), "CREATE TABLE t (x)");
	assert_int_equal(link(beside(f, "-other"), f->table.db), 0);
	assert_int_equal(store_logout(f->st, &actor,
			     test_users_session(1, NOW).handle, NULL),
	    ERR_UNAVAILABLE);
	assert_int_equal(rename(beside(f, "-aside"), f->table.db), 0);
	assert_int_equal(store_ping(f->st), ERR_OK);
	assert_int_equal(store_user_by_id(f->st, 1, &u), ERR_OK);
}

/* Other processes would write to a new log that is not read here. */
TEST(a_missing_log_is_noticed, struct fixture *f)
{
	assert_int_equal(open_store(f), ERR_OK);
	register_people(f, 1);
	assert_int_equal(unlink(beside(f, "-wal")), 0);
	assert_int_equal(store_ping(f->st), ERR_UNAVAILABLE);
}

/* ---- missing permissions ---- */

#define OTHER_USER 65534

static void
open_as_other_user(void *ctx)
{
	struct fixture *f = ctx;
	struct store *st = NULL;

	child_check(setresgid(OTHER_USER, OTHER_USER, OTHER_USER) == 0);
	child_check(setresuid(OTHER_USER, OTHER_USER, OTHER_USER) == 0);
	child_check(
	    store_open(f->table.db, f->m, &options, &st) == ERR_UNAVAILABLE);
	child_check(st == NULL);
}

/* As root, the children switch to another user. */
TEST(a_read_only_database_is_not_opened, struct fixture *f)
{
	if (getuid() != 0)
		skip();
	assert_int_equal(open_store(f), ERR_OK);
	close_store(f);
	assert_int_equal(chmod(f->table.dir, 0777), 0);
	assert_int_equal(chmod(f->table.db, 0444), 0);
	child_passed(child_start(open_as_other_user, f));
	assert_int_equal(chmod(f->table.db, 0666), 0);
	assert_int_equal(unlink(beside(f, "-shm")), 0);
	assert_int_equal(unlink(beside(f, "-wal")), 0);
	assert_int_equal(chmod(f->table.dir, 0555), 0);
	child_passed(child_start(open_as_other_user, f));
	assert_int_equal(chmod(f->table.dir, 0700), 0);
	assert_int_equal(chmod(f->table.db, 0600), 0);
	assert_int_equal(open_store(f), ERR_OK);
}

/* ---- killed while the database is created ---- */

static void
open_in_child(void *ctx)
{
	(void)open_store(ctx);
}

TEST(a_database_killed_at_creation_is_created_again, struct fixture *f)
{
	static const char *const points[] = { "store:migrating.kill",
		"store:migrated.kill" };

	for (size_t i = 0; i < NELEMS(points); i++) {
		child_arm(points[i]);
		child_killed(child_start(open_in_child, f));
		assert_int_equal(open_store(f), ERR_OK);
		register_people(f, 1);
		close_store(f);
		database_check(f->table.db);
		assert_int_equal(unlink(f->table.db), 0);
		assert_int_equal(unlink(beside(f, "-wal")), 0);
		assert_int_equal(unlink(beside(f, "-shm")), 0);
		assert_int_equal(unlink(beside(f, "-ballast")), 0);
	}
}

/* ---- a database that is missing ---- */

TEST(a_missing_database_is_not_recreated, struct fixture *f)
{
	static const char *const remains[] = { "-wal", "-ballast", "-key" };
	char key[PATH_MAX];
	const struct store_options with_key = { .write_wait_ms = 500,
		.companion = key };
	struct store *st;

	(void)snprintf(key, sizeof(key), "%s-key", f->table.db);
	for (size_t i = 0; i < NELEMS(remains); i++) {
		files_write(beside(f, remains[i]), "x", 1);
		assert_int_equal(
		    store_open(f->table.db, f->m, &with_key, &st), ERR_INVALID);
		assert_null(st);
		assert_int_equal(access(f->table.db, F_OK), -1);
		assert_int_equal(unlink(beside(f, remains[i])), 0);
	}
	assert_int_equal(store_open(f->table.db, f->m, &with_key, &st), ERR_OK);
	store_close(st);
	/* With its remains, an existing one is opened. */
	files_write(beside(f, "-key"), "x", 1);
	assert_int_equal(store_open(f->table.db, f->m, &with_key, &st), ERR_OK);
	store_close(st);
}

/* ---- the audit table ---- */

TEST(the_audit_table_has_the_old_and_the_new_address, struct fixture *f)
{
	struct store_actor actor = test_users_actor(NOW);
	struct user_patch patch = { .email = "New@x.org",
		.normal = "new@x.org" };
	struct person p;
	struct user u;

	assert_int_equal(open_store(f), ERR_OK);
	assert_int_equal(test_users_register(f->st, "ann", 1, NOW, &p), ERR_OK);
	patch.proof = TEST_USERS_PROOF(&p.user);
	assert_int_equal(
	    store_profile_update(f->st, &actor, p.user.id, &patch, &u), ERR_OK);
	close_store(f);
	assert_int_equal(database_int(f->table.db,
			     "SELECT count(*) FROM audit WHERE event = 'email'"
			     " AND user_id = 1"
			     " AND detail = 'ann@Example.org -> New@x.org'"),
	    1);
	assert_int_equal(database_int(f->table.db,
			     "SELECT count(*) FROM audit WHERE detail <> ''"),
	    1);
}

/* ---- the URL ---- */

TEST(a_store_is_opened_by_its_url, struct fixture *f)
{
	static const char *const refused[] = { "postgresql://h/db", "sqlit:x",
		"sqlite3:x", ":x", "x:/y" };
	const struct store_options existing = { .write_wait_ms = 500,
		.existing = true };
	char url[PATH_MAX + 8];

	for (size_t i = 0; i < NELEMS(refused); i++) {
		assert_int_equal(store_open(refused[i], f->m, &options, &f->st),
		    ERR_INVALID);
		assert_null(f->st);
	}
	(void)snprintf(url, sizeof(url), "sqlite:%s", f->table.db);
	assert_int_equal(
	    store_open(url, f->m, &existing, &f->st), ERR_UNAVAILABLE);
	assert_int_equal(size_of(f->table.db), -1);
	assert_int_equal(store_open(url, f->m, &options, &f->st), ERR_OK);
	register_people(f, 1);
	close_store(f);
	assert_int_equal(store_open(url, f->m, &existing, &f->st), ERR_OK);
}
