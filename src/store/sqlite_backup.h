/* SPDX-License-Identifier: ISC */
#ifndef STORE_SQLITE_BACKUP_H
#define STORE_SQLITE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Whole databases as files: making a copy while others write, and putting one
 * in the place of the database while nobody does.
 */

#define SQLITE_BACKUP_WHY_SIZE 256

/**
 * sqlite_backup_make(database, file, replace, why):
 * Copy the database at ${database}, as it is at one moment, to ${file} (0600).
 * Others may go on reading and writing.  The copy is checked, synced, and
 * appears under its name whole or not at all; without ${replace}, ERR_CONFLICT
 * if there is anything of that name.  ERR_INVALID if the copy is damaged, so
 * the database is; ERR_UNAVAILABLE otherwise.  ${why} is a line then.
 */
enum err sqlite_backup_make(const char *database, const char *file,
    bool replace, char why[SQLITE_BACKUP_WHY_SIZE]) MUST_CHECK;

#define SQLITE_BACKUP_KEPT_SIZE 1100

struct sqlite_backup_restored {
	int64_t users;
	int64_t sessions; /* how many there were in the copy */
	char kept[SQLITE_BACKUP_KEPT_SIZE]; /* the database that was there
					     before, or "" */
};

/**
 * sqlite_backup_restore(file, database, now, restored_out, why):
 * Put the copy ${file} in the place of ${database} (an absolute name without
 * links, which nobody may have open), which is kept under another name.  No
 * session survives, and no token of an outside issuer: one that was revoked
 * since the copy was made must not come back, and nobody can tell any more
 * which those are.  As far as the old database can still be read, ids that were
 * given out since are not given out again, time does not go back, and the keys
 * that sign stay as they are.  Whoever is killed on the way leaves either the
 * old database or the new one.  ERR_INVALID if ${file} is damaged, none of
 * ours, or newer than this program; ERR_UNAVAILABLE otherwise; ${why} is a
 * line then.
 */
enum err sqlite_backup_restore(const char *file, const char *database,
    int64_t now, struct sqlite_backup_restored *restored_out,
    char why[SQLITE_BACKUP_WHY_SIZE]) MUST_CHECK;

#endif
