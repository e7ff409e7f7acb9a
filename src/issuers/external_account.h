/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_EXTERNAL_ACCOUNT_H
#define ISSUERS_EXTERNAL_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/issuer.h"
#include "model/token.h"
#include "model/user.h"
#include "store/store.h"

struct issuer;

/* The user that a verified token of another issuer names. */
struct external {
	const struct issuer *issuer; /* borrowed; NULL: no such token */
	char subject[ISSUER_SUBJECT_SIZE];
	/* The profile; "" for what the token lacks. */
	char email[USER_EMAIL_SIZE]; /* this and normal: only if verified */
	char normal[USER_EMAIL_SIZE];
	char name[USER_NAME_SIZE];
	char avatar_url[USER_AVATAR_SIZE];
	unsigned char digest[EXTERNAL_DIGEST_BYTES]; /* of the profile */
	bool may_become_valid; /* refused now, but possibly valid later */
};

/**
 * external_account_user(st, external, claims, user_id_out):
 * Find the account linked to ${external}->subject; 0 if there is none.
 *
 * external_account_provision(st, actor, external, claims, done_out):
 * Set ${claims}->user_id to that account; create it, or update its profile, as
 * ${done_out} then reports.  Return ERR_DENIED if the token is on the blacklist
 * or was issued before the account was deleted.
 */
enum err external_account_user(struct store *st,
    const struct external *external, const struct claims *claims,
    int64_t *user_id_out) MUST_CHECK;
enum err external_account_provision(struct store *st,
    const struct store_actor *actor, const struct external *external,
    struct claims *claims, enum external_done *done_out) MUST_CHECK;

#endif
