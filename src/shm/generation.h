/* SPDX-License-Identifier: ISC */
#ifndef SHM_GENERATION_H
#define SHM_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct shm;

/*
 * Generations are the versions of coherence/shm_coherence: a counter for each
 * hash bucket of keys, odd while a change is in flight, otherwise even.
 */

/**
 * generation_read(shm, key):
 * Return the generation of ${key}, with acquire order: what is read after it
 * is at least as new.  Once ${shm} is distrusted it is always odd.
 */
uint64_t generation_read(const struct shm *shm, const char *key);

/* generation_quiet(g): true if no change was in flight at ${g}. */
static inline bool
generation_quiet(uint64_t g)
{
	return (g & 1) == 0;
}

/**
 * generation_settled_fn(ctx):
 * Make sure that the change of a dead process is permanently either committed
 * or rolled back.  Return any error while that is not known.
 */
typedef enum err generation_settled_fn(void *ctx);

/**
 * generation_lock(shm, wait_ms, settled, ctx):
 * Lock the host's write mutex, waiting at most ${wait_ms} (0: only try).  If
 * buckets are noted in flight, their owner died: call ${settled} (may be NULL)
 * and then make them even.  Return ERR_UNAVAILABLE if the mutex was not free in
 * time, or the error of ${settled}; the buckets stay as they are then.
 */
enum err generation_lock(struct shm *shm, int wait_ms,
    generation_settled_fn *settled, void *ctx) MUST_CHECK;

/**
 * generation_mark(shm, keys, n):
 * Holding the mutex: note the buckets of the ${n} ${keys} as in flight (each
 * bucket once) and make their generations odd.  Return ERR_INVALID, nothing
 * marked, if that would be more than the list holds.
 */
enum err generation_mark(
    struct shm *shm, const char *const *keys, size_t n) MUST_CHECK;

/**
 * generation_settle(shm):
 * Holding the mutex: make the noted generations even again and empty the
 * list, whether the change was committed or not.
 */
void generation_settle(struct shm *shm);

/**
 * generation_unlock(shm):
 * Release the mutex.  Buckets still in flight stay so, as after a death, until
 * the next generation_lock() has settled them.
 */
void generation_unlock(struct shm *shm);

#endif
