/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"

#define USER_COLUMN_COUNT 11 /* of USER_COLUMNS in sqlite_statements.def */

/* A row that we cannot have written is no answer. */
static enum err
read_user(sqlite3_stmt *stmt, struct user *user_out)
{
	char role[16], status[16];
	struct user *u = user_out;

	if (!sqlite_get_text(stmt, 1, u->email, sizeof(u->email)) ||
	    !sqlite_get_text(stmt, 2, u->name, sizeof(u->name)) ||
	    !sqlite_get_text(stmt, 3, u->avatar_url, sizeof(u->avatar_url)) ||
	    !sqlite_get_text(stmt, 4, role, sizeof(role)) ||
	    !sqlite_get_text(stmt, 5, status, sizeof(status)))
		return sqlite_bad_row("users");
	u->id = sqlite3_column_int64(stmt, 0);
	u->role = user_role_from(role);
	u->status = user_status_from(status);
	u->epoch = sqlite3_column_int64(stmt, 6);
	u->version = sqlite3_column_int64(stmt, 7);
	u->created_at = sqlite3_column_int64(stmt, 8);
	u->updated_at = sqlite3_column_int64(stmt, 9);
	u->epoch_at = sqlite3_column_int64(stmt, 10);
	if (u->id <= 0 || u->epoch <= 0 || u->role == USER_ROLE_NONE ||
	    u->status == USER_STATUS_NONE)
		return sqlite_bad_row("users");
	return ERR_OK;
}

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
	if ((err = sqlite_step(s, stmt)) == ERR_OK)
		err = read_user(stmt, user_out);
	sqlite_done(stmt);
	return err;
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
		int64_t at = sqlite3_column_int64(stmt, USER_COLUMN_COUNT);

		if (at < 0 || (size_t)at >= n)
			return ERR_INTERNAL;
		if ((err = read_user(stmt, &users_out[at])) != ERR_OK)
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
	size_t n = 0;
	enum err err;

	if ((err = sqlite_enter(s)) != ERR_OK)
		return err;
	stmt = sqlite_use(s, SQLITE_STATEMENT_USERS_LIST);
	sqlite_put_int(s, stmt, 1, after);
	sqlite_put_text(s, stmt, 2, text);
	sqlite_put_int(s, stmt, 3, (int64_t)max);
	while ((err = sqlite_step(s, stmt)) == ERR_OK) {
		if ((err = read_user(stmt, &users_out[n])) != ERR_OK)
			break;
		n++;
	}
	sqlite_done(stmt);
	*n_out = n;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
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
	if ((err = sqlite_step(s, stmt)) == ERR_OK)
		err = read_user(stmt, user_out);
	sqlite_done(stmt);
	return err;
}

enum err
sqlite_user_insert(struct store *st, struct user *u, const char *normal)
{
	struct sqlite_store *s = sqlite_store(st);
	sqlite3_stmt *stmt = sqlite_use(s, SQLITE_STATEMENT_USER_INSERT);
	enum err err;

	sqlite_put_text(s, stmt, 1, u->email);
	sqlite_put_text(s, stmt, 2, normal);
	sqlite_put_text(s, stmt, 3, u->name);
	sqlite_put_text(s, stmt, 4, u->avatar_url);
	sqlite_put_text(s, stmt, 5, user_role_name(u->role));
	sqlite_put_text(s, stmt, 6, user_status_name(u->status));
	sqlite_put_int(s, stmt, 7, u->epoch);
	sqlite_put_int(s, stmt, 8, u->version);
	sqlite_put_int(s, stmt, 9, u->created_at);
	sqlite_put_int(s, stmt, 10, u->updated_at);
	sqlite_put_int(s, stmt, 11, u->epoch_at);
	if ((err = sqlite_run(s, stmt, NULL)) == ERR_OK)
		u->id = sqlite3_last_insert_rowid(s->db);
	return err;
}

/* For the change of one row that was read in the same transaction. */
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

	sqlite_put_int(s, stmt, 1, u->id);
	sqlite_put_text(s, stmt, 2, u->email);
	sqlite_put_text(s, stmt, 3, normal);
	sqlite_put_text(s, stmt, 4, u->name);
	sqlite_put_text(s, stmt, 5, u->avatar_url);
	sqlite_put_text(s, stmt, 6, user_status_name(u->status));
	sqlite_put_int(s, stmt, 7, u->epoch);
	sqlite_put_int(s, stmt, 8, u->version);
	sqlite_put_int(s, stmt, 9, u->updated_at);
	sqlite_put_text(s, stmt, 10, user_role_name(u->role));
	sqlite_put_int(s, stmt, 11, u->epoch_at);
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
