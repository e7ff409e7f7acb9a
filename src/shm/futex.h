/* SPDX-License-Identifier: ISC */
#ifndef SHM_FUTEX_H
#define SHM_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Waiting for a word of the mapped file (futex(2)), which processes have mapped
 * at different addresses.  Nobody wakes who waits on a file that was replaced,
 * or for somebody who was killed: there is always a time at which to look.
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
