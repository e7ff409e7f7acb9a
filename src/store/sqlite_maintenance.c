/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

/*
 * The log is copied back at 1 MiB, some 30 changes, and then written again from
 * its start, so its file stays about that large.  It is truncated only after a
 * long reader let it grow: its space is useful on a full disk.
 */
#define WAL_COPY_BYTES (1024 * 1024)
#define WAL_TRUNCATE_BYTES (16 * 1024 * 1024)
/* Readers hold the log for microseconds; do not wait for a longer one. */
#define WAL_TRUNCATE_WAIT_MS 20

enum err
sqlite_latest_time(struct store *st, int64_t *time_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_LATEST_TIME);
	if ((err = sqlite_step(s, stmt)) == ERR_OK)
		*time_out = sqlite3_column_int64(stmt, 0);
	sqlite_done(stmt);
	return err == ERR_NOT_FOUND ? sqlite_bad_row("latest") : err;
}

enum err
sqlite_latest_time_raise(struct store *st, int64_t now)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_LATEST_TIME_RAISE);

	sqlite_put_int(s, stmt, 1, now);
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_size(struct store *st, struct store_size *size_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_SIZE);
	if ((err = sqlite_step(s, stmt)) == ERR_OK) {
		size_out->rows = sqlite3_column_int64(stmt, 0);
		size_out->bytes = sqlite3_column_int64(stmt, 1);
	}
	sqlite_done(stmt);
	return err == ERR_NOT_FOUND ? sqlite_bad_row("size") : err;
}

/* Reads every page and every index once. */
enum err
sqlite_check(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = NULL;
	const unsigned char *text;
	enum err err;
	int rc;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	rc =
	    sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	text = rc == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
	if (text != NULL)
		err = strcmp((const char *)text, "ok") == 0 ? ERR_OK
							    : ERR_INVALID;
	else if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
		err = ERR_INVALID;
	else
		err = sqlite_failed(s, rc, "check");
	(void)sqlite3_finalize(stmt);
	return err;
}

enum err
sqlite_audit_add(struct store *st, const struct store_audit *row)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_AUDIT_ADD);

	sqlite_put_int(s, stmt, 1, row->at);
	sqlite_put_text(s, stmt, 2, event_audit_name(row->event));
	sqlite_put_int(s, stmt, 3, row->user_id);
	sqlite_put_text(s, stmt, 4, row->handle);
	sqlite_put_text(s, stmt, 5, row->address);
	sqlite_put_text(s, stmt, 6, row->detail != NULL ? row->detail : "");
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_expire(struct store *st, int64_t now, int limit, int64_t *removed_out)
{
	const struct {
		enum sqlite_statement statement;
		int64_t before;
	} steps[] = {
		{ SQLITE_STATEMENT_EXPIRE_SESSIONS, now },
		{ SQLITE_STATEMENT_EXPIRE_TOKENS,
		    now - STORE_JTI_GRACE_SECONDS },
		{ SQLITE_STATEMENT_EXPIRE_AUDIT, now - STORE_AUDIT_SECONDS },
		{ SQLITE_STATEMENT_EXPIRE_SUBJECTS, now - STORE_ENDED_SECONDS },
	};
	struct sqlite_store *s = sqlite_store(st);
	int left = limit;

	for (size_t i = 0; i < NELEMS(steps) && left > 0; i++) {
		sqlite3_stmt *stmt = sqlite_use(s, steps[i].statement);
		int changed;
		enum err err;

		sqlite_put_int(s, stmt, 1, steps[i].before);
		sqlite_put_int(s, stmt, 2, left);
		if ((err = sqlite_run(s, stmt, &changed)) != ERR_OK)
			return err;
		left -= changed;
	}
	*removed_out = limit - left;
	return ERR_OK;
}

enum err
sqlite_checkpoint(struct sqlite_store *s, bool *all_out)
{
	int in_wal = 0, copied = 0, rc;

	*all_out = false;
	rc = sqlite3_wal_checkpoint_v2(
	    s->db, "main", SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied);
	if (rc != SQLITE_OK)
		return sqlite_failed(s, rc, "checkpoint");
	*all_out = in_wal == copied;
	return ERR_OK;
}

/* A timeout is no failure: the next step tries again. */
static enum err
truncate_wal(struct sqlite_store *s)
{
	int rc;

	(void)sqlite3_busy_timeout(s->db, WAL_TRUNCATE_WAIT_MS);
	rc = sqlite3_wal_checkpoint_v2(
	    s->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_busy_timeout(s->db, s->base.write_wait_ms);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		return sqlite_failed(s, rc, "checkpoint");
	return ERR_OK;
}

/*
 * SQLite before 3.51.3 can corrupt the log when a commit meets the second of
 * two checkpoints.  Checkpoints happen only here and in
 * sqlite_release_reserve(), under the write lock that every commit needs.
 */
enum err
sqlite_on_commit(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);
	struct stat wal;
	bool all;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	if (stat(s->wal_path, &wal) == 0 && wal.st_size >= WAL_COPY_BYTES) {
		err = sqlite_checkpoint(s, &all);
		if (err == ERR_OK && all && wal.st_size >= WAL_TRUNCATE_BYTES)
			err = truncate_wal(s);
	}
	sqlite_reserve_restore(s);
	return err;
}
