/* SPDX-License-Identifier: ISC */
#ifndef HOST_MAPPED_H
#define HOST_MAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct layout;      /* host/layout.h: what lies in the file */
struct layout_slot; /* where a process counts */
struct mapped;      /* one process's view of it */

#define MAPPED_TABLE_ID_BYTES 16
#define MAPPED_TABLE_MB_MAX 4096

/**
 * mapped_open(database, table_mb, mapped_out):
 * Map the file "${database}-table" (0600, created and fully allocated when
 * missing; beside the file that ${database} is a symbolic link to, if it is
 * one) and keep a shared open-file-description lock on it until
 * mapped_close() or death.  The process that finds no other holds one resets
 * the file under a fresh random table_id, with an area of ${table_mb} MiB
 * (1 to MAPPED_TABLE_MB_MAX); nobody else does, and for the others the file
 * says how large the area is.  Two struct
 * mapped in one process are two views and count as two; one may be used by
 * several threads.  After secret_init().
 *
 * A child inherits the lock with the descriptor: it holds it as long as its
 * parent or itself.  So a supervisor that keeps one open lets the table
 * survive its workers; each of these opens its own, because a view is not to
 * be shared by processes, and closes the inherited one with mapped_close().
 *
 * Return ERR_INVALID if the file belongs to another version of the program
 * that is still running, ERR_UNAVAILABLE if it cannot be had: others may get
 * at it, no room, somebody has been opening it for 2 s (each with one log line
 * that says why).
 */
enum err mapped_open(
    const char *database, int table_mb, struct mapped **mapped_out) MUST_CHECK;

/* mapped_close(m): unmap, give up the lock.  NULL is fine. */
void mapped_close(struct mapped *m);

/* mapped_layout(m): what lies in the file; lives as long as ${m}. */
struct layout *mapped_layout(const struct mapped *m);

/**
 * mapped_slot(m):
 * Where ${m} counts for the statistics (host/stats): no other mapped that is
 * open has it, unless there are more than STATS_SLOTS.
 */
struct layout_slot *mapped_slot(const struct mapped *m);

/**
 * mapped_area(m, size_out):
 * Return the area, which belongs to the entry table (cache/table) and is as
 * much shared as all the rest: page-aligned, all zero after a reset.  Lives as
 * long as ${m}.
 */
void *mapped_area(const struct mapped *m, size_t *size_out);

/**
 * mapped_alone(m):
 * Return true if nobody but ${m} has the file open; from then on until
 * mapped_close() nobody else gets it.  mapped_database(m): the database's name,
 * absolute and without links, as long as ${m} lives.
 */
bool mapped_alone(struct mapped *m) MUST_CHECK;
const char *mapped_database(const struct mapped *m);

/**
 * mapped_in_use(database): has anybody the file open?  Does not open it as
 * mapped_open() does.  mapped_views(m): how many have, we among them, of the
 * first STATS_SLOTS; 0 if it cannot be told.
 */
bool mapped_in_use(const char *database);
size_t mapped_views(const struct mapped *m);

/**
 * mapped_is_current(m):
 * Return true if the file that ${m} maps is still the one on disk under its
 * name.  Costs one stat(2).
 */
bool mapped_is_current(const struct mapped *m);

/**
 * mapped_trusted(m), mapped_distrust(m):
 * Once a process has found that it maps a file that is not current, it calls
 * mapped_distrust(): from then on nothing cached counts for it.  Says so in
 * the log, once.
 */
bool mapped_trusted(const struct mapped *m);
void mapped_distrust(struct mapped *m);

/**
 * mapped_time(m, wall):
 * Return the later of ${wall} (seconds) and the latest time any process of the
 * host has passed here, and remember it: a clock set back revives nothing.
 */
int64_t mapped_time(struct mapped *m, int64_t wall);

/**
 * mapped_open_again(m, fd_out):
 * Open the very file that ${m} maps once more, for kernel-released byte-range
 * locks (host/gate) that are not ${m}'s own.  The caller
 * closes it.  Return ERR_UNAVAILABLE if that is not to be had, or not the
 * current file any more.
 */
enum err mapped_open_again(const struct mapped *m, int *fd_out) MUST_CHECK;

#endif
