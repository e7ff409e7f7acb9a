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
 * The master secret: all that is sealed is sealed under what is derived from
 * it.  len 0: there is none yet.  Wiped by its owner.
 */
struct master_secret {
	unsigned char secret[MASTER_SECRET_MAX];
	size_t len;
	bool given;          /* JWT_SECRET: others may have it too */
	char path[PATH_MAX]; /* of its file */
};

/**
 * master_secret_load(jwt_secret, path, master_secret_out):
 * ${jwt_secret} if it is not empty, else the secret in the file ${path}.
 * ERR_NOT_FOUND, without a word, if there is no such file: then only ->path is
 * set.  ERR_INVALID for a secret that is weak, a file that is malformed or that
 * others may use; ERR_UNAVAILABLE if it cannot be read; each with one log line.
 *
 * master_secret_make(m):
 * Make the file ->path with 32 random bytes as hex (0600, never half-written,
 * one maker wins) unless it is there, and load it.  Errors as above.
 */
enum err master_secret_load(const char *jwt_secret, const char *path,
    struct master_secret *master_secret_out) MUST_CHECK;
enum err master_secret_make(struct master_secret *m) MUST_CHECK;

/**
 * master_secret_flaw(jwt_secret):
 * Why ${jwt_secret} is no secret to load, as a sentence about it ("must
 * have..."): its length, a few characters repeated, or known to everybody from
 * books and web pages.  NULL if it may be loaded.
 */
const char *master_secret_flaw(const char *jwt_secret);

/* master_secret_derive(m, purpose, key_out): the key for ${purpose} and nothing
 * else.
 */
void master_secret_derive(const struct master_secret *m, const char *purpose,
    unsigned char key_out[SECRET_KEY_BYTES]);
void master_secret_clear(struct master_secret *master);

#endif
