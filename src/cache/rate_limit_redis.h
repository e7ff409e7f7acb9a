/* SPDX-License-Identifier: ISC */
#ifndef CACHE_RATE_LIMIT_REDIS_H
#define CACHE_RATE_LIMIT_REDIS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cache/redis.h"
#include "shm/rate_limit.h"

/*
 * Rate limits counted in Redis, so that hosts share them and a restart keeps
 * them.  The algorithm is that of shm/rate_limit.c.
 */
#define RATE_LIMIT_REDIS_KEYS_MAX 3

struct rate_limit_redis_key {
	const char *key;
	const struct rate_limit_shm_rule *rule;
};

struct rate_limit_redis_count {
	int64_t at_ms;   /* by the clock that counted */
	int64_t wait_ms; /* until the refused keys are free again */
	size_t refused;  /* the key with the longest wait; n if none */
};

/* The script; exported for the test of its SHA-1. */
extern const struct redis_script rate_limit_redis_script;

/**
 * rate_limit_redis_take(r, keys, n, now_ms, count_out):
 * Count one event for each of ${n} keys, at most RATE_LIMIT_REDIS_KEYS_MAX, in
 * one atomic step.  If any is over its limit count none and return ERR_LIMITED.
 * ${now_ms} is a test's clock, or 0 for that of Redis, which all hosts share.
 * Return ERR_UNAVAILABLE for an outage.
 *
 * rate_limit_redis_refund(r, keys, n, at_ms, now_ms):
 * Take back the events counted for these keys at ${at_ms}.
 */
enum err rate_limit_redis_take(struct redis *r,
    const struct rate_limit_redis_key *keys, size_t n, int64_t now_ms,
    struct rate_limit_redis_count *count_out) MUST_CHECK;
enum err rate_limit_redis_refund(struct redis *r,
    const struct rate_limit_redis_key *keys, size_t n, int64_t at_ms,
    int64_t now_ms) MUST_CHECK;

#endif
