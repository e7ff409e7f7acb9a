/* SPDX-License-Identifier: ISC */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/**
 * str_copy(dst, size, src):
 * Copy ${src} with its NUL into ${dst} of ${size} bytes.  Return ERR_INVALID,
 * with ${dst} empty, if it does not fit.
 */
enum err str_copy(char *dst, size_t size, const char *src) MUST_CHECK;

/**
 * str_join(dst, size, first, second):
 * Concatenate ${first} and ${second} into ${dst} of ${size} > 0 bytes, cut to
 * fit.
 */
void str_join(char *dst, size_t size, const char *first, const char *second);

/**
 * str_hex(dst, src, len):
 * Write ${len} bytes as 2 * ${len} lower-case hex digits and a NUL.
 */
void str_hex(char *dst, const unsigned char *src, size_t len);

/* str_hex_span(text, max): leading lower-case hex digits, ${max} at most. */
size_t str_hex_span(const char *text, size_t max);

/**
 * str_is_hex(text, len):
 * Return true if ${text} is exactly ${len} lower-case hex digits.
 */
bool str_is_hex(const char *text, size_t len);

/**
 * str_hex_digit(c):
 * Return the value of the hex digit ${c} in either case, or -1.
 *
 * str_from_hex(dst, len, text):
 * Decode ${text}, which must be exactly 2 * ${len} lower-case hex digits.
 * Return ERR_INVALID, with nothing written, if it is not.
 */
int str_hex_digit(char c);
enum err str_from_hex(
    unsigned char *dst, size_t len, const char *text) MUST_CHECK;

/**
 * str_trim(text):
 * Cut white space from the end of ${text}; return its first character that is
 * not white space.
 */
char *str_trim(char *text);

/* str_is_visible(text): only printable ASCII, no space. */
bool str_is_visible(const char *text);

/**
 * str_to_int64(text, min, max, value_out):
 * Parse a decimal number: an optional minus and digits without leading zeros.
 * Return ERR_INVALID, with ${value_out} 0, if it is malformed or out of bounds.
 */
enum err str_to_int64(
    const char *text, int64_t min, int64_t max, int64_t *value_out) MUST_CHECK;

#define STR_INT_SIZE 21 /* -9223372036854775808 and NUL */

/**
 * str_int(dst, value):
 * Write ${value} in decimal; return its length.
 */
size_t str_int(char dst[STR_INT_SIZE], int64_t value);

/**
 * str_utf8_chars(text, len, chars_out):
 * Count the code points of ${len} bytes of UTF-8 (RFC 3629).  Return
 * ERR_INVALID, with ${chars_out} 0, if the bytes are not valid UTF-8.
 */
enum err str_utf8_chars(
    const char *text, size_t len, size_t *chars_out) MUST_CHECK;

#endif
