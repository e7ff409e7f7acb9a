/* SPDX-License-Identifier: ISC */
#include "token/access_token.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/kdf.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "token/jws.h"
#include "token/keypair.h"
#include "token/signing_keys.h"

/* Holds a payload unless issuer and audience are very long. */
#define PAYLOAD_SIZE 512

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
	if (c->clock_behind != 0)
		json_write_int(&w, "clock_behind", c->clock_behind);
	json_write_int(&w, "epoch", c->epoch);
	json_write_int(&w, "exp", c->expires_at - c->clock_behind);
	json_write_int(&w, "iat", c->issued_at - c->clock_behind);
	json_write_string(&w, "iss", t->issuer);
	json_write_string(&w, "jti", c->jti);
	json_write_int(&w, "nbf", c->not_before - c->clock_behind);
	json_write_string(&w, "sid", c->handle);
	json_write_string(&w, "sub", sub);
	json_write_close(&w);
	return json_write_end(&w);
}

/* ---- signing ---- */

/*
 * The claims are passed as JSON text: libjwt's setter for numbers takes a long,
 * which with 32 bits ends in 2038.
 */
static enum err
sign_hs256(
    const struct signing_key *key, const struct buf *payload, struct buf *text)
{
	jwt_t *jwt = NULL;
	char *encoded = NULL;
	enum err err = ERR_INTERNAL;

	if (jwt_new(&jwt) != 0 ||
	    jwt_set_alg(jwt, JWT_ALG_HS256,
		(const unsigned char *)key->secret.data,
		(int)key->secret.len) != 0 ||
	    jwt_add_header(jwt, "kid", key->kid) != 0 ||
	    jwt_add_grants_json(jwt, payload->data) != 0)
		goto out;
	encoded = jwt_encode_str(jwt);
	if (encoded == NULL)
		goto out;
	buf_puts(text, encoded);
	err = ERR_OK;
out:
	secret_wipe_text(encoded);
	free(encoded); /* as jwt.h prescribes */
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

/* Find the key that signs at ${now}. */
static enum err
find_signing_key(const struct access_tokens *t, int64_t now,
    const struct signing_key **key_out)
{
	enum err err = signing_keys_refresh(t->keys);

	*key_out = NULL;
	if (err != ERR_OK)
		return err;
	*key_out = signing_keys_active(t->keys, now);
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
	if ((err = find_signing_key(t, now, &key)) != ERR_OK)
		return err;

	c.origin = TOKEN_OF_THIS_SITE;
	c.user_id = s->user_id;
	c.epoch = epoch;
	c.issued_at = now;
	c.not_before = now;
	c.clock_behind = clock_behind(t->clock, now);
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

/* ---- restoring ---- */

/* Encode the token of ${key} with these claims and this signature. */
static enum err
encode(const struct access_tokens *t, const struct signing_key *key,
    const struct claims *c, const struct token_compact *compact,
    struct token *token_out)
{
	char payload_storage[PAYLOAD_SIZE], text_storage[TOKEN_TEXT_SIZE];
	struct buf payload = { 0 }, text = { 0 };
	enum err err;

	buf_use_inline(&payload, payload_storage, sizeof(payload_storage));
	buf_use_inline(&text, text_storage, sizeof(text_storage));
	err = payload_print(t, c, &payload);
	if (err != ERR_OK)
		goto out;
	buf_append(&text, key->header.data, key->header.len);
	buf_puts(&text, ".");
	jws_encode(&text, payload.data, payload.len);
	buf_puts(&text, ".");
	jws_encode(&text, compact->signature, compact->signature_len);
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
    const struct token_compact *compact, int64_t now, struct token *token_out)
{
	struct claims c = {
		.user_id = s->user_id,
		.epoch = compact->epoch,
		.issued_at = compact->issued_at,
		.not_before = compact->issued_at,
		.expires_at = compact->expires_at,
	};
	const struct signing_key *key;
	enum err err;

	memset(token_out, 0, sizeof(*token_out));
	err = find_signing_key(t, now, &key);
	if (err != ERR_OK)
		return err;
	if (strcmp(key->kid, compact->kid) != 0)
		return ERR_INVALID; /* another key signs now */
	memcpy(c.handle, s->handle, sizeof(c.handle));
	memcpy(c.jti, compact->jti, sizeof(compact->jti));
	err = encode(t, key, &c, compact, token_out);
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
    struct token_compact *compact_out)
{
	unsigned char storage[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct token restored = { 0 };
	const struct signing_key *key;
	struct jws jws;
	enum err err;

	memset(compact_out, 0, sizeof(*compact_out));
	err = jws_split(token->text, JWS_OURS_MAX, storage, &jws);
	if (err == ERR_OK)
		err = find_signing_key(t, c->issued_at, &key);
	if (err != ERR_OK)
		goto out;
	compact_out->epoch = c->epoch;
	compact_out->issued_at = c->issued_at;
	compact_out->expires_at = c->expires_at;
	memcpy(compact_out->kid, key->kid, sizeof(compact_out->kid));
	memcpy(compact_out->jti, c->jti, sizeof(compact_out->jti));
	memcpy(compact_out->signature, jws.signature, jws.signature_len);
	compact_out->signature_len = jws.signature_len;
	/* libjwt encoded it, so its spelling may differ from ours. */
	err = access_token_restore(t, s, compact_out, c->issued_at, &restored);
	if (err == ERR_OK && strcmp(restored.text, token->text) != 0)
		err = ERR_INVALID;
out:
	if (err != ERR_OK)
		secret_wipe(compact_out, sizeof(*compact_out));
	secret_wipe(&restored, sizeof(restored));
	secret_wipe(storage, sizeof(storage));
	return err;
}

enum err
access_token_key(const struct access_tokens *t, const char *session_id,
    int64_t now, unsigned char key_out[SECRET_KEY_BYTES])
{
	const struct signing_key *key;
	enum err err;

	memset(key_out, 0, SECRET_KEY_BYTES);
	err = find_signing_key(t, now, &key);
	if (err == ERR_OK) {
		const char *const texts[] = { "latchkey issued token", key->kid,
			t->issuer, t->audience, session_id };

		kdf_derive_strings(key_out, texts, NELEMS(texts));
	}
	return err;
}
