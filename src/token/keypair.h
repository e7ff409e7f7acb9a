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
 * Pairs of a private and a public key, for RS256 and ES256 (RFC 7518 sections
 * 3.3 and 3.4).
 *
 * libjwt can sign and verify with these too, but reads the key's text anew
 * each time: 0.4 ms of which a P-256 verification is a quarter, and whoever
 * sends bad tokens would be spending them.
 */
enum keypair_type { KEYPAIR_RSA, KEYPAIR_P256 };

#define KEYPAIR_SIGNATURE_MAX 512 /* RSA with 4096 bits */

/**
 * keypair_make(type, key_out):
 * Make a new pair; RSA has 2048 bits.  That takes a tenth of a second, and now
 * and then much longer: not on the way of a request.
 *
 * keypair_read(type, data, len, key_out):
 * Read what keypair_write() wrote.  ERR_INVALID if it is not that.
 *
 * keypair_write(key, out): append the private part to ${out}; it is a secret.
 */
enum err keypair_make(
    enum keypair_type type, struct keypair **key_out) MUST_CHECK;
enum err keypair_read(enum keypair_type type, const void *data, size_t len,
    struct keypair **key_out) MUST_CHECK;
enum err keypair_write(const struct keypair *key, struct buf *out) MUST_CHECK;
void keypair_free(struct keypair *key);

/*
 * The numbers of somebody else's public key, most significant byte first, as
 * RFC 7518 section 6 calls them: n and e of RSA, x and y of P-256.
 */
struct keypair_numbers {
	const unsigned char *first;
	size_t first_len;
	const unsigned char *second;
	size_t second_len;
};

/**
 * keypair_public(type, numbers, key_out):
 * That public key, which has no private part and so signs nothing.
 * ERR_INVALID unless RSA has 2048 to 4096 bits and an odd e of 3 and more but
 * not above 64 bits, and no number begins with a zero byte; unless x and y have
 * 32 bytes each and are a point of the curve.
 *
 * keypair_same(a, b): are their public keys the same?
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

/* keypair_signature_len(key): how long every signature of it is, in bytes. */
size_t keypair_signature_len(const struct keypair *key);

/**
 * keypair_sign(key, data, len, signature_out):
 * Sign ${len} bytes; keypair_signature_len() bytes come out, as JWS has them.
 *
 * keypair_verify(key, data, len, signature):
 * ERR_OK iff ${signature}, of that length, is one of these bytes by this key;
 * ERR_DENIED otherwise.
 */
enum err keypair_sign(const struct keypair *key, const void *data, size_t len,
    unsigned char signature_out[KEYPAIR_SIGNATURE_MAX]) MUST_CHECK;
enum err keypair_verify(const struct keypair *key, const void *data, size_t len,
    const unsigned char *signature) MUST_CHECK;

#endif
