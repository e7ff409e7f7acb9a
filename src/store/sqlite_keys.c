/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <string.h>

static enum err
read_key(sqlite3_stmt *stmt, struct signing_key_row *key_out)
{
	struct signing_key_row *key = key_out;
	const void *sealed;

	if (!sqlite_get_text(stmt, 0, key->kid, sizeof(key->kid)) ||
	    !sqlite_get_text(stmt, 1, key->alg, sizeof(key->alg)))
		return sqlite_bad_row("signing_keys");
	sealed = sqlite3_column_blob(stmt, 2);
	key->sealed_len = (size_t)sqlite3_column_bytes(stmt, 2);
	if (sealed == NULL || key->sealed_len > sizeof(key->sealed))
		return sqlite_bad_row("signing_keys");
	memcpy(key->sealed, sealed, key->sealed_len);
	key->created_at = sqlite3_column_int64(stmt, 3);
	key->signs_at = sqlite3_column_int64(stmt, 4);
	key->lifetime = sqlite3_column_int64(stmt, 5);
	return ERR_OK;
}

enum err
sqlite_keys(struct store *st, struct signing_key_row *keys_out, size_t *n_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	size_t n = 0;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_KEYS);
	sqlite_put_int(s, stmt, 1, SIGNING_KEYS_MAX);
	while ((err = sqlite_step(s, stmt)) == ERR_OK) {
		if ((err = read_key(stmt, &keys_out[n])) != ERR_OK)
			break;
		n++;
	}
	sqlite_done(stmt);
	*n_out = n;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err
sqlite_key_put(struct store *st, const struct signing_key_row *key)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_KEY_PUT);

	sqlite_put_text(s, stmt, 1, key->kid);
	sqlite_put_text(s, stmt, 2, key->alg);
	sqlite_put_blob(s, stmt, 3, key->sealed, key->sealed_len);
	sqlite_put_int(s, stmt, 4, key->created_at);
	sqlite_put_int(s, stmt, 5, key->signs_at);
	sqlite_put_int(s, stmt, 6, key->lifetime);
	return sqlite_run(s, stmt, NULL);
}

enum err
sqlite_key_remove(struct store *st, const char *kid)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_KEY_REMOVE);

	sqlite_put_text(s, stmt, 1, kid);
	return sqlite_run(s, stmt, NULL);
}
