/* SPDX-License-Identifier: ISC */
#ifndef MODEL_ISSUER_H
#define MODEL_ISSUER_H

#include <stdint.h>

#define ISSUER_NAME_SIZE 257 /* iss */
#define ISSUER_SUBJECT_SIZE 257
#define ISSUER_JWKS_MAX 65536
#define ISSUERS_MAX 16
#define ISSUER_ERROR_SIZE 64

/* The cache key whose generation moves whenever a row of them changes. */
#define ISSUERS_KEY "issuers"

/*
 * What is known of an outside issuer's keys: the last good set, and how the
 * last fetch went.  Times are seconds since the epoch.
 */
struct issuer_keys {
	char issuer[ISSUER_NAME_SIZE];
	char
	    error[ISSUER_ERROR_SIZE]; /* of the last fetch; "" if it was good */
	char *jwks;                   /* owned; NULL: none yet */
	int64_t fetched_at;           /* when that came; 0: never */
	int64_t fresh_until;
	int64_t tried_at;
	int64_t failures; /* since the last success */
};

/* issuer_keys_clear(keys): free what it owns; ${keys} is all zero then. */
void issuer_keys_clear(struct issuer_keys *keys);

#endif
