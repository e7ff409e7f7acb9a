/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/backend.h"

struct buf;
struct record_type;

/*
 * The SQLite backend, for its own files only:
 *   sqlite.c              transactions, statements, errors
 *   sqlite_open.c         finding, creating and recognising the file
 *   sqlite_connect.c      connections: settings, migrations, health
 *   sqlite_record.c       rows of any record type
 *   sqlite_users.c        rows of users
 *   sqlite_credentials.c  rows of credentials
 *   sqlite_sessions.c     rows of sessions and revoked tokens
 *   sqlite_keys.c         rows of signing keys
 *   sqlite_issuers.c      rows of external issuers' keys and subjects
 *   sqlite_maintenance.c  expiry, checkpoints, audit, latest time
 *   sqlite_reserve.c      the reserve for a full disk
 *
 * POSIX locks belong to the process: closing any descriptor of a file drops
 * the locks that SQLite holds on it through others.  So this code never opens
 * the database, its -wal or -shm itself; it only calls stat(2).
 */

enum sqlite_statement {
#define STATEMENT(name, text) SQLITE_STATEMENT_##name,
#include "store/sqlite_statements.def"
#undef STATEMENT
	SQLITE_STATEMENTS
};

/* The identity of a file; zero: none yet. */
struct sqlite_file_id {
	dev_t dev;
	ino_t ino;
};

struct sqlite_store {
	struct store base;
	struct shm *shm;
	sqlite3 *db; /* NULL: closed after a failure, opened by the next use */
	sqlite3_stmt *stmt[SQLITE_STATEMENTS];
	char *path;
	char *wal_path;
	char *journal_path;
	char *reserve_path;
	struct sqlite_file_id file; /* of the database; never changes */
	struct sqlite_file_id wal;  /* of this connection */
	int bind_rc;                /* the first failure to bind a value */
	int failure;                /* SQLite's code of the last failure */
	bool in_transaction;
	bool broken;     /* close the connection before the next use */
	bool full;       /* the last failure was lack of space, nothing else */
	bool may_create; /* a database where there is none */
	const char *companion; /* borrowed while the store opens, or NULL */
	bool may_migrate;      /* opening, while the write lock is held */
	bool gone_logged;      /* the log says already that the file is gone */
};

/* sqlite_store(st): the store that ${st} is the base of. */
static inline struct sqlite_store *
sqlite_store(struct store *st)
{
	return (struct sqlite_store *)st; /* base is its first member */
}

/* ---- sqlite.c ---- */

extern const struct store_ops sqlite_ops;

/**
 * sqlite_enter(s):
 * Called before each operation: check that the database file is still the one
 * that was opened, and connect if necessary.  Does nothing in a transaction.
 */
enum err sqlite_enter(struct sqlite_store *s) MUST_CHECK;

/**
 * sqlite_failed(s, rc, doing):
 * Log the failure ${rc}, decide whether the connection can go on, and return
 * ERR_CONFLICT for a value that is not unique, else ERR_UNAVAILABLE.
 */
enum err sqlite_failed(struct sqlite_store *s, int rc, const char *doing);

/**
 * sqlite_use(s, which): the prepared statement, ready for its values.
 * sqlite_put_int, sqlite_put_text, sqlite_put_blob: its value ${n}, from 1;
 * text is borrowed until sqlite_done(), NULL is NULL.
 * sqlite_put_named: the text of the parameter called ${name}, ":" included.
 * sqlite_step(s, stmt): ERR_OK for a row, ERR_NOT_FOUND after the last.
 * sqlite_done(stmt): always, when through with it.
 * sqlite_run(s, stmt, changed_out): the last two for a statement without
 * rows; *${changed_out} (may be NULL) is the number of rows changed.
 */
sqlite3_stmt *sqlite_use(struct sqlite_store *s, enum sqlite_statement which);
void sqlite_put_int(
    struct sqlite_store *s, sqlite3_stmt *stmt, int n, int64_t value);
void sqlite_put_text(
    struct sqlite_store *s, sqlite3_stmt *stmt, int n, const char *text);
void sqlite_put_named(struct sqlite_store *s, sqlite3_stmt *stmt,
    const char *name, const char *text);
void sqlite_put_blob(struct sqlite_store *s, sqlite3_stmt *stmt, int n,
    const void *data, size_t len);
enum err sqlite_step(struct sqlite_store *s, sqlite3_stmt *stmt) MUST_CHECK;
void sqlite_done(sqlite3_stmt *stmt);
enum err sqlite_run(
    struct sqlite_store *s, sqlite3_stmt *stmt, int *changed_out) MUST_CHECK;

/**
 * sqlite_get_text(stmt, column, dst, size):
 * Copy a text column; false if it is none or does not fit, so the row is not
 * one that we wrote.
 * sqlite_bad_row(table): say so; returns ERR_UNAVAILABLE.
 */
bool sqlite_get_text(
    sqlite3_stmt *stmt, int column, char *dst, size_t size) MUST_CHECK;
enum err sqlite_bad_row(const char *table);

/* ---- sqlite_record.c ---- */

/**
 * sqlite_expand(sql, out):
 * Append ${sql} to ${out}, and for "{table}" the columns of the record type
 * that is stored in that table: "table.name, ...".
 */
void sqlite_expand(const char *sql, struct buf *out);

/**
 * sqlite_put_record(s, stmt, type, record):
 * Bind each parameter of ${stmt} that is called ":" and a column of ${type}.
 * Texts are borrowed from ${record} until sqlite_done().
 */
void sqlite_put_record(struct sqlite_store *s, sqlite3_stmt *stmt,
    const struct record_type *type, const void *record);

/**
 * sqlite_get_record(stmt, type, record_out):
 * Read the first columns of a row, those of "{table}".  Return ERR_UNAVAILABLE
 * if they are no valid record.
 *
 * sqlite_read_one(s, stmt, type, record_out), sqlite_read_all(s, stmt, type,
 * records_out, n_out):
 * Step through ${stmt}, read its only row, or as many as its LIMIT allows, and
 * be done with it.  sqlite_read_one() returns ERR_NOT_FOUND if there is none.
 */
enum err sqlite_get_record(sqlite3_stmt *stmt, const struct record_type *type,
    void *record_out) MUST_CHECK;
enum err sqlite_read_one(struct sqlite_store *s, sqlite3_stmt *stmt,
    const struct record_type *type, void *record_out) MUST_CHECK;
enum err sqlite_read_all(struct sqlite_store *s, sqlite3_stmt *stmt,
    const struct record_type *type, void *records_out,
    size_t *n_out) MUST_CHECK;

/* ---- sqlite_open.c ---- */

/* In the header of the file: a database, and a copy of one. */
#define SQLITE_APPLICATION_ID 0x4c746368 /* "Ltch" */
#define SQLITE_BACKUP_ID 0x4c744270      /* "LtBp" */

/* Identify the regular file ${path}, not following a link; false if none. */
bool sqlite_file_id(const char *path, struct sqlite_file_id *id_out);
bool sqlite_same_file(const char *path, const struct sqlite_file_id *id);

/* sqlite_check_header(s): ERR_INVALID if the file is not a Latchkey database.
 */
enum err sqlite_check_header(struct sqlite_store *s) MUST_CHECK;
/**
 * sqlite_real_name(path):
 * Return the absolute name of ${path}, without links; the file itself need not
 * exist.  The caller frees it.  NULL, errno set, on failure.
 */
char *sqlite_real_name(const char *path);

/**
 * sqlite_claim(path, shm):
 * Claim the database ${path}, a real name, for ${shm} (see shm_claim()), and
 * remove the shared memory file that older versions left beside it.  Return
 * the errors of shm_claim() and shm_remove_old().
 */
enum err sqlite_claim(const char *path, struct shm *shm) MUST_CHECK;

/* sqlite_refuse(s, reason): log it; returns ERR_INVALID. */
enum err sqlite_refuse(const struct sqlite_store *s, const char *reason);

/* ---- sqlite_connect.c ---- */

/**
 * sqlite_connect(s):
 * Open and check the file, and prepare the statements.  ERR_INVALID if it is
 * damaged or not a Latchkey database.
 * sqlite_reconnect(s): replace the connection; on failure the old one stays.
 * sqlite_disconnect(s): close, rolling back an open transaction.
 */
enum err sqlite_connect(struct sqlite_store *s) MUST_CHECK;
enum err sqlite_reconnect(struct sqlite_store *s) MUST_CHECK;
void sqlite_disconnect(struct sqlite_store *s);

/* The schema version of this program. */
int64_t sqlite_newest_version(void);

/* ---- the operations that are not in sqlite.c ---- */

extern store_user_by_id_fn sqlite_user_by_id;
extern store_users_by_ids_fn sqlite_users_by_ids;
extern store_users_list_fn sqlite_users_list;
extern store_other_admin_fn sqlite_other_admin;
extern store_user_by_email_fn sqlite_user_by_email;
extern store_user_insert_fn sqlite_user_insert;
extern store_user_update_fn sqlite_user_update;
extern store_user_delete_fn sqlite_user_delete;

extern store_password_hash_fn sqlite_password_hash;
extern store_password_put_fn sqlite_password_put;
extern store_password_remove_fn sqlite_password_remove;
extern store_password_used_fn sqlite_password_used;

extern store_session_by_handle_fn sqlite_session_by_handle;
extern store_sessions_live_fn sqlite_sessions_live;
extern store_sessions_list_fn sqlite_sessions_list;
extern store_session_insert_fn sqlite_session_insert;
extern store_session_update_fn sqlite_session_update;
extern store_token_revoked_fn sqlite_token_revoked;
extern store_token_revoke_fn sqlite_token_revoke;

extern store_keys_fn sqlite_keys;
extern store_key_put_fn sqlite_key_put;
extern store_key_remove_fn sqlite_key_remove;

extern store_subject_fn sqlite_subject;
extern store_subjects_fn sqlite_subjects;
extern store_external_since_fn sqlite_external_since;
extern store_issuers_fn sqlite_issuers;
extern store_subject_put_fn sqlite_subject_put;
extern store_subjects_end_fn sqlite_subjects_end;
extern store_issuer_put_fn sqlite_issuer_put;
extern store_issuer_remove_fn sqlite_issuer_remove;

extern store_latest_time_fn sqlite_latest_time;
extern store_latest_time_raise_fn sqlite_latest_time_raise;
extern store_clock_reset_fn sqlite_clock_reset;
extern store_size_fn sqlite_size;
extern store_check_fn sqlite_check;
extern store_audit_add_fn sqlite_audit_add;
extern store_expire_fn sqlite_expire;
extern store_on_commit_fn sqlite_on_commit;

extern store_has_reserve_fn sqlite_has_reserve;
extern store_release_reserve_fn sqlite_release_reserve;

/* sqlite_checkpoint(s, all_out): copy the WAL back, as far as possible. */
enum err sqlite_checkpoint(struct sqlite_store *s, bool *all_out) MUST_CHECK;
/* sqlite_reserve_restore(s): fill the reserve again if there is space. */
void sqlite_reserve_restore(struct sqlite_store *s);

#endif
