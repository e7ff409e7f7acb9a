/* SPDX-License-Identifier: ISC */
#include "shm/circuit_breaker.h"

#include <stdatomic.h>

#include "base/random.h"
#include "base/testpoint.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"

/*
 * The state is one number: 0 if closed, else the time until which no process
 * asks Redis, with bit 0 set during a probe.  The bit tells a failed probe,
 * which doubles the back-off, from requests that were sent before it opened.
 */
#define PROBE_BIT ((int64_t)1)
#define PROBE_LEASE_US (1000 * 1000)

bool
circuit_breaker_closed(const struct shm *shm)
{
	return atomic_load_explicit(&shm_layout(shm)->redis.open_until_us,
		   memory_order_acquire) == 0;
}

uint64_t
circuit_breaker_opened(const struct shm *shm)
{
	return atomic_load(&shm_layout(shm)->redis.opened);
}

/* Add up to a quarter; subtract it where the sum would exceed 30 s. */
static int64_t
jittered(int64_t back_off_us)
{
	int64_t quarter = back_off_us / 4;
	uint32_t random;
	int64_t jitter;

	random_fill(&random, sizeof(random));
	jitter = (int64_t)random % (quarter + 1);
	if (back_off_us + quarter > CIRCUIT_BREAKER_BACK_OFF_MAX_US)
		return back_off_us - jitter;
	return back_off_us + jitter;
}

void
circuit_breaker_trip(struct shm *shm, int64_t now_us)
{
	struct shm_layout_circuit_breaker *b = &shm_layout(shm)->redis;
	int64_t state = atomic_load(&b->open_until_us);
	int64_t back_off;

	if (state == 0) {
		back_off = CIRCUIT_BREAKER_BACK_OFF_MIN_US;
	} else if ((state & PROBE_BIT) != 0) {
		back_off = 2 * atomic_load(&b->back_off_us);
		if (back_off < CIRCUIT_BREAKER_BACK_OFF_MIN_US)
			back_off = CIRCUIT_BREAKER_BACK_OFF_MIN_US;
		if (back_off > CIRCUIT_BREAKER_BACK_OFF_MAX_US)
			back_off = CIRCUIT_BREAKER_BACK_OFF_MAX_US;
	} else {
		return; /* the request was sent before it opened */
	}

	/* If another process was faster, its result is as recent. */
	if (!atomic_compare_exchange_strong(&b->open_until_us, &state,
		(now_us + jittered(back_off)) & ~PROBE_BIT))
		return;
	atomic_store(&b->back_off_us, back_off);
	if (state == 0)
		(void)atomic_fetch_add(&b->opened, 1);
}

bool
circuit_breaker_claim_probe(struct shm *shm, int64_t now_us)
{
	struct shm_layout_circuit_breaker *b = &shm_layout(shm)->redis;
	int64_t state = atomic_load(&b->open_until_us);

	if (state == 0 || now_us < state)
		return false;
	TESTPOINT("breaker:claiming");
	return atomic_compare_exchange_strong(
	    &b->open_until_us, &state, (now_us + PROBE_LEASE_US) | PROBE_BIT);
}

void
circuit_breaker_reset(struct shm *shm)
{
	atomic_store(&shm_layout(shm)->redis.open_until_us, 0);
}
