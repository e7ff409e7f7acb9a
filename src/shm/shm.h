/* SPDX-License-Identifier: ISC */
#ifndef SHM_SHM_H
#define SHM_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct shm_layout;      /* shm/shm_layout.h: what lies in the file */
struct shm_layout_slot; /* where a process counts */
struct shm;             /* one process's view of it */

#define SHM_ID_BYTES 16
#define SHM_MEMORY_CACHE_MB_MAX 4096

/**
 * shm_attach(database, memory_cache_mb, shm_out):
 * Map the file "${database}-table" (0600, created and fully allocated when
 * missing; beside the file that ${database} is a symbolic link to, if it is
 * one) and keep a shared open-file-description lock on it until
 * shm_detach() or death.  The process that finds no other holds one resets
 * the file under a fresh random shm_id, with an area of ${memory_cache_mb} MiB
 * (1 to SHM_MEMORY_CACHE_MB_MAX); nobody else does, and for the others the file
 * says how large the area is.  Two struct
 * mapped in one process are two views and count as two; one may be used by
 * several threads.  After secret_init().
 *
 * A child inherits the lock with the descriptor: it holds it as long as its
 * parent or itself.  So a supervisor that keeps one open lets the table
 * survive its workers; each of these opens its own, because a view is not to
 * be shared by processes, and closes the inherited one with shm_detach().
 *
 * Return ERR_INVALID if the file belongs to another version of the program
 * that is still running, ERR_UNAVAILABLE if it cannot be had: others may get
 * at it, no room, somebody has been opening it for 2 s (each with one log line
 * that says why).
 */
enum err shm_attach(
    const char *database, int memory_cache_mb, struct shm **shm_out) MUST_CHECK;

/* shm_detach(m): unmap, give up the lock.  NULL is fine. */
void shm_detach(struct shm *m);

/* shm_layout(m): what lies in the file; lives as long as ${m}. */
struct shm_layout *shm_layout(const struct shm *m);

/**
 * shm_id(m):
 * Return the SHM_ID_BYTES random bytes that tell this life of the file from
 * every other; they live as long as ${m}.
 */
const unsigned char *shm_id(const struct shm *m);

/**
 * shm_slot(m):
 * Where ${m} counts for the statistics (host/stats): no other mapped that is
 * open has it, unless there are more than COUNTERS_SLOTS.
 */
struct shm_layout_slot *shm_slot(const struct shm *m);

/**
 * shm_region(m, size_out):
 * Return the area, which belongs to the entry table (cache/table) and is as
 * much shared as all the rest: page-aligned, all zero after a reset.  Lives as
 * long as ${m}.
 */
void *shm_region(const struct shm *m, size_t *size_out);

/**
 * shm_alone(m):
 * Return true if nobody but ${m} has the file open; from then on until
 * shm_detach() nobody else gets it.  shm_database(m): the database's name,
 * absolute and without links, as long as ${m} lives.
 */
bool shm_alone(struct shm *m) MUST_CHECK;
const char *shm_database(const struct shm *m);

/**
 * shm_in_use(database): has anybody the file open?  Does not open it as
 * shm_attach() does.  shm_views(m): how many have, we among them, of the
 * first COUNTERS_SLOTS; 0 if it cannot be told.
 */
bool shm_in_use(const char *database);
size_t shm_views(const struct shm *m);

/**
 * shm_is_current(m):
 * Return true if the file that ${m} maps is still the one on disk under its
 * name.  Costs one stat(2).
 */
bool shm_is_current(const struct shm *m);

/**
 * shm_trusted(m), shm_distrust(m):
 * Once a process has found that it maps a file that is not current, it calls
 * shm_distrust(): from then on nothing cached counts for it.  Says so in
 * the log, once.
 */
bool shm_trusted(const struct shm *m);
void shm_distrust(struct shm *m);

/**
 * shm_time(m, wall):
 * Return the later of ${wall} (seconds) and the latest time any process of the
 * host has passed here, and remember it: a clock set back revives nothing.
 */
int64_t shm_time(struct shm *m, int64_t wall);

/**
 * shm_reopen(m, fd_out):
 * Open the very file that ${m} maps once more, for kernel-released byte-range
 * locks (host/gate) that are not ${m}'s own.  The caller
 * closes it.  Return ERR_UNAVAILABLE if that is not to be had, or not the
 * current file any more.
 */
enum err shm_reopen(const struct shm *m, int *fd_out) MUST_CHECK;

#endif
