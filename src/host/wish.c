/* SPDX-License-Identifier: ISC */
#include "host/wish.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "base/siphash.h"
#include "host/futex.h"
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
	futex_wait(&wishes(m)->serial, serial, (int64_t)ms * 1000);
}

void
wish_wake(struct mapped *m)
{
	futex_wake(&wishes(m)->serial, INT_MAX);
}
