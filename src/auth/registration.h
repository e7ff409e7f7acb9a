/* SPDX-License-Identifier: ISC */
#ifndef AUTH_REGISTRATION_H
#define AUTH_REGISTRATION_H

#include "auth/password.h"
#include "base/err.h"
#include "model/user.h"

/**
 * registration_check(email, name, email_normal, u, why_out):
 * Fill in ${u}, an active user who may do what all may, and the normal form of
 * the address.  ERR_INVALID if address or name are none; *${why_out} is a
 * sentence that says which, NULL otherwise.
 */
enum err registration_check(const char *email, const char *name,
    char email_normal[USER_EMAIL_SIZE], struct user *u,
    const char **why_out) MUST_CHECK;

/**
 * registration_password(password, email, name, normal, why_out):
 * The normal form of a password somebody of that address and name wants to
 * have from now on.  ERR_DENIED if it is too weak or too long; *${why_out} is
 * a sentence that says why, NULL otherwise.  The caller wipes ${normal}.
 */
enum err registration_password(const char *password, const char *email,
    const char *name, char normal[PASSWORD_NORMAL_SIZE],
    const char **why_out) MUST_CHECK;

#endif
