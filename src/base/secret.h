/* SPDX-License-Identifier: ISC */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SECRET_KEY_BYTES 32

/**
 * secret_init():
 * Initialize libsodium; once per process, before any other function here.
 * Return ERR_INTERNAL if the system provides no random numbers.
 */
enum err secret_init(void) MUST_CHECK;

/* secret_wipe(p, len): overwrite ${len} bytes, never optimised away. */
void secret_wipe(void *p, size_t len);
/* secret_wipe_text(text): wipe a NUL-terminated string; NULL is allowed. */
void secret_wipe_text(char *text);
/* secret_equal(a, b, len): compare in time that depends only on ${len}. */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
