/* SPDX-License-Identifier: ISC */
#ifndef AUTH_ACCOUNT_ADMIN_H
#define AUTH_ACCOUNT_ADMIN_H

#include <stdint.h>

#include "auth/login.h"
#include "base/err.h"
#include "model/user.h"

/*
 * Passwords that an administrator sets: the same rules for them, and the same
 * gate before the hash, but nobody proves anything.  Each takes the time of a
 * hash.  The reason in *why_out is a sentence, or NULL.
 */

/**
 * account_admin_add(lg, cred, role, now, user_out, why_out):
 * Create an account without signing in.  The errors are those of
 * login_register().
 */
enum err account_admin_add(struct login *lg,
    const struct login_credentials *cred, enum user_role role, int64_t now,
    struct user *user_out, const char **why_out) MUST_CHECK;

/**
 * account_admin_password(lg, u, password, now, ended_out, why_out):
 * Give ${u} another password and end its sessions.  ERR_DENIED if it is too
 * weak or ${u} has no address, ERR_NOT_FOUND if the user has gone meanwhile.
 */
enum err account_admin_password(struct login *lg, const struct user *u,
    const char *password, int64_t now, int64_t *ended_out,
    const char **why_out) MUST_CHECK;

#endif
