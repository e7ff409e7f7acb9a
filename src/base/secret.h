/* SPDX-License-Identifier: ISC */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SECRET_KEY_BYTES 32
#define SECRET_UUID_SIZE 37 /* 8-4-4-4-12 hex digits and NUL */

/**
 * secret_init():
 * Prepare the cryptographic library; once per process, before anything else
 * here.  Return ERR_INTERNAL if the system has no random numbers.
 */
enum err secret_init(void) MUST_CHECK;

/* secret_wipe(p, len): overwrite ${len} bytes, never optimised away. */
void secret_wipe(void *p, size_t len);
/* secret_wipe_text(text): wipe a NUL-terminated string; NULL is fine. */
void secret_wipe_text(char *text);
/* secret_equal(a, b, len): compare in time that depends on ${len} alone. */
bool secret_equal(const void *a, const void *b, size_t len);
/* secret_random(p, len): fill with random bytes fit for keys. */
void secret_random(void *p, size_t len);

/**
 * secret_uuid(dst):
 * Write a fresh random UUID, version 4 (RFC 9562 section 5.4), lower case.
 */
void secret_uuid(char dst[SECRET_UUID_SIZE]);

/* secret_is_uuid(text): true if ${text} is a lower-case UUID, version 4. */
bool secret_is_uuid(const char *text);

/**
 * secret_hash(dst, dst_len, data, len):
 * Write the BLAKE2b hash (RFC 7693) of ${len} bytes, ${dst_len} 16 to 64.
 */
void secret_hash(
    unsigned char *dst, size_t dst_len, const void *data, size_t len);

/**
 * secret_derive(dst, master, master_len, purpose):
 * Derive the key for ${purpose} from ${master} (at least 32 bytes) by keyed
 * BLAKE2b; keys for different purposes tell nothing of each other.
 */
void secret_derive(unsigned char dst[SECRET_KEY_BYTES], const void *master,
    size_t master_len, const char *purpose);

/**
 * secret_derive_texts(dst, texts, n):
 * Derive a key from ${n} strings, one of them a secret nobody can guess and
 * one the purpose, by BLAKE2b of each with its NUL.
 */
void secret_derive_texts(
    unsigned char dst[SECRET_KEY_BYTES], const char *const *texts, size_t n);

#endif
