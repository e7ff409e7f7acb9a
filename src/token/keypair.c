/* SPDX-License-Identifier: ISC */
#include "token/keypair.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_writer.h"
#include "token/jws.h"

#define RSA_BITS 2048
#define RSA_E_BYTES 8 /* OpenSSL refuses more with long keys */
#define P256_BYTES 32 /* each coordinate, and each half of a signature */

struct keypair {
	enum keypair_type type;
	EVP_PKEY *evp;
};

/* OpenSSL queues errors per thread; nothing here reads the queue. */
static enum err
openssl_failed(enum err err)
{
	ERR_clear_error();
	return err;
}

/* Own ${evp} in a new keypair; NULL gives ${err}. */
static enum err
adopt(enum keypair_type type, EVP_PKEY *evp, enum err err,
    struct keypair **key_out)
{
	struct keypair *key;

	*key_out = NULL;
	if (evp == NULL)
		return openssl_failed(err);
	key = calloc(1, sizeof(*key));
	if (key == NULL) {
		EVP_PKEY_free(evp);
		return ERR_INTERNAL;
	}
	key->type = type;
	key->evp = evp;
	*key_out = key;
	return ERR_OK;
}

enum err
keypair_make(enum keypair_type type, struct keypair **key_out)
{
	EVP_PKEY *evp =
	    type == KEYPAIR_RSA ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");

	return adopt(type, evp, ERR_INTERNAL, key_out);
}

enum err
keypair_read(enum keypair_type type, const void *data, size_t len,
    struct keypair **key_out)
{
	const unsigned char *at = data;
	int id = type == KEYPAIR_RSA ? EVP_PKEY_RSA : EVP_PKEY_EC;
	EVP_PKEY *evp = d2i_PrivateKey(id, NULL, &at, (long)len);

	if (evp != NULL && at != (const unsigned char *)data + len) {
		EVP_PKEY_free(evp);
		evp = NULL;
	}
	return adopt(type, evp, ERR_INVALID, key_out);
}

enum err
keypair_write(const struct keypair *key, struct buf *out)
{
	unsigned char *der = NULL;
	int len = i2d_PrivateKey(key->evp, &der);

	if (len <= 0)
		return openssl_failed(ERR_INTERNAL);
	buf_append(out, der, (size_t)len);
	OPENSSL_clear_free(der, (size_t)len);
	return out->failed ? ERR_INTERNAL : ERR_OK;
}

void
keypair_free(struct keypair *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->evp); /* wipes the private part */
	free(key);
}

/* ---- public keys of other issuers ---- */

/*
 * Bounds the cost of every verification with the key: an e as long as n, or a
 * longer n, would make it a thousand times slower.
 */
static bool
rsa_is_sound(const struct keypair_numbers *numbers)
{
	const unsigned char *n = numbers->first, *e = numbers->second;
	size_t n_len = numbers->first_len, e_len = numbers->second_len;

	if (n_len < RSA_BITS / 8 || n_len > KEYPAIR_SIGNATURE_MAX ||
	    e_len == 0 || e_len > RSA_E_BYTES || n[0] == 0 || e[0] == 0)
		return false;
	if (n_len == RSA_BITS / 8 && n[0] < 0x80)
		return false; /* a few bits less than RSA_BITS */
	return (n[n_len - 1] & 1) != 0 && (e[e_len - 1] & 1) != 0 &&
	    (e_len > 1 || e[0] >= 3);
}

static EVP_PKEY *
from_numbers(int id, OSSL_PARAM params[])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(id, NULL);
	EVP_PKEY *evp = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params) != 1)
		evp = NULL;
	EVP_PKEY_CTX_free(ctx);
	return evp;
}

static EVP_PKEY *
rsa_from(const struct keypair_numbers *numbers)
{
	BIGNUM *n = BN_bin2bn(numbers->first, (int)numbers->first_len, NULL);
	BIGNUM *e = BN_bin2bn(numbers->second, (int)numbers->second_len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *evp = NULL;

	if (n != NULL && e != NULL && build != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    (params = OSSL_PARAM_BLD_to_param(build)) != NULL)
		evp = from_numbers(EVP_PKEY_RSA, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return evp;
}

/* OpenSSL checks that the point is on the curve. */
static EVP_PKEY *
p256_from(const struct keypair_numbers *numbers)
{
	unsigned char point[1 + 2 * P256_BYTES] = {
		POINT_CONVERSION_UNCOMPRESSED
	};
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "P-256" }, 5),
		OSSL_PARAM_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_END,
	};

	memcpy(point + 1, numbers->first, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, numbers->second, P256_BYTES);
	return from_numbers(EVP_PKEY_EC, params);
}

enum err
keypair_public(enum keypair_type type, const struct keypair_numbers *numbers,
    struct keypair **key_out)
{
	*key_out = NULL;
	if (type == KEYPAIR_RSA)
		return rsa_is_sound(numbers)
		    ? adopt(type, rsa_from(numbers), ERR_INVALID, key_out)
		    : ERR_INVALID;
	if (numbers->first_len != P256_BYTES ||
	    numbers->second_len != P256_BYTES)
		return ERR_INVALID;
	return adopt(type, p256_from(numbers), ERR_INVALID, key_out);
}

bool
keypair_same(const struct keypair *a, const struct keypair *b)
{
	if (a->type == b->type && EVP_PKEY_eq(a->evp, b->evp) == 1)
		return true;
	ERR_clear_error();
	return false;
}

/* ---- publishing the public key ---- */

/*
 * Write the number ${param} as base64url in exactly ${len} bytes (x, y), or, if
 * ${len} is 0, in as few as possible (n, e).
 */
static enum err
write_number(const struct keypair *key, const char *param, size_t len,
    const char *name, struct json_writer *w)
{
	unsigned char bytes[KEYPAIR_SIGNATURE_MAX];
	struct buf text = { 0 };
	BIGNUM *number = NULL;
	enum err err = ERR_INTERNAL;

	if (EVP_PKEY_get_bn_param(key->evp, param, &number) != 1)
		goto out;
	if (len == 0)
		len = (size_t)BN_num_bytes(number);
	if (len > sizeof(bytes) ||
	    BN_bn2binpad(number, bytes, (int)len) != (int)len)
		goto out;
	jws_encode(&text, bytes, len);
	if (text.failed)
		goto out;
	json_write_string(w, name, text.data);
	err = ERR_OK;
out:
	BN_free(number);
	buf_clear(&text);
	return err == ERR_OK ? ERR_OK : openssl_failed(err);
}

/* In the order of their names, as RFC 7638 requires. */
enum err
keypair_jwk(const struct keypair *key, struct json_writer *w)
{
	enum err err;

	if (key->type == KEYPAIR_RSA) {
		err = write_number(key, OSSL_PKEY_PARAM_RSA_E, 0, "e", w);
		json_write_string(w, "kty", "RSA");
		if (err == ERR_OK)
			err =
			    write_number(key, OSSL_PKEY_PARAM_RSA_N, 0, "n", w);
		return err;
	}
	json_write_string(w, "crv", "P-256");
	json_write_string(w, "kty", "EC");
	err = write_number(key, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES, "x", w);
	if (err == ERR_OK)
		err = write_number(
		    key, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES, "y", w);
	return err;
}

enum err
keypair_thumbprint(const struct keypair *key, struct buf *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buf text = { 0 };
	unsigned int len = 0;
	struct json_writer w;
	enum err err;

	json_write_begin(&w, &text);
	json_write_object(&w, NULL);
	err = keypair_jwk(key, &w);
	json_write_close(&w);
	if (json_write_end(&w) != ERR_OK)
		err = ERR_INTERNAL;
	if (err == ERR_OK &&
	    EVP_Digest(text.data, text.len, digest, &len, EVP_sha256(), NULL) !=
		1)
		err = openssl_failed(ERR_INTERNAL);
	if (err == ERR_OK) {
		jws_encode(out, digest, len);
		err = out->failed ? ERR_INTERNAL : ERR_OK;
	}
	buf_clear(&text);
	return err;
}

/* ---- signatures ---- */

size_t
keypair_signature_len(const struct keypair *key)
{
	return key->type == KEYPAIR_RSA ? (size_t)EVP_PKEY_get_size(key->evp)
					: (size_t)2 * P256_BYTES;
}

/* OpenSSL encodes (r, s) in DER; JWS concatenates them. */
static enum err
signature_from_der(const unsigned char *der, size_t len, unsigned char *raw)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	const BIGNUM *r, *s;
	enum err err = ERR_INTERNAL;

	if (sig == NULL)
		return openssl_failed(err);
	ECDSA_SIG_get0(sig, &r, &s);
	if (BN_bn2binpad(r, raw, P256_BYTES) == P256_BYTES &&
	    BN_bn2binpad(s, raw + P256_BYTES, P256_BYTES) == P256_BYTES)
		err = ERR_OK;
	ECDSA_SIG_free(sig);
	return err;
}

static enum err
signature_to_der(
    const unsigned char *raw, unsigned char **der_out, int *len_out)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, P256_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(raw + P256_BYTES, P256_BYTES, NULL);
	enum err err = ERR_INTERNAL;

	*der_out = NULL;
	if (sig == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		goto out;
	}
	*len_out = i2d_ECDSA_SIG(sig, der_out);
	if (*len_out > 0)
		err = ERR_OK;
out:
	ECDSA_SIG_free(sig);
	return err == ERR_OK ? ERR_OK : openssl_failed(err);
}

/* OpenSSL's default padding, PKCS #1 v1.5, is that of RS256. */
static enum err
sign(EVP_MD_CTX *ctx, const struct keypair *key, const void *data, size_t len,
    unsigned char *out)
{
	unsigned char made[KEYPAIR_SIGNATURE_MAX];
	size_t made_len = sizeof(made);

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->evp) != 1 ||
	    EVP_DigestSign(ctx, made, &made_len, data, len) != 1)
		return openssl_failed(ERR_INTERNAL);
	if (key->type == KEYPAIR_P256)
		return signature_from_der(made, made_len, out);
	if (made_len != keypair_signature_len(key))
		return ERR_INTERNAL;
	memcpy(out, made, made_len);
	return ERR_OK;
}

enum err
keypair_sign(const struct keypair *key, const void *data, size_t len,
    unsigned char signature_out[KEYPAIR_SIGNATURE_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	enum err err = ERR_INTERNAL;

	if (ctx != NULL)
		err = sign(ctx, key, data, len, signature_out);
	EVP_MD_CTX_free(ctx);
	return err;
}

enum err
keypair_verify(const struct keypair *key, const void *data, size_t len,
    const unsigned char *signature)
{
	const unsigned char *form = signature;
	size_t form_len = keypair_signature_len(key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	enum err err = ERR_INTERNAL;
	int der_len = 0;

	if (ctx == NULL)
		goto out;
	if (key->type == KEYPAIR_P256) {
		err = signature_to_der(signature, &der, &der_len);
		if (err != ERR_OK)
			goto out;
		form = der;
		form_len = (size_t)der_len;
	}
	if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->evp) != 1)
		err = openssl_failed(ERR_INTERNAL);
	else if (EVP_DigestVerify(ctx, form, form_len, data, len) != 1)
		err = openssl_failed(ERR_DENIED);
	else
		err = ERR_OK;
out:
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return err;
}
