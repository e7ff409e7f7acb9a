/* SPDX-License-Identifier: ISC */
#include "auth/outside.h"

#include <string.h>

#include "auth/issuers_file.h"

static struct outside_profile
profile_of(const struct outside *said, const struct claims *claims)
{
	struct outside_profile p = {
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
outside_user(struct store *st, const struct outside *said,
    const struct claims *claims, int64_t *user_id_out)
{
	const struct outside_profile p = profile_of(said, claims);
	enum err err = store_outside_user(st, &p, user_id_out);

	return err == ERR_NOT_FOUND || err == ERR_DENIED ? ERR_OK : err;
}

/* One that was signed out with before anybody saw it makes no account. */
static enum err
change(struct store *st, const struct store_actor *actor,
    const struct outside_profile *p, struct claims *claims,
    enum outside_done *done_out)
{
	bool revoked;
	enum err err = store_token_revoked(st, claims->jti, &revoked);

	if (err != ERR_OK)
		return err;
	if (revoked)
		return ERR_DENIED;
	return store_outside_adopt(st, actor, p, &claims->user_id, done_out);
}

enum err
outside_adopt(struct store *st, const struct store_actor *actor,
    const struct outside *said, struct claims *claims,
    enum outside_done *done_out)
{
	const struct outside_profile p = profile_of(said, claims);
	enum err err = store_outside_user(st, &p, &claims->user_id);

	*done_out = err == ERR_OK ? OUTSIDE_FOUND : OUTSIDE_NONE;
	return err == ERR_NOT_FOUND ? change(st, actor, &p, claims, done_out)
				    : err;
}
