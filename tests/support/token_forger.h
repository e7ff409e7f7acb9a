/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_TOKEN_FORGER_H
#define TESTS_SUPPORT_TOKEN_FORGER_H

#include <stddef.h>

#include "model/token.h"

struct signing_keys;

#define TOKEN_FORGER_SIZE 16384

/**
 * token_forger_token(dst, keys, header, payload):
 * Write the token of that header and payload, signed with the first key of
 * ${keys}, an HS256 key, by another library than the product's: whatever an
 * attacker could put together, did he have the key.
 *
 * token_forger_sign(dst, keys): sign what is in ${dst}, "header.payload" in
 * base64url.
 *
 * token_forger_part(dst, text): append ${text} as base64url without padding.
 */
void token_forger_token(char dst[TOKEN_FORGER_SIZE],
    const struct signing_keys *keys, const char *header, const char *payload);
void token_forger_sign(
    char dst[TOKEN_FORGER_SIZE], const struct signing_keys *keys);
void token_forger_part(char dst[TOKEN_FORGER_SIZE], const char *text);

#endif
