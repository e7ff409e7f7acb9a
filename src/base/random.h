/* SPDX-License-Identifier: ISC */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

#define RANDOM_UUID_SIZE 37 /* 8-4-4-4-12 hex digits and NUL */

/* random_fill(p, len): fill with cryptographically secure random bytes. */
void random_fill(void *p, size_t len);

/**
 * random_uuid(dst):
 * Write a random UUID, version 4 (RFC 9562 section 5.4), lower case.
 */
void random_uuid(char dst[RANDOM_UUID_SIZE]);

/* random_is_uuid(text): true if ${text} is a lower-case UUID, version 4. */
bool random_is_uuid(const char *text);

#endif
