/* SPDX-License-Identifier: ISC */
#ifndef AUTH_RATELIMIT_H
#define AUTH_RATELIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "host/limiter.h"

struct mapped;
struct redis;

/*
 * How often somebody may guess at secrets.  Each limit is counted for the
 * address, and for whom the guess is about; before the work, and taken back
 * when it turns out to have been no guess.  The mapped file always counts;
 * Redis, where it is to be had, counts too and may refuse what the mapped file
 * let pass, never the other way round.
 */
enum ratelimit_name {
	RATELIMIT_LOGIN,    /* by address, and by account */
	RATELIMIT_REGISTER, /* by address */
	RATELIMIT_DEFAULT,  /* by address, and by who is signed in */
	RATELIMIT_NAMES
};

struct ratelimit {
	struct mapped *mapped;
	struct redis *redis; /* NULL: switched off */
	struct limiter_rule rules[RATELIMIT_NAMES];
	unsigned char key[SECRET_KEY_BYTES]; /* hides accounts in Redis */
};

#define RATELIMIT_KEY_SIZE 96
#define RATELIMIT_KEYS_MAX 2

/* What one request counts as; zero-initialised before the first claim. */
struct ratelimit_claim {
	size_t n;
	int64_t redis_at_ms; /* 0: Redis has not counted it */
	struct {
		struct limiter_count mapped;
		enum ratelimit_name name;
		char key[RATELIMIT_KEY_SIZE];
	} keys[RATELIMIT_KEYS_MAX];
};

/* ratelimit_text(name): "login", as it is called where it is shown. */
const char *ratelimit_text(enum ratelimit_name name);

/**
 * ratelimit_address(claim, name, address):
 * Count under ${name} for ${address}: an IPv6 address for its /64, one that is
 * none ("") for all such.
 *
 * ratelimit_account(rl, claim, email): under LOGIN for this account, whether
 * there is one or not, however its address is written.
 *
 * ratelimit_user(claim, name, user_id): for a user who is signed in.
 */
void ratelimit_address(struct ratelimit_claim *claim, enum ratelimit_name name,
    const char *address);
void ratelimit_account(const struct ratelimit *rl,
    struct ratelimit_claim *claim, const char *email);
void ratelimit_user(
    struct ratelimit_claim *claim, enum ratelimit_name name, int64_t user_id);

/* Which limit refused, and for how long. */
struct ratelimit_refusal {
	int64_t wait_ms;
	enum ratelimit_name name;
};

/**
 * ratelimit_take(rl, claim, now_ms, refusal_out):
 * Count all of ${claim}, or nothing of it: ERR_LIMITED.  ${now_ms} is
 * monotonic.  ERR_UNAVAILABLE if it cannot be told.
 *
 * ratelimit_settle(rl, claim, outcome, now_ms):
 * The request that was counted has ended with ${outcome}: take back what was
 * no guess.  ${claim} is empty afterwards.
 */
enum err ratelimit_take(struct ratelimit *rl, struct ratelimit_claim *claim,
    int64_t now_ms, struct ratelimit_refusal *refusal_out) MUST_CHECK;
void ratelimit_settle(struct ratelimit *rl, struct ratelimit_claim *claim,
    enum err outcome, int64_t now_ms);

#endif
