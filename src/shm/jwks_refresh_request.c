/* SPDX-License-Identifier: ISC */
#include "shm/jwks_refresh_request.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "base/siphash.h"
#include "shm/futex.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"

static struct shm_layout_refresh_requests *
refresh_requests(const struct shm *shm)
{
	return &shm_layout(shm)->refresh_requests;
}

static _Atomic int64_t *
word_of(const struct shm *shm, const char *issuer)
{
	const struct shm_layout *lo = shm_layout(shm);
	uint64_t hash = siphash_bytes(lo->hash_key, issuer, strlen(issuer));

	return &refresh_requests(shm)->at[hash % SHM_LAYOUT_REFRESH_REQUESTS];
}

void
jwks_refresh_request_issuer(struct shm *shm, const char *issuer, int64_t now)
{
	_Atomic int64_t *word = word_of(shm, issuer);
	int64_t at = atomic_load_explicit(word, memory_order_relaxed);

	while (at < now) {
		if (!atomic_compare_exchange_weak(word, &at, now))
			continue;
		jwks_refresh_request_wake(shm);
		return;
	}
}

int64_t
jwks_refresh_request_time(const struct shm *shm, const char *issuer)
{
	return atomic_load(word_of(shm, issuer));
}

uint32_t
jwks_refresh_request_serial(const struct shm *shm)
{
	return atomic_load(&refresh_requests(shm)->serial);
}

void
jwks_refresh_request_wait(const struct shm *shm, uint32_t serial, int ms)
{
	futex_wait(&refresh_requests(shm)->serial, serial, (int64_t)ms * 1000);
}

void
jwks_refresh_request_wake(struct shm *shm)
{
	futex_wake(&refresh_requests(shm)->serial, INT_MAX);
}
