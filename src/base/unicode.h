/* SPDX-License-Identifier: ISC */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include <stddef.h>

#include "base/err.h"

/**
 * unicode_nfkc(dst, size, text), unicode_nfkc_casefold(dst, size, text):
 * Write the normal form of ${text} (UAX 15: NFKC, or NFKC_Casefold, which also
 * drops invisible characters) to ${dst} of ${size} bytes.  Return ERR_INVALID
 * if
 * ${text} is not UTF-8 or the result does not fit, ERR_INTERNAL without memory;
 * ${dst} is empty then.  Working memory is wiped.
 */
enum err unicode_nfkc(char *dst, size_t size, const char *text) MUST_CHECK;
enum err unicode_nfkc_casefold(
    char *dst, size_t size, const char *text) MUST_CHECK;

enum unicode_kind {
	UNICODE_INVALID = 0, /* not UTF-8 */
	UNICODE_END,
	UNICODE_PLAIN,
	UNICODE_SPACE,
	UNICODE_INVISIBLE,
	UNICODE_CONTROL /* C0, C1, separators, bidirectional controls */
};

/**
 * unicode_next(text):
 * Return the kind of the first character of *${text} and move *${text} past
 * it, unless that is UNICODE_END or UNICODE_INVALID.
 */
enum unicode_kind unicode_next(const char **text);

#endif
