/* SPDX-License-Identifier: ISC */
#ifndef SHM_RATE_LIMIT_H
#define SHM_RATE_LIMIT_H

#include <stdint.h>

#include "base/err.h"

struct shm;

/*
 * The rate limit log of all processes of the host, in the shared memory file.
 *
 * It counts at most ->max of one key in any ->window_ms, and the first ->max at
 * once.  A window includes both its ends, because times are whole milliseconds.
 * Up to RATE_LIMIT_SHM_BLOCKS the log is exact; for larger limits several
 * counts share the time of the latest, so some count for too long, and none too
 * short.
 *
 * Keys are stored as hashes, in a fixed number of slots.  A key that finds all
 * its slots taken shares one with other such keys: their counts can refuse it,
 * but never let it pass.
 *
 * ${now_ms} is monotonic.  If it steps back by more than a window nevertheless,
 * counts last one window longer.
 */
#define RATE_LIMIT_SHM_BLOCKS 14
#define RATE_LIMIT_SHM_MAX 1000000
#define RATE_LIMIT_SHM_WINDOW_MAX_MS ((int64_t)86400 * 1000)

struct rate_limit_shm_rule {
	int64_t window_ms; /* 1 to RATE_LIMIT_SHM_WINDOW_MAX_MS */
	int max;           /* 1 to RATE_LIMIT_SHM_MAX */
};

/* A count, for a refund, or how long to wait. */
struct rate_limit_shm_count {
	int64_t at_ms;
	int64_t wait_ms; /* after a refusal: until one is accepted */
	uint64_t name;
	uint32_t slot;
};

/**
 * rate_limit_shm_take(shm, key, rule, now_ms, count_out):
 * Count one of ${key}.  Return ERR_LIMITED, and count nothing, if the limit is
 * reached; ->wait_ms is the time until one is accepted, if no other is counted.
 * Return ERR_UNAVAILABLE if the lock was not free in time.
 *
 * rate_limit_shm_peek(shm, key, rule, now_ms, count_out):
 * The same, but never count.
 */
enum err rate_limit_shm_take(struct shm *shm, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now_ms,
    struct rate_limit_shm_count *count_out) MUST_CHECK;
enum err rate_limit_shm_peek(struct shm *shm, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now_ms,
    struct rate_limit_shm_count *count_out) MUST_CHECK;

/**
 * rate_limit_shm_refund(shm, count, rule, now_ms):
 * Undo a count of rate_limit_shm_take().  Does nothing once its window is over.
 */
void rate_limit_shm_refund(struct shm *shm,
    const struct rate_limit_shm_count *count,
    const struct rate_limit_shm_rule *rule, int64_t now_ms);

#endif
