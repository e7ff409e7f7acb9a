/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

enum err
sqlite_session_by_handle(
    struct store *st, const char *handle, struct session *session_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_SESSION_BY_HANDLE);
	sqlite_put_text(s, stmt, 1, handle);
	return sqlite_read_one(s, stmt, &session_record_type, session_out);
}

enum err
sqlite_sessions_live(struct store *st, int64_t user_id, int64_t now,
    struct session *sessions_out, size_t *n_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_SESSIONS_LIVE);
	sqlite_put_int(s, stmt, 1, user_id);
	sqlite_put_int(s, stmt, 2, now);
	sqlite_put_int(s, stmt, 3, SESSION_MAX_PER_USER);
	return sqlite_read_all(
	    s, stmt, &session_record_type, sessions_out, n_out);
}

enum err
sqlite_sessions_list(struct store *st, int64_t now, size_t max,
    struct session *sessions_out, size_t *n_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_SESSIONS_LIST);
	sqlite_put_int(s, stmt, 1, now);
	sqlite_put_int(s, stmt, 2, (int64_t)max);
	return sqlite_read_all(
	    s, stmt, &session_record_type, sessions_out, n_out);
}

enum err
sqlite_session_insert(struct store *st, const struct session *session)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_SESSION_INSERT);

	sqlite_put_record(s, stmt, &session_record_type, session);
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_session_update(struct store *st, const struct session *session)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_SESSION_UPDATE);
	int changed;
	enum err err;

	sqlite_put_record(s, stmt, &session_record_type, session);
	err = sqlite_run(s, stmt, &changed);
	return err == ERR_OK && changed != 1 ? ERR_NOT_FOUND : err;
}

enum err
sqlite_token_revoked(struct store *st, const char *jti, bool *revoked_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_TOKEN_REVOKED);
	sqlite_put_text(s, stmt, 1, jti);
	err = sqlite_step(s, stmt);
	sqlite_done(stmt);
	*revoked_out = err != ERR_NOT_FOUND;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err
sqlite_token_revoke(struct store *st, const char *jti, int64_t expires_at)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_TOKEN_REVOKE);

	sqlite_put_text(s, stmt, 1, jti);
	sqlite_put_int(s, stmt, 2, expires_at);
	return sqlite_run(s, stmt, NULL);
}
