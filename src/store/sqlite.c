/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static store_close_fn sqlite_close;
static store_begin_fn sqlite_begin;
static store_commit_fn sqlite_commit;
static store_rollback_fn sqlite_rollback;
static store_ping_fn sqlite_ping;

/* ---- errors ---- */

/* Quotas and file size limits count too; SQLite recognises ENOSPC only. */
static bool
is_lack_of_space(struct sqlite_store *s, int rc)
{
	int code;

	if (rc == SQLITE_FULL)
		return true;
	if ((rc & 0xff) != SQLITE_IOERR || s->db == NULL)
		return false;
	code = sqlite3_system_errno(s->db);
	return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

static bool
is_about_the_file(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_INTERRUPT:
	case SQLITE_CONSTRAINT: return false;
	default: return true;
	}
}

enum err
sqlite_failed(struct sqlite_store *s, int rc, const char *doing)
{
	char quoted[LOG_QUOTED_SIZE];

	if (rc == SQLITE_CONSTRAINT_UNIQUE ||
	    rc == SQLITE_CONSTRAINT_PRIMARYKEY)
		return ERR_CONFLICT;
	s->failure = rc;
	s->full = is_lack_of_space(s, rc);
	if (!s->full && is_about_the_file(rc))
		s->broken = true;
	log_event(s->broken ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "store_failed",
	    "doing=%s code=%d errno=%d reason=%s", doing, rc,
	    s->db != NULL ? sqlite3_system_errno(s->db) : 0,
	    log_quote(quoted, sqlite3_errstr(rc)));
	return ERR_UNAVAILABLE;
}

enum err
sqlite_bad_row(const char *table)
{
	log_event(LOG_LEVEL_ERROR, "store_bad_row", "table=%s", table);
	return ERR_UNAVAILABLE;
}

/* ---- the identity of the file ---- */

static enum err
check_file(struct sqlite_store *s)
{
	if (sqlite_same_file(s->path, &s->file) &&
	    (s->db == NULL || sqlite_same_file(s->wal_path, &s->wal))) {
		s->gone_logged = false;
		return ERR_OK;
	}
	if (!s->gone_logged)
		log_event(LOG_LEVEL_ERROR, "database_replaced",
		    "reason=\"the database file was moved or replaced\"");
	s->gone_logged = true;
	return ERR_UNAVAILABLE;
}

/*
 * On a disk that has become read-only no new connection can be opened, but one
 * that failed to write can still read what was committed, so checks go on.  One
 * that failed to read has bad pages in its cache and must be closed.
 */
static bool
may_still_read(int rc)
{
	switch (rc) {
	case SQLITE_IOERR_WRITE:
	case SQLITE_IOERR_FSYNC:
	case SQLITE_IOERR_DIR_FSYNC:
	case SQLITE_IOERR_TRUNCATE:
	case SQLITE_IOERR_FSTAT: return true;
	default: return (rc & 0xff) == SQLITE_READONLY;
	}
}

enum err
sqlite_enter(struct sqlite_store *s)
{
	enum err err;

	if (s->in_transaction)
		return s->broken ? ERR_UNAVAILABLE : ERR_OK;
	s->full = false;
	if (s->broken && !may_still_read(s->failure))
		sqlite_disconnect(s);
	if ((err = check_file(s)) != ERR_OK || s->db != NULL)
		return err;
	return sqlite_connect(s) == ERR_OK ? ERR_OK : ERR_UNAVAILABLE;
}

/* Replace a connection that failed to write, if a new one can be opened. */
static enum err
repair(struct sqlite_store *s)
{
	enum err err = sqlite_enter(s);
	int failure = s->failure;

	if (err != ERR_OK || s->in_transaction || !s->broken)
		return err;
	if (sqlite_reconnect(s) == ERR_OK)
		return ERR_OK;
	/* The old connection stays, and so does its failure. */
	s->broken = true;
	s->failure = failure;
	return ERR_UNAVAILABLE;
}

/* ---- statements ---- */

sqlite3_stmt *
sqlite_use(struct sqlite_store *s, enum sqlite_statement which)
{
	s->bind_rc = SQLITE_OK;
	return s->stmt[which];
}

static void
bound(struct sqlite_store *s, int rc)
{
	if (s->bind_rc == SQLITE_OK)
		s->bind_rc = rc;
}

void
sqlite_put_int(struct sqlite_store *s, sqlite3_stmt *stmt, int n, int64_t value)
{
	bound(s, sqlite3_bind_int64(stmt, n, value));
}

void
sqlite_put_text(
    struct sqlite_store *s, sqlite3_stmt *stmt, int n, const char *text)
{
	bound(s, sqlite3_bind_text(stmt, n, text, -1, SQLITE_STATIC));
}

void
sqlite_put_named(struct sqlite_store *s, sqlite3_stmt *stmt, const char *name,
    const char *text)
{
	/* A name that is not there has the index 0, which cannot be bound. */
	sqlite_put_text(
	    s, stmt, sqlite3_bind_parameter_index(stmt, name), text);
}

void
sqlite_put_blob(struct sqlite_store *s, sqlite3_stmt *stmt, int n,
    const void *data, size_t len)
{
	bound(s, sqlite3_bind_blob64(stmt, n, data, len, SQLITE_STATIC));
}

enum err
sqlite_step(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	int rc = s->bind_rc;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		return ERR_OK;
	if (rc == SQLITE_DONE)
		return ERR_NOT_FOUND;
	return sqlite_failed(s, rc, "step");
}

void
sqlite_done(sqlite3_stmt *stmt)
{
	(void)sqlite3_reset(stmt); /* repeats what step said */
	(void)sqlite3_clear_bindings(stmt);
}

enum err
sqlite_run(struct sqlite_store *s, sqlite3_stmt *stmt, int *changed_out)
{
	enum err err = sqlite_step(s, stmt);

	if (changed_out != NULL)
		*changed_out =
		    err == ERR_NOT_FOUND ? sqlite3_changes(s->db) : 0;
	sqlite_done(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

bool
sqlite_get_text(sqlite3_stmt *stmt, int column, char *dst, size_t size)
{
	const unsigned char *text;
	size_t len;

	if (sqlite3_column_type(stmt, column) != SQLITE_TEXT)
		return false;
	text = sqlite3_column_text(stmt, column);
	len = (size_t)sqlite3_column_bytes(stmt, column);
	if (text == NULL || len >= size || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(dst, text, len);
	dst[len] = '\0';
	return true;
}

/* ---- transactions ---- */

static enum err
sqlite_begin(struct store *st, int wait_ms)
{
	struct sqlite_store *s = sqlite_store(st);
	enum err err;

	if ((err = repair(s)) != ERR_OK)
		return err;
	(void)sqlite3_busy_timeout(s->db, wait_ms);
	err = sqlite_run(s, sqlite_use(s, SQLITE_STATEMENT_BEGIN), NULL);
	(void)sqlite3_busy_timeout(s->db, st->write_wait_ms);
	s->in_transaction = err == ERR_OK;
	return err;
}

static void
sqlite_rollback(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);
	bool full = s->full;

	if (!s->in_transaction)
		return;
	s->in_transaction = false;
	/*
	 * Some failures have rolled back already.  A connection that cannot
	 * roll back would go on to read rows that were never committed.
	 */
	if (s->db != NULL && !sqlite3_get_autocommit(s->db) &&
	    sqlite_run(s, sqlite_use(s, SQLITE_STATEMENT_ROLLBACK), NULL) !=
		ERR_OK)
		sqlite_disconnect(s);
	s->full = full;
}

/*
 * Overwrite what a failed commit may have left in the log: any commit begins
 * where the last good one ended.  Inserts a row, because SQLite writes no page
 * that is unchanged.
 */
static enum err
overwrite_log(struct sqlite_store *s)
{
	const struct store_audit note = {
		.event = EVENT_COMMIT_FAILED, .handle = "", .address = ""
	};
	sqlite3_stmt *commit;
	enum err err;

	err = sqlite_begin(&s->base, store_wait_left(&s->base));
	if (err != ERR_OK)
		return err;
	err = sqlite_audit_add(&s->base, &note);
	commit = sqlite_use(s, SQLITE_STATEMENT_COMMIT);
	if (err == ERR_OK)
		err = sqlite_run(s, commit, NULL);
	s->in_transaction = err != ERR_OK;
	s->broken = false; /* the connection must stay: see commit_failed() */
	sqlite_rollback(&s->base);
	return err;
}

/*
 * After an I/O error it is unknown how much of the commit is on the disk: Linux
 * reports a failed fsync once and forgets it.  No reader sees the commit while
 * the wal-index exists, which an open connection keeps alive.  If the last one
 * closed, the next to open would trust the log as it is in the page cache,
 * append to it, and lose all of that in a power cut.  So the connection is
 * closed only after a new one is open, which overwrites the frames in doubt,
 * all before the caller publishes the change.  If the disk fails again, the
 * keys of the change stay unknown until something else was committed.
 */
static enum err
commit_failed(struct sqlite_store *s, int rc)
{
	enum err exchanged, overwritten;

	(void)sqlite_failed(s, rc, "commit");
	if (rc == SQLITE_FULL || rc == SQLITE_BUSY) {
		sqlite_rollback(&s->base);
		return ERR_UNAVAILABLE;
	}
	s->broken = false;
	sqlite_rollback(&s->base);
	exchanged = sqlite_reconnect(s);
	overwritten = overwrite_log(s);
	s->full = false; /* no second attempt: the commit may reappear */
	log_event(LOG_LEVEL_ERROR, "store_commit_unknown",
	    "reconnected=%s overwritten=%s", err_name(exchanged),
	    err_name(overwritten));
	return overwritten == ERR_OK ? ERR_UNAVAILABLE : ERR_INTERNAL;
}

static enum err
sqlite_commit(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_COMMIT);
	int rc;

	/* SQLite rolled back by itself after a failure. */
	if (s->broken || sqlite3_get_autocommit(s->db)) {
		sqlite_rollback(st);
		return ERR_UNAVAILABLE;
	}
	rc = sqlite3_step(stmt);
	(void)sqlite3_reset(stmt);
	if (rc != SQLITE_DONE)
		return commit_failed(s, rc);
	s->in_transaction = false;
	return ERR_OK;
}

static enum err
sqlite_ping(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);
	int64_t ignored;

	/* Every second: a connection that cannot write may still read. */
	if (repair(s) != ERR_OK && s->db == NULL)
		return ERR_UNAVAILABLE;
	return sqlite_latest_time(st, &ignored);
}

static void
sqlite_close(struct store *st)
{
	struct sqlite_store *s = sqlite_store(st);

	sqlite_disconnect(s);
	free(s->path);
	free(s->wal_path);
	free(s->journal_path);
	free(s->reserve_path);
	free(s);
}

const struct store_ops sqlite_ops = {
	.name = "sqlite",
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.has_reserve = sqlite_has_reserve,
	.release_reserve = sqlite_release_reserve,
	.on_commit = sqlite_on_commit,
	.ping = sqlite_ping,
	.user_by_id = sqlite_user_by_id,
	.users_by_ids = sqlite_users_by_ids,
	.users_list = sqlite_users_list,
	.other_admin = sqlite_other_admin,
	.user_by_email = sqlite_user_by_email,
	.password_hash = sqlite_password_hash,
	.session_by_handle = sqlite_session_by_handle,
	.sessions_live = sqlite_sessions_live,
	.sessions_list = sqlite_sessions_list,
	.token_revoked = sqlite_token_revoked,
	.keys = sqlite_keys,
	.latest_time = sqlite_latest_time,
	.subject = sqlite_subject,
	.subjects = sqlite_subjects,
	.external_since = sqlite_external_since,
	.issuers = sqlite_issuers,
	.size = sqlite_size,
	.check = sqlite_check,
	.user_insert = sqlite_user_insert,
	.user_update = sqlite_user_update,
	.user_delete = sqlite_user_delete,
	.password_put = sqlite_password_put,
	.password_remove = sqlite_password_remove,
	.password_used = sqlite_password_used,
	.session_insert = sqlite_session_insert,
	.session_update = sqlite_session_update,
	.token_revoke = sqlite_token_revoke,
	.key_put = sqlite_key_put,
	.key_remove = sqlite_key_remove,
	.subject_put = sqlite_subject_put,
	.subjects_end = sqlite_subjects_end,
	.issuer_put = sqlite_issuer_put,
	.issuer_remove = sqlite_issuer_remove,
	.latest_time_raise = sqlite_latest_time_raise,
	.clock_reset = sqlite_clock_reset,
	.audit_add = sqlite_audit_add,
	.expire = sqlite_expire,
};
