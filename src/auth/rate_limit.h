/* SPDX-License-Identifier: ISC */
#ifndef AUTH_RATE_LIMIT_H
#define AUTH_RATE_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "shm/rate_limit.h"

struct shm;
struct redis;

/*
 * Limits on guesses at secrets and on new accounts (model/rate_limits.def).
 * A request is counted before the work, for its address and for the account
 * or user that it concerns, and refunded if it turns out to be no guess.  The
 * shared memory always counts.  Redis, if it is available, counts as well: it
 * may refuse what the shared memory allowed, never the reverse.
 */
enum rate_limit_name {
	RATE_LIMIT_NONE,
#define RATE_LIMIT(id, ...) RATE_LIMIT_##id,
#include "model/rate_limits.def"
#undef RATE_LIMIT
	RATE_LIMIT_NAMES
};

enum rate_limit_subject {
	RATE_LIMIT_BY_ADDRESS,
	RATE_LIMIT_BY_ACCOUNT,
	RATE_LIMIT_BY_USER
};

enum rate_limit_success {
	RATE_LIMIT_SUCCESS_REFUNDED,
	RATE_LIMIT_SUCCESS_COUNTED
};

/* A row of rate_limits.def. */
struct rate_limit_info {
	const char *name;
	enum rate_limit_subject subject;
	enum rate_limit_success success;
};

struct rate_limits {
	struct shm *shm;
	struct redis *redis; /* NULL: switched off */
	struct rate_limit_shm_rule rules[RATE_LIMIT_NAMES];
	unsigned char key[SECRET_KEY_BYTES]; /* hides accounts in Redis */
};

#define RATE_LIMIT_KEY_SIZE 96
#define RATE_LIMIT_KEYS_MAX 2

/* The keys that one request is counted under; starts zero-initialised. */
struct rate_limit_claim {
	size_t n;
	int64_t redis_at_ms; /* 0: Redis has not counted it */
	struct {
		struct rate_limit_shm_count shm;
		enum rate_limit_name name;
		char key[RATE_LIMIT_KEY_SIZE];
	} keys[RATE_LIMIT_KEYS_MAX];
};

/* rate_limit_info(name): the row of ${name}, which is not NONE. */
const struct rate_limit_info *rate_limit_info(enum rate_limit_name name);

/**
 * rate_limit_address(claim, name, address):
 * Add the key of ${address} under ${name} to ${claim}.  An IPv6 address counts
 * as its /64; all texts that are no address ("", say) share one key.
 *
 * rate_limit_account(rl, claim, name, email):
 * Add the key of the account of ${email}, in any spelling, whether or not it
 * exists.
 *
 * rate_limit_user(claim, name, user_id):
 * Add the key of the signed-in user ${user_id}.
 */
void rate_limit_address(struct rate_limit_claim *claim,
    enum rate_limit_name name, const char *address);
void rate_limit_account(const struct rate_limits *rl,
    struct rate_limit_claim *claim, enum rate_limit_name name,
    const char *email);
void rate_limit_user(
    struct rate_limit_claim *claim, enum rate_limit_name name, int64_t user_id);

/* The limit that refused, and for how long it will. */
struct rate_limit_refusal {
	int64_t wait_ms;
	enum rate_limit_name name;
};

/**
 * rate_limit_take(rl, claim, now_ms, refusal_out):
 * Count every key of ${claim} at the monotonic time ${now_ms}.  ERR_LIMITED if
 * one of them is exhausted: none is counted, and ${refusal_out} names the limit
 * with the longest wait.  ERR_UNAVAILABLE if the shared memory cannot count.
 * After an error ${claim} is empty.
 *
 * rate_limit_settle(rl, claim, outcome, now_ms):
 * The counted request has ended with ${outcome}: refund it if it was no guess.
 * ${claim} is empty afterwards.
 */
enum err rate_limit_take(struct rate_limits *rl, struct rate_limit_claim *claim,
    int64_t now_ms, struct rate_limit_refusal *refusal_out) MUST_CHECK;
void rate_limit_settle(struct rate_limits *rl, struct rate_limit_claim *claim,
    enum err outcome, int64_t now_ms);

#endif
