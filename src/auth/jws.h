/* SPDX-License-Identifier: ISC */
#ifndef AUTH_JWS_H
#define AUTH_JWS_H

#include <stddef.h>

#include "base/err.h"
#include "model/token.h"

/*
 * The shape of a signed token (RFC 7515 section 3.1), judged before any
 * library sees it: one token has one spelling here.
 */
#define JWS_SIGNATURE_MAX TOKEN_SIGNATURE_MAX
#define JWS_PART_MAX (TOKEN_TEXT_SIZE * 3 / 4)

/* The parts of a token, decoded.  Nothing of it is verified. */
struct jws {
	unsigned char header[JWS_PART_MAX];
	size_t header_len;
	unsigned char payload[JWS_PART_MAX];
	size_t payload_len;
	unsigned char signature[JWS_SIGNATURE_MAX];
	size_t signature_len;
};

struct buf;

/**
 * jws_split(text, jws_out):
 * Decode ${text}: shorter than TOKEN_TEXT_SIZE, three parts with one dot
 * between, none empty, each the one unpadded base64url of its bytes (no bits
 * left over).  ERR_DENIED, with ${jws_out} all zero, otherwise.
 */
enum err jws_split(const char *text, struct jws *jws_out) MUST_CHECK;

/* jws_encode(out, data, len): append as base64url without padding. */
void jws_encode(struct buf *out, const void *data, size_t len);

/**
 * jws_header_check(jws, alg, kid, typ):
 * Return ERR_OK iff the header is a JSON object of exactly the members alg,
 * kid and typ, once each, with exactly these strings; so it has no "crit".
 * ERR_DENIED otherwise, ERR_INTERNAL without memory.
 */
enum err jws_header_check(const struct jws *jws, const char *alg,
    const char *kid, const char *typ) MUST_CHECK;

#endif
