/* SPDX-License-Identifier: ISC */
#ifndef HTTP_PERCENT_H
#define HTTP_PERCENT_H

#include <stddef.h>

#include "base/err.h"

/**
 * percent_decode(text, len, size, dst):
 * Decode ${len} bytes of a query or form (WHATWG URL, section 5: "+" is a
 * space) into ${dst}, which has room for ${size} with the NUL.  Return
 * ERR_INVALID if it is badly encoded, holds a NUL, or does not fit.
 */
enum err percent_decode(
    const char *text, size_t len, size_t size, char *dst) MUST_CHECK;

#endif
