/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_JWS_H
#define TOKEN_JWS_H

#include <stddef.h>

#include "base/err.h"
#include "model/token.h"

/*
 * The shape of a signed token (RFC 7515 section 3.1), judged before any
 * library sees it: one token has one spelling here.
 */
#define JWS_SIGNATURE_MAX TOKEN_SIGNATURE_MAX

/* The longest text: of a token of ours, and of anybody's. */
#define JWS_OURS_MAX (TOKEN_TEXT_SIZE - 1)
#define JWS_EXTERNAL_MAX 8192

/* What the parts of a text of so many characters decode into. */
#define JWS_ROOM(max) ((size_t)(max) / 4 * 3 + 3)

/* The parts of a token, decoded.  Nothing of it is verified. */
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
 * jws_split(text, max, room, jws_out):
 * Decode ${text} into ${room}, which has JWS_ROOM(${max}) bytes and is the
 * caller's to wipe: at most ${max} characters, three parts with one dot
 * between, none empty, each the one unpadded base64url of its bytes (no bits
 * left over), the last of at most JWS_SIGNATURE_MAX bytes.  ERR_DENIED, with
 * ${jws_out} all zero, otherwise.
 *
 * jws_header(text, room, size, len_out):
 * Decode only the first part, which need not be followed by others that are
 * any good.
 */
enum err jws_split(const char *text, size_t max, unsigned char *room,
    struct jws *jws_out) MUST_CHECK;
enum err jws_header(const char *text, unsigned char *room, size_t size,
    size_t *len_out) MUST_CHECK;

/**
 * jws_encode(out, data, len): append as base64url without padding.
 * jws_decode(dst, size, text, len_out): and back, whatever is not empty, fits,
 * and is the one spelling of its bytes; ERR_INVALID otherwise.
 */
void jws_encode(struct buf *out, const void *data, size_t len);
enum err jws_decode(unsigned char *dst, size_t size, const char *text,
    size_t *len_out) MUST_CHECK;

/**
 * jws_header_check(jws, alg, kid, typ):
 * Return ERR_OK iff the header is a JSON object of exactly the members alg,
 * kid and typ, once each, with exactly these strings; so it has no "crit".
 * ERR_DENIED otherwise, ERR_INTERNAL without memory.
 */
enum err jws_header_check(const struct jws *jws, const char *alg,
    const char *kid, const char *typ) MUST_CHECK;

#endif
