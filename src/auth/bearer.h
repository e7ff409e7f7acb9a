/* SPDX-License-Identifier: ISC */
#ifndef AUTH_BEARER_H
#define AUTH_BEARER_H

#include <stdint.h>

#include "base/err.h"
#include "model/token.h"

struct external;
struct sessions;

/*
 * Decides whose access token a text is.  A token that names a signing key of
 * this site is verified by that key and by nothing else; any other token is
 * offered to the configured issuers.
 */

/**
 * bearer_verify(ss, text, now, claims_out, external_out):
 * Verify ${text} as access_token_verify() or, for a token of another issuer, as
 * issuers_verify() does.  ${external_out} is all zero for a token of this site.
 */
enum err bearer_verify(const struct sessions *ss, const char *text, int64_t now,
    struct claims *claims_out, struct external *external_out) MUST_CHECK;

/**
 * bearer_digest(ss, text, now, digest_out):
 * Compute the name under which the verified claims of ${text} are cached: see
 * access_token_digest() and issuers_digest().  ERR_DENIED if ${text} can be the
 * token of neither.
 */
enum err bearer_digest(const struct sessions *ss, const char *text, int64_t now,
    unsigned char digest_out[TOKEN_DIGEST_BYTES]) MUST_CHECK;

#endif
