/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "base/unicode.h"

/* A full check reads everything: some 4 ms for 1 MiB, too long for more. */
#define FULL_CHECK_PAGES 256
/* Small, as rows are, and each worker has two connections. */
#define CACHE_KIB 512
/* Of a name, an address or a text to find; three times a name's size. */
#define FOLDED_SIZE 2048

static const char *const migrations[] = {
#include "store/schema_sqlite.inc"
};

static const char *const statement_texts[] = {
#define STATEMENT(name, text) text,
#include "store/sqlite_statements.def"
#undef STATEMENT
};

/* ---- queries before statements are prepared ---- */

static enum err
run_sql(struct sqlite_store *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : sqlite_failed(s, rc, "setup");
}

/* Read the first column of the first row as text. */
static enum err
query(struct sqlite_store *s, const char *sql, char *dst, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	const unsigned char *text;
	enum err err;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		text = sqlite3_column_text(stmt, 0);
		snprintf(
		    dst, size, "%s", text != NULL ? (const char *)text : "");
		err = ERR_OK;
	} else {
		err = sqlite_failed(s, rc, "setup");
	}
	(void)sqlite3_finalize(stmt);
	return err;
}

static enum err
query_int(struct sqlite_store *s, const char *sql, int64_t *value_out)
{
	char text[32];
	enum err err = query(s, sql, text, sizeof(text));

	*value_out = 0;
	return err != ERR_OK
	    ? err
	    : str_to_int64(text, INT64_MIN, INT64_MAX, value_out);
}

/* ---- connection ---- */

static enum err
configure(struct sqlite_store *s)
{
	static const struct {
		int option, value;
	} options[] = {
		/* sqlite_on_commit() must be the only checkpointer. */
		{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
	};

	for (size_t i = 0; i < NELEMS(options); i++) {
		int rc = sqlite3_db_config(
		    s->db, options[i].option, options[i].value, NULL);

		if (rc != SQLITE_OK)
			return sqlite_failed(s, rc, "setup");
	}
	return ERR_OK;
}

/* The test build can count statements as they begin to run. */
#ifdef LATCHKEY_TESTPOINTS
static int
statement_begins(unsigned int event, void *ctx, void *statement, void *sql)
{
	(void)event;
	(void)ctx;
	(void)statement;
	(void)sql;
	TESTPOINT("sql:statement");
	return 0;
}
#define STATEMENT_BEGINS statement_begins
#else
#define STATEMENT_BEGINS NULL
#endif

static enum err
open_db(struct sqlite_store *s)
{
	enum err err;
	int rc;

	rc = sqlite3_open_v2(s->path, &s->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (rc != SQLITE_OK)
		return sqlite_failed(s, rc, "open");
	if (!sqlite_same_file(s->path, &s->file))
		return ERR_UNAVAILABLE; /* replaced since it was created */
	(void)sqlite3_busy_timeout(s->db, s->base.write_wait_ms);
	(void)sqlite3_trace_v2(
	    s->db, SQLITE_TRACE_STMT, STATEMENT_BEGINS, NULL);
	if ((err = configure(s)) != ERR_OK)
		return err;
	if (sqlite3_db_readonly(s->db, "main") == 1) {
		(void)sqlite_refuse(s, "the file cannot be written");
		return ERR_UNAVAILABLE;
	}
	return sqlite_check_header(s);
}

/* These settings hold for the connection, not for the file. */
static enum err
set_pragmas(struct sqlite_store *s)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
	    "PRAGMA synchronous = FULL;"
	    "PRAGMA wal_autocheckpoint = 0;"
	    "PRAGMA cell_size_check = ON;"
	    "PRAGMA mmap_size = 0;"
	    "PRAGMA temp_store = MEMORY;"
	    "PRAGMA cache_size = -%d;",
	    CACHE_KIB);
	return run_sql(s, sql);
}

static enum err
set_wal(struct sqlite_store *s)
{
	char mode[16];
	enum err err;

	err = query(s, "PRAGMA journal_mode = WAL", mode, sizeof(mode));
	if (err == ERR_OK && strcmp(mode, "wal") != 0) {
		(void)sqlite_refuse(
		    s, "write-ahead logging is not available here");
		return ERR_UNAVAILABLE;
	}
	return err;
}

/* ---- version and health ---- */

static enum err
migrate_from(struct sqlite_store *s, int64_t version)
{
	char sql[128];
	enum err err;

	for (size_t i = (size_t)version; i < NELEMS(migrations); i++) {
		if ((err = run_sql(s, migrations[i])) != ERR_OK)
			return err;
	}
	snprintf(sql, sizeof(sql),
	    "PRAGMA application_id = %d; PRAGMA user_version = %zu;",
	    SQLITE_APPLICATION_ID, NELEMS(migrations));
	if ((err = run_sql(s, sql)) != ERR_OK)
		return err;
	TESTPOINT("store:migrating");
	err = run_sql(s, "COMMIT");
	TESTPOINT("store:migrated");
	return err;
}

/* One transaction; the caller holds the write lock. */
static enum err
migrate(struct sqlite_store *s)
{
	int64_t version;
	enum err err;

	if ((err = run_sql(s, "BEGIN EXCLUSIVE")) != ERR_OK)
		return err;
	err = query_int(s, "PRAGMA user_version", &version);
	if (err == ERR_OK)
		err = migrate_from(s, version);
	if (err != ERR_OK && !sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int64_t
sqlite_newest_version(void)
{
	return NELEMS(migrations);
}

static enum err
check_version(struct sqlite_store *s)
{
	int64_t pages, id, version;
	enum err err;

	if ((err = query_int(s, "PRAGMA page_count", &pages)) != ERR_OK ||
	    (err = query_int(s, "PRAGMA application_id", &id)) != ERR_OK ||
	    (err = query_int(s, "PRAGMA user_version", &version)) != ERR_OK)
		return err;
	if (pages > 0 && (id != SQLITE_APPLICATION_ID || version < 1))
		return sqlite_refuse(s, "a database of another program");
	if (version > (int64_t)NELEMS(migrations))
		return sqlite_refuse(
		    s, "written by a newer version of this program");
	if (version == (int64_t)NELEMS(migrations))
		return ERR_OK;
	return s->may_migrate ? migrate(s) : ERR_UNAVAILABLE;
}

/*
 * Look for damage at the start, which must take milliseconds only.  A small
 * file is read completely, of a large one the schema and both ends of every
 * table and index.  Every page is checked when it is read later.
 */
static enum err
check_health(struct sqlite_store *s)
{
	static const char ends[] =
	    "SELECT (SELECT max(id) FROM users),"
	    " (SELECT min(id) FROM users),"
	    " (SELECT max(email_normal) FROM users),"
	    " (SELECT max(user_id) FROM credentials),"
	    " (SELECT min(user_id) FROM credentials),"
	    " (SELECT max(handle) FROM sessions),"
	    " (SELECT min(handle) FROM sessions),"
	    " (SELECT max(user_id) FROM sessions),"
	    " (SELECT max(expires_at) FROM sessions),"
	    " (SELECT max(jti) FROM revoked_tokens),"
	    " (SELECT max(expires_at) FROM revoked_tokens),"
	    " (SELECT max(id) FROM audit), (SELECT max(at) FROM audit),"
	    " (SELECT max(issuer) FROM subjects),"
	    " (SELECT max(user_id) FROM subjects)";
	char answer[64];
	int64_t pages;
	enum err err;

	if ((err = query_int(s, "PRAGMA page_count", &pages)) != ERR_OK)
		return err;
	if (pages > FULL_CHECK_PAGES)
		return query(s, ends, answer, sizeof(answer));
	err = query(s, "PRAGMA integrity_check(1)", answer, sizeof(answer));
	if (err == ERR_OK && strcmp(answer, "ok") != 0)
		return sqlite_refuse(s, "damaged: integrity_check fails");
	return err;
}

/* fold(text): without differences of case, where lower() knows ASCII only. */
static void
fold(sqlite3_context *ctx, int n, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	char folded[FOLDED_SIZE];

	(void)n;
	if (text != NULL &&
	    unicode_nfkc_casefold(folded, sizeof(folded), text) == ERR_OK)
		sqlite3_result_text(ctx, folded, -1, SQLITE_TRANSIENT);
	else
		sqlite3_result_value(ctx, values[0]);
}

static enum err
add_functions(struct sqlite_store *s)
{
	int rc = sqlite3_create_function_v2(s->db, "fold", 1,
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, fold,
	    NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : sqlite_failed(s, rc, "setup");
}

static enum err
prepare_all(struct sqlite_store *s)
{
	struct buf sql = { 0 };
	int rc = SQLITE_OK;

	for (size_t i = 0; i < SQLITE_STATEMENTS && rc == SQLITE_OK; i++) {
		buf_reset(&sql);
		sqlite_expand(statement_texts[i], &sql);
		rc = sql.failed
		    ? SQLITE_NOMEM
		    : sqlite3_prepare_v3(s->db, sql.data, -1,
			  SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL);
	}
	buf_clear(&sql);
	return rc == SQLITE_OK ? ERR_OK : sqlite_failed(s, rc, "prepare");
}

void
sqlite_disconnect(struct sqlite_store *s)
{
	for (size_t i = 0; i < SQLITE_STATEMENTS; i++) {
		(void)sqlite3_finalize(s->stmt[i]);
		s->stmt[i] = NULL;
	}
	(void)sqlite3_close(s->db);
	s->db = NULL;
	s->in_transaction = false;
	s->broken = false;
}

/* A file that SQLite cannot make sense of is damaged, not unavailable. */
static enum err
refuse_damaged(struct sqlite_store *s, enum err err)
{
	switch (s->failure & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* no such table, no such column */
		return err == ERR_UNAVAILABLE ? sqlite_refuse(s, "damaged")
					      : err;
	default: return err;
	}
}

enum err
sqlite_connect(struct sqlite_store *s)
{
	enum err err;

	s->failure = SQLITE_OK;
	if ((err = open_db(s)) != ERR_OK || (err = set_pragmas(s)) != ERR_OK ||
	    (err = check_version(s)) != ERR_OK ||
	    (err = set_wal(s)) != ERR_OK || (err = check_health(s)) != ERR_OK ||
	    (err = add_functions(s)) != ERR_OK ||
	    (err = prepare_all(s)) != ERR_OK)
		goto out;
	if (!sqlite_file_id(s->wal_path, &s->wal))
		err = ERR_UNAVAILABLE;
out:
	if (err != ERR_OK) {
		err = refuse_damaged(s, err);
		sqlite_disconnect(s);
	}
	return err;
}

enum err
sqlite_reconnect(struct sqlite_store *s)
{
	struct sqlite_store old = *s;
	enum err err;

	s->db = NULL;
	memset(s->stmt, 0, sizeof(s->stmt));
	err = sqlite_connect(s);
	if (err == ERR_OK) {
		sqlite_disconnect(&old);
	} else {
		s->db = old.db;
		memcpy(s->stmt, old.stmt, sizeof(s->stmt));
	}
	return err;
}
