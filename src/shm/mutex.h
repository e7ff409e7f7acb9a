/* SPDX-License-Identifier: ISC */
#ifndef SHM_MUTEX_H
#define SHM_MUTEX_H

#include <pthread.h>

#include "base/err.h"

/*
 * A mutex in the mapped file.  It is robust: who takes it next is told that its
 * owner was killed, and the wait for one that lives has an end.
 */

/* mutex_make(mutex): return 0 or an errno. */
int mutex_make(pthread_mutex_t *mutex) MUST_CHECK;

/**
 * mutex_take(mutex, wait_ms):
 * Wait for it, at most so long.  Return 0; EOWNERDEAD if it is ours and its
 * owner died: call pthread_mutex_consistent() once all is in order; ETIMEDOUT
 * or EBUSY if others have it; another errno if it is broken.
 */
int mutex_take(pthread_mutex_t *mutex, int wait_ms) MUST_CHECK;

/* mutex_give(mutex): it must be ours. */
void mutex_give(pthread_mutex_t *mutex);

#endif
