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
 * The other issuers whose tokens are accepted here, and their keys.  The keys
 * are rows of the store; the copy in memory is valid, like that of the signing
 * keys, only under the generation it was read under.  Nothing here uses the
 * network.
 */
struct issuers;

/* A key set that was fetched longer ago, in seconds, verifies nothing. */
#define ISSUERS_HARD_AGE ((int64_t)24 * 3600)

/**
 * issuers_new(config, st, m, issuers_out):
 * Borrow ${config}, ${st} and ${m}; read nothing yet.  ERR_INTERNAL without
 * memory.
 */
enum err issuers_new(const struct issuers_config *config, struct store *st,
    struct shm *m, struct issuers **issuers_out) MUST_CHECK;
void issuers_free(struct issuers *is);

/**
 * issuers_refresh(is, now):
 * Read the keys from the store again if they have changed; otherwise this costs
 * two memory reads.
 */
enum err issuers_refresh(struct issuers *is, int64_t now) MUST_CHECK;

/**
 * issuers_digest(is, text, now, digest_out):
 * Compute SHA-256 over ${text}, the issuers file and the key sets valid at
 * ${now}: the name under which the result of a verification is cached, so that
 * it does not survive a change of any of them.  ERR_DENIED if ${text} is too
 * long.
 *
 * issuers_verify(is, text, now, claims_out, external_out):
 * Verify that ${text} is a token of a configured issuer, signed by a key of
 * that issuer with an algorithm its block allows, meant for this site and valid
 * at ${now}.  Sets all claims but user_id.  ERR_DENIED if it is not;
 * ERR_UNAVAILABLE if the issuer has no keys or only expired ones.  An unknown
 * key, or none, requests a fetch of the key set.  After ERR_DENIED only
 * ${external_out}->may_become_valid is set: the token's time has not come, or
 * its key may not have been fetched yet.
 */
enum err issuers_digest(struct issuers *is, const char *text, int64_t now,
    unsigned char digest_out[TOKEN_DIGEST_BYTES]) MUST_CHECK;
enum err issuers_verify(struct issuers *is, const char *text, int64_t now,
    struct claims *claims_out, struct external *external_out) MUST_CHECK;

/* ---- state of the key sets ---- */

enum issuers_freshness {
	ISSUERS_NONE = 0, /* never fetched */
	ISSUERS_FRESH,
	ISSUERS_STALE, /* valid, but a new set is overdue */
	ISSUERS_EXPIRED,
};

struct issuers_state {
	const char *issuer; /* borrowed */
	enum issuers_freshness freshness;
	size_t keys; /* usable ones */
	int64_t fetched_at;
	int64_t fresh_until;
	int64_t tried_at;
	int64_t failures;
	char error[ISSUER_ERROR_SIZE];
};

/* issuers_freshness_name(freshness): "none", "fresh", "stale", "expired". */
const char *issuers_freshness_name(enum issuers_freshness freshness);

/* issuers_count(is): number of configured issuers; 0 for NULL. */
size_t issuers_count(const struct issuers *is);

/* issuers_state(is, i, now, state_out): state of issuer ${i}, as last read. */
void issuers_state(const struct issuers *is, size_t i, int64_t now,
    struct issuers_state *state_out);

/* ---- for issuers_verify.c ---- */

/**
 * issuers_block(is, name):
 * Return the configuration of the issuer whose iss is ${name}, borrowed, or
 * NULL.
 *
 * issuers_keys(is, issuer, now, set_out):
 * Return its key set as last read; ERR_UNAVAILABLE if none is valid at ${now}.
 *
 * issuers_request_fetch(is, issuer, now):
 * Ask the JWKS refresher to fetch its key set.
 */
const struct issuer *issuers_block(const struct issuers *is, const char *name);
enum err issuers_keys(const struct issuers *is, const struct issuer *issuer,
    int64_t now, const struct jwk_set **set_out) MUST_CHECK;
void issuers_request_fetch(
    const struct issuers *is, const struct issuer *issuer, int64_t now);

#endif
