/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ENDED_TOKEN_H
#define ROUTES_ENDED_TOKEN_H

#include <stdint.h>

#include "auth/tokens.h"
#include "base/err.h"

/**
 * ended_token_verify(t, text, now, claims_out):
 * Is ${text} a token that tokens_verify() would have taken when it was issued,
 * ${now} or earlier?  Good for signing out with and for nothing else.  Return
 * ERR_DENIED, ${claims_out} all zero, if not.
 */
enum err ended_token_verify(const struct tokens *t, const char *text,
    int64_t now, struct claims *claims_out) MUST_CHECK;

#endif
