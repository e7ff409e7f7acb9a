/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

enum err
sqlite_keys(struct store *st, struct signing_key_row *keys_out, size_t *n_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_KEYS);
	sqlite_put_int(s, stmt, 1, SIGNING_KEYS_MAX);
	return sqlite_read_all(
	    s, stmt, &signing_key_record_type, keys_out, n_out);
}

enum err
sqlite_key_put(struct store *st, const struct signing_key_row *key)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_KEY_PUT);

	sqlite_put_record(s, stmt, &signing_key_record_type, key);
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
