/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <string.h>

static enum err
read_session(sqlite3_stmt *stmt, struct session *session_out)
{
	struct session *x = session_out;

	if (!sqlite_get_text(stmt, 0, x->handle, sizeof(x->handle)) ||
	    !sqlite_get_text(stmt, 7, x->device, sizeof(x->device)) ||
	    !sqlite_get_text(stmt, 8, x->user_agent, sizeof(x->user_agent)) ||
	    !sqlite_get_text(stmt, 9, x->address, sizeof(x->address)))
		return sqlite_bad_row("sessions");
	x->user_id = sqlite3_column_int64(stmt, 1);
	x->epoch = sqlite3_column_int64(stmt, 2);
	x->created_at = sqlite3_column_int64(stmt, 3);
	x->last_seen_at = sqlite3_column_int64(stmt, 4);
	x->expires_at = sqlite3_column_int64(stmt, 5);
	x->revoked_at = sqlite3_column_int64(stmt, 6);
	if (x->user_id <= 0 || x->epoch <= 0)
		return sqlite_bad_row("sessions");
	return ERR_OK;
}

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
	if ((err = sqlite_step(s, stmt)) == ERR_OK)
		err = read_session(stmt, session_out);
	sqlite_done(stmt);
	return err;
}

/* All rows of ${stmt}, which is done with then. */
static enum err
read_sessions(struct sqlite_store *s, sqlite3_stmt *stmt,
    struct session *sessions_out, size_t *n_out)
{
	size_t n = 0;
	enum err err;

	while ((err = sqlite_step(s, stmt)) == ERR_OK) {
		err = read_session(stmt, &sessions_out[n]);
		if (err != ERR_OK)
			break;
		n++;
	}
	sqlite_done(stmt);
	*n_out = n;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
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
	return read_sessions(s, stmt, sessions_out, n_out);
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
	return read_sessions(s, stmt, sessions_out, n_out);
}

enum err
sqlite_session_insert(struct store *st, const struct session *x)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_SESSION_INSERT);

	sqlite_put_text(s, stmt, 1, x->handle);
	sqlite_put_int(s, stmt, 2, x->user_id);
	sqlite_put_int(s, stmt, 3, x->epoch);
	sqlite_put_int(s, stmt, 4, x->created_at);
	sqlite_put_int(s, stmt, 5, x->last_seen_at);
	sqlite_put_int(s, stmt, 6, x->expires_at);
	sqlite_put_text(s, stmt, 7, x->device);
	sqlite_put_text(s, stmt, 8, x->user_agent);
	sqlite_put_text(s, stmt, 9, x->address);
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_session_update(struct store *st, const struct session *x)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_SESSION_UPDATE);
	int changed;
	enum err err;

	sqlite_put_text(s, stmt, 1, x->handle);
	sqlite_put_int(s, stmt, 2, x->epoch);
	sqlite_put_int(s, stmt, 3, x->last_seen_at);
	sqlite_put_int(s, stmt, 4, x->revoked_at);
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
