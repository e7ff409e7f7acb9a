/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <jwt.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json_value.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "token/access_token.h"
#include "token/jws.h"
#include "token/keypair.h"
#include "token/signing_keys.h"

/*
 * Not "at+jwt" (RFC 9068): libjwt 1.10 overwrites any other typ with "JWT" when
 * it encodes, and refuses to decode others.  A token of another kind under the
 * same key is refused anyway: kid, iss, aud, sid, epoch and jti are required.
 */
#define TYP "JWT"
#define HS256_BYTES 32 /* length of its signatures */

/*
 * libjwt computes the HMAC and compares it in constant time (jwt_strcmp).  It
 * reads the algorithm from the token, whose header has been checked to say
 * HS256.  Nothing else of its reading is used.
 */
static enum err
verify_hs256(
    const struct signing_key *key, const struct jws *jws, const char *text)
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

/* The header has been checked to name the algorithm of ${key}. */
static enum err
verify_signature(
    const struct signing_key *key, const struct jws *jws, const char *text)
{
	if (key->alg == SIGNING_KEYS_HS256)
		return verify_hs256(key, jws, text);
	if (jws->signature_len != keypair_signature_len(key->pair))
		return ERR_DENIED;
	return keypair_verify(key->pair, text,
	    (size_t)(strrchr(text, '.') - text), jws->signature);
}

static const char *
member_text(const struct json_value *doc, const char *name)
{
	const char *value = json_value_string(json_value_member(doc, name));

	return value == NULL ? "" : value;
}

static bool
member_int(const struct json_value *doc, const char *name, int64_t *value_out)
{
	return json_value_int(json_value_member(doc, name), value_out) ==
	    ERR_OK &&
	    *value_out >= 0;
}

bool
access_token_is_timely(const struct claims *c, int64_t now)
{
	return c->issued_at <= now + c->leeway &&
	    c->not_before <= now + c->leeway && now < c->expires_at;
}

int64_t
access_token_expiry(
    const struct access_tokens *t, const struct claims *c, int64_t now)
{
	if (c->clock_behind == 0)
		return c->expires_at;
	return now + c->expires_at - c->clock_behind - t->clock->wall();
}

/*
 * Read iat, nbf and exp, and turn them into times of the store.  A token from a
 * time when the wall clock was behind must hold by both: by the store's, so
 * that nothing that has expired becomes valid again, and by the wall clock,
 * because the store's time stands still while the clock is behind.
 */
static bool
read_times(const struct access_tokens *t, const struct json_value *doc,
    int64_t now, struct claims *c)
{
	if (!member_int(doc, "iat", &c->issued_at) ||
	    !member_int(doc, "nbf", &c->not_before) ||
	    !member_int(doc, "exp", &c->expires_at))
		return false;
	if (json_value_member(doc, "clock_behind") == NULL)
		return access_token_is_timely(c, now);
	if (!member_int(doc, "clock_behind", &c->clock_behind) ||
	    c->clock_behind == 0 || c->expires_at <= t->clock->wall())
		return false;
	/* Neither overflows: JSON has integers up to 2^53. */
	c->issued_at += c->clock_behind;
	c->not_before += c->clock_behind;
	c->expires_at += c->clock_behind;
	return access_token_is_timely(c, now);
}

/* Unknown members are ignored; all known ones but clock_behind are required. */
static bool
read_claims(const struct access_tokens *t, const struct json_value *doc,
    int64_t now, struct claims *c)
{
	const char *sid = member_text(doc, "sid");
	const char *jti = member_text(doc, "jti");

	if (strcmp(member_text(doc, "iss"), t->issuer) != 0 ||
	    strcmp(member_text(doc, "aud"), t->audience) != 0 ||
	    str_to_int64(member_text(doc, "sub"), 1, INT64_MAX, &c->user_id) !=
		ERR_OK ||
	    !str_is_hex(sid, SESSION_HANDLE_SIZE - 1) || !random_is_uuid(jti))
		return false;
	if (!member_int(doc, "epoch", &c->epoch))
		return false;
	c->origin = TOKEN_OF_THIS_SITE;
	memcpy(c->handle, sid, SESSION_HANDLE_SIZE);
	memcpy(c->jti, jti, RANDOM_UUID_SIZE);
	return read_times(t, doc, now, c);
}

/* Parse the signed text strictly, not as libjwt did. */
static enum err
check_claims(const struct access_tokens *t, const struct jws *jws, int64_t now,
    struct claims *claims_out)
{
	struct json_value *doc = NULL;
	struct claims c = { 0 };
	enum err err;

	err = json_value_parse(
	    (const char *)jws->payload, jws->payload_len, &doc);
	if (err == ERR_OK && json_value_is_object(doc) &&
	    read_claims(t, doc, now, &c))
		*claims_out = c;
	else if (err != ERR_INTERNAL)
		err = ERR_DENIED;
	json_value_free(doc);
	return err;
}

/* Find the signing key that ${text} names; ERR_DENIED if there is none. */
static enum err
find_named_key(const struct access_tokens *t, const char *text, int64_t now,
    const struct signing_key **key_out)
{
	enum err err = signing_keys_refresh(t->keys);

	*key_out = NULL;
	if (err != ERR_OK)
		return err;
	*key_out = signing_keys_find(t->keys, text, now);
	return *key_out != NULL ? ERR_OK : ERR_DENIED;
}

static enum err
verify_with_key(const struct access_tokens *t, const struct signing_key *key,
    const char *text, int64_t now, struct claims *claims_out)
{
	unsigned char storage[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct jws jws;
	enum err err;

	err = jws_split(text, JWS_OURS_MAX, storage, &jws);
	if (err != ERR_OK)
		goto out;
	err = jws_header_check(
	    &jws, signing_keys_alg_name(key->alg), key->kid, TYP);
	if (err != ERR_OK)
		goto out;
	if ((err = verify_signature(key, &jws, text)) != ERR_OK)
		goto out;
	err = check_claims(t, &jws, now, claims_out);
out:
	secret_wipe(storage, sizeof(storage));
	return err;
}

enum err
access_token_verify(const struct access_tokens *t, const char *text,
    int64_t now, struct claims *claims_out)
{
	const struct signing_key *key;
	enum err err;

	memset(claims_out, 0, sizeof(*claims_out));
	err = find_named_key(t, text, now, &key);
	return err == ERR_OK ? verify_with_key(t, key, text, now, claims_out)
			     : err;
}

enum err
access_token_names_our_key(
    const struct access_tokens *t, const char *text, int64_t now)
{
	const struct signing_key *key;

	return find_named_key(t, text, now, &key);
}

enum err
access_token_digest(const struct access_tokens *t, const char *text,
    int64_t now, unsigned char digest_out[TOKEN_DIGEST_BYTES])
{
	const char *texts[] = { NULL, t->issuer, t->audience, text };
	const struct signing_key *key;
	enum err err;

	_Static_assert(TOKEN_DIGEST_BYTES == DIGEST_BYTES, "both are SHA-256");
	err = find_named_key(t, text, now, &key);
	if (err != ERR_OK)
		return err;
	if (strnlen(text, JWS_OURS_MAX + 1) > JWS_OURS_MAX)
		return ERR_DENIED;
	texts[0] = key->kid;
	digest_texts(digest_out, texts, NELEMS(texts));
	return ERR_OK;
}
