/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_ISSUERS_H
#define ISSUERS_ISSUERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "issuers/issuers_config.h"
#include "model/token.h"

struct jwk_set;
struct shm;
struct external;
struct store;

/*
 * The outside issuers whose tokens are good here, and their keys.  Those lie in
 * the store; what a process has of them in memory counts, as our own keys do,
 * only under the generation it was read under.  Nothing here fetches.
 */
struct issuers;

/* A set that is older than this proves nothing any more. */
#define ISSUERS_HARD_AGE ((int64_t)24 * 3600)

/**
 * issuers_new(config, st, m, issuers_out):
 * ${config}, ${st} and ${m} are borrowed.  Reads nothing yet.
 */
enum err issuers_new(const struct issuers_config *config, struct store *st,
    struct shm *m, struct issuers **issuers_out) MUST_CHECK;
void issuers_free(struct issuers *is);

/**
 * issuers_refresh(is, now):
 * Have the keys that the store has.  Costs nothing unless something changed.
 */
enum err issuers_refresh(struct issuers *is, int64_t now) MUST_CHECK;

/**
 * issuers_digest(is, text, now, digest_out):
 * The SHA-256 of ${text} and of all that it may be held against: the blocks,
 * and the keys that are good at ${now}.  So what was verified under one key is
 * not when that has gone.  ERR_DENIED if it is too long.
 *
 * issuers_verify(is, text, now, claims_out, outside_out):
 * Is ${text} a token of one of the issuers, signed by a key of that issuer with
 * an algorithm that its block allows, for us, and good at ${now}?  Fills in the
 * claims but for user_id.  ERR_DENIED if not; ERR_UNAVAILABLE if there are no
 * keys, or only too old ones.  A key that is not known is wished for, as are
 * keys where there are none.  With ERR_DENIED, all that ${outside_out} says is
 * whether it is undecided: its time has not come, or its key may be one that
 * has not been fetched yet.
 */
enum err issuers_digest(struct issuers *is, const char *text, int64_t now,
    unsigned char digest_out[TOKEN_DIGEST_BYTES]) MUST_CHECK;
enum err issuers_verify(struct issuers *is, const char *text, int64_t now,
    struct claims *claims_out, struct external *outside_out) MUST_CHECK;

/* ---- how the keys are ---- */

enum issuers_freshness {
	ISSUERS_NONE = 0, /* none were had yet */
	ISSUERS_FRESH,
	ISSUERS_STALE, /* good, but a new set is overdue */
	ISSUERS_EXPIRED,
};

struct issuers_state {
	const char *issuer; /* borrowed */
	enum issuers_freshness freshness;
	size_t keys; /* that are any good */
	int64_t fetched_at;
	int64_t fresh_until;
	int64_t tried_at;
	int64_t failures;
	char error[ISSUER_ERROR_SIZE];
};

/* issuers_freshness_name(f): "none", "fresh", "stale", "expired". */
const char *issuers_freshness_name(enum issuers_freshness freshness);

/* issuers_count(is): how many there are. */
size_t issuers_count(const struct issuers *is);

/* issuers_state(is, i, now, state_out): of the one ${i}; does not refresh. */
void issuers_state(const struct issuers *is, size_t i, int64_t now,
    struct issuers_state *state_out);

/* ---- for issuers_verify.c ---- */

/**
 * issuers_block(is, name): the block of that iss, borrowed, or NULL.
 * issuers_keys(is, issuer, now, set_out): its keys; ERR_UNAVAILABLE if there
 * are none that are good at ${now}.  Does not refresh.
 * issuers_request_refresh(is, issuer, now): have its keys fetched, some time.
 */
const struct issuer *issuers_block(const struct issuers *is, const char *name);
enum err issuers_keys(const struct issuers *is, const struct issuer *issuer,
    int64_t now, const struct jwk_set **set_out) MUST_CHECK;
void issuers_request_refresh(
    const struct issuers *is, const struct issuer *issuer, int64_t now);

#endif
