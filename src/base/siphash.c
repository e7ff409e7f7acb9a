/* SPDX-License-Identifier: ISC */
#include "base/siphash.h"

#include <sodium.h>

_Static_assert(crypto_shorthash_siphash24_KEYBYTES == SIPHASH_KEY_BYTES &&
	crypto_shorthash_siphash24_BYTES == 8,
    "SipHash-2-4 has a 128-bit key and a 64-bit result");

uint64_t
siphash_bytes(
    const unsigned char key[SIPHASH_KEY_BYTES], const void *data, size_t len)
{
	unsigned char out[crypto_shorthash_siphash24_BYTES];
	uint64_t value = 0;

	/* It always returns 0. */
	(void)crypto_shorthash_siphash24(out, data, len, key);
	for (size_t i = sizeof(out); i-- > 0;)
		value = value << 8 | out[i];
	return value;
}
