/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_JWK_H
#define TOKEN_JWK_H

#include <stddef.h>

#include "base/err.h"
#include "model/issuer.h"

struct keypair;

/* The public keys of an issuer (RFC 7517) that can verify tokens. */
struct jwk_set;

/* Bits, so that a configuration may allow several algorithms. */
enum jwk_alg { JWK_RS256 = 1, JWK_ES256 = 2 };
#define JWK_ALGS_ALL (JWK_RS256 | JWK_ES256)

#define JWK_KID_SIZE 257
#define JWK_KEYS_MAX 64 /* elements of a set that are read */

/**
 * jwk_set_parse(text, len, algorithms, set_out):
 * Read from a JWK set the keys for ${algorithms} (bits of enum jwk_alg): RSA of
 * 2048 to 4096 bits for RS256, P-256 for ES256, without a private part and not
 * restricted to another purpose by "use", "key_ops" or "alg".  Other keys are
 * skipped, and so are different keys with the same kid and algorithm, since it
 * is not known which is meant.  ERR_INVALID if ${text} is not a JWK set, is
 * longer than ISSUER_JWKS_MAX or no key is left; ERR_INTERNAL without memory.
 */
enum err jwk_set_parse(const char *text, size_t len, unsigned algorithms,
    struct jwk_set **set_out) MUST_CHECK;
void jwk_set_free(struct jwk_set *set);

/* jwk_set_count(set): number of keys; 0 for NULL. */
size_t jwk_set_count(const struct jwk_set *set);

/**
 * jwk_set_find(set, kid, alg):
 * Return the key for ${alg} named ${kid}, borrowed; if ${kid} is NULL, the only
 * key for ${alg}.  NULL if there is none.
 */
const struct keypair *jwk_set_find(
    const struct jwk_set *set, const char *kid, enum jwk_alg alg);

#endif
