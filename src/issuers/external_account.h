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

/* What a verified token of an outside issuer says of its user. */
struct external {
	const struct issuer *issuer; /* borrowed */
	char subject[ISSUER_SUBJECT_SIZE];
	char email[USER_EMAIL_SIZE]; /* both "" unless verified */
	char normal[USER_EMAIL_SIZE];
	char name[USER_NAME_SIZE]; /* these too if it says none */
	char avatar_url[USER_AVATAR_SIZE];
	unsigned char digest[EXTERNAL_DIGEST_BYTES]; /* of those four */
	bool may_become_valid; /* refused now, and may be good later */
};

/**
 * external_account_user(st, said, claims, user_id_out):
 * The account of ${said}->subject; 0 if there is none (yet).
 *
 * external_account_provision(st, actor, said, claims, done_out):
 * Fill in ${claims}->user_id: find the account, or make it, or bring it up to
 * date.  ERR_DENIED if the token has been blacklisted, or is from before the
 * account was deleted.
 */
enum err external_account_user(struct store *st, const struct external *said,
    const struct claims *claims, int64_t *user_id_out) MUST_CHECK;
enum err external_account_provision(struct store *st,
    const struct store_actor *actor, const struct external *said,
    struct claims *claims, enum external_done *done_out) MUST_CHECK;

#endif
