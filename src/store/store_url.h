/* SPDX-License-Identifier: ISC */
#ifndef STORE_STORE_URL_H
#define STORE_STORE_URL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

struct shm;

/*
 * What can be asked of a store by its URL, without opening it.  Only the
 * backend knows whether there are files and what they are called.
 */

/* store_url_flaw(url): why ${url} is no URL of a store; NULL if it may be one.
 */
const char *store_url_flaw(const char *url);

/**
 * store_url_stat(url, file_out):
 * Call stat(2) on the file of the database.  False if there is none.
 */
bool store_url_stat(const char *url, struct stat *file_out);

/**
 * store_url_folder(url, resolve, folder_out):
 * Write the folder of the database; with ${resolve}, of the file that a
 * symbolic link leads to.  ERR_NOT_FOUND if the store has no files,
 * ERR_INVALID if the path is too long.
 */
enum err store_url_folder(
    const char *url, bool resolve, char folder_out[PATH_MAX]) MUST_CHECK;

/**
 * store_url_file(url, i, file_out):
 * Write the path of the ${i}th file that may belong to the database, which is
 * itself the first.  False after the last.
 */
bool store_url_file(const char *url, size_t i, char file_out[PATH_MAX]);

#define STORE_WHY_SIZE 256   /* a line for the operator */
#define STORE_KEPT_SIZE 1100 /* the path of an old database */

struct store_restored {
	int64_t users;
	int64_t sessions;           /* in the copy; they end */
	char kept[STORE_KEPT_SIZE]; /* name of the old database, or "" */
};

/**
 * store_url_settle(url, shm):
 * If no other process has a view of ${shm}, make the file of the database
 * complete, so that a copy of it is a copy of the database.  Logs a failure,
 * after which everything is as before.
 */
void store_url_settle(const char *url, struct shm *shm);

/**
 * store_url_backup(url, file, replace, why):
 * Copy one snapshot of the database to ${file}, while others use it; see
 * sqlite_backup_make().  On errors ${why} says what is wrong.
 *
 * store_url_restore(url, file, shm, now, restored_out, why):
 * Replace the database by the copy ${file}; see sqlite_backup_restore().
 */
enum err store_url_backup(const char *url, const char *file, bool replace,
    char why[STORE_WHY_SIZE]) MUST_CHECK;
enum err store_url_restore(const char *url, const char *file, struct shm *shm,
    int64_t now, struct store_restored *restored_out,
    char why[STORE_WHY_SIZE]) MUST_CHECK;

#endif
