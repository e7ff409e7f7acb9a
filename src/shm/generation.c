/* SPDX-License-Identifier: ISC */
#include "shm/generation.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/siphash.h"
#include "base/testpoint.h"
#include "shm/mutex.h"
#include "shm/shm.h"
#include "shm/shm_layout.h"

/*
 * The owner of the write mutex may be killed between any two instructions.  The
 * recovery is right because of what holds at each of them:
 *
 *  - a bucket enters the list before its generation turns odd and leaves it
 *    after the generation is even again, so every odd one is in the list;
 *  - closing adds 1 to odd generations only, so it may be started and killed
 *    any number of times; a listed bucket that is not yet odd, or even again,
 *    stays as it is.
 *
 * The list is atomic although the mutex guards it, so that the compiler does
 * not reorder the writes.
 */

static uint32_t
bucket_of(const struct shm_layout *lo, const char *key)
{
	return (uint32_t)(siphash_bytes(lo->hash_key, key, strlen(key)) &
	    (SHM_LAYOUT_GENERATIONS - 1));
}

uint64_t
generation_read(const struct shm *shm, const char *key)
{
	const struct shm_layout *lo = shm_layout(shm);

	if (!shm_trusted(shm))
		return 1;
	return atomic_load_explicit(
	    &lo->generation[bucket_of(lo, key)], memory_order_acquire);
}

static void
make_odd(_Atomic uint64_t *generation)
{
	(void)atomic_fetch_or(generation, 1);
}

static void
make_even(_Atomic uint64_t *generation)
{
	if (!generation_quiet(atomic_load(generation)))
		(void)atomic_fetch_add(generation, 1);
}

/*
 * Make every bucket in flight even.  If the list is damaged, scan all buckets
 * (some 100 microseconds): the caller holds the mutex, so no change is running.
 */
static void
close_in_flight(struct shm_layout *lo)
{
	uint32_t noted = atomic_load(&lo->in_flight_count);
	bool sane = noted <= SHM_LAYOUT_IN_FLIGHT_MAX;

	for (uint32_t i = 0; sane && i < noted; i++) {
		uint32_t bucket = atomic_load(&lo->in_flight[i]);

		sane = bucket < SHM_LAYOUT_GENERATIONS;
		if (sane)
			make_even(&lo->generation[bucket]);
	}
	for (size_t i = 0; !sane && i < SHM_LAYOUT_GENERATIONS; i++)
		make_even(&lo->generation[i]);
	TESTPOINT("generation:settled");
	atomic_store(&lo->in_flight_count, 0);
	TESTPOINT("generation:cleared");
}

/*
 * Holding the mutex: close the buckets that a dead owner left in flight, once
 * its change is settled.  Until then they stay odd, and nothing is cached.
 */
static enum err
recover(struct shm_layout *lo, bool owner_died, generation_settled_fn *settled,
    void *ctx)
{
	uint32_t noted = atomic_load(&lo->in_flight_count);
	enum err err;

	if (noted == 0 && !owner_died)
		return ERR_OK;
	log_event(LOG_LEVEL_WARN, "change_recovered",
	    "owner_died=%d in_flight=%u", owner_died, (unsigned int)noted);
	if (noted == 0)
		return ERR_OK;
	if (settled != NULL && (err = settled(ctx)) != ERR_OK)
		return err;
	close_in_flight(lo);
	return ERR_OK;
}

enum err
generation_lock(
    struct shm *shm, int wait_ms, generation_settled_fn *settled, void *ctx)
{
	struct shm_layout *lo = shm_layout(shm);
	enum err err;
	bool died;
	int rc;

	if (!shm_trusted(shm))
		return ERR_UNAVAILABLE;
	rc = mutex_take(&lo->write_mutex, wait_ms);
	if (rc == ETIMEDOUT || rc == EBUSY)
		return ERR_UNAVAILABLE;
	if (rc != 0 && rc != EOWNERDEAD) {
		log_event(LOG_LEVEL_ERROR, "write_lock_error", "errno=%d", rc);
		return ERR_UNAVAILABLE;
	}
	died = rc == EOWNERDEAD;
	if (died) {
		rc = pthread_mutex_consistent(&lo->write_mutex);
		assert(rc == 0);
	}

	/* No other process sees the generations of a file that was replaced. */
	if (!shm_is_current(shm)) {
		shm_distrust(shm);
		err = ERR_UNAVAILABLE;
		goto out;
	}
	err = recover(lo, died, settled, ctx);
	TESTPOINT("generation:locked");
out:
	if (err != ERR_OK)
		mutex_give(&lo->write_mutex);
	return err;
}

static bool
contains(const uint32_t *buckets, size_t n, uint32_t bucket)
{
	for (size_t i = 0; i < n; i++) {
		if (buckets[i] == bucket)
			return true;
	}
	return false;
}

enum err
generation_mark(struct shm *shm, const char *const *keys, size_t n)
{
	struct shm_layout *lo = shm_layout(shm);
	uint32_t buckets[SHM_LAYOUT_IN_FLIGHT_MAX]; /* noted, then new ones */
	uint32_t noted = atomic_load(&lo->in_flight_count);
	uint32_t all = noted;

	assert(noted <= SHM_LAYOUT_IN_FLIGHT_MAX);
	for (uint32_t i = 0; i < noted; i++)
		buckets[i] = atomic_load(&lo->in_flight[i]);
	for (size_t i = 0; i < n; i++) {
		uint32_t bucket = bucket_of(lo, keys[i]);

		if (contains(buckets, all, bucket))
			continue;
		if (all == SHM_LAYOUT_IN_FLIGHT_MAX)
			return ERR_INVALID;
		buckets[all++] = bucket;
	}

	for (uint32_t i = noted; i < all; i++) {
		atomic_store(&lo->in_flight[i], buckets[i]);
		atomic_store(&lo->in_flight_count, i + 1);
		TESTPOINT("generation:noted");
	}
	for (uint32_t i = noted; i < all; i++)
		make_odd(&lo->generation[buckets[i]]);
	TESTPOINT("generation:marked");
	return ERR_OK;
}

void
generation_settle(struct shm *shm)
{
	close_in_flight(shm_layout(shm));
}

void
generation_unlock(struct shm *shm)
{
	mutex_give(&shm_layout(shm)->write_mutex);
}
