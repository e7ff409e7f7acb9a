/* SPDX-License-Identifier: ISC */
#include "base/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

/*
 * libcrypto uses the processor's SHA instructions, libsodium does not: 0.7
 * against 2.3 microseconds for each check of a token.
 */
void
digest_texts(
    unsigned char dst[DIGEST_BYTES], const char *const *texts, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	/* These fail only without memory. */
	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	for (size_t i = 0; i < n; i++)
		ok =
		    ok && EVP_DigestUpdate(ctx, texts[i], strlen(texts[i]) + 1);
	ok = ok && EVP_DigestFinal_ex(ctx, dst, NULL);
	assert(ok);
	EVP_MD_CTX_free(ctx);
}
