/* SPDX-License-Identifier: ISC */
#include "base/kdf.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

void
kdf_hash(unsigned char *dst, size_t dst_len, const void *data, size_t len)
{
	int rc;

	rc = crypto_generichash(dst, dst_len, data, len, NULL, 0);
	assert(rc == 0); /* only a length out of bounds fails */
	(void)rc;
}

void
kdf_derive(unsigned char dst[SECRET_KEY_BYTES], const void *master,
    size_t master_len, const char *purpose)
{
	unsigned char folded[crypto_generichash_KEYBYTES_MAX];
	int rc;

	assert(master_len >= SECRET_KEY_BYTES);
	if (master_len > sizeof(folded)) {
		kdf_hash(folded, sizeof(folded), master, master_len);
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
kdf_derive_strings(
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
