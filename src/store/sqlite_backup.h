/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_BACKUP_H
#define STORE_SQLITE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store_url.h"

/*
 * Backups of the SQLite database: a copy made while it is in use, and a restore
 * while no process has it open.  Where a function fails, ${why} is a line for
 * the operator.
 */

/**
 * sqlite_backup_make(database, file, replace, why):
 * Copy one snapshot of ${database} to ${file} (0600) while others read and
 * write it.  The copy is checked, synced, and appears under its name complete
 * or not at all.  ERR_CONFLICT without ${replace} if ${file} exists,
 * ERR_INVALID if the copy, so the database, is damaged, else ERR_UNAVAILABLE.
 */
enum err sqlite_backup_make(const char *database, const char *file,
    bool replace, char why[STORE_WHY_SIZE]) MUST_CHECK;

/**
 * sqlite_settle(database, why):
 * Copy the log of ${database} into its file and empty the log, so that a copy
 * of the file is complete.  No other process may have it open: SQLite's log is
 * unsafe with a second checkpointer (sqlite_on_commit()).  ERR_INVALID if it is
 * no database, else ERR_UNAVAILABLE.
 */
enum err sqlite_settle(
    const char *database, char why[STORE_WHY_SIZE]) MUST_CHECK;

/**
 * sqlite_backup_restore(file, database, shm, now, restored_out, why):
 * Replace ${database}, which no other process may have open (${shm} claims it),
 * by the copy ${file}, and keep the old database under another name.  Every
 * session and every token of an external issuer ends, because it is unknown
 * which of them were revoked since the copy was made.  If the old database can
 * be read, its ids are not used again, time does not go back, and its signing
 * keys stay.  A process killed on the way leaves the old or the new database.
 * ERR_INVALID if ${file} is damaged, no Latchkey database, or of a newer
 * version, else ERR_UNAVAILABLE.
 */
enum err sqlite_backup_restore(const char *file, const char *database,
    struct shm *shm, int64_t now, struct store_restored *restored_out,
    char why[STORE_WHY_SIZE]) MUST_CHECK;

#endif
