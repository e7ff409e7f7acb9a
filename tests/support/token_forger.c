/* SPDX-License-Identifier: ISC */
#include "support/token_forger.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "token/signing_keys.h"

static void
append(char dst[TOKEN_FORGER_SIZE], const void *data, size_t size)
{
	size_t len = strlen(dst);

	assert(sodium_base64_encoded_len(
		   size, sodium_base64_VARIANT_URLSAFE_NO_PADDING) <=
	    TOKEN_FORGER_SIZE - len);
	(void)sodium_bin2base64(dst + len, TOKEN_FORGER_SIZE - len, data, size,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void
token_forger_part(char dst[TOKEN_FORGER_SIZE], const char *text)
{
	append(dst, text, strlen(text));
}

void
token_forger_sign(char dst[TOKEN_FORGER_SIZE], const struct signing_keys *keys)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	size_t len = strlen(dst);

	crypto_auth_hmacsha256_init(&state,
	    (const unsigned char *)keys->list[0].secret.data,
	    keys->list[0].secret.len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)dst, len);
	crypto_auth_hmacsha256_final(&state, mac);
	assert(len + 2 < TOKEN_FORGER_SIZE);
	memcpy(dst + len, ".", 2);
	append(dst, mac, sizeof(mac));
}

void
token_forger_token(char dst[TOKEN_FORGER_SIZE], const struct signing_keys *keys,
    const char *header, const char *payload)
{
	size_t len;

	dst[0] = '\0';
	token_forger_part(dst, header);
	len = strlen(dst);
	assert(len + 2 < TOKEN_FORGER_SIZE);
	memcpy(dst + len, ".", 2);
	token_forger_part(dst, payload);
	token_forger_sign(dst, keys);
}
