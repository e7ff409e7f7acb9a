/* SPDX-License-Identifier: ISC */
#include "shm/futex.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Not the private kind, which is for the threads of one process. */
void
futex_wait(const _Atomic uint32_t *word, uint32_t value, int64_t us)
{
	const struct timespec timeout = { .tv_sec = us / 1000000,
		.tv_nsec = us % 1000000 * 1000 };

	(void)syscall(SYS_futex, word, FUTEX_WAIT, value, &timeout, NULL, 0);
}

void
futex_wake(_Atomic uint32_t *word, int n)
{
	(void)atomic_fetch_add(word, 1);
	(void)syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);
}
