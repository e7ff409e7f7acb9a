/* SPDX-License-Identifier: ISC */
#ifndef MODEL_ISSUER_H
#define MODEL_ISSUER_H

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"

#define ISSUER_NAME_SIZE 257 /* iss */
#define ISSUER_SUBJECT_SIZE 257
#define ISSUER_JWKS_MAX 65536
#define ISSUERS_MAX 16
#define ISSUER_ERROR_SIZE 64
#define EXTERNAL_DIGEST_BYTES 32

/* The cache key whose generation every change of an issuer's row moves. */
#define ISSUERS_KEY "issuers"

/*
 * The keys of an external issuer: the last valid set, and the result of the
 * last fetch.  Times are seconds since 1970.
 */
struct issuer_keys {
	char issuer[ISSUER_NAME_SIZE];
	char error[ISSUER_ERROR_SIZE]; /* of the last fetch; "": none */
	char *jwks;                    /* owned; NULL: never fetched */
	int64_t fetched_at;            /* when jwks was; 0: never */
	int64_t fresh_until;
	int64_t tried_at;
	int64_t failures; /* since the last success */
};

/* Links an (issuer, subject) pair to a local account. */
struct subject {
	int64_t user_id;   /* 0: the account was deleted */
	int64_t claims_at; /* iat of the token with the mapped claims */
	int64_t ended_at;  /* tokens issued before are not valid; 0: none */
	unsigned char digest[EXTERNAL_DIGEST_BYTES]; /* of the mapped claims */
	char issuer[ISSUER_NAME_SIZE];
	char subject[ISSUER_SUBJECT_SIZE];
	bool linked; /* to an account older than the link: it keeps its
			profile */
};

extern const struct record_type issuer_keys_record_type, subject_record_type;

/* issuer_keys_clear(keys): free what ${keys} owns and zero it. */
void issuer_keys_clear(struct issuer_keys *keys);

#endif
