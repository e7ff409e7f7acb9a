/* SPDX-License-Identifier: ISC */
#include "host/wish.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/siphash.h"
#include "host/layout.h"
#include "host/mapped.h"

static struct layout_wishes *
wishes(const struct mapped *m)
{
	return &mapped_layout(m)->wishes;
}

static _Atomic int64_t *
word_of(const struct mapped *m, const char *issuer)
{
	const struct layout *lo = mapped_layout(m);
	uint64_t hash = siphash_bytes(lo->hash_key, issuer, strlen(issuer));

	return &wishes(m)->at[hash % LAYOUT_WISHES];
}

/*
 * Shared by processes that have it mapped at different addresses, so not the
 * private kind.  Who waits on a file that was replaced is woken by nobody, and
 * finds out when his time is over.
 */
static void
futex(const struct mapped *m, int what, uint32_t value,
    const struct timespec *timeout)
{
	(void)syscall(
	    SYS_futex, &wishes(m)->serial, what, value, timeout, NULL, 0);
}

void
wish_issuer(struct mapped *m, const char *issuer, int64_t now)
{
	_Atomic int64_t *word = word_of(m, issuer);
	int64_t at = atomic_load_explicit(word, memory_order_relaxed);

	while (at < now) {
		if (!atomic_compare_exchange_weak(word, &at, now))
			continue;
		wish_wake(m);
		return;
	}
}

int64_t
wish_at(const struct mapped *m, const char *issuer)
{
	return atomic_load(word_of(m, issuer));
}

uint32_t
wish_serial(const struct mapped *m)
{
	return atomic_load(&wishes(m)->serial);
}

void
wish_wait(const struct mapped *m, uint32_t serial, int ms)
{
	const struct timespec timeout = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };

	futex(m, FUTEX_WAIT, serial, &timeout);
}

void
wish_wake(struct mapped *m)
{
	(void)atomic_fetch_add(&wishes(m)->serial, 1);
	futex(m, FUTEX_WAKE, INT_MAX, NULL);
}
