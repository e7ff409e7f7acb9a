/* SPDX-License-Identifier: ISC */
#ifndef AUTH_ACCOUNT_ADMIN_H
#define AUTH_ACCOUNT_ADMIN_H

#include <stdint.h>

#include "auth/login.h"
#include "base/err.h"
#include "model/user.h"

/*
 * Accounts that an administrator creates and passwords that one sets: under
 * the same password rules as registration, without a proof.  Each hashes once.
 * ${why_out} is a sentence for people, or NULL.
 */

/**
 * account_admin_add(lg, cred, role, now, user_out, why_out):
 * Create an account without a session.  The errors are those of
 * registration_create().
 */
enum err account_admin_add(struct login *lg,
    const struct login_credentials *cred, enum user_role role, int64_t now,
    struct user *user_out, const char **why_out) MUST_CHECK;

/**
 * account_admin_password(lg, u, password, now, ended_out, why_out):
 * Set the password of ${u} and end its sessions; *${ended_out} is their
 * number.  ERR_DENIED if the password is too weak or ${u} has no address to
 * sign in with; ERR_NOT_FOUND if the user was deleted meanwhile.
 */
enum err account_admin_password(struct login *lg, const struct user *u,
    const char *password, int64_t now, int64_t *ended_out,
    const char **why_out) MUST_CHECK;

#endif
