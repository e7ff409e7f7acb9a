/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_JWKS_REFRESH_H
#define ISSUERS_JWKS_REFRESH_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/siphash.h"

struct http_client;
struct issuers_config;
struct shm;
struct store;

/*
 * Fetches the key sets of other issuers, before they are stale or when a
 * request has asked for it (shm/jwks_refresh_request.h), and writes them to the
 * store, where all processes find them.  One process of the host runs this: see
 * pool/jwks_process.h.
 */

/* Least time between two fetches of a set, also across restarts. */
#define JWKS_REFRESH_FLOOR_SECONDS 30
/* Bounds of a set's freshness, whatever issuer and configuration say. */
#define JWKS_REFRESH_FRESH_MIN 300
#define JWKS_REFRESH_FRESH_MAX 86400
/* After failures: 30 s, 60 s, and so on up to this. */
#define JWKS_REFRESH_BACK_OFF_MAX 300
/* After a failure of the store. */
#define JWKS_REFRESH_RETRY_SECONDS 5

/* All borrowed. */
struct jwks_refresh {
	struct store *store;
	struct shm *shm;
	const struct issuers_config *issuers;
	const struct http_client *http_client;
	const atomic_bool *stop; /* when true, ends a fetch; NULL: never */
	int64_t interval; /* seconds between fetches if the issuer allows it */
	/* Random, so that hosts do not fetch at the same time. */
	unsigned char seed[SIPHASH_KEY_BYTES];
};

/**
 * jwks_refresh_step(r, now, next_out):
 * Remove the rows of issuers that are no longer configured; then fetch the key
 * set that is most overdue, if any is due.  The attempt is in the store before
 * the issuer is contacted.  An answer without a usable key is a failure and
 * leaves the last good set in place.  *${next_out} is the time of the next
 * step, unless a request asks for one sooner.  Errors are those of the store;
 * *${next_out} is then ${now} + JWKS_REFRESH_RETRY_SECONDS.
 */
enum err jwks_refresh_step(
    const struct jwks_refresh *r, int64_t now, int64_t *next_out) MUST_CHECK;

#endif
