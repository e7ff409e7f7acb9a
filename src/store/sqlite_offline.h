/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_OFFLINE_H
#define STORE_SQLITE_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/sqlite_backup.h"

/*
 * A database without the rules of the store, for store/sqlite_backup only.
 * Where a function fails, ${why} is a line of at most SQLITE_BACKUP_WHY_SIZE
 * bytes for the operator.
 */
struct sqlite_offline;

/**
 * sqlite_offline_open(path, writable, w_out, why):
 * Open an existing file.  ERR_INVALID if it is no database.
 * sqlite_offline_run(w, sql, why): run statements without results.
 * sqlite_offline_ask(w, sql, value_out, why): query one number; ERR_NOT_FOUND
 * without a row.
 */
enum err sqlite_offline_open(const char *path, bool writable,
    struct sqlite_offline **w_out, char *why) MUST_CHECK;
void sqlite_offline_close(struct sqlite_offline *w);
enum err sqlite_offline_run(
    struct sqlite_offline *w, const char *sql, char *why) MUST_CHECK;
enum err sqlite_offline_ask(struct sqlite_offline *w, const char *sql,
    int64_t *value_out, char *why) MUST_CHECK;

/* sqlite_offline_attach(w, path, name, why): attach as the schema ${name}. */
enum err sqlite_offline_attach(struct sqlite_offline *w, const char *path,
    const char *name, char *why) MUST_CHECK;

/**
 * sqlite_offline_copy(from, to, why): copy one snapshot of ${from} into the
 * empty file ${to}, without a log beside it.
 * sqlite_offline_check(path, why): read everything; ERR_INVALID if it is
 * damaged.
 * sqlite_offline_is_ours(path, why): ERR_INVALID if it is no Latchkey database,
 * or of a newer version.
 */
enum err sqlite_offline_copy(
    const char *from, const char *to, char *why) MUST_CHECK;
enum err sqlite_offline_check(const char *path, char *why) MUST_CHECK;
enum err sqlite_offline_is_ours(const char *path, char *why) MUST_CHECK;

/**
 * sqlite_offline_errno(why, path):
 * Write the text of errno for ${path} to ${why}; return ERR_UNAVAILABLE.
 */
enum err sqlite_offline_errno(char *why, const char *path);

#endif
