/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"

enum err
sqlite_user_by_id(struct store *st, int64_t id, struct user *user_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_USER_BY_ID);
	sqlite_put_int(s, stmt, 1, id);
	return sqlite_read_one(s, stmt, &user_record_type, user_out);
}

/* Write ${ids} as a JSON array. */
static enum err
id_list(struct buf *list, const int64_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(list, "%c%" PRId64, i == 0 ? '[' : ',', ids[i]);
	buf_puts(list, "]");
	return list->failed ? ERR_INTERNAL : ERR_OK;
}

static enum err
read_users(struct sqlite_store *s, sqlite3_stmt *stmt, size_t n,
    struct user *users_out)
{
	enum err err;

	while ((err = sqlite_step(s, stmt)) == ERR_OK) {
		int64_t at =
		    sqlite3_column_int64(stmt, (int)user_record_type.columns_n);

		if (at < 0 || (size_t)at >= n)
			return ERR_INTERNAL;
		err =
		    sqlite_get_record(stmt, &user_record_type, &users_out[at]);
		if (err != ERR_OK)
			return err;
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err
sqlite_users_by_ids(
    struct store *st, const int64_t *ids, size_t n, struct user *users_out)
{
	struct sqlite_store *s = sqlite_store(st);
	struct buf list = { 0 };
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		goto out;
	if ((err = id_list(&list, ids, n)) != ERR_OK)
		goto out;
	stmt = sqlite_use(s, SQLITE_STATEMENT_USERS_BY_IDS);
	sqlite_put_text(s, stmt, 1, list.data);
	err = read_users(s, stmt, n, users_out);
	sqlite_done(stmt);
out:
	buf_clear(&list);
	return err;
}

enum err
sqlite_users_list(struct store *st, const char *text, int64_t after, size_t max,
    struct user *users_out, size_t *n_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_USERS_LIST);
	sqlite_put_int(s, stmt, 1, after);
	sqlite_put_text(s, stmt, 2, text);
	sqlite_put_int(s, stmt, 3, (int64_t)max);
	return sqlite_read_all(s, stmt, &user_record_type, users_out, n_out);
}

enum err
sqlite_user_by_email(
    struct store *st, const char *normal, struct user *user_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_USER_BY_EMAIL);
	sqlite_put_text(s, stmt, 1, normal);
	return sqlite_read_one(s, stmt, &user_record_type, user_out);
}

enum err
sqlite_user_insert(struct store *st, struct user *u, const char *normal)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_USER_INSERT);
	enum err err;

	sqlite_put_record(s, stmt, &user_record_type, u);
	sqlite_put_named(s, stmt, ":email_normal", normal);
	if ((err = sqlite_run(s, stmt, NULL)) == ERR_OK)
		u->id = sqlite3_last_insert_rowid(s->db);
	return err;
}

/* Run a change of one row that was read in the same transaction. */
static enum err
run_on_one(struct sqlite_store *s, sqlite3_stmt *stmt)
{
	int changed;
	enum err err = sqlite_run(s, stmt, &changed);

	return err == ERR_OK && changed != 1 ? ERR_NOT_FOUND : err;
}

enum err
sqlite_user_update(struct store *st, const struct user *u, const char *normal)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_USER_UPDATE);

	sqlite_put_record(s, stmt, &user_record_type, u);
	sqlite_put_named(s, stmt, ":email_normal", normal);
	return run_on_one(s, stmt);
}

enum err
sqlite_user_delete(struct store *st, int64_t id)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_USER_DELETE);

	sqlite_put_int(s, stmt, 1, id);
	return run_on_one(s, stmt);
}

enum err
sqlite_other_admin(struct store *st, int64_t id, bool *exists_out)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt;
	enum err err;

	*exists_out = false;
	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_OTHER_ADMIN);
	sqlite_put_int(s, stmt, 1, id);
	if ((err = sqlite_step(s, stmt)) == ERR_OK)
		*exists_out = sqlite3_column_int(stmt, 0) != 0;
	sqlite_done(stmt);
	return err;
}
