/* SPDX-License-Identifier: ISC */
#ifndef SHM_GENERATION_H
#define SHM_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct shm;

/*
 * Generations: why a cached entry may be believed.  A key's generation is even
 * while it is quiet and odd while a change of it is in flight.
 */

/**
 * generation_read(m, key):
 * Return the generation of ${key}, with acquire order: what is read after it
 * is at least as new.  Read it before anything it is to vouch for.  Once ${m}
 * is distrusted it is always odd: read the store, fill nothing.
 */
uint64_t generation_read(const struct shm *m, const char *key);

/* generation_quiet(g): true if no change was in flight at ${g}. */
static inline bool
generation_quiet(uint64_t g)
{
	return (g & 1) == 0;
}

/**
 * generation_settled_fn(ctx):
 * Make sure that a change which died half-way is now either there or not, for
 * good.  Any error: it cannot be told yet.
 */
typedef enum err generation_settled_fn(void *ctx);

/**
 * generation_lock(m, wait_ms, settled, ctx):
 * Take the host's write mutex, waiting at most ${wait_ms} (0: only try).  If
 * buckets are still noted in flight, their owner died: call ${settled} (may
 * be NULL) and then close them.  Return ERR_UNAVAILABLE if the mutex was not
 * to be had, or the error of ${settled}; the buckets stay as they are then.
 */
enum err generation_lock(struct shm *m, int wait_ms,
    generation_settled_fn *settled, void *ctx) MUST_CHECK;

/**
 * generation_mark(m, keys, n):
 * Holding the mutex: note the buckets of the ${n} ${keys} as in flight (each
 * bucket once) and make their generations odd.  Return ERR_INVALID, nothing
 * marked, if that would be more than the list holds.
 */
enum err generation_mark(
    struct shm *m, const char *const *keys, size_t n) MUST_CHECK;

/**
 * generation_settle(m):
 * Holding the mutex: make the noted generations even again and empty the
 * list, whether the change was committed or not.
 */
void generation_settle(struct shm *m);

/**
 * generation_unlock(m):
 * Release the mutex.  What is still in flight stays so, as after a death, until
 * the next generation_lock() has settled it.
 */
void generation_unlock(struct shm *m);

#endif
