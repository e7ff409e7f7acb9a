/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_OFFLINE_H
#define STORE_SQLITE_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/sqlite_backup.h"

/*
 * A database that is not served: for store/sqlite_copy alone.  Every ${why} is
 * a line of SQLITE_BACKUP_WHY_SIZE bytes that an error leaves.
 */
struct sqlite_offline;

/**
 * sqlite_offline_open(path, writable, w_out, why):
 * Open what is there; nothing is made.  ERR_INVALID if it is no database.
 * sqlite_offline_run(w, sql, why): statements without an answer of interest.
 * sqlite_offline_ask(w, sql, value_out, why): the one number that ${sql} asks
 * for; ERR_NOT_FOUND without a row.
 */
enum err sqlite_offline_open(const char *path, bool writable,
    struct sqlite_offline **w_out, char *why) MUST_CHECK;
void sqlite_offline_close(struct sqlite_offline *w);
enum err sqlite_offline_run(
    struct sqlite_offline *w, const char *sql, char *why) MUST_CHECK;
enum err sqlite_offline_ask(struct sqlite_offline *w, const char *sql,
    int64_t *value_out, char *why) MUST_CHECK;

/* sqlite_offline_attach(w, path, name, why): as another schema of that name. */
enum err sqlite_offline_attach(struct sqlite_offline *w, const char *path,
    const char *name, char *why) MUST_CHECK;

/**
 * sqlite_offline_copy(from, to, why): ${from} as it is at one moment into the
 * empty file ${to}, which is one file then, without a log beside it.
 * sqlite_offline_check(path, why): read all of it; ERR_INVALID if it is
 * damaged. sqlite_offline_is_ours(path, why): ERR_INVALID if it is not, or is
 * newer.
 */
enum err sqlite_offline_copy(
    const char *from, const char *to, char *why) MUST_CHECK;
enum err sqlite_offline_check(const char *path, char *why) MUST_CHECK;
enum err sqlite_offline_is_ours(const char *path, char *why) MUST_CHECK;

/**
 * sqlite_offline_errno(why, path):
 * Write what errno says about ${path} to ${why}; return ERR_UNAVAILABLE.
 */
enum err sqlite_offline_errno(char *why, const char *path);

#endif
