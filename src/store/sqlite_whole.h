/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_WHOLE_H
#define STORE_SQLITE_WHOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/sqlite_copy.h"

/*
 * A database that is not served: for store/sqlite_copy alone.  Every ${why} is
 * a line of SQLITE_COPY_WHY_SIZE bytes that an error leaves.
 */
struct sqlite_whole;

/**
 * sqlite_whole_open(path, writable, w_out, why):
 * Open what is there; nothing is made.  ERR_INVALID if it is no database.
 * sqlite_whole_run(w, sql, why): statements without an answer of interest.
 * sqlite_whole_ask(w, sql, value_out, why): the one number that ${sql} asks
 * for; ERR_NOT_FOUND without a row.
 */
enum err sqlite_whole_open(const char *path, bool writable,
    struct sqlite_whole **w_out, char *why) MUST_CHECK;
void sqlite_whole_close(struct sqlite_whole *w);
enum err sqlite_whole_run(
    struct sqlite_whole *w, const char *sql, char *why) MUST_CHECK;
enum err sqlite_whole_ask(struct sqlite_whole *w, const char *sql,
    int64_t *value_out, char *why) MUST_CHECK;

/* sqlite_whole_attach(w, path, name, why): as another schema of that name. */
enum err sqlite_whole_attach(struct sqlite_whole *w, const char *path,
    const char *name, char *why) MUST_CHECK;

/**
 * sqlite_whole_copy(from, to, why): ${from} as it is at one moment into the
 * empty file ${to}, which is one file then, without a log beside it.
 * sqlite_whole_check(path, why): read all of it; ERR_INVALID if it is damaged.
 * sqlite_whole_is_ours(path, why): ERR_INVALID if it is not, or is newer.
 */
enum err sqlite_whole_copy(
    const char *from, const char *to, char *why) MUST_CHECK;
enum err sqlite_whole_check(const char *path, char *why) MUST_CHECK;
enum err sqlite_whole_is_ours(const char *path, char *why) MUST_CHECK;

/**
 * sqlite_whole_sync(path), sqlite_whole_sync_folder(path): the file, the folder
 * it is in, to the disk; false with errno set.
 * sqlite_whole_errno(why, path): what errno says of it; ERR_UNAVAILABLE.
 */
bool sqlite_whole_sync(const char *path);
bool sqlite_whole_sync_folder(const char *path);
enum err sqlite_whole_errno(char *why, const char *path);

#endif
