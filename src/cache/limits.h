/* SPDX-License-Identifier: ISC */
#ifndef CACHE_LIMITS_H
#define CACHE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cache/redis.h"
#include "host/limiter.h"

/*
 * The rate limits as Redis counts them, for several hosts and beyond a restart.
 * What host/limiter promises of a key holds here too, as long as Redis keeps
 * what it was told.
 */
#define LIMITS_KEYS_MAX 3

struct limits_key {
	const char *key;
	const struct limiter_rule *rule;
};

struct limits_count {
	int64_t at_ms;   /* by the clock that counted */
	int64_t wait_ms; /* the longest of those that were refused */
	size_t refused;  /* the key of which that is; n if none was */
};

/* The one script; here so that a test can check its name. */
extern const struct redis_script limits_script;

/**
 * limits_take(r, keys, n, now_ms, count_out):
 * Count one of each of the ${n} keys, at most LIMITS_KEYS_MAX, in one step;
 * none if one is refused: ERR_LIMITED.  ${now_ms} 0 means the clock of Redis,
 * the only one that all hosts share.  ERR_UNAVAILABLE for an outage.
 *
 * limits_refund(r, keys, n, at_ms, now_ms):
 * Take back what was counted of these keys at ${at_ms}.
 */
enum err limits_take(struct redis *r, const struct limits_key *keys, size_t n,
    int64_t now_ms, struct limits_count *count_out) MUST_CHECK;
enum err limits_refund(struct redis *r, const struct limits_key *keys, size_t n,
    int64_t at_ms, int64_t now_ms) MUST_CHECK;

#endif
