/* SPDX-License-Identifier: ISC */
#ifndef AUTH_REGISTRATION_H
#define AUTH_REGISTRATION_H

#include "auth/login.h"
#include "base/err.h"
#include "model/user.h"

/* Where a function has ${why_out}, it is a sentence for people, or NULL. */

/**
 * registration_create(lg, cred, origin, now, grant_out, why_out):
 * Create an account and open its first session.  ERR_CONFLICT if the address
 * is taken; ERR_INVALID if the address or the name is not valid; ERR_DENIED if
 * the password is too weak.
 */
enum err registration_create(struct login *lg,
    const struct login_credentials *cred, const struct session_origin *origin,
    int64_t now, struct login_grant *grant_out,
    const char **why_out) MUST_CHECK;

/**
 * registration_check(email, name, email_normal, u, why_out):
 * Fill in ${u}, an active user with the role user, and the normal form of the
 * address.  ERR_INVALID if the address or the name is not valid.
 */
enum err registration_check(const char *email, const char *name,
    char email_normal[USER_EMAIL_SIZE], struct user *u,
    const char **why_out) MUST_CHECK;

/**
 * registration_hash(lg, u, password, hash_out, why_out):
 * Hash a new password for ${u}, whose address and name it must not be.
 * ERR_DENIED if it is too weak or too long.  The caller wipes ${hash_out}.
 */
enum err registration_hash(struct login *lg, const struct user *u,
    const char *password, char hash_out[USER_HASH_SIZE],
    const char **why_out) MUST_CHECK;

#endif
