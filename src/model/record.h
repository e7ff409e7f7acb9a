/* SPDX-License-Identifier: ISC */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Describes each record type once: the names, types and sizes of its columns,
 * in the order of a SELECT and of a cache entry.  The SQLite backend binds and
 * reads rows by it (store/sqlite_record.c); the caches encode and decode by it
 * (cache/record_codec.c).
 */

enum column_type {
	COLUMN_INTEGER,   /* int64_t */
	COLUMN_BOOL,      /* bool; 0 or 1 in SQL */
	COLUMN_ENUM,      /* enum without a valid value 0; its name in SQL */
	COLUMN_TEXT,      /* char[], NUL-terminated */
	COLUMN_BYTES,     /* unsigned char[], used in full */
	COLUMN_BLOB,      /* unsigned char[], with its length; not empty */
	COLUMN_OWNED_TEXT /* char * from malloc(), or NULL */
};

/* The names of the values of an enum, from 0 on. */
struct enum_names {
	const char *const *names;
	size_t n;
};

struct column {
	const char *name; /* in SQL, and of the member */
	enum column_type type;
	size_t offset;
	size_t size;                    /* of the member */
	const struct enum_names *names; /* COLUMN_ENUM */
	size_t len_offset;              /* COLUMN_BLOB: its length, a size_t */
	size_t len_max;                 /* COLUMN_OWNED_TEXT */
};

struct record_type {
	const char *table; /* in SQL; NULL: not stored there */
	const struct column *columns;
	size_t columns_n;
	size_t size;                          /* of the struct */
	bool (*is_valid)(const void *record); /* NULL: always */
};

/* COLUMN(kind, s, m): initialize a struct column for member ${m} of ${s}. */
#define COLUMN(kind, s, m)                                                     \
	.name = #m, .type = COLUMN_##kind, .offset = offsetof(s, m),           \
	.size = sizeof(((s *)NULL)->m)
#define ENUM_COLUMN(s, m, enum_names) COLUMN(ENUM, s, m), .names = (enum_names)
#define BLOB_COLUMN(s, m, len)                                                 \
	COLUMN(BLOB, s, m), .len_offset = offsetof(s, len)
#define OWNED_TEXT_COLUMN(s, m, max) COLUMN(OWNED_TEXT, s, m), .len_max = (max)

/**
 * record_enum_name(names, value):
 * Return the name of ${value}, or that of 0 if it is out of range.
 *
 * record_enum_value(names, name):
 * Return the value called ${name}; 0 if there is none.
 */
const char *record_enum_name(const struct enum_names *names, unsigned value);
unsigned record_enum_value(const struct enum_names *names, const char *name);

#endif
