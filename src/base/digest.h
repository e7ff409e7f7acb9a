/* SPDX-License-Identifier: ISC */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_BYTES 32

/**
 * digest_texts(dst, texts, n):
 * Write the SHA-256 (RFC 6234) of ${n} strings, each with its NUL, so that the
 * bounds between them count.
 */
void digest_texts(
    unsigned char dst[DIGEST_BYTES], const char *const *texts, size_t n);

#endif
