/* SPDX-License-Identifier: ISC */
#include "issuers/external_account.h"

#include <string.h>

#include "issuers/issuers_config.h"

static struct external_profile
profile_of(const struct external *external, const struct claims *claims)
{
	struct external_profile p = {
		.issuer = external->issuer->name,
		.subject = external->subject,
		.issued_at = claims->issued_at,
		.leeway = claims->leeway,
		.name = external->name,
		.avatar_url = external->avatar_url,
		.link = external->issuer->link_by_email,
	};

	if (external->email[0] != '\0') {
		p.email = external->email;
		p.normal = external->normal;
	}
	memcpy(p.digest, external->digest, sizeof(p.digest));
	return p;
}

enum err
external_account_user(struct store *st, const struct external *external,
    const struct claims *claims, int64_t *user_id_out)
{
	const struct external_profile p = profile_of(external, claims);
	enum err err = store_external_user(st, &p, user_id_out);

	return err == ERR_NOT_FOUND || err == ERR_DENIED ? ERR_OK : err;
}

/* A token that was revoked before its first use creates no account. */
static enum err
provision(struct store *st, const struct store_actor *actor,
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
    const struct external *external, struct claims *claims,
    enum external_done *done_out)
{
	const struct external_profile p = profile_of(external, claims);
	enum err err = store_external_user(st, &p, &claims->user_id);

	*done_out = err == ERR_OK ? EXTERNAL_FOUND : EXTERNAL_NONE;
	return err == ERR_NOT_FOUND ? provision(st, actor, &p, claims, done_out)
				    : err;
}
