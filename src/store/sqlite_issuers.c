/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

/* ---- subjects ---- */

enum err
sqlite_subject(struct store *st, const char *issuer, const char *subject,
    struct subject *subject_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_SUBJECT);
	sqlite_put_text(s, stmt, 1, issuer);
	sqlite_put_text(s, stmt, 2, subject);
	return sqlite_read_one(s, stmt, &subject_record_type, subject_out);
}

enum err
sqlite_subjects(struct store *st, int64_t user_id, struct subject *subjects_out,
    size_t *n_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_SUBJECTS);
	sqlite_put_int(s, stmt, 1, user_id);
	sqlite_put_int(s, stmt, 2, STORE_LINKS_MAX);
	return sqlite_read_all(
	    s, stmt, &subject_record_type, subjects_out, n_out);
}

enum err
sqlite_external_since(struct store *st, int64_t *time_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_EXTERNAL_SINCE);
	if ((err = sqlite_step(s, stmt)) == ERR_OK)
		*time_out = sqlite3_column_int64(stmt, 0);
	sqlite_done(stmt);
	return err == ERR_NOT_FOUND ? sqlite_bad_row("latest") : err;
}

enum err
sqlite_subject_put(struct store *st, const struct subject *subject)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_SUBJECT_PUT);

	sqlite_put_record(s, stmt, &subject_record_type, subject);
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_subjects_end(struct store *st, int64_t user_id, int64_t now)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_SUBJECTS_END);

	sqlite_put_int(s, stmt, 1, user_id);
	sqlite_put_int(s, stmt, 2, now);
	return sqlite_run(s, stmt, NULL);
}

/* ---- issuer keys ---- */

enum err
sqlite_issuers(struct store *st, struct issuer_keys *keys_out, size_t *n_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_ISSUERS);
	sqlite_put_int(s, stmt, 1, ISSUERS_MAX);
	return sqlite_read_all(
	    s, stmt, &issuer_keys_record_type, keys_out, n_out);
}

enum err
sqlite_issuer_put(struct store *st, const struct issuer_keys *keys)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_ISSUER_PUT);

	sqlite_put_record(s, stmt, &issuer_keys_record_type, keys);
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_issuer_remove(struct store *st, const char *issuer)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_ISSUER_REMOVE);

	sqlite_put_text(s, stmt, 1, issuer);
	return sqlite_run(s, stmt, NULL);
}
