/* SPDX-License-Identifier: ISC */
#include "issuers/external_account.h"

#include <string.h>

#include "issuers/issuers_config.h"

static struct external_profile
profile_of(const struct external *said, const struct claims *claims)
{
	struct external_profile p = {
		.issuer = said->issuer->name,
		.subject = said->subject,
		.issued_at = claims->issued_at,
		.leeway = claims->leeway,
		.name = said->name,
		.avatar_url = said->avatar_url,
		.link = said->issuer->link_by_email,
	};

	if (said->email[0] != '\0') {
		p.email = said->email;
		p.normal = said->normal;
	}
	memcpy(p.digest, said->digest, sizeof(p.digest));
	return p;
}

enum err
external_account_user(struct store *st, const struct external *said,
    const struct claims *claims, int64_t *user_id_out)
{
	const struct external_profile p = profile_of(said, claims);
	enum err err = store_external_user(st, &p, user_id_out);

	return err == ERR_NOT_FOUND || err == ERR_DENIED ? ERR_OK : err;
}

/* One that was signed out with before anybody saw it makes no account. */
static enum err
change(struct store *st, const struct store_actor *actor,
    const struct external_profile *p, struct claims *claims,
    enum external_done *done_out)
{
	bool revoked;
	enum err err = store_token_revoked(st, claims->jti, &revoked);

	if (err != ERR_OK)
		return err;
	if (revoked)
		return ERR_DENIED;
	return store_external_provision(
	    st, actor, p, &claims->user_id, done_out);
}

enum err
external_account_provision(struct store *st, const struct store_actor *actor,
    const struct external *said, struct claims *claims,
    enum external_done *done_out)
{
	const struct external_profile p = profile_of(said, claims);
	enum err err = store_external_user(st, &p, &claims->user_id);

	*done_out = err == ERR_OK ? OUTSIDE_FOUND : OUTSIDE_NONE;
	return err == ERR_NOT_FOUND ? change(st, actor, &p, claims, done_out)
				    : err;
}
