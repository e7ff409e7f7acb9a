/* SPDX-License-Identifier: ISC */
#ifndef SHM_SEMAPHORE_H
#define SHM_SEMAPHORE_H

#include "base/err.h"

struct shm;

/*
 * The hash gate: how many password hashes run at once on this host, whoever
 * started the processes; and a gate of one place, for the work that one process
 * of the host does.  A place is a byte-range lock on the mapped file
 * (beyond its data), which the kernel releases when its holder dies.
 */
struct semaphore;

/**
 * semaphore_new(m, places, semaphore_out):
 * Make this process's hand on the ${places} (1 to 1024) places.  One gate is
 * used by one thread.  It opens its own descriptor of the mapped file, so two
 * gates of one process are two holders.
 */
enum err semaphore_new(
    struct shm *m, int places, struct semaphore **semaphore_out) MUST_CHECK;

/**
 * semaphore_new_jwks_refresh(m, semaphore_out):
 * The same for the one place of who keeps the issuers' keys on this host.
 */
enum err semaphore_new_jwks_refresh(
    struct shm *m, struct semaphore **semaphore_out) MUST_CHECK;

/* semaphore_free(g): gives the place back if it is held.  NULL is fine. */
void semaphore_free(struct semaphore *g);

/**
 * semaphore_acquire(g, wait_ms):
 * Take a place, waiting at most ${wait_ms}.  Return ERR_BUSY if none came
 * free.  semaphore_release(g) gives it back.
 */
enum err semaphore_acquire(struct semaphore *g, int wait_ms) MUST_CHECK;
void semaphore_release(struct semaphore *g);

#endif
