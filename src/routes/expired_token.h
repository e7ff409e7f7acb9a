/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_EXPIRED_TOKEN_H
#define ROUTES_EXPIRED_TOKEN_H

#include <stdint.h>

#include "base/err.h"
#include "token/access_token.h"

/**
 * expired_token_verify(t, text, now, claims_out):
 * Verify that ${text} was a valid access token when it was issued, which was at
 * ${now} or before.  Only for signing out.  ERR_DENIED, with ${claims_out} all
 * zero, if it was not.
 */
enum err expired_token_verify(const struct access_tokens *t, const char *text,
    int64_t now, struct claims *claims_out) MUST_CHECK;

#endif
