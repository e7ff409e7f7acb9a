/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/buf.h"
#include "base/kdf.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/seal.h"
#include "token/jws.h"
#include "token/keypair.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

static const struct {
	const char *name;
	enum keypair_type type; /* not for HS256 */
} algs[SIGNING_KEYS_ALGS] = {
	[SIGNING_KEYS_HS256] = { "HS256", KEYPAIR_RSA },
	[SIGNING_KEYS_RS256] = { "RS256", KEYPAIR_RSA },
	[SIGNING_KEYS_ES256] = { "ES256", KEYPAIR_P256 },
};

const char *
signing_keys_alg_name(enum signing_keys_alg alg)
{
	return algs[alg].name;
}

enum err
signing_keys_alg_from(const char *name, enum signing_keys_alg *alg_out)
{
	*alg_out = SIGNING_KEYS_HS256;
	for (size_t i = 0; i < SIGNING_KEYS_ALGS; i++) {
		if (strcmp(name, algs[i].name) == 0) {
			*alg_out = (enum signing_keys_alg)i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

/* Derive the kid of a secret key; it reveals nothing of the key. */
static void
name_secret(const void *secret, size_t len, char kid[SIGNING_KEY_KID_SIZE])
{
	unsigned char name[SECRET_KEY_BYTES];

	kdf_derive(name, secret, len, "latchkey token key name");
	str_hex(kid, name, 8);
	secret_wipe(name, sizeof(name));
}

/* ---- sealing ---- */

/* A sealed key opens only under its own kid and algorithm. */
static enum err
write_binding(const struct signing_key_row *row, struct buf *bound)
{
	buf_printf(bound, "signing_key:%s:%s", row->alg, row->kid);
	return bound->failed ? ERR_INTERNAL : ERR_OK;
}

static struct seal_binding
binding_of(const struct buf *bound)
{
	return (struct seal_binding){ .key = bound->data };
}

static enum err
seal(const struct master_secret *master, const void *plain, size_t len,
    struct signing_key_row *row)
{
	unsigned char key[SECRET_KEY_BYTES];
	struct buf bound = { 0 }, sealed = { 0 };
	struct seal_binding binding;
	enum err err;

	master_secret_derive(master, "latchkey signing keys", key);
	if ((err = write_binding(row, &bound)) != ERR_OK)
		goto out;
	binding = binding_of(&bound);
	err = seal_close(key, &binding, plain, len, &sealed);
	if (err == ERR_OK && sealed.len > sizeof(row->sealed))
		err = ERR_INTERNAL;
	if (err != ERR_OK)
		goto out;
	memcpy(row->sealed, sealed.data, sealed.len);
	row->sealed_len = sealed.len;
out:
	secret_wipe(key, sizeof(key));
	buf_clear(&bound);
	buf_clear(&sealed);
	return err;
}

static enum err
unseal(const struct signing_key_row *row, const struct master_secret *master,
    struct buf *plain)
{
	unsigned char key[SECRET_KEY_BYTES];
	struct buf bound = { 0 };
	struct seal_binding binding;
	enum err err;

	master_secret_derive(master, "latchkey signing keys", key);
	if ((err = write_binding(row, &bound)) == ERR_OK) {
		binding = binding_of(&bound);
		err = seal_open(
		    key, &binding, row->sealed, row->sealed_len, plain);
	}
	secret_wipe(key, sizeof(key));
	buf_clear(&bound);
	return err == ERR_DENIED ? ERR_INVALID : err;
}

/* ---- creating ---- */

static enum err
make_pair(enum signing_keys_alg alg, const struct master_secret *master,
    struct signing_key_row *row)
{
	struct buf plain = { 0 }, kid = { 0 };
	struct keypair *pair = NULL;
	enum err err;

	err = keypair_make(algs[alg].type, &pair);
	if (err == ERR_OK)
		err = keypair_write(pair, &plain);
	if (err == ERR_OK)
		err = keypair_thumbprint(pair, &kid);
	if (err == ERR_OK)
		err = str_copy(row->kid, sizeof(row->kid), kid.data);
	if (err == ERR_OK)
		err = seal(master, plain.data, plain.len, row);
	keypair_free(pair);
	buf_clear(&plain);
	buf_clear(&kid);
	return err;
}

enum err
signing_keys_row_make(enum signing_keys_alg alg,
    const struct master_secret *master, struct signing_key_row *row_out)
{
	unsigned char secret[SECRET_KEY_BYTES];
	enum err err;

	memset(row_out, 0, sizeof(*row_out));
	err = str_copy(row_out->alg, sizeof(row_out->alg), algs[alg].name);
	if (err != ERR_OK)
		return err;
	if (alg != SIGNING_KEYS_HS256)
		return make_pair(alg, master, row_out);
	random_fill(secret, sizeof(secret));
	name_secret(secret, sizeof(secret), row_out->kid);
	err = seal(master, secret, sizeof(secret), row_out);
	secret_wipe(secret, sizeof(secret));
	return err;
}

/*
 * JWT_SECRET itself is the key, for sites whose services verify tokens with it;
 * from a generated secret the key is derived.
 */
enum err
signing_keys_row_first(
    const struct master_secret *master, struct signing_key_row *row_out)
{
	unsigned char derived[SECRET_KEY_BYTES];
	const unsigned char *secret = derived;
	size_t len = sizeof(derived);
	enum err err;

	memset(row_out, 0, sizeof(*row_out));
	err = str_copy(
	    row_out->alg, sizeof(row_out->alg), algs[SIGNING_KEYS_HS256].name);
	if (err != ERR_OK)
		return err;
	master_secret_derive(master, "latchkey token HS256", derived);
	if (master->given) {
		secret = master->secret;
		len = master->len;
	}
	name_secret(secret, len, row_out->kid);
	err = seal(master, secret, len, row_out);
	secret_wipe(derived, sizeof(derived));
	return err;
}

/* ---- opening ---- */

/*
 * The header as libjwt writes it.  A token that begins with it is known to be
 * of this key without parsing.
 */
static enum err
write_header(struct signing_key *key)
{
	struct buf text = { 0 };

	buf_printf(&text, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
	    algs[key->alg].name, key->kid);
	if (!text.failed)
		jws_encode(&key->header, text.data, text.len);
	key->header.failed |= text.failed;
	buf_clear(&text);
	return key->header.failed ? ERR_INTERNAL : ERR_OK;
}

/* The kid of a pair must be the thumbprint of its public key. */
static enum err
check_kid(const struct signing_key *key)
{
	struct buf kid = { 0 };
	enum err err;

	err = keypair_thumbprint(key->pair, &kid);
	if (err == ERR_OK && strcmp(kid.data, key->kid) != 0)
		err = ERR_INVALID;
	buf_clear(&kid);
	return err;
}

enum err
signing_keys_row_open(const struct signing_key_row *row,
    const struct master_secret *master, struct signing_key *key_out)
{
	struct signing_key *key = key_out;
	struct buf plain = { 0 };
	enum err err;

	memset(key, 0, sizeof(*key));
	memcpy(key->kid, row->kid, sizeof(key->kid));
	key->created_at = row->created_at;
	key->signs_at = row->signs_at;
	key->lifetime = row->lifetime;
	err = signing_keys_alg_from(row->alg, &key->alg);
	if (err == ERR_OK)
		err = unseal(row, master, &plain);
	if (err == ERR_OK && key->alg != SIGNING_KEYS_HS256) {
		err = keypair_read(
		    algs[key->alg].type, plain.data, plain.len, &key->pair);
		if (err == ERR_OK)
			err = check_kid(key);
	} else if (err == ERR_OK) {
		key->secret = plain;
		plain = (struct buf){ 0 };
	}
	if (err == ERR_OK)
		err = write_header(key);
	if (err != ERR_OK)
		signing_keys_row_clear(key);
	buf_clear(&plain);
	return err;
}

void
signing_keys_row_clear(struct signing_key *key)
{
	buf_clear(&key->secret);
	buf_clear(&key->header);
	keypair_free(key->pair);
	memset(key, 0, sizeof(*key));
}
