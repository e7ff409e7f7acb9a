/* SPDX-License-Identifier: ISC */
#ifndef BASE_KDF_H
#define BASE_KDF_H

#include <stddef.h>

#include "base/secret.h"

/**
 * kdf_hash(dst, dst_len, data, len):
 * Write the BLAKE2b hash (RFC 7693) of ${len} bytes, ${dst_len} 16 to 64.
 */
void kdf_hash(unsigned char *dst, size_t dst_len, const void *data, size_t len);

/**
 * kdf_derive(dst, master, master_len, purpose):
 * Derive the key for ${purpose} from ${master} (at least 32 bytes) by keyed
 * BLAKE2b; keys for different purposes are independent.
 */
void kdf_derive(unsigned char dst[SECRET_KEY_BYTES], const void *master,
    size_t master_len, const char *purpose);

/**
 * kdf_derive_strings(dst, texts, n):
 * Derive a key from ${n} strings, one of them an unguessable secret and one the
 * purpose, by BLAKE2b of each with its NUL.
 */
void kdf_derive_strings(
    unsigned char dst[SECRET_KEY_BYTES], const char *const *texts, size_t n);

#endif
