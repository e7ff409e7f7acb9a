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
 * Who keeps the key sets of other issuers: fetches them before they are too
 * old, or when a request has wished for it, and puts them into the store, where
 * all processes find them.  One process of the host does this, see pool/keeper.
 */

/* However many wish for it, and whatever came of it, also across restarts. */
#define JWKS_REFRESH_FLOOR_SECONDS 30
/* Whatever an issuer says, and whatever is configured. */
#define JWKS_REFRESH_FRESH_MIN 300
#define JWKS_REFRESH_FRESH_MAX 86400
/* After failures: 30 s, 60 s, and so on up to this. */
#define JWKS_REFRESH_BACK_OFF_MAX 300
/* When the store could not. */
#define JWKS_REFRESH_RETRY_SECONDS 5

/* All borrowed. */
struct jwks_refresh {
	struct store *store;
	struct shm *shm;
	const struct issuers_config *issuers;
	const struct http_client *http_client;
	const atomic_bool *stop; /* ends a fetch; NULL: nothing does */
	int64_t interval; /* between fetches where the issuer allows it */
	/* Random: so that not all the hosts in the world ask at once. */
	unsigned char seed[SIPHASH_KEY_BYTES];
};

/**
 * jwks_refresh_step(k, now, next_out):
 * Remove the rows of issuers that are configured no more; of those whose turn
 * it is, fetch the keys of the one that has waited for longest.  That it was
 * tried is in the store before anybody is asked.  What gives no usable key is a
 * failure, and changes nothing about the last good set.  *${next_out} is when
 * there is something to do again, unless somebody wishes for it sooner.  Any
 * error is the store's; *${next_out} is ${now} + JWKS_REFRESH_RETRY_SECONDS
 * then.
 */
enum err jwks_refresh_step(
    const struct jwks_refresh *k, int64_t now, int64_t *next_out) MUST_CHECK;

#endif
