/* SPDX-License-Identifier: ISC */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"
#include "model/user.h"

/* Argon2id (RFC 9106) with one lane, as libsodium has it. */
struct password_params {
	int kib;    /* memory, KiB; at least 8 */
	int passes; /* at least 1 */
};

#define PASSWORD_NORMAL_SIZE 1025 /* 128 characters after NFKC, and NUL */

/**
 * password_normal(dst, text):
 * Write the NFKC form of ${text}, which is what is hashed.  Return
 * ERR_INVALID, ${dst} empty, if it is not UTF-8 or has more than 128
 * characters.  The caller wipes ${dst}.
 */
enum err password_normal(
    char dst[PASSWORD_NORMAL_SIZE], const char *text) MUST_CHECK;

/**
 * password_policy(normal, email, name, why_out):
 * NIST SP 800-63B section 5.1.1.2: at least 8 characters, not on the list of
 * common passwords, not the address or the name, zxcvbn score at least 2.
 * Return ERR_DENIED, with *${why_out} a sentence that tells its owner why, if
 * ${normal} is not good; *${why_out} is NULL otherwise.  ERR_INVALID if one
 * of them is not UTF-8, ERR_INTERNAL without memory.
 */
enum err password_policy(const char *normal, const char *email,
    const char *name, const char **why_out) MUST_CHECK;

/**
 * password_hash(params, normal, hash_out):
 * ERR_UNAVAILABLE if the memory is not to be had.
 */
enum err password_hash(const struct password_params *params, const char *normal,
    char hash_out[USER_HASH_SIZE]) MUST_CHECK;

/**
 * password_verify(params, hash, normal):
 * ERR_OK if ${normal} has the hash ${hash}; ERR_DENIED if not; ERR_UNAVAILABLE
 * if the memory for it is not to be had; ERR_INTERNAL if ${hash} is malformed.
 * The work is what ${hash} asks for; a ${hash} that is NULL, or "" as of an
 * account that has no password, costs what a hash under ${params} costs and is
 * ERR_DENIED.
 */
enum err password_verify(const struct password_params *params, const char *hash,
    const char *normal) MUST_CHECK;

/* true if ${hash} was made with less memory or fewer passes than ${params}. */
bool password_outdated(const struct password_params *params, const char *hash);

#endif
