/* SPDX-License-Identifier: ISC */
#include "auth/tokens.h"

#include <errno.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jws.h"
#include "auth/keys.h"
#include "base/document.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/writer.h"

/*
 * Explicit typing as "at+jwt" (RFC 9068) is not to be had: libjwt 1.10 writes
 * "JWT" over any other typ when it encodes, and refuses to decode any other.
 * A token of another kind under the same key is still none of ours: kid, iss,
 * aud, sid, epoch and jti must all be there.
 */
#define TYP "JWT"
#define ALG "HS256"

static enum err
payload_print(
    const struct tokens *t, const struct claims *c, struct buf *payload)
{
	char sub[TEXT_INT_SIZE];
	struct writer w;

	text_int(sub, c->user_id);
	writer_begin(&w, payload);
	writer_object(&w, NULL);
	writer_string(&w, "iss", t->issuer);
	writer_string(&w, "aud", t->audience);
	writer_string(&w, "sub", sub);
	writer_string(&w, "sid", c->handle);
	writer_int(&w, "epoch", c->epoch);
	writer_string(&w, "jti", c->jti);
	writer_int(&w, "iat", c->issued_at);
	writer_int(&w, "nbf", c->not_before);
	writer_int(&w, "exp", c->expires_at);
	writer_close(&w);
	return writer_end(&w);
}

/*
 * The claims go to libjwt as one text, because its own setter for numbers
 * takes a long, which ends in 2038 where that has 32 bits.
 */
static enum err
sign(const struct keys *keys, const char *payload, struct token *token_out)
{
	jwt_t *jwt = NULL;
	char *text = NULL;
	enum err err = ERR_INTERNAL;

	if (jwt_new(&jwt) != 0 ||
	    jwt_set_alg(
		jwt, JWT_ALG_HS256, keys->token, (int)keys->token_len) != 0 ||
	    jwt_add_header(jwt, "kid", keys->kid) != 0 ||
	    jwt_add_grants_json(jwt, payload) != 0)
		goto out;
	text = jwt_encode_str(jwt);
	if (text == NULL)
		goto out;
	err = text_copy(token_out->text, sizeof(token_out->text), text);
	if (err != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "token_too_long",
		    "reason=\"issuer and audience take too much room\"");
		err = ERR_INTERNAL;
	}
out:
	secret_wipe_text(text);
	free(text); /* as jwt.h says */
	jwt_free(jwt);
	return err;
}

enum err
tokens_issue(const struct tokens *t, const struct session *s, int64_t epoch,
    int64_t now, struct token *token_out, struct claims *claims_out)
{
	struct buf payload = { 0 };
	struct claims c = { 0 };
	enum err err;

	memset(token_out, 0, sizeof(*token_out));
	if (claims_out != NULL)
		memset(claims_out, 0, sizeof(*claims_out));
	if (now >= s->expires_at)
		return ERR_DENIED;

	c.user_id = s->user_id;
	c.epoch = epoch;
	c.issued_at = now;
	c.not_before = now;
	c.expires_at = s->expires_at;
	if (t->lifetime < s->expires_at - now)
		c.expires_at = now + t->lifetime;
	memcpy(c.handle, s->handle, sizeof(c.handle));
	secret_uuid(c.jti);

	if ((err = payload_print(t, &c, &payload)) != ERR_OK)
		goto out;
	if ((err = sign(t->keys, payload.data, token_out)) != ERR_OK)
		goto out;
	token_out->epoch = c.epoch;
	token_out->issued_at = c.issued_at;
	token_out->expires_at = c.expires_at;
	if (claims_out != NULL)
		*claims_out = c;
out:
	buf_clear(&payload);
	return err;
}

/*
 * libjwt computes the HMAC and compares it in constant time (jwt_strcmp).  It
 * takes the algorithm from the token, which by now says HS256, and nothing
 * else that it read counts.
 */
static enum err
signature_check(const struct keys *keys, const char *text)
{
	jwt_t *jwt = NULL;
	int rc;

	rc = jwt_decode(&jwt, text, keys->token, (int)keys->token_len);
	if (rc == 0 && jwt_get_alg(jwt) != JWT_ALG_HS256)
		rc = EINVAL;
	jwt_free(jwt);
	if (rc == 0)
		return ERR_OK;
	return rc == ENOMEM ? ERR_INTERNAL : ERR_DENIED;
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
	return c->issued_at <= now && c->not_before <= now &&
	    now < c->expires_at;
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
	memcpy(c->jti, jti, TOKEN_JTI_SIZE);
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

enum err
tokens_verify(const struct tokens *t, const char *text, int64_t now,
    struct claims *claims_out)
{
	struct jws jws;
	enum err err;

	memset(claims_out, 0, sizeof(*claims_out));
	if ((err = jws_split(text, &jws)) != ERR_OK)
		goto out;
	if ((err = jws_header_check(&jws, ALG, t->keys->kid, TYP)) != ERR_OK)
		goto out;
	if ((err = signature_check(t->keys, text)) != ERR_OK)
		goto out;
	err = claims_check(t, &jws, now, claims_out);
out:
	secret_wipe(&jws, sizeof(jws));
	return err;
}

enum err
tokens_digest(const struct tokens *t, const char *text,
    unsigned char digest_out[TOKEN_DIGEST_BYTES])
{
	const char *const texts[] = { t->keys->kid, t->issuer, t->audience,
		text };

	_Static_assert(
	    TOKEN_DIGEST_BYTES == SECRET_DIGEST_BYTES, "both are SHA-256");
	if (strnlen(text, TOKEN_TEXT_SIZE) == TOKEN_TEXT_SIZE)
		return ERR_DENIED;
	secret_digest(digest_out, texts, NELEMS(texts));
	return ERR_OK;
}
