/* SPDX-License-Identifier: ISC */
#include "store/sqlite_offline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "store/sqlite.h"

#define WAIT_MS 5000

struct sqlite_offline {
	sqlite3 *db;
};

enum err
sqlite_offline_errno(char *why, const char *path)
{
	int error = errno;

	(void)snprintf(
	    why, STORE_WHY_SIZE, "%.160s: %s", path, strerror(error));
	errno = error;
	return ERR_UNAVAILABLE;
}

/* Report SQLite's error; ERR_INVALID if the content of the file is bad. */
static enum err
report(char *why, const char *path, int rc)
{
	(void)snprintf(
	    why, STORE_WHY_SIZE, "%.160s: %s", path, sqlite3_errstr(rc));
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* no such table */ return ERR_INVALID;
	default: return ERR_UNAVAILABLE;
	}
}

static const char *
name_of(const struct sqlite_offline *w)
{
	const char *name = sqlite3_db_filename(w->db, "main");

	return name != NULL ? name : "";
}

/* ---- one connection ---- */

enum err
sqlite_offline_open(
    const char *path, bool writable, struct sqlite_offline **w_out, char *why)
{
	struct sqlite_offline *w = calloc(1, sizeof(*w));
	enum err err = ERR_INTERNAL;
	int rc;

	*w_out = NULL;
	if (w == NULL)
		return err;
	/* SQLite would only say "unable to open". */
	if (access(path, F_OK) != 0) {
		err = sqlite_offline_errno(why, path);
		goto out;
	}
	rc = sqlite3_open_v2(path, &w->db,
	    (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(
		    w->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(
		    w->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(w->db, WAIT_MS);
	err = rc == SQLITE_OK ? ERR_OK : report(why, path, rc);
out:
	if (err == ERR_OK)
		*w_out = w;
	else
		sqlite_offline_close(w);
	return err;
}

void
sqlite_offline_close(struct sqlite_offline *w)
{
	if (w == NULL)
		return;
	(void)sqlite3_close(w->db);
	free(w);
}

enum err
sqlite_offline_run(struct sqlite_offline *w, const char *sql, char *why)
{
	int rc = sqlite3_exec(w->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : report(why, name_of(w), rc);
}

enum err
sqlite_offline_ask(
    struct sqlite_offline *w, const char *sql, int64_t *value_out, char *why)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = ERR_OK;
	int rc = sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL);

	*value_out = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*value_out = sqlite3_column_int64(stmt, 0);
	else if (rc == SQLITE_DONE)
		err = ERR_NOT_FOUND;
	else
		err = report(why, name_of(w), rc);
	(void)sqlite3_finalize(stmt);
	return err;
}

enum err
sqlite_offline_attach(
    struct sqlite_offline *w, const char *path, const char *name, char *why)
{
	char *sql = sqlite3_mprintf("ATTACH DATABASE %Q AS %Q", path, name);
	enum err err = ERR_INTERNAL;

	if (sql != NULL)
		err = sqlite_offline_run(w, sql, why);
	sqlite3_free(sql);
	return err;
}

/* ---- whole files ---- */

static enum err
copy_pages(struct sqlite_offline *from, struct sqlite_offline *to, char *why)
{
	sqlite3_backup *backup;
	int rc;

	backup = sqlite3_backup_init(to->db, "main", from->db, "main");
	if (backup == NULL)
		return report(why, name_of(to), sqlite3_errcode(to->db));
	/* One step reads one snapshot, whatever others write meanwhile. */
	do {
		rc = sqlite3_backup_step(backup, -1);
	} while (rc == SQLITE_OK);
	(void)sqlite3_backup_finish(backup);
	return rc == SQLITE_DONE ? ERR_OK : report(why, name_of(from), rc);
}

enum err
sqlite_offline_copy(const char *from, const char *to, char *why)
{
	struct sqlite_offline *source = NULL, *target = NULL;
	enum err err;

	/*
	 * Writable if possible, because SQLite must create the wal-index if
	 * there is a log beside the file.
	 */
	err = sqlite_offline_open(from, access(from, W_OK) == 0, &source, why);
	if (err == ERR_OK)
		err = sqlite_offline_open(to, true, &target, why);
	if (err == ERR_OK)
		err = copy_pages(source, target, why);
	/* The header of the copy says WAL mode, which would need a log. */
	if (err == ERR_OK)
		err = sqlite_offline_run(
		    target, "PRAGMA journal_mode = DELETE", why);
	sqlite_offline_close(target);
	sqlite_offline_close(source);
	return err;
}

enum err
sqlite_offline_check(const char *path, char *why)
{
	struct sqlite_offline *w;
	sqlite3_stmt *stmt = NULL;
	const unsigned char *text;
	enum err err;
	int rc;

	if ((err = sqlite_offline_open(path, false, &w, why)) != ERR_OK)
		return err;
	rc = sqlite3_prepare_v2(
	    w->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	text = rc == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
	if (rc != SQLITE_ROW) {
		err = report(why, path, rc);
	} else if (text == NULL || strcmp((const char *)text, "ok") != 0) {
		(void)snprintf(why, STORE_WHY_SIZE,
		    "%.160s: damaged: integrity_check fails", path);
		err = ERR_INVALID;
	}
	(void)sqlite3_finalize(stmt);
	sqlite_offline_close(w);
	return err;
}

enum err
sqlite_offline_is_ours(const char *path, char *why)
{
	struct sqlite_offline *w;
	const char *reason = NULL;
	int64_t id = 0, version = 0;
	enum err err;

	if ((err = sqlite_offline_open(path, false, &w, why)) != ERR_OK)
		return err;
	err = sqlite_offline_ask(w, "PRAGMA application_id", &id, why);
	if (err == ERR_OK)
		err =
		    sqlite_offline_ask(w, "PRAGMA user_version", &version, why);
	sqlite_offline_close(w);
	if (err != ERR_OK)
		return err;
	if ((id != SQLITE_APPLICATION_ID && id != SQLITE_BACKUP_ID) ||
	    version < 1)
		reason = "not a database of this program";
	else if (version > sqlite_newest_version())
		reason = "written by a newer version of this program";
	if (reason == NULL)
		return ERR_OK;
	(void)snprintf(why, STORE_WHY_SIZE, "%.160s: %s", path, reason);
	return ERR_INVALID;
}
