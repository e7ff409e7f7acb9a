/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_JWS_H
#define TOKEN_JWS_H

#include <stddef.h>

#include "base/err.h"
#include "model/token.h"

/*
 * Splits and decodes a signed token (RFC 7515 section 3.1) before any library
 * sees it.  Only the canonical spelling is accepted.
 */
#define JWS_SIGNATURE_MAX TOKEN_SIGNATURE_MAX

/* The longest text of this site's tokens, and of other issuers'. */
#define JWS_OURS_MAX (TOKEN_TEXT_SIZE - 1)
#define JWS_EXTERNAL_MAX 8192

/* Bytes that the parts of a text of ${max} characters decode into. */
#define JWS_DECODED_MAX(max) ((size_t)(max) / 4 * 3 + 3)

/* The decoded parts of a token, not verified. */
struct jws {
	const unsigned char *header;
	size_t header_len;
	const unsigned char *payload;
	size_t payload_len;
	const unsigned char *signature;
	size_t signature_len;
};

struct buf;

/**
 * jws_split(text, max, storage, jws_out):
 * Decode ${text} into ${storage} of JWS_DECODED_MAX(${max}) bytes, which the
 * caller wipes; ${jws_out} points into it.  ${text} must have at most ${max}
 * characters and three non-empty parts of canonical unpadded base64url, the
 * last of at most JWS_SIGNATURE_MAX bytes.  Otherwise ERR_DENIED, with
 * ${jws_out} all zero.
 *
 * jws_header(text, dst, size, len_out):
 * Decode only the first part into ${dst}; the others are not looked at.
 * ERR_DENIED as above.
 */
enum err jws_split(const char *text, size_t max, unsigned char *storage,
    struct jws *jws_out) MUST_CHECK;
enum err jws_header(const char *text, unsigned char *dst, size_t size,
    size_t *len_out) MUST_CHECK;

/**
 * jws_encode(out, data, len):
 * Append ${data} as base64url without padding.
 *
 * jws_decode(dst, size, text, len_out):
 * Decode ${text}.  ERR_INVALID if it is empty, not canonical or does not fit.
 */
void jws_encode(struct buf *out, const void *data, size_t len);
enum err jws_decode(unsigned char *dst, size_t size, const char *text,
    size_t *len_out) MUST_CHECK;

/**
 * jws_header_check(jws, alg, kid, typ):
 * Return ERR_OK if the header is a JSON object of exactly the members alg, kid
 * and typ with these values (so without "crit"), else ERR_DENIED; ERR_INTERNAL
 * without memory.
 */
enum err jws_header_check(const struct jws *jws, const char *alg,
    const char *kid, const char *typ) MUST_CHECK;

#endif
