/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_EXPIRED_TOKEN_H
#define ROUTES_EXPIRED_TOKEN_H

#include <stdint.h>

#include "base/err.h"
#include "token/access_token.h"

/**
 * expired_token_verify(t, text, now, claims_out):
 * Is ${text} a token that access_token_verify() would have taken when it was
 * issued,
 * ${now} or earlier?  Good for signing out with and for nothing else.  Return
 * ERR_DENIED, ${claims_out} all zero, if not.
 */
enum err expired_token_verify(const struct access_tokens *t, const char *text,
    int64_t now, struct claims *claims_out) MUST_CHECK;

#endif
