/* SPDX-License-Identifier: ISC */
#ifndef MODEL_SIGNING_KEY_H
#define MODEL_SIGNING_KEY_H

#include <stddef.h>
#include <stdint.h>

#define SIGNING_KEY_KID_SIZE 44 /* a SHA-256 in base64url, and NUL */
#define SIGNING_KEY_ALG_SIZE 6
#define SIGNING_KEY_SEALED_MAX 2048
#define SIGNING_KEYS_MAX 16

/* The cache key whose generation moves whenever the set of keys changes. */
#define SIGNING_KEYS_KEY "signing_keys"

/*
 * A row of the keys that sign tokens.  What it is at a moment is told by the
 * times: published from the start, it signs from signs_at on, until the next
 * one does, and verifies what it signed for another lifetime.
 */
struct signing_key_row {
	char kid[SIGNING_KEY_KID_SIZE];
	char alg[SIGNING_KEY_ALG_SIZE]; /* as in a token's header */
	int64_t created_at;
	int64_t signs_at;
	int64_t lifetime; /* of the longest-lived token it may have signed */
	size_t sealed_len;
	unsigned char sealed[SIGNING_KEY_SEALED_MAX]; /* the private part */
};

#endif
