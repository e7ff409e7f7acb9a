/* SPDX-License-Identifier: ISC */
#include "base/siphash.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

_Static_assert(crypto_shorthash_siphash24_KEYBYTES == SIPHASH_KEY_BYTES &&
	crypto_shorthash_siphash24_BYTES == 8,
    "SipHash-2-4 has a 128-bit key and a 64-bit result");
_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == SIPHASH_KEY_BYTES &&
	crypto_shorthash_siphashx24_BYTES == 16,
    "and a variant with a 128-bit result");

uint64_t
siphash_bytes(
    const unsigned char key[SIPHASH_KEY_BYTES], const void *data, size_t len)
{
	unsigned char out[crypto_shorthash_siphash24_BYTES];
	uint64_t value;

	/* It always returns 0. */
	(void)crypto_shorthash_siphash24(out, data, len, key);
	memcpy(&value, out, sizeof(value));
	return le64toh(value);
}

void
siphash_128(const unsigned char key[SIPHASH_KEY_BYTES], const void *data,
    size_t len, uint64_t hash_out[2])
{
	(void)crypto_shorthash_siphashx24(
	    (unsigned char *)hash_out, data, len, key);
	hash_out[0] = le64toh(hash_out[0]);
	hash_out[1] = le64toh(hash_out[1]);
}
