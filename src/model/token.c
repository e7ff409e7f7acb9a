/* SPDX-License-Identifier: ISC */
#include "model/token.h"

#include "base/str.h"

static const char *const origin_names[] = {
	[TOKEN_NONE] = "none",
	[TOKEN_OF_THIS_SITE] = "this site",
	[TOKEN_OF_ISSUER] = "issuer",
};
static const struct enum_names origins = { origin_names, NELEMS(origin_names) };

static const struct column columns[] = {
	{ ENUM_COLUMN(struct claims, origin, &origins) },
	{ COLUMN(INTEGER, struct claims, user_id) },
	{ COLUMN(INTEGER, struct claims, epoch) },
	{ COLUMN(INTEGER, struct claims, issued_at) },
	{ COLUMN(INTEGER, struct claims, not_before) },
	{ COLUMN(INTEGER, struct claims, expires_at) },
	{ COLUMN(INTEGER, struct claims, leeway) },
	{ COLUMN(TEXT, struct claims, handle) },
	{ COLUMN(TEXT, struct claims, jti) },
};

static bool
is_valid(const void *record)
{
	const struct claims *c = record;

	if (c->user_id <= 0)
		return false;
	if (c->origin == TOKEN_OF_ISSUER)
		return c->handle[0] == '\0' &&
		    str_is_hex(c->jti, TOKEN_JTI_SIZE - 1);
	return str_is_hex(c->handle, SESSION_HANDLE_SIZE - 1) &&
	    random_is_uuid(c->jti);
}

const struct record_type claims_record_type = { .columns = columns,
	.columns_n = NELEMS(columns),
	.size = sizeof(struct claims),
	.is_valid = is_valid };

void
token_key(char dst[TOKEN_KEY_SIZE], const char *jti)
{
	str_join(dst, TOKEN_KEY_SIZE, "blacklist:", jti);
}
