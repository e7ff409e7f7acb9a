/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_KEYPAIR_H
#define TOKEN_KEYPAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf;
struct keypair;
struct json_writer;

/*
 * Key pairs for RS256 and ES256 (RFC 7518 sections 3.3 and 3.4).
 *
 * libjwt can sign and verify with such keys too, but parses the PEM text each
 * time: 0.4 ms, four times a P-256 verification, which anyone could make us
 * spend by sending bad tokens.
 */
enum keypair_type { KEYPAIR_RSA, KEYPAIR_P256 };

#define KEYPAIR_SIGNATURE_MAX 512 /* RSA with 4096 bits */

/**
 * keypair_make(type, key_out):
 * Make a new pair; RSA has 2048 bits.  RSA takes 0.1 s and sometimes much
 * longer, so not within a request.
 *
 * keypair_read(type, data, len, key_out):
 * Read a private key in DER, as keypair_write() wrote it.  ERR_INVALID if it is
 * not one.
 *
 * keypair_write(key, out): append the private key to ${out} in DER.
 */
enum err keypair_make(
    enum keypair_type type, struct keypair **key_out) MUST_CHECK;
enum err keypair_read(enum keypair_type type, const void *data, size_t len,
    struct keypair **key_out) MUST_CHECK;
enum err keypair_write(const struct keypair *key, struct buf *out) MUST_CHECK;
void keypair_free(struct keypair *key);

/*
 * The numbers of a public key (RFC 7518 section 6), most significant byte
 * first: n and e of RSA, x and y of P-256.
 */
struct keypair_numbers {
	const unsigned char *first;
	size_t first_len;
	const unsigned char *second;
	size_t second_len;
};

/**
 * keypair_public(type, numbers, key_out):
 * Make a public key, which cannot sign.  ERR_INVALID unless RSA has 2048 to
 * 4096 bits, an odd e from 3 to 64 bits and no number with a leading zero byte;
 * or x and y have 32 bytes each and are a point of the curve.
 *
 * keypair_same(a, b): true if their public keys are equal.
 */
enum err keypair_public(enum keypair_type type,
    const struct keypair_numbers *numbers, struct keypair **key_out) MUST_CHECK;
bool keypair_same(const struct keypair *a, const struct keypair *b);

/**
 * keypair_jwk(key, w):
 * Write the members of the public key (RFC 7518 section 6): kty, and n and e,
 * or crv, x and y.
 *
 * keypair_thumbprint(key, out): append its RFC 7638 thumbprint (SHA-256).
 */
enum err keypair_jwk(
    const struct keypair *key, struct json_writer *w) MUST_CHECK;
enum err keypair_thumbprint(
    const struct keypair *key, struct buf *out) MUST_CHECK;

/* keypair_signature_len(key): bytes of each of its signatures. */
size_t keypair_signature_len(const struct keypair *key);

/**
 * keypair_sign(key, data, len, signature_out):
 * Sign ${data}; the signature has keypair_signature_len() bytes in JWS format.
 *
 * keypair_verify(key, data, len, signature):
 * Return ERR_OK if ${signature}, of that length, is valid for ${data}, else
 * ERR_DENIED; ERR_INTERNAL without memory.
 */
enum err keypair_sign(const struct keypair *key, const void *data, size_t len,
    unsigned char signature_out[KEYPAIR_SIGNATURE_MAX]) MUST_CHECK;
enum err keypair_verify(const struct keypair *key, const void *data, size_t len,
    const unsigned char *signature) MUST_CHECK;

#endif
