/* SPDX-License-Identifier: ISC */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include <stddef.h>

#include "base/err.h"

/**
 * percent_decode(text, len, plus, size, dst):
 * Decode ${len} bytes of percent-encoded ${text} (RFC 3986 section 2.1) into
 * ${dst}, which has room for ${size} > 0 bytes with the NUL.  ${plus} is what
 * "+" stands for: ' ' in a form or query, '+' elsewhere.  Return ERR_INVALID,
 * and wipe ${dst}, if a % is not followed by two hex digits, a byte is NUL, or
 * the text does not fit.
 */
enum err percent_decode(
    const char *text, size_t len, char plus, size_t size, char *dst) MUST_CHECK;

#endif
