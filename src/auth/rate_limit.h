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
 * How often somebody may guess at secrets.  Each limit is counted for the
 * address, and for whom the guess is about; before the work, and taken back
 * when it turns out to have been no guess.  The mapped file always counts;
 * Redis, where it is to be had, counts too and may refuse what the mapped file
 * let pass, never the other way round.
 */
enum rate_limit_name {
	RATE_LIMIT_LOGIN,    /* by address, and by account */
	RATE_LIMIT_REGISTER, /* by address */
	RATE_LIMIT_DEFAULT,  /* by address, and by who is signed in */
	RATE_LIMIT_NAMES
};

struct rate_limits {
	struct shm *shm;
	struct redis *redis; /* NULL: switched off */
	struct rate_limit_shm_rule rules[RATE_LIMIT_NAMES];
	unsigned char key[SECRET_KEY_BYTES]; /* hides accounts in Redis */
};

#define RATE_LIMIT_KEY_SIZE 96
#define RATE_LIMIT_KEYS_MAX 2

/* What one request counts as; zero-initialised before the first claim. */
struct rate_limit_claim {
	size_t n;
	int64_t redis_at_ms; /* 0: Redis has not counted it */
	struct {
		struct rate_limit_shm_count shm;
		enum rate_limit_name name;
		char key[RATE_LIMIT_KEY_SIZE];
	} keys[RATE_LIMIT_KEYS_MAX];
};

/* rate_limit_text(name): "login", as it is called where it is shown. */
const char *rate_limit_text(enum rate_limit_name name);

/**
 * rate_limit_address(claim, name, address):
 * Count under ${name} for ${address}: an IPv6 address for its /64, one that is
 * none ("") for all such.
 *
 * rate_limit_account(rl, claim, email): under LOGIN for this account, whether
 * there is one or not, however its address is written.
 *
 * rate_limit_user(claim, name, user_id): for a user who is signed in.
 */
void rate_limit_address(struct rate_limit_claim *claim,
    enum rate_limit_name name, const char *address);
void rate_limit_account(const struct rate_limits *rl,
    struct rate_limit_claim *claim, const char *email);
void rate_limit_user(
    struct rate_limit_claim *claim, enum rate_limit_name name, int64_t user_id);

/* Which limit refused, and for how long. */
struct rate_limit_refusal {
	int64_t wait_ms;
	enum rate_limit_name name;
};

/**
 * rate_limit_take(rl, claim, now_ms, refusal_out):
 * Count all of ${claim}, or nothing of it: ERR_LIMITED.  ${now_ms} is
 * monotonic.  ERR_UNAVAILABLE if it cannot be told.
 *
 * rate_limit_settle(rl, claim, outcome, now_ms):
 * The request that was counted has ended with ${outcome}: take back what was
 * no guess.  ${claim} is empty afterwards.
 */
enum err rate_limit_take(struct rate_limits *rl, struct rate_limit_claim *claim,
    int64_t now_ms, struct rate_limit_refusal *refusal_out) MUST_CHECK;
void rate_limit_settle(struct rate_limits *rl, struct rate_limit_claim *claim,
    enum err outcome, int64_t now_ms);

#endif
