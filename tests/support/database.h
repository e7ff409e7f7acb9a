/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_DATABASE_H
#define SUPPORT_DATABASE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A look at a SQLite database from outside, as an operator's sqlite3 would
 * have it, and a hand on it.  What fails fails the test.
 */

/* database_check(path): integrity_check must say "ok". */
void database_check(const char *path);

/* database_run(path, sql): run statements. */
void database_run(const char *path, const char *sql);

/**
 * database_make(path, version):
 * A database as the program of that version of the schema has left it: two
 * users, of whom the second has logged out everywhere; the latest time is 400.
 */
void database_make(const char *path, int version);

/* database_int(path, sql): the one number that ${sql} asks for. */
int64_t database_int(const char *path, const char *sql);

#endif
