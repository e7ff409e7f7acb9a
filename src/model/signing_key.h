/* SPDX-License-Identifier: ISC */
#ifndef MODEL_SIGNING_KEY_H
#define MODEL_SIGNING_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

#define SIGNING_KEY_KID_SIZE 44 /* a SHA-256 in base64url, and NUL */
#define SIGNING_KEY_ALG_SIZE 6
#define SIGNING_KEY_SEALED_MAX 2048
#define SIGNING_KEYS_MAX 16

/* The cache key whose generation every change of the set of keys moves. */
#define SIGNING_KEYS_KEY "signing_keys"

/*
 * A key that signs tokens.  It is published as soon as it is stored, signs from
 * signs_at until the next key does, and verifies for another lifetime.
 */
struct signing_key_row {
	char kid[SIGNING_KEY_KID_SIZE];
	char alg[SIGNING_KEY_ALG_SIZE]; /* as in a token's header */
	int64_t created_at;
	int64_t signs_at;
	int64_t lifetime; /* longest of a token it may have signed */
	size_t sealed_len;
	unsigned char sealed[SIGNING_KEY_SEALED_MAX]; /* the private part */
};

extern const struct record_type signing_key_record_type;

#endif
