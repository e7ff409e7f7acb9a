/* SPDX-License-Identifier: ISC */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

/**
 * siphash_bytes(key, data, len):
 * Return SipHash-2-4 of ${len} bytes: a short hash whose collisions cannot be
 * found without ${key}.  Independent of the machine's byte order.
 */
uint64_t siphash_bytes(
    const unsigned char key[SIPHASH_KEY_BYTES], const void *data, size_t len);

/* siphash_128(key, data, len, hash_out): the same with a 128-bit result. */
void siphash_128(const unsigned char key[SIPHASH_KEY_BYTES], const void *data,
    size_t len, uint64_t hash_out[2]);

#endif
