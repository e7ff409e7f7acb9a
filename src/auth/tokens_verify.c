/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <jwt.h>
#include <string.h>

#include "auth/issuers.h"
#include "auth/jws.h"
#include "auth/keypair.h"
#include "auth/keys.h"
#include "auth/outside.h"
#include "auth/tokens.h"
#include "base/digest.h"
#include "base/document.h"
#include "base/secret.h"
#include "base/text.h"

/*
 * Explicit typing as "at+jwt" (RFC 9068) is not to be had: libjwt 1.10 writes
 * "JWT" over any other typ when it encodes, and refuses to decode any other.
 * A token of another kind under the same key is still none of ours: kid, iss,
 * aud, sid, epoch and jti must all be there.
 */
#define TYP "JWT"
#define HS256_BYTES 32 /* of its signatures */

/*
 * libjwt computes the HMAC and compares it in constant time (jwt_strcmp).  It
 * takes the algorithm from the token, which by now says HS256, and nothing
 * else that it read counts.
 */
static enum err
check_hs256(const struct key *key, const struct jws *jws, const char *text)
{
	jwt_t *jwt = NULL;
	int rc;

	if (jws->signature_len != HS256_BYTES)
		return ERR_DENIED;
	rc = jwt_decode(&jwt, text, (const unsigned char *)key->secret.data,
	    (int)key->secret.len);
	if (rc == 0 && jwt_get_alg(jwt) != JWT_ALG_HS256)
		rc = EINVAL;
	jwt_free(jwt);
	if (rc == 0)
		return ERR_OK;
	return rc == ENOMEM ? ERR_INTERNAL : ERR_DENIED;
}

/* By the key's algorithm, which the header has been held against. */
static enum err
signature_check(const struct key *key, const struct jws *jws, const char *text)
{
	if (key->alg == KEYS_HS256)
		return check_hs256(key, jws, text);
	if (jws->signature_len != keypair_signature_len(key->pair))
		return ERR_DENIED;
	return keypair_verify(key->pair, text,
	    (size_t)(strrchr(text, '.') - text), jws->signature);
}

static const char *
member_text(const struct document *doc, const char *name)
{
	const char *value = document_string(document_member(doc, name));

	return value == NULL ? "" : value;
}

static bool
member_int(const struct document *doc, const char *name, int64_t *value_out)
{
	return document_int(document_member(doc, name), value_out) == ERR_OK &&
	    *value_out >= 0;
}

bool
tokens_timely(const struct claims *c, int64_t now)
{
	return c->issued_at <= now + c->leeway &&
	    c->not_before <= now + c->leeway && now < c->expires_at;
}

/* Members we do not know do no harm; all we know must be there. */
static bool
claims_read(const struct tokens *t, const struct document *doc, int64_t now,
    struct claims *c)
{
	const char *sid = member_text(doc, "sid");
	const char *jti = member_text(doc, "jti");

	if (strcmp(member_text(doc, "iss"), t->issuer) != 0 ||
	    strcmp(member_text(doc, "aud"), t->audience) != 0 ||
	    text_to_int64(member_text(doc, "sub"), 1, INT64_MAX, &c->user_id) !=
		ERR_OK ||
	    !text_is_hex(sid, SESSION_HANDLE_SIZE - 1) || !secret_is_uuid(jti))
		return false;
	if (!member_int(doc, "epoch", &c->epoch) ||
	    !member_int(doc, "iat", &c->issued_at) ||
	    !member_int(doc, "nbf", &c->not_before) ||
	    !member_int(doc, "exp", &c->expires_at))
		return false;
	memcpy(c->handle, sid, SESSION_HANDLE_SIZE);
	memcpy(c->jti, jti, SECRET_UUID_SIZE);
	return tokens_timely(c, now);
}

/* Our own strict reading of what was signed: libjwt's is not asked. */
static enum err
claims_check(const struct tokens *t, const struct jws *jws, int64_t now,
    struct claims *claims_out)
{
	struct document *doc = NULL;
	struct claims c = { 0 };
	enum err err;

	err =
	    document_parse((const char *)jws->payload, jws->payload_len, &doc);
	if (err == ERR_OK && document_is_object(doc) &&
	    claims_read(t, doc, now, &c))
		*claims_out = c;
	else if (err != ERR_INTERNAL)
		err = ERR_DENIED;
	document_free(doc);
	return err;
}

/* The key that ${text} names; ERR_DENIED if we have none of that name. */
static enum err
named_key(const struct tokens *t, const char *text, int64_t now,
    const struct key **key_out)
{
	enum err err = keys_refresh(t->keys);

	*key_out = NULL;
	if (err != ERR_OK)
		return err;
	*key_out = keys_of(t->keys, text, now);
	return *key_out != NULL ? ERR_OK : ERR_DENIED;
}

static enum err
verify_ours(const struct tokens *t, const struct key *key, const char *text,
    int64_t now, struct claims *claims_out)
{
	unsigned char room[JWS_ROOM(JWS_OURS_MAX)];
	struct jws jws;
	enum err err;

	err = jws_split(text, JWS_OURS_MAX, room, &jws);
	if (err != ERR_OK)
		goto out;
	err = jws_header_check(&jws, keys_alg_name(key->alg), key->kid, TYP);
	if (err != ERR_OK)
		goto out;
	if ((err = signature_check(key, &jws, text)) != ERR_OK)
		goto out;
	err = claims_check(t, &jws, now, claims_out);
out:
	secret_wipe(room, sizeof(room));
	return err;
}

enum err
tokens_verify(const struct tokens *t, const char *text, int64_t now,
    struct claims *claims_out)
{
	const struct key *key;
	enum err err;

	memset(claims_out, 0, sizeof(*claims_out));
	err = named_key(t, text, now, &key);
	return err == ERR_OK ? verify_ours(t, key, text, now, claims_out) : err;
}

enum err
tokens_verify_any(const struct tokens *t, const char *text, int64_t now,
    struct claims *claims_out, struct outside *outside_out)
{
	const struct key *key;
	enum err err;

	memset(claims_out, 0, sizeof(*claims_out));
	memset(outside_out, 0, sizeof(*outside_out));
	err = named_key(t, text, now, &key);
	if (err == ERR_OK)
		return verify_ours(t, key, text, now, claims_out);
	if (err == ERR_DENIED && t->issuers != NULL)
		err = issuers_verify(
		    t->issuers, text, now, claims_out, outside_out);
	return err;
}

static void
digest(const struct tokens *t, const struct key *key, const char *text,
    unsigned char digest_out[TOKEN_DIGEST_BYTES])
{
	const char *const texts[] = { key->kid, t->issuer, t->audience, text };

	_Static_assert(TOKEN_DIGEST_BYTES == DIGEST_BYTES, "both are SHA-256");
	digest_texts(digest_out, texts, NELEMS(texts));
}

enum err
tokens_digest(const struct tokens *t, const char *text, int64_t now,
    unsigned char digest_out[TOKEN_DIGEST_BYTES])
{
	const struct key *key;
	enum err err;

	err = named_key(t, text, now, &key);
	if (err == ERR_DENIED && t->issuers != NULL)
		return issuers_digest(t->issuers, text, now, digest_out);
	if (err != ERR_OK)
		return err;
	if (strnlen(text, JWS_OURS_MAX + 1) > JWS_OURS_MAX)
		return ERR_DENIED;
	digest(t, key, text, digest_out);
	return ERR_OK;
}
