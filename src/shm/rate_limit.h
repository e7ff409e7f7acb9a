/* SPDX-License-Identifier: ISC */
#ifndef SHM_RATE_LIMIT_H
#define SHM_RATE_LIMIT_H

#include <stdint.h>

#include "base/err.h"

struct shm;

/*
 * The rate limits as all processes of the host count them, in the mapped file.
 *
 * What is promised: of one key, never more than ->max are counted in any
 * ->window_ms, and the first ->max are counted at once.  A window has both its
 * ends: times are cut to milliseconds, so what seems to be a window apart may
 * be a little less.  Up to RATE_LIMIT_SHM_BLOCKS it is exact; for larger limits
 * several counts share the time of the latest of them, so that some count for
 * longer than they must, and none for less.
 *
 * Keys are kept as hashes, in a fixed number of places.  Where all places that
 * a key may have are taken by keys that count, it shares one with others in the
 * same need: it may be refused for what they did, and is never let pass.
 *
 * ${now_ms} is monotonic.  Should it step back by more than a window all the
 * same, what was counted counts for one window more.
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
 * rate_limit_shm_take(m, key, rule, now_ms, count_out):
 * Count one of ${key}.  ERR_LIMITED, and nothing counted, if that would be one
 * too many: ->wait_ms says after how long it would not be, if nobody else
 * comes.  ERR_UNAVAILABLE if it cannot be told: somebody was stopped while he
 * counted.
 *
 * rate_limit_shm_peek(m, key, rule, now_ms, count_out):
 * The same, but nothing is counted in any case.
 */
enum err rate_limit_shm_take(struct shm *m, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now_ms,
    struct rate_limit_shm_count *count_out) MUST_CHECK;
enum err rate_limit_shm_peek(struct shm *m, const char *key,
    const struct rate_limit_shm_rule *rule, int64_t now_ms,
    struct rate_limit_shm_count *count_out) MUST_CHECK;

/**
 * rate_limit_shm_refund(m, count, rule, now_ms):
 * Take back what rate_limit_shm_take() has counted.  Once a window has passed
 * there is nothing left to take back.
 */
void rate_limit_shm_refund(struct shm *m,
    const struct rate_limit_shm_count *count,
    const struct rate_limit_shm_rule *rule, int64_t now_ms);

#endif
