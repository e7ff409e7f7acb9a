/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

/* Rows of credentials; a password is the one of kind 'password' and id ''. */

enum err
sqlite_password_hash(
    struct store *st, int64_t user_id, char hash_out[USER_HASH_SIZE])
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_PASSWORD_HASH);
	sqlite_put_int(s, stmt, 1, user_id);
	err = sqlite_step(s, stmt);
	if (err == ERR_OK &&
	    !sqlite_get_text(stmt, 0, hash_out, USER_HASH_SIZE))
		err = sqlite_bad_row("credentials");
	sqlite_done(stmt);
	return err;
}

enum err
sqlite_password_put(
    struct store *st, int64_t user_id, const char *hash, int64_t now)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_PASSWORD_PUT);

	sqlite_put_int(s, stmt, 1, user_id);
	sqlite_put_text(s, stmt, 2, hash);
	sqlite_put_int(s, stmt, 3, now);
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_password_remove(struct store *st, int64_t user_id)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_PASSWORD_REMOVE);

	sqlite_put_int(s, stmt, 1, user_id);
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_password_used(struct store *st, int64_t user_id, const char *hash,
    const char *rehash, int64_t now)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_PASSWORD_USED);

	sqlite_put_int(s, stmt, 1, user_id);
	sqlite_put_text(s, stmt, 2, hash);
	sqlite_put_text(s, stmt, 3, rehash);
	sqlite_put_int(s, stmt, 4, now);
	return sqlite_run(s, stmt, NULL);
}
