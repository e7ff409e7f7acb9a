/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_MASTER_SECRET_H
#define TOKEN_MASTER_SECRET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"

#define MASTER_SECRET_MAX 512

/*
 * The master secret, from which all keys that seal are derived.  len 0: none
 * exists yet.  The owner wipes it by master_secret_clear().
 */
struct master_secret {
	unsigned char secret[MASTER_SECRET_MAX];
	size_t len;
	bool given;          /* JWT_SECRET: other programs may know it */
	char path[PATH_MAX]; /* of its file */
};

/**
 * master_secret_load(jwt_secret, path, master_secret_out):
 * Load ${jwt_secret} if it is not empty, else the secret in the file ${path}.
 * ERR_NOT_FOUND, without a log line, if there is no such file: then only ->path
 * is set.  ERR_INVALID if the secret is weak or the file malformed or open to
 * others, ERR_UNAVAILABLE if it cannot be read, each with one log line.
 *
 * master_secret_make(m):
 * Create the file ${m}->path with 32 random bytes in hex (mode 0600,
 * atomically) unless it exists, and load it.  Errors as above.
 */
enum err master_secret_load(const char *jwt_secret, const char *path,
    struct master_secret *master_secret_out) MUST_CHECK;
enum err master_secret_make(struct master_secret *m) MUST_CHECK;

/**
 * master_secret_flaw(jwt_secret):
 * Return why ${jwt_secret} is refused ("must have ..."): its length, a short
 * word repeated, or an example from documentation.  NULL if it is accepted.
 */
const char *master_secret_flaw(const char *jwt_secret);

/* master_secret_derive(m, purpose, key_out): derive the key for ${purpose}. */
void master_secret_derive(const struct master_secret *m, const char *purpose,
    unsigned char key_out[SECRET_KEY_BYTES]);
void master_secret_clear(struct master_secret *m);

#endif
