/* SPDX-License-Identifier: ISC */
#ifndef SHM_FUTEX_H
#define SHM_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * futex(2) on a word of the shared memory file, which processes have mapped at
 * different addresses.  No process wakes a waiter whose file was replaced or
 * whose waker was killed, so every wait has a time limit.
 */

/**
 * futex_wait(word, value, us):
 * Wait at most ${us} microseconds for futex_wake(), unless ${word} is not
 * ${value} already.  May return sooner, as when a signal was caught.
 *
 * futex_wake(word, n):
 * Move ${word}, and wake at most ${n} that wait for it.
 */
void futex_wait(const _Atomic uint32_t *word, uint32_t value, int64_t us);
void futex_wake(_Atomic uint32_t *word, int n);

#endif
