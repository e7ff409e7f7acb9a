/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_TABLE_H
#define SUPPORT_TABLE_H

#include <limits.h>

struct mapped;

/* A folder for one test, with the names of a database and its mapped file. */
struct table {
	char dir[PATH_MAX / 4]; /* test points lie here too (support/child) */
	char db[PATH_MAX / 2];
	char path[PATH_MAX];
};

#define TABLE_MB 1 /* of the entry table; small, for there are many */

void table_make(struct table *t);
void table_remove(struct table *t);

/* table_open(t): mapped_open(), which must succeed. */
struct mapped *table_open(const struct table *t);

/* table_forget(m): empty the entry table while nobody else writes to it. */
void table_forget(struct mapped *m);

/**
 * table_uncache(database, key):
 * Remove the entry ${key} from the entry table of a running site.
 */
void table_uncache(const char *database, const char *key);

#endif
