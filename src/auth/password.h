/* SPDX-License-Identifier: ISC */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"
#include "model/user.h"

/* Parameters of Argon2id (RFC 9106); libsodium fixes its parallelism at 1. */
struct password_params {
	int kib;    /* memory, KiB; at least 8 */
	int passes; /* at least 1 */
};

/* No password is longer: 128 characters may have more bytes before NFKC. */
#define PASSWORD_BYTES_MAX 4096
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
 * ERR_DENIED if the password breaks a rule; *${why_out} is then a sentence for
 * its owner, and NULL otherwise.  ERR_INVALID if an argument is not UTF-8,
 * ERR_INTERNAL without memory.
 */
enum err password_policy(const char *normal, const char *email,
    const char *name, const char **why_out) MUST_CHECK;

/**
 * password_hash(params, normal, hash_out):
 * Hash a password.  ERR_UNAVAILABLE if there is too little memory.
 */
enum err password_hash(const struct password_params *params, const char *normal,
    char hash_out[USER_HASH_SIZE]) MUST_CHECK;

/**
 * password_verify(params, hash, normal):
 * Verify a password, at the cost of the parameters in ${hash}.  ERR_DENIED if
 * it is wrong, ERR_UNAVAILABLE if there is too little memory, ERR_INTERNAL if
 * ${hash} is malformed.  If ${hash} is "", of an account without a password,
 * the answer is ERR_DENIED at the cost of a hash under ${params}.
 */
enum err password_verify(const struct password_params *params, const char *hash,
    const char *normal) MUST_CHECK;

/**
 * password_outdated(params, hash):
 * Was ${hash} made with less memory or fewer passes than ${params}?
 */
bool password_outdated(const struct password_params *params, const char *hash);

#endif
