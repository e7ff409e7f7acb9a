/* SPDX-License-Identifier: ISC */
#include "issuers/issuers_claims.h"

#include <stdbool.h>
#include <string.h>

#include "base/digest.h"
#include "base/json_value.h"
#include "base/str.h"
#include "issuers/external_account.h"
#include "issuers/issuers_config.h"
#include "model/user.h"
#include "store/store.h"
#include "token/access_token.h"
#include "token/jws.h"

#define AUDIENCE_MAX 64 /* elements of aud; more are refused */

/* The member ${name}; NULL if it is absent or null, which means the same. */
static const struct json_value *
claim(const struct json_value *payload, const char *name)
{
	const struct json_value *member = json_value_member(payload, name);

	return json_value_is_null(member) ? NULL : member;
}

/* ---- audience ---- */

static bool
is_one_of(const struct issuer_texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->list[i], text) == 0)
			return true;
	return false;
}

/*
 * Read a string or an array of strings (RFC 7519 section 4.1.3); *ours_out is
 * true if one of them is in ${ours}.  Return false if ${aud} is neither.
 */
static bool
read_audience(const struct json_value *aud, const struct issuer_texts *ours,
    bool *ours_out)
{
	const char *text = json_value_string(aud);
	size_t n = json_value_size(aud);

	*ours_out = text != NULL && is_one_of(ours, text);
	if (text != NULL || aud == NULL)
		return true;
	if (!json_value_is_array(aud) || n > AUDIENCE_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		text = json_value_string(json_value_at(aud, i));
		if (text == NULL)
			return false;
		*ours_out |= is_one_of(ours, text);
	}
	return true;
}

static bool
is_for_us(const struct issuer *issuer, const struct json_value *payload)
{
	const struct json_value *azp = claim(payload, "azp");
	const char *party = json_value_string(azp);
	bool ours;

	if (!read_audience(claim(payload, "aud"), &issuer->audience, &ours))
		return false;
	if (azp != NULL && party == NULL)
		return false;
	return (ours || issuer->audience.count == 0) &&
	    (issuer->authorized_party.count == 0 ||
		(party != NULL && is_one_of(&issuer->authorized_party, party)));
}

/* ---- times ---- */

/*
 * Seconds since the epoch, which may have a fraction (RFC 7519 section 2);
 * ${fallback} if absent, which -1 does not allow.
 */
static bool
read_time(const struct json_value *payload, const char *name, int64_t fallback,
    int64_t *time_out)
{
	const struct json_value *member = claim(payload, name);

	*time_out = fallback;
	if (member == NULL)
		return fallback >= 0;
	return json_value_floor(member, time_out) == ERR_OK && *time_out >= 0;
}

static bool
read_times(const struct issuer *issuer, const struct json_value *payload,
    struct claims *c)
{
	if (!read_time(payload, "iat", -1, &c->issued_at) ||
	    !read_time(payload, "nbf", c->issued_at, &c->not_before) ||
	    !read_time(payload, "exp", -1, &c->expires_at) ||
	    c->expires_at - c->issued_at > STORE_AUDIT_SECONDS)
		return false;
	c->leeway = issuer->leeway;
	c->expires_at += issuer->leeway;
	return true;
}

/* ---- all claims ---- */

static bool
is_text(const struct json_value *member, size_t size)
{
	const char *text = json_value_string(member);

	return text != NULL && text[0] != '\0' && strlen(text) < size;
}

enum err
issuers_claims(const struct issuer *issuer, const struct json_value *payload,
    int64_t now, struct claims *claims_out)
{
	const struct json_value *jti = claim(payload, "jti");

	memset(claims_out, 0, sizeof(*claims_out));
	claims_out->origin = TOKEN_OF_ISSUER;
	if (read_times(issuer, payload, claims_out) &&
	    access_token_is_timely(claims_out, now) &&
	    is_text(json_value_member(payload, "sub"), ISSUER_SUBJECT_SIZE) &&
	    (jti == NULL || is_text(jti, JWS_EXTERNAL_MAX)) &&
	    is_for_us(issuer, payload))
		return ERR_OK;
	memset(claims_out, 0, sizeof(*claims_out));
	return ERR_DENIED;
}

static void
set_jti(const char *const texts[], size_t n, struct claims *claims)
{
	unsigned char digest[DIGEST_BYTES];

	_Static_assert(TOKEN_JTI_SIZE == 2 * DIGEST_BYTES + 1, "it fits");
	digest_texts(digest, texts, n);
	str_hex(claims->jti, digest, sizeof(digest));
}

/*
 * Without a jti the name is a digest of the signed text.  The signature is left
 * out: from an ECDSA signature anyone can compute a second valid one.
 */
static void
name_by_signed_text(
    const struct issuer *issuer, const char *text, struct claims *claims)
{
	char input[JWS_EXTERNAL_MAX + 1];
	const char *const texts[] = { issuer->name, "token", input };
	size_t len = (size_t)(strrchr(text, '.') - text);

	memcpy(input, text, len);
	input[len] = '\0';
	set_jti(texts, NELEMS(texts), claims);
}

void
issuers_claims_name(const struct issuer *issuer,
    const struct json_value *payload, const char *text, struct claims *claims)
{
	const char *jti = json_value_string(json_value_member(payload, "jti"));
	const char *const texts[] = { issuer->name, "jti", jti };

	if (jti == NULL)
		name_by_signed_text(issuer, text, claims);
	else
		set_jti(texts, NELEMS(texts), claims);
}

/* ---- profile ---- */

/* Return the string claim ${name}, or "" if there is none. */
static const char *
read_claim(const struct json_value *payload, const char *name)
{
	const char *text = json_value_string(json_value_member(payload, name));

	return name[0] == '\0' || text == NULL ? "" : text;
}

/* Some issuers send true as a text or as a number, and false likewise. */
static bool
is_verified(const struct issuer *issuer, const struct json_value *payload)
{
	const char *name = issuer->claim_email_verified;
	const struct json_value *member = json_value_member(payload, name);
	const char *text = json_value_string(member);
	bool verified = false;
	int64_t number;

	if (name[0] == '\0')
		return false;
	if (text != NULL)
		return strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
	if (json_value_int(member, &number) == ERR_OK)
		return number == 1;
	return json_value_bool(member, &verified) == ERR_OK && verified;
}

static void
map_email(const struct issuer *issuer, const struct json_value *payload,
    struct external *external)
{
	const char *email = read_claim(payload, issuer->claim_email);

	if (is_verified(issuer, payload) &&
	    user_email_normal(external->normal, email) == ERR_OK &&
	    str_copy(external->email, sizeof(external->email), email) == ERR_OK)
		return;
	external->normal[0] = '\0';
}

void
issuers_claims_map(const struct issuer *issuer,
    const struct json_value *payload, struct external *external_out)
{
	struct external *x = external_out;
	const char *name = read_claim(payload, issuer->claim_name);
	const char *avatar = read_claim(payload, issuer->claim_avatar);
	const char *const texts[] = { x->email, x->normal, x->name,
		x->avatar_url };

	memset(x, 0, sizeof(*x));
	x->issuer = issuer;
	/* All of these fit, as issuers_claims() and user_*_check() ensure. */
	if (str_copy(x->subject, sizeof(x->subject),
		read_claim(payload, "sub")) != ERR_OK)
		x->subject[0] = '\0';
	map_email(issuer, payload, x);
	if (user_name_check(name) == ERR_OK &&
	    str_copy(x->name, sizeof(x->name), name) != ERR_OK)
		x->name[0] = '\0';
	if (user_avatar_check(avatar) == ERR_OK &&
	    str_copy(x->avatar_url, sizeof(x->avatar_url), avatar) != ERR_OK)
		x->avatar_url[0] = '\0';
	digest_texts(x->digest, texts, NELEMS(texts));
}
