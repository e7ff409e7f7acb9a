/* SPDX-License-Identifier: ISC */
#include "support/database.h"

#include "support/test.h"

#include <stdio.h>

#include "store/sqlite.h"

#define PATIENCE_MS 60000

/* Never a checkpointer, nor one who tidies the log away at the end. */
static sqlite3 *
open_database(const char *path)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open_v2(path, &db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(db, PATIENCE_MS), SQLITE_OK);
	return db;
}

void
database_run(const char *path, const char *sql)
{
	sqlite3 *db = open_database(path);

	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The rows are those of this version, and later ones migrate them. */
#define ROWS_OF 3

static void
put_rows(const char *path, int version)
{
	database_run(path,
	    "INSERT INTO users (id, email, email_normal, name, avatar_url,"
	    " role, status, password_hash, epoch, version, created_at,"
	    " updated_at) VALUES"
	    " (1, 'a@b.c', 'a@b.c', 'Ann', '', 'admin', 'active', 'h', 1, 3,"
	    " 100, 200),"
	    " (2, 'b@b.c', 'b@b.c', 'Bob', '', 'user', 'active', 'h', 5, 9,"
	    " 100, 300);"
	    "UPDATE latest SET time = 400;");
	if (version >= 3)
		database_run(path,
		    "UPDATE users SET epoch_at = 400 WHERE epoch > 1;"
		    "UPDATE latest SET outside_since = 400;");
}

void
database_make(const char *path, int version)
{
	static const char *const migrations[] = {
#include "store/schema_sqlite.inc"
	};
	char sql[128];

	for (size_t i = 0; i < NELEMS(migrations) && i < (size_t)version; i++) {
		if (i == ROWS_OF)
			put_rows(path, ROWS_OF);
		database_run(path, migrations[i]);
	}
	if (version <= ROWS_OF)
		put_rows(path, version);
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    SQLITE_APPLICATION_ID, version);
	database_run(path, sql);
}

static void
ask(const char *path, const char *sql, char *dst, size_t size)
{
	sqlite3 *db = open_database(path);
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	(void)snprintf(
	    dst, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void
database_check(const char *path)
{
	char answer[200];

	ask(path, "PRAGMA integrity_check", answer, sizeof(answer));
	assert_string_equal(answer, "ok");
	ask(path, "SELECT count(*) FROM pragma_foreign_key_check", answer,
	    sizeof(answer));
	assert_string_equal(answer, "0");
}

int64_t
database_int(const char *path, const char *sql)
{
	char answer[32];

	ask(path, sql, answer, sizeof(answer));
	return strtoll(answer, NULL, 10);
}
