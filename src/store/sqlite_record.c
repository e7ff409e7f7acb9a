/* SPDX-License-Identifier: ISC */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/record.h"

/* ---- statements ---- */

static const struct record_type *const stored_types[] = {
	&user_record_type,
	&session_record_type,
	&signing_key_record_type,
	&subject_record_type,
	&issuer_keys_record_type,
};

static const struct record_type *
find_type(const char *table, size_t len)
{
	for (size_t i = 0; i < NELEMS(stored_types); i++) {
		const char *name = stored_types[i]->table;

		if (strlen(name) == len && memcmp(name, table, len) == 0)
			return stored_types[i];
	}
	return NULL;
}

static void
append_columns(struct buf *out, const struct record_type *type)
{
	for (size_t i = 0; i < type->columns_n; i++)
		buf_printf(out, "%s%s.%s", i == 0 ? "" : ", ", type->table,
		    type->columns[i].name);
}

void
sqlite_expand(const char *sql, struct buf *out)
{
	const char *open, *close;

	while ((open = strchr(sql, '{')) != NULL &&
	    (close = strchr(open, '}')) != NULL) {
		const struct record_type *type =
		    find_type(open + 1, (size_t)(close - open - 1));

		buf_append(out, sql, (size_t)(open - sql));
		if (type != NULL)
			append_columns(out, type);
		sql = close + 1;
	}
	buf_puts(out, sql);
}

/* ---- binding ---- */

static void
put_column(struct sqlite_store *s, sqlite3_stmt *stmt, int n,
    const struct column *column, const void *record)
{
	const unsigned char *start = record;
	const void *member = start + column->offset;

	switch (column->type) {
	case COLUMN_INTEGER:
		sqlite_put_int(s, stmt, n, *(const int64_t *)member);
		return;
	case COLUMN_BOOL:
		sqlite_put_int(s, stmt, n, *(const bool *)member);
		return;
	case COLUMN_ENUM:
		sqlite_put_text(s, stmt, n,
		    record_enum_name(column->names, *(const unsigned *)member));
		return;
	case COLUMN_TEXT: sqlite_put_text(s, stmt, n, member); return;
	case COLUMN_BYTES:
		sqlite_put_blob(s, stmt, n, member, column->size);
		return;
	case COLUMN_BLOB:
		sqlite_put_blob(s, stmt, n, member,
		    *(const size_t *)(const void *)(start +
			column->len_offset));
		return;
	case COLUMN_OWNED_TEXT:
		sqlite_put_text(s, stmt, n, *(const char *const *)member);
		return;
	}
}

void
sqlite_put_record(struct sqlite_store *s, sqlite3_stmt *stmt,
    const struct record_type *type, const void *record)
{
	for (int n = sqlite3_bind_parameter_count(stmt); n > 0; n--) {
		const char *name = sqlite3_bind_parameter_name(stmt, n);

		for (size_t i = 0; name != NULL && i < type->columns_n; i++)
			if (strcmp(name + 1, type->columns[i].name) == 0)
				put_column(
				    s, stmt, n, &type->columns[i], record);
	}
}

/* ---- reading ---- */

static bool
get_bytes(sqlite3_stmt *stmt, int n, void *dst, size_t size, size_t *len_out)
{
	const void *bytes = sqlite3_column_blob(stmt, n);
	size_t len = (size_t)sqlite3_column_bytes(stmt, n);

	if (bytes == NULL || len > size)
		return false;
	memcpy(dst, bytes, len);
	*len_out = len;
	return true;
}

static bool
get_enum(sqlite3_stmt *stmt, int n, const struct enum_names *names,
    unsigned *value_out)
{
	char name[32];

	*value_out = sqlite_get_text(stmt, n, name, sizeof(name))
	    ? record_enum_value(names, name)
	    : 0;
	return *value_out != 0;
}

static bool
get_owned_text(sqlite3_stmt *stmt, int n, size_t len_max, char **text_out)
{
	const char *text = (const char *)sqlite3_column_text(stmt, n);
	size_t len = (size_t)sqlite3_column_bytes(stmt, n);

	if (text == NULL)
		return sqlite3_column_type(stmt, n) == SQLITE_NULL;
	if (len > len_max || strlen(text) != len)
		return false;
	*text_out = strdup(text);
	return *text_out != NULL;
}

static bool
get_column(sqlite3_stmt *stmt, int n, const struct column *column, void *record)
{
	unsigned char *start = record;
	void *member = start + column->offset;
	size_t len;

	switch (column->type) {
	case COLUMN_INTEGER:
		*(int64_t *)member = sqlite3_column_int64(stmt, n);
		return true;
	case COLUMN_BOOL:
		*(bool *)member = sqlite3_column_int64(stmt, n) != 0;
		return true;
	case COLUMN_ENUM: return get_enum(stmt, n, column->names, member);
	case COLUMN_TEXT: return sqlite_get_text(stmt, n, member, column->size);
	case COLUMN_BYTES:
		return get_bytes(stmt, n, member, column->size, &len) &&
		    len == column->size;
	case COLUMN_BLOB:
		return get_bytes(stmt, n, member, column->size,
		    (size_t *)(void *)(start + column->len_offset));
	case COLUMN_OWNED_TEXT:
		return get_owned_text(stmt, n, column->len_max, member);
	}
	return false;
}

enum err
sqlite_get_record(
    sqlite3_stmt *stmt, const struct record_type *type, void *record_out)
{
	for (size_t i = 0; i < type->columns_n; i++)
		if (!get_column(stmt, (int)i, &type->columns[i], record_out))
			return sqlite_bad_row(type->table);
	if (type->is_valid != NULL && !type->is_valid(record_out))
		return sqlite_bad_row(type->table);
	return ERR_OK;
}

enum err
sqlite_read_one(struct sqlite_store *s, sqlite3_stmt *stmt,
    const struct record_type *type, void *record_out)
{
	enum err err = sqlite_step(s, stmt);

	if (err == ERR_OK)
		err = sqlite_get_record(stmt, type, record_out);
	sqlite_done(stmt);
	return err;
}

enum err
sqlite_read_all(struct sqlite_store *s, sqlite3_stmt *stmt,
    const struct record_type *type, void *records_out, size_t *n_out)
{
	unsigned char *record = records_out;
	size_t n = 0;
	enum err err;

	while ((err = sqlite_step(s, stmt)) == ERR_OK) {
		err = sqlite_get_record(stmt, type, record + n * type->size);
		if (err != ERR_OK)
			break;
		n++;
	}
	sqlite_done(stmt);
	*n_out = n;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
