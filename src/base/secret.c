/* SPDX-License-Identifier: ISC */
#include "base/secret.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/text.h"

enum err
secret_init(void)
{
	/* 1 means that it was ready already. */
	return sodium_init() < 0 ? ERR_INTERNAL : ERR_OK;
}

void
secret_wipe(void *p, size_t len)
{
	if (p != NULL)
		sodium_memzero(p, len);
}

void
secret_wipe_text(char *text)
{
	if (text != NULL)
		sodium_memzero(text, strlen(text));
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void
secret_random(void *p, size_t len)
{
	randombytes_buf(p, len);
}

void
secret_uuid(char dst[SECRET_UUID_SIZE])
{
	unsigned char raw[16];
	char hex[33];

	secret_random(raw, sizeof(raw));
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40); /* version 4 */
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80); /* variant 10 */
	text_hex(hex, raw, sizeof(raw));

	memcpy(dst, hex, 8);
	dst[8] = '-';
	memcpy(dst + 9, hex + 8, 4);
	dst[13] = '-';
	memcpy(dst + 14, hex + 12, 4);
	dst[18] = '-';
	memcpy(dst + 19, hex + 16, 4);
	dst[23] = '-';
	memcpy(dst + 24, hex + 20, 12);
	dst[36] = '\0';
	secret_wipe(raw, sizeof(raw));
	secret_wipe(hex, sizeof(hex));
}

bool
secret_is_uuid(const char *text)
{
	for (size_t i = 0; i < SECRET_UUID_SIZE - 1; i++) {
		char c = text[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

		if (dash ? c != '-' : !hex)
			return false; /* at the latest on the NUL */
	}
	return text[SECRET_UUID_SIZE - 1] == '\0' && text[14] == '4' &&
	    (text[19] == '8' || text[19] == '9' || text[19] == 'a' ||
		text[19] == 'b');
}

void
secret_hash(unsigned char *dst, size_t dst_len, const void *data, size_t len)
{
	int rc;

	rc = crypto_generichash(dst, dst_len, data, len, NULL, 0);
	assert(rc == 0); /* only a length out of bounds fails */
	(void)rc;
}

void
secret_derive(unsigned char dst[SECRET_KEY_BYTES], const void *master,
    size_t master_len, const char *purpose)
{
	unsigned char folded[crypto_generichash_KEYBYTES_MAX];
	int rc;

	assert(master_len >= SECRET_KEY_BYTES);
	if (master_len > sizeof(folded)) {
		secret_hash(folded, sizeof(folded), master, master_len);
		master = folded;
		master_len = sizeof(folded);
	}
	rc = crypto_generichash(dst, SECRET_KEY_BYTES,
	    (const unsigned char *)purpose, strlen(purpose), master,
	    master_len);
	assert(rc == 0);
	(void)rc;
	secret_wipe(folded, sizeof(folded));
}

void
secret_derive_texts(
    unsigned char dst[SECRET_KEY_BYTES], const char *const *texts, size_t n)
{
	crypto_generichash_state state;

	/* None of these can fail: the length is within bounds. */
	(void)crypto_generichash_init(&state, NULL, 0, SECRET_KEY_BYTES);
	for (size_t i = 0; i < n; i++)
		(void)crypto_generichash_update(&state,
		    (const unsigned char *)texts[i], strlen(texts[i]) + 1);
	(void)crypto_generichash_final(&state, dst, SECRET_KEY_BYTES);
	secret_wipe(&state, sizeof(state));
}
