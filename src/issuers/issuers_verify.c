/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <strings.h>

#include "base/json_value.h"
#include "base/secret.h"
#include "issuers/external_account.h"
#include "issuers/issuers.h"
#include "issuers/issuers_claims.h"
#include "token/jwk.h"
#include "token/jws.h"
#include "token/keypair.h"

/* A token under verification. */
struct parsed {
	const char *text;
	struct jws jws;
	struct json_value *header, *payload;
	enum jwk_alg alg;
	const char *kid; /* NULL: absent */
};

/* ---- the header ---- */

/*
 * These parameters contain a key, or change how the signed text is read.  The
 * address of a key or a certificate (jku, x5u, x5c) is ignored like x5t: only
 * the keys of the block's issuer are used.
 */
static bool
has_forbidden_parameter(const struct json_value *header)
{
	static const char *const names[] = { "crit", "jwk", "b64", "zip",
		"enc" };

	for (size_t i = 0; i < NELEMS(names); i++)
		if (json_value_member(header, names[i]) != NULL)
			return true;
	return false;
}

static bool
is_access_token(const struct json_value *typ)
{
	static const char prefix[] = "application/";
	const char *text = json_value_string(typ);

	if (typ == NULL || text == NULL)
		return typ == NULL;
	if (strncasecmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	return strcasecmp(text, "JWT") == 0 || strcasecmp(text, "at+jwt") == 0;
}

static bool
read_header(struct parsed *s)
{
	const struct json_value *kid = json_value_member(s->header, "kid");
	const char *alg =
	    json_value_string(json_value_member(s->header, "alg"));

	s->kid = json_value_string(kid);
	if (alg == NULL || (kid != NULL && s->kid == NULL) ||
	    has_forbidden_parameter(s->header) ||
	    !is_access_token(json_value_member(s->header, "typ")))
		return false;
	s->alg = strcmp(alg, "RS256") == 0 ? JWK_RS256 : JWK_ES256;
	return s->alg == JWK_RS256 || strcmp(alg, "ES256") == 0;
}

/* ---- the whole token ---- */

static enum err
parse_token(struct parsed *s)
{
	enum err err;

	err = json_value_parse(
	    (const char *)s->jws.header, s->jws.header_len, &s->header);
	if (err == ERR_OK)
		err = json_value_parse((const char *)s->jws.payload,
		    s->jws.payload_len, &s->payload);
	if (err != ERR_OK)
		return err;
	return read_header(s) ? ERR_OK : ERR_DENIED;
}

/* Unverified until the signature is checked by a key of that issuer. */
static const struct issuer *
find_issuer(const struct issuers *is, const struct parsed *s)
{
	const char *iss =
	    json_value_string(json_value_member(s->payload, "iss"));
	const struct issuer *issuer =
	    iss != NULL ? issuers_block(is, iss) : NULL;

	return issuer != NULL && (issuer->algorithms & s->alg) != 0 ? issuer
								    : NULL;
}

static enum err
verify_by_key(const struct keypair *key, const struct parsed *s)
{
	if (key == NULL || s->jws.signature_len != keypair_signature_len(key))
		return ERR_DENIED;
	return keypair_verify(key, s->text,
	    (size_t)(strrchr(s->text, '.') - s->text), s->jws.signature);
}

/*
 * *retry_out: a key set fetched later may verify the token, because its key is
 * unknown, or because it names none and may mean another than the one we have.
 */
static enum err
verify_signature(const struct issuers *is, const struct issuer *issuer,
    const struct parsed *s, int64_t now, bool *retry_out)
{
	const struct keypair *key;
	const struct jwk_set *set;
	enum err err;

	err = issuers_keys(is, issuer, now, &set);
	if (err != ERR_OK) {
		issuers_request_fetch(is, issuer, now);
		return err;
	}
	key = jwk_set_find(set, s->kid, s->alg);
	if (key == NULL && s->kid != NULL)
		issuers_request_fetch(is, issuer, now);
	err = verify_by_key(key, s);
	*retry_out = err == ERR_DENIED && (key == NULL || s->kid == NULL);
	return err;
}

/* Of a token refused at ${now}: would it be valid just before it expires? */
static bool
is_not_yet_valid(
    const struct issuer *issuer, const struct json_value *payload, int64_t now)
{
	const struct json_value *exp = json_value_member(payload, "exp");
	struct claims ignored;
	int64_t end;

	return json_value_int(exp, &end) == ERR_OK && end > now &&
	    issuers_claims(issuer, payload, end - 1, &ignored) == ERR_OK;
}

/* The costly signature comes last, and checks that may be unavailable. */
static enum err
verify_token(const struct issuers *is, struct parsed *s, int64_t now,
    struct claims *claims, struct external *external)
{
	const struct issuer *issuer;
	enum err err;

	err = parse_token(s);
	if (err != ERR_OK)
		return err;
	issuer = find_issuer(is, s);
	if (issuer == NULL)
		return ERR_DENIED;
	err = issuers_claims(issuer, s->payload, now, claims);
	if (err == ERR_DENIED)
		external->may_become_valid =
		    is_not_yet_valid(issuer, s->payload, now);
	if (err == ERR_OK)
		err = verify_signature(
		    is, issuer, s, now, &external->may_become_valid);
	if (err != ERR_OK)
		return err;
	issuers_claims_name(issuer, s->payload, s->text, claims);
	issuers_claims_map(issuer, s->payload, external);
	return ERR_OK;
}

enum err
issuers_verify(struct issuers *is, const char *text, int64_t now,
    struct claims *claims_out, struct external *external_out)
{
	unsigned char room[JWS_DECODED_MAX(JWS_EXTERNAL_MAX)];
	struct parsed s = { .text = text };
	enum err err;

	memset(claims_out, 0, sizeof(*claims_out));
	memset(external_out, 0, sizeof(*external_out));
	err = jws_split(text, JWS_EXTERNAL_MAX, room, &s.jws);
	if (err != ERR_OK)
		return err;
	err = issuers_refresh(is, now);
	if (err == ERR_OK)
		err = verify_token(is, &s, now, claims_out, external_out);
	if (err != ERR_OK)
		memset(claims_out, 0, sizeof(*claims_out));
	json_value_free(s.header);
	json_value_free(s.payload);
	secret_wipe(room, sizeof(room));
	return err == ERR_INVALID ? ERR_DENIED : err;
}
