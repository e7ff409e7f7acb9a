/* SPDX-License-Identifier: ISC */
#ifndef SHM_MUTEX_H
#define SHM_MUTEX_H

#include <pthread.h>

#include "base/err.h"

/*
 * A mutex in the shared memory file.  It is robust: the next owner learns that
 * the previous one was killed; and every wait has a time limit.
 */

/* mutex_make(mutex): return 0 or an errno. */
int mutex_make(pthread_mutex_t *mutex) MUST_CHECK;

/**
 * mutex_take(mutex, wait_ms):
 * Lock ${mutex}, waiting at most ${wait_ms}.  Return 0; EOWNERDEAD if it is
 * locked and its owner died: call pthread_mutex_consistent() after the repair;
 * ETIMEDOUT or EBUSY if another thread holds it; another errno on failure.
 */
int mutex_take(pthread_mutex_t *mutex, int wait_ms) MUST_CHECK;

/* mutex_give(mutex): unlock it; the caller is its owner. */
void mutex_give(pthread_mutex_t *mutex);

#endif
