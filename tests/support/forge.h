/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_FORGE_H
#define SUPPORT_FORGE_H

#include <stddef.h>

#include "model/token.h"

struct keys;

#define FORGE_SIZE 16384

/**
 * forge_token(dst, keys, header, payload):
 * Write the token of that header and payload, signed with the first key of
 * ${keys}, an HS256 key, by another library than the product's: whatever an
 * attacker could put together, did he have the key.
 *
 * forge_sign(dst, keys): sign what is in ${dst}, "header.payload" in base64url.
 *
 * forge_part(dst, text): append ${text} as base64url without padding.
 */
void forge_token(char dst[FORGE_SIZE], const struct keys *keys,
    const char *header, const char *payload);
void forge_sign(char dst[FORGE_SIZE], const struct keys *keys);
void forge_part(char dst[FORGE_SIZE], const char *text);

#endif
