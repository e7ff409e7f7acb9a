/* SPDX-License-Identifier: ISC */
#ifndef AUTH_KEYS_H
#define AUTH_KEYS_H

#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"

#define KEYS_MASTER_MAX 512
#define KEYS_KID_SIZE 17

/* Everything derived from the master secret; wiped by its owner. */
struct keys {
	unsigned char token[KEYS_MASTER_MAX]; /* HS256 (RFC 7518 section 3.2) */
	size_t token_len;
	char kid[KEYS_KID_SIZE]; /* names the key, tells nothing of it */
	unsigned char seal[SECRET_KEY_BYTES];
};

/**
 * keys_secret_flaw(jwt_secret):
 * Return why ${jwt_secret} cannot be the HS256 key (it is shorter than 32
 * bytes, longer than KEYS_MASTER_MAX, one character repeated), or NULL.
 */
const char *keys_secret_flaw(const char *jwt_secret);

/**
 * keys_load(jwt_secret, path, keys_out):
 * With ${jwt_secret} not empty, that is the HS256 key as it stands and the
 * other keys are derived from it, unless it has a flaw.  Otherwise read the
 * master secret from ${path}, making it first (32 random bytes as hex, 0600,
 * never half-written, one maker wins) if there is no such file, and derive all
 * keys.  Return ERR_INVALID for a secret with a flaw, a file that is
 * malformed or that others may read; ERR_UNAVAILABLE if it cannot be read or
 * made; each with one log line.
 */
enum err keys_load(
    const char *jwt_secret, const char *path, struct keys *keys_out) MUST_CHECK;
void keys_clear(struct keys *keys);

#endif
