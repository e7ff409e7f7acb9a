/* SPDX-License-Identifier: ISC */
#ifndef SHM_SHM_H
#define SHM_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct shm_layout;      /* contents of the file: shm/shm_layout.h */
struct shm_layout_slot; /* counters of one process */
struct shm;             /* one process's view of the file */

#define SHM_FILE_NAME "shared.mem"
#define SHM_ID_BYTES 16
#define SHM_MEMORY_CACHE_MB_MAX 4096

/**
 * shm_attach(state_dir, memory_cache_mb, shm_out):
 * Map the shared memory file of the folder ${state_dir} (0600, created and
 * fully allocated if missing), and hold a shared open-file-description lock on
 * it until shm_detach() or death.  The process that finds no other lock resets
 * the file under a new random shm_id, with ${memory_cache_mb} MiB (1 to
 * SHM_MEMORY_CACHE_MB_MAX) for the memory cache; the others use the file as it
 * is.  Two views in one process count as two; several threads may use one.
 * Call after secret_init().
 *
 * A child inherits the lock with the descriptor.  A supervisor that keeps a
 * view lets the file survive its workers; each worker opens a view of its own
 * and closes the inherited one with shm_detach(), because processes must not
 * share a view.
 *
 * Return ERR_INVALID if a running process of another version has the file,
 * ERR_UNAVAILABLE if it cannot be opened: other users can read it, the disk is
 * full, another process has been opening it for 2 s.  Both log the reason.
 */
enum err shm_attach(const char *state_dir, int memory_cache_mb,
    struct shm **shm_out) MUST_CHECK;

/* shm_detach(shm): unmap the file and release all locks.  NULL is fine. */
void shm_detach(struct shm *shm);

/**
 * shm_claim(shm, path):
 * Bind the store whose lock file is ${path} to this shared memory, until
 * shm_detach() or shm_distrust().  While any process holds the claim, no
 * process with another shared memory file can claim the same store, and this
 * shared memory serves no other store: a logout in one of two pools on a store
 * would not reach the other.  May be repeated.  The caller holds
 * coherence_lock().  Return ERR_INVALID, with one log line, if the claim is
 * refused, ERR_UNAVAILABLE if the lock file cannot be used.
 */
enum err shm_claim(struct shm *shm, const char *path) MUST_CHECK;

/**
 * shm_remove_old(path):
 * Remove the shared memory file that older versions kept at ${path}, if there
 * is one.  Return ERR_INVALID, with one log line, if a running process of such
 * a version has it, ERR_UNAVAILABLE if it cannot be removed.
 */
enum err shm_remove_old(const char *path) MUST_CHECK;

/* shm_layout(shm): the contents of the file; lives as long as ${shm}. */
struct shm_layout *shm_layout(const struct shm *shm);

/**
 * shm_id(shm):
 * Return the SHM_ID_BYTES random bytes that each reset of the file makes anew;
 * they live as long as ${shm}.
 */
const unsigned char *shm_id(const struct shm *shm);

/**
 * shm_slot(shm):
 * Return the slot of shm/counters that ${shm} counts in.  No other open view
 * has it, unless there are more than COUNTERS_SLOTS.
 */
struct shm_layout_slot *shm_slot(const struct shm *shm);

/**
 * shm_region(shm, size_out):
 * Return the region of cache/memory_cache, *${size_out} bytes: page-aligned,
 * zero after a reset.  Lives as long as ${shm}.
 */
void *shm_region(const struct shm *shm, size_t *size_out);

/**
 * shm_alone(shm):
 * Return true if no other view of the file is open; until shm_detach() none can
 * be opened then.
 */
bool shm_alone(struct shm *shm) MUST_CHECK;

/**
 * shm_in_use(state_dir): return true if any process has a view of that file.
 * shm_views(shm): return the number of open views, at most COUNTERS_SLOTS;
 * 0 if that is unknown.
 */
bool shm_in_use(const char *state_dir);
size_t shm_views(const struct shm *shm);

/**
 * shm_is_current(shm):
 * Return true if the shared memory file, and the lock file of shm_claim(), are
 * still the ones on disk.  Costs one stat(2) for each.
 */
bool shm_is_current(const struct shm *shm);

/**
 * shm_trusted(shm), shm_distrust(shm):
 * A process that finds that its file is not current calls shm_distrust(): from
 * then on it uses no cached entry and makes no change.  Logs that once.
 */
bool shm_trusted(const struct shm *shm);
void shm_distrust(struct shm *shm);

/**
 * shm_time(shm, wall):
 * Return the later of ${wall} (seconds) and the latest time that any process
 * of the host passed, and store it: after the clock is set back, nothing
 * expired becomes valid again.
 */
int64_t shm_time(struct shm *shm, int64_t wall);

/**
 * shm_note_clock(shm, behind):
 * Note for all processes of the host whether the wall clock is behind the
 * latest time.  Return true if that is new, to one caller only.
 */
bool shm_note_clock(struct shm *shm, bool behind);

/**
 * shm_reopen(shm, fd_out):
 * Open the shared memory file once more, for byte-range locks (shm/semaphore)
 * that are not ${shm}'s own.  The caller closes ${fd_out}.  Return
 * ERR_UNAVAILABLE if that fails or the file is not the current one.
 */
enum err shm_reopen(const struct shm *shm, int *fd_out) MUST_CHECK;

#endif
