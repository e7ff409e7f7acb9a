/* SPDX-License-Identifier: ISC */
#include "support/forge.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "auth/keys.h"

static void
append(char dst[FORGE_SIZE], const void *data, size_t size)
{
	size_t len = strlen(dst);

	assert(
	    sodium_base64_encoded_len(size,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) <= FORGE_SIZE - len);
	(void)sodium_bin2base64(dst + len, FORGE_SIZE - len, data, size,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void
forge_part(char dst[FORGE_SIZE], const char *text)
{
	append(dst, text, strlen(text));
}

void
forge_sign(char dst[FORGE_SIZE], const struct keys *keys)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	size_t len = strlen(dst);

	crypto_auth_hmacsha256_init(&state,
	    (const unsigned char *)keys->list[0].secret.data,
	    keys->list[0].secret.len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)dst, len);
	crypto_auth_hmacsha256_final(&state, mac);
	assert(len + 2 < FORGE_SIZE);
	memcpy(dst + len, ".", 2);
	append(dst, mac, sizeof(mac));
}

void
forge_token(char dst[FORGE_SIZE], const struct keys *keys, const char *header,
    const char *payload)
{
	size_t len;

	dst[0] = '\0';
	forge_part(dst, header);
	len = strlen(dst);
	assert(len + 2 < FORGE_SIZE);
	memcpy(dst + len, ".", 2);
	forge_part(dst, payload);
	forge_sign(dst, keys);
}
