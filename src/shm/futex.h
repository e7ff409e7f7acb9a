/* SPDX-License-Identifier: ISC */
#ifndef SHM_FUTEX_H
#define SHM_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * futex(2) on a word of the shared memory file, which processes map at
 * different addresses.  If the file was replaced or the waker was killed, no
 * wake-up arrives, so every wait has a time limit.
 */

/**
 * futex_wait(word, value, us):
 * Wait at most ${us} microseconds for futex_wake(); return at once if ${word}
 * is not ${value}.  May return early, for instance after a signal.
 *
 * futex_wake(word, n):
 * Increment ${word}, and wake at most ${n} of its waiters.
 */
void futex_wait(const _Atomic uint32_t *word, uint32_t value, int64_t us);
void futex_wake(_Atomic uint32_t *word, int n);

#endif
