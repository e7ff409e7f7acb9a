/* SPDX-License-Identifier: ISC */
#ifndef SHM_SEMAPHORE_H
#define SHM_SEMAPHORE_H

#include "base/err.h"

struct shm;

/*
 * A semaphore of all processes of the host.  One limits the password hashes
 * that run at once; one with a single slot elects the JWKS refresher.  A slot
 * is a byte-range lock on the shared memory file, beyond its data, which the
 * kernel releases when the holder dies.
 */
struct semaphore;

/**
 * semaphore_new(shm, slots, semaphore_out):
 * Open the hash semaphore, of ${slots} (1 to 1024), for one thread.  It has a
 * descriptor of its own, so two of one process are two holders.
 */
enum err semaphore_new(
    struct shm *shm, int slots, struct semaphore **semaphore_out) MUST_CHECK;

/**
 * semaphore_new_jwks_refresh(shm, semaphore_out):
 * The same for the single slot of the JWKS refresher.
 */
enum err semaphore_new_jwks_refresh(
    struct shm *shm, struct semaphore **semaphore_out) MUST_CHECK;

/* semaphore_free(g): release the slot if it is held.  NULL is fine. */
void semaphore_free(struct semaphore *g);

/**
 * semaphore_acquire(g, wait_ms):
 * Acquire a slot, waiting at most ${wait_ms}.  Return ERR_BUSY if none was
 * free. semaphore_release(g): release the slot, which ${g} holds.
 */
enum err semaphore_acquire(struct semaphore *g, int wait_ms) MUST_CHECK;
void semaphore_release(struct semaphore *g);

#endif
