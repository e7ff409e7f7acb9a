/* SPDX-License-Identifier: ISC */
#include "token/access_token.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_writer.h"
#include "base/kdf.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "token/jws.h"
#include "token/keypair.h"
#include "token/signing_keys.h"

/* What a payload fits into, unless the issuer's name is very long. */
#define PAYLOAD_ROOM 512

/* Members in the order of their names, as libjwt writes them. */
static enum err
payload_print(
    const struct access_tokens *t, const struct claims *c, struct buf *payload)
{
	char sub[STR_INT_SIZE];
	struct json_writer w;

	str_int(sub, c->user_id);
	json_write_begin(&w, payload);
	json_write_object(&w, NULL);
	json_write_string(&w, "aud", t->audience);
	json_write_int(&w, "epoch", c->epoch);
	json_write_int(&w, "exp", c->expires_at);
	json_write_int(&w, "iat", c->issued_at);
	json_write_string(&w, "iss", t->issuer);
	json_write_string(&w, "jti", c->jti);
	json_write_int(&w, "nbf", c->not_before);
	json_write_string(&w, "sid", c->handle);
	json_write_string(&w, "sub", sub);
	json_write_close(&w);
	return json_write_end(&w);
}

/* ---- signing ---- */

/*
 * The claims go to libjwt as one text, because its own setter for numbers
 * takes a long, which ends in 2038 where that has 32 bits.
 */
static enum err
sign_hs256(
    const struct signing_key *key, const struct buf *payload, struct buf *text)
{
	jwt_t *jwt = NULL;
	char *made = NULL;
	enum err err = ERR_INTERNAL;

	if (jwt_new(&jwt) != 0 ||
	    jwt_set_alg(jwt, JWT_ALG_HS256,
		(const unsigned char *)key->secret.data,
		(int)key->secret.len) != 0 ||
	    jwt_add_header(jwt, "kid", key->kid) != 0 ||
	    jwt_add_grants_json(jwt, payload->data) != 0)
		goto out;
	made = jwt_encode_str(jwt);
	if (made == NULL)
		goto out;
	buf_puts(text, made);
	err = ERR_OK;
out:
	secret_wipe_text(made);
	free(made); /* as jwt.h says */
	jwt_free(jwt);
	return err;
}

static enum err
sign_pair(
    const struct signing_key *key, const struct buf *payload, struct buf *text)
{
	unsigned char signature[KEYPAIR_SIGNATURE_MAX];
	enum err err;

	buf_append(text, key->header.data, key->header.len);
	buf_puts(text, ".");
	jws_encode(text, payload->data, payload->len);
	if (text->failed)
		return ERR_INTERNAL;
	err = keypair_sign(key->pair, text->data, text->len, signature);
	if (err != ERR_OK)
		return err;
	buf_puts(text, ".");
	jws_encode(text, signature, keypair_signature_len(key->pair));
	secret_wipe(signature, sizeof(signature));
	return ERR_OK;
}

static enum err
sign(const struct signing_key *key, const struct buf *payload,
    struct token *token_out)
{
	struct buf text = { 0 };
	enum err err;

	err = key->alg == SIGNING_KEYS_HS256 ? sign_hs256(key, payload, &text)
					     : sign_pair(key, payload, &text);
	if (err == ERR_OK && text.failed)
		err = ERR_INTERNAL;
	if (err == ERR_OK &&
	    str_copy(token_out->text, sizeof(token_out->text), text.data) !=
		ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "token_too_long",
		    "reason=\"issuer and audience take too much room\"");
		err = ERR_INTERNAL;
	}
	buf_clear(&text);
	return err;
}

/* The key that signs at ${now}. */
static enum err
signing_key(const struct access_tokens *t, int64_t now,
    const struct signing_key **key_out)
{
	enum err err = signing_keys_refresh(t->keys);

	*key_out = NULL;
	if (err != ERR_OK)
		return err;
	*key_out = signing_keys_current(t->keys, now);
	return *key_out != NULL ? ERR_OK : ERR_UNAVAILABLE;
}

enum err
access_token_issue(const struct access_tokens *t, const struct session *s,
    int64_t epoch, int64_t now, struct token *token_out,
    struct claims *claims_out)
{
	struct buf payload = { 0 };
	struct claims c = { 0 };
	const struct signing_key *key;
	enum err err;

	memset(token_out, 0, sizeof(*token_out));
	if (claims_out != NULL)
		memset(claims_out, 0, sizeof(*claims_out));
	if (now >= s->expires_at)
		return ERR_DENIED;
	if ((err = signing_key(t, now, &key)) != ERR_OK)
		return err;

	c.origin = TOKEN_OF_THIS_SITE;
	c.user_id = s->user_id;
	c.epoch = epoch;
	c.issued_at = now;
	c.not_before = now;
	c.expires_at = s->expires_at;
	if (t->lifetime < s->expires_at - now)
		c.expires_at = now + t->lifetime;
	memcpy(c.handle, s->handle, sizeof(c.handle));
	random_uuid(c.jti);

	if ((err = payload_print(t, &c, &payload)) != ERR_OK)
		goto out;
	if ((err = sign(key, &payload, token_out)) != ERR_OK)
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

/* ---- handing out again ---- */

/* ${token} as ${key} would sign it: with this signature. */
static enum err
join(const struct access_tokens *t, const struct signing_key *key,
    const struct claims *c, const struct token_compact *core,
    struct token *token_out)
{
	char payload_room[PAYLOAD_ROOM], text_room[TOKEN_TEXT_SIZE];
	struct buf payload = { 0 }, text = { 0 };
	enum err err;

	buf_use_inline(&payload, payload_room, sizeof(payload_room));
	buf_use_inline(&text, text_room, sizeof(text_room));
	err = payload_print(t, c, &payload);
	if (err != ERR_OK)
		goto out;
	buf_append(&text, key->header.data, key->header.len);
	buf_puts(&text, ".");
	jws_encode(&text, payload.data, payload.len);
	buf_puts(&text, ".");
	jws_encode(&text, core->signature, core->signature_len);
	if (text.failed)
		err = ERR_INTERNAL;
	else
		err = str_copy(
		    token_out->text, sizeof(token_out->text), text.data);
out:
	buf_clear(&payload);
	buf_clear(&text);
	return err;
}

enum err
access_token_restore(const struct access_tokens *t, const struct session *s,
    const struct token_compact *core, int64_t now, struct token *token_out)
{
	struct claims c = {
		.user_id = s->user_id,
		.epoch = core->epoch,
		.issued_at = core->issued_at,
		.not_before = core->issued_at,
		.expires_at = core->expires_at,
	};
	const struct signing_key *key;
	enum err err;

	memset(token_out, 0, sizeof(*token_out));
	err = signing_key(t, now, &key);
	if (err != ERR_OK)
		return err;
	if (strcmp(key->kid, core->kid) != 0)
		return ERR_INVALID; /* another has taken its place */
	memcpy(c.handle, s->handle, sizeof(c.handle));
	memcpy(c.jti, core->jti, sizeof(core->jti));
	err = join(t, key, &c, core, token_out);
	if (err != ERR_OK)
		return err;
	token_out->epoch = c.epoch;
	token_out->issued_at = c.issued_at;
	token_out->expires_at = c.expires_at;
	return ERR_OK;
}

enum err
access_token_compact(const struct access_tokens *t, const struct session *s,
    const struct claims *c, const struct token *token,
    struct token_compact *core_out)
{
	unsigned char room[JWS_ROOM(JWS_OURS_MAX)];
	struct token again = { 0 };
	const struct signing_key *key;
	struct jws jws;
	enum err err;

	memset(core_out, 0, sizeof(*core_out));
	err = jws_split(token->text, JWS_OURS_MAX, room, &jws);
	if (err == ERR_OK)
		err = signing_key(t, c->issued_at, &key);
	if (err != ERR_OK)
		goto out;
	core_out->epoch = c->epoch;
	core_out->issued_at = c->issued_at;
	core_out->expires_at = c->expires_at;
	memcpy(core_out->kid, key->kid, sizeof(core_out->kid));
	memcpy(core_out->jti, c->jti, sizeof(core_out->jti));
	memcpy(core_out->signature, jws.signature, jws.signature_len);
	core_out->signature_len = jws.signature_len;
	/* libjwt wrote it: it may spell what we do not know. */
	err = access_token_restore(t, s, core_out, c->issued_at, &again);
	if (err == ERR_OK && strcmp(again.text, token->text) != 0)
		err = ERR_INVALID;
out:
	if (err != ERR_OK)
		secret_wipe(core_out, sizeof(*core_out));
	secret_wipe(&again, sizeof(again));
	secret_wipe(room, sizeof(room));
	return err;
}

enum err
access_token_key(const struct access_tokens *t, const char *session_id,
    int64_t now, unsigned char key_out[SECRET_KEY_BYTES])
{
	const struct signing_key *key;
	enum err err;

	memset(key_out, 0, SECRET_KEY_BYTES);
	err = signing_key(t, now, &key);
	if (err == ERR_OK) {
		const char *const texts[] = { "latchkey issued token", key->kid,
			t->issuer, t->audience, session_id };

		kdf_derive_strings(key_out, texts, NELEMS(texts));
	}
	return err;
}
