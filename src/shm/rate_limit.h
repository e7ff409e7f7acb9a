/* SPDX-License-Identifier: ISC */
#ifndef SHM_RATE_LIMIT_H
#define SHM_RATE_LIMIT_H

#include <stdint.h>

#include "base/err.h"

struct shm;

/*
 * The rate limit log of all processes of the host, in the shared memory file.
 *
 * Of one key, never more than ->max are counted in any ->window_ms, and the
 * first ->max are counted at once.  A window includes both its ends, because
 * times are cut to milliseconds.  Up to RATE_LIMIT_SHM_BLOCKS the log is exact;
 * for larger limits several counts share the time of the latest of them, so
 * that some count for longer than they must, and none for less.
 *
 * Keys are stored as hashes, in a fixed number of slots.  A key whose slots are
 * all taken by keys that count shares one with other such keys: it may be
 * refused because of them, and never passes because of them.
 *
 * ${now_ms} is monotonic.  If it steps back by more than a window all the same,
 * counts last for one window more.
 */
#define RATE_LIMIT_SHM_BLOCKS 14
#define RATE_LIMIT_SHM_MAX 1000000
#define RATE_LIMIT_SHM_WINDOW_MAX_MS ((int64_t)86400 * 1000)

struct rate_limit_shm_rule {
	int64_t window_ms; /* 1 to RATE_LIMIT_SHM_WINDOW_MAX_MS */
	int max;           /* 1 to RATE_LIMIT_SHM_MAX */
};

/* What was counted, to give it back; or how long to wait. */
struct rate_limit_shm_count {
	int64_t at_ms;
	int64_t wait_ms; /* until one would be counted, if it was refused */
	uint64_t name;
	uint32_t slot;
};

/**
 * rate_limit_shm_take(shm, key, rule, now_ms, count_out):
 * Count one of ${key}.  Return ERR_LIMITED, and count nothing, if that would be
 * one too many; ->wait_ms is the time until it is not, if no other is counted.
 * Return ERR_UNAVAILABLE if another process was stopped while it counted.
 *
 * rate_limit_shm_peek(shm, key, rule, now_ms, count_out):
 * The same, but count nothing in any case.
 */
enum err rate_limit_shm_take(struct shm *shm, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now_ms,
    struct rate_limit_shm_count *count_out) MUST_CHECK;
enum err rate_limit_shm_peek(struct shm *shm, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now_ms,
    struct rate_limit_shm_count *count_out) MUST_CHECK;

/**
 * rate_limit_shm_refund(shm, count, rule, now_ms):
 * Take back what rate_limit_shm_take() has counted.  Once a window has passed
 * there is nothing left to take back.
 */
void rate_limit_shm_refund(struct shm *shm,
    const struct rate_limit_shm_count *count,
    const struct rate_limit_shm_rule *rule, int64_t now_ms);

#endif
