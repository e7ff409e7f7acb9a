/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <string.h>

#include "base/str.h"

/* ---- subjects ---- */

static enum err
read_subject(sqlite3_stmt *stmt, struct store_subject *subject_out)
{
	struct store_subject *x = subject_out;
	const void *digest = sqlite3_column_blob(stmt, 2);

	if (digest == NULL ||
	    sqlite3_column_bytes(stmt, 2) != (int)sizeof(x->digest))
		return sqlite_bad_row("subjects");
	memcpy(x->digest, digest, sizeof(x->digest));
	x->user_id = sqlite3_column_int64(stmt, 0);
	x->linked = sqlite3_column_int64(stmt, 1) != 0;
	x->claims_at = sqlite3_column_int64(stmt, 3);
	x->ended_at = sqlite3_column_int64(stmt, 4);
	return x->user_id >= 0 ? ERR_OK : sqlite_bad_row("subjects");
}

enum err
sqlite_subject(struct store *st, const char *issuer, const char *subject,
    struct store_subject *subject_out)
{
	struct sqlite_store *s = sqlite_store(st);
	struct store_subject *x = subject_out;
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_SUBJECT);
	sqlite_put_text(s, stmt, 1, issuer);
	sqlite_put_text(s, stmt, 2, subject);
	if ((err = sqlite_step(s, stmt)) == ERR_OK)
		err = read_subject(stmt, x);
	sqlite_done(stmt);
	if (err == ERR_OK)
		err = str_copy(x->issuer, sizeof(x->issuer), issuer);
	if (err == ERR_OK)
		err = str_copy(x->subject, sizeof(x->subject), subject);
	return err;
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
sqlite_subject_put(struct store *st, const struct store_subject *subject)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_SUBJECT_PUT);

	sqlite_put_text(s, stmt, 1, subject->issuer);
	sqlite_put_text(s, stmt, 2, subject->subject);
	sqlite_put_int(s, stmt, 3, subject->user_id);
	sqlite_put_int(s, stmt, 4, subject->linked);
	sqlite_put_blob(s, stmt, 5, subject->digest, sizeof(subject->digest));
	sqlite_put_int(s, stmt, 6, subject->claims_at);
	sqlite_put_int(s, stmt, 7, subject->ended_at);
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

/* ---- their issuers' keys ---- */

static enum err
read_issuer(sqlite3_stmt *stmt, struct issuer_keys *keys_out)
{
	struct issuer_keys *k = keys_out;
	const unsigned char *jwks = sqlite3_column_text(stmt, 1);
	size_t len = (size_t)sqlite3_column_bytes(stmt, 1);

	if (!sqlite_get_text(stmt, 0, k->issuer, sizeof(k->issuer)) ||
	    !sqlite_get_text(stmt, 6, k->error, sizeof(k->error)) ||
	    len > ISSUER_JWKS_MAX ||
	    (jwks != NULL && strlen((const char *)jwks) != len))
		return sqlite_bad_row("issuer_keys");
	k->fetched_at = sqlite3_column_int64(stmt, 2);
	k->fresh_until = sqlite3_column_int64(stmt, 3);
	k->tried_at = sqlite3_column_int64(stmt, 4);
	k->failures = sqlite3_column_int64(stmt, 5);
	if (jwks != NULL && (k->jwks = strdup((const char *)jwks)) == NULL)
		return ERR_INTERNAL;
	return ERR_OK;
}

enum err
sqlite_issuers(struct store *st, struct issuer_keys *keys_out, size_t *n_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	size_t n = 0;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_ISSUERS);
	sqlite_put_int(s, stmt, 1, ISSUERS_MAX);
	while ((err = sqlite_step(s, stmt)) == ERR_OK) {
		if ((err = read_issuer(stmt, &keys_out[n])) != ERR_OK)
			break;
		n++;
	}
	sqlite_done(stmt);
	*n_out = n;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err
sqlite_issuer_put(struct store *st, const struct issuer_keys *keys)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_ISSUER_PUT);

	sqlite_put_text(s, stmt, 1, keys->issuer);
	sqlite_put_text(s, stmt, 2, keys->jwks);
	sqlite_put_int(s, stmt, 3, keys->fetched_at);
	sqlite_put_int(s, stmt, 4, keys->fresh_until);
	sqlite_put_int(s, stmt, 5, keys->tried_at);
	sqlite_put_int(s, stmt, 6, keys->failures);
	sqlite_put_text(s, stmt, 7, keys->error);
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
