/* SPDX-License-Identifier: ISC */
#ifndef AUTH_PASSWORD_CHANGE_H
#define AUTH_PASSWORD_CHANGE_H

#include "auth/login.h"

struct password_change {
	const char *current;
	const char *replacement;
	const char *address; /* where the request came from */
};

/**
 * password_change(lg, identity, change, now, grant_out, why_out):
 * Replace the password of the signed-in user ${identity} and end every session.
 * The one of ${identity} continues under a new id, in case the old one was
 * stolen: ${grant_out} has the id and a token.  ERR_DENIED if the current
 * password is wrong, *${why_out} NULL, or if the replacement is too weak,
 * *${why_out} a sentence that says why.  ERR_NOT_FOUND if the session ended
 * meanwhile.
 */
enum err password_change(struct login *lg, const struct identity *identity,
    const struct password_change *change, int64_t now,
    struct login_grant *grant_out, const char **why_out) MUST_CHECK;

#endif
