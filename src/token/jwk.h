/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_JWK_H
#define TOKEN_JWK_H

#include <stddef.h>

#include "base/err.h"
#include "model/issuer.h"

struct keypair;

/*
 * The public keys that an issuer publishes (RFC 7517), as far as they are any
 * good for verifying tokens.
 */
/* Bits, because a configuration may allow several algorithms. */
enum jwk_alg { JWK_RS256 = 1, JWK_ES256 = 2 };
#define JWK_ALGS_ALL (JWK_RS256 | JWK_ES256)

struct jwk_set;

#define JWK_KID_SIZE 257
#define JWK_KEYS_MAX 64 /* what stands behind these does not count */

/**
 * jwk_set_parse(text, len, algorithms, set_out):
 * Take from a JWK set the keys that verify one of ${algorithms} (bits of enum
 * jwk_alg): RSA of 2048 to 4096 bits for RS256, P-256 for ES256, of which
 * neither "use", "key_ops" nor "alg" says that it is for something else, and
 * that have no private part.  Others do not count and do no harm, nor do keys
 * that differ under one kid and algorithm: which is meant nobody can tell.
 * ERR_INVALID if it is no JWK set, longer than ISSUER_JWKS_MAX, or nothing is
 * left.
 */
enum err jwk_set_parse(const char *text, size_t len, unsigned algorithms,
    struct jwk_set **set_out) MUST_CHECK;
void jwk_set_free(struct jwk_set *set);

/* jwk_set_count(set): how many are usable; 0 for NULL. */
size_t jwk_set_count(const struct jwk_set *set);

/**
 * jwk_set_find(set, kid, alg):
 * The key for ${alg} that is called ${kid}, borrowed; with NULL the only one
 * for ${alg} that there is.  NULL if there is none.
 */
const struct keypair *jwk_set_find(
    const struct jwk_set *set, const char *kid, enum jwk_alg alg);

#endif
