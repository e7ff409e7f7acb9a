/* SPDX-License-Identifier: ISC */
#ifndef CACHE_RATE_LIMIT_REDIS_H
#define CACHE_RATE_LIMIT_REDIS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cache/redis.h"
#include "shm/rate_limit.h"

/*
 * The rate limits as Redis counts them, for several hosts and beyond a restart.
 * What host/limiter promises of a key holds here too, as long as Redis keeps
 * what it was told.
 */
#define RATE_LIMIT_REDIS_KEYS_MAX 3

struct rate_limit_redis_key {
	const char *key;
	const struct rate_limit_shm_rule *rule;
};

struct rate_limit_redis_count {
	int64_t at_ms;   /* by the clock that counted */
	int64_t wait_ms; /* the longest of those that were refused */
	size_t refused;  /* the key of which that is; n if none was */
};

/* The one script; here so that a test can check its name. */
extern const struct redis_script rate_limit_redis_script;

/**
 * rate_limit_redis_take(r, keys, n, now_ms, count_out):
 * Count one of each of the ${n} keys, at most RATE_LIMIT_REDIS_KEYS_MAX, in one
 * step; none if one is refused: ERR_LIMITED.  ${now_ms} 0 means the clock of
 * Redis, the only one that all hosts share.  ERR_UNAVAILABLE for an outage.
 *
 * rate_limit_redis_refund(r, keys, n, at_ms, now_ms):
 * Take back what was counted of these keys at ${at_ms}.
 */
enum err rate_limit_redis_take(struct redis *r,
    const struct rate_limit_redis_key *keys, size_t n, int64_t now_ms,
    struct rate_limit_redis_count *count_out) MUST_CHECK;
enum err rate_limit_redis_refund(struct redis *r,
    const struct rate_limit_redis_key *keys, size_t n, int64_t at_ms,
    int64_t now_ms) MUST_CHECK;

#endif
