/* SPDX-License-Identifier: ISC */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Text that grows.  data is NUL-terminated whenever it is not NULL. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed; /* an append ran out of memory; sticky */
	bool lent;   /* data is not ours to free */
};

/**
 * buf_append(b, data, len), buf_puts(b, text), buf_printf(b, fmt, ...):
 * Append to ${b} (zero-initialised before first use).  Running out of memory
 * sets ${b}->failed and makes later appends do nothing, so that a chain of
 * appends needs one check, at its end.
 */
void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * buf_extend(b, len):
 * The same for ${len} bytes that the caller fills in where it is told, before
 * anything else is done with ${b}; NULL without memory.
 *
 * buf_lend(b, room, size):
 * Have ${b}, which has nothing yet, begin in ${size} > 0 bytes at ${room},
 * which outlive it; only beyond that it takes memory of its own.
 */
char *buf_extend(struct buf *b, size_t len);
void buf_lend(struct buf *b, char *room, size_t size);

/**
 * buf_reset(b): empty ${b}, keep its memory.
 * buf_clear(b): wipe what ${b} held and free it; ${b} is zero afterwards, what
 * it was lent is forgotten.
 */
void buf_reset(struct buf *b);
void buf_clear(struct buf *b);

/**
 * text_copy(dst, size, src):
 * Copy ${src} with its NUL into ${dst} of ${size} bytes.  Return ERR_INVALID,
 * with ${dst} empty, if it does not fit.
 */
enum err text_copy(char *dst, size_t size, const char *src) MUST_CHECK;

/**
 * text_join(dst, size, first, second):
 * Write ${first} and ${second} into ${dst} of ${size} bytes, which is not 0;
 * what does not fit is cut.
 */
void text_join(char *dst, size_t size, const char *first, const char *second);

/**
 * text_hex(dst, src, len):
 * Write ${len} bytes as 2 * ${len} lower-case hex digits and a NUL.
 */
void text_hex(char *dst, const unsigned char *src, size_t len);

/**
 * text_is_hex(text, len):
 * Return true if ${text} is exactly ${len} lower-case hex digits.
 */
bool text_is_hex(const char *text, size_t len);

/**
 * text_to_int64(text, min, max, value_out):
 * Read a decimal number: an optional minus, digits, nothing else, no leading
 * zeros.  Return ERR_INVALID, ${value_out} 0, if it is none or out of bounds.
 */
enum err text_to_int64(
    const char *text, int64_t min, int64_t max, int64_t *value_out) MUST_CHECK;

#define TEXT_INT_SIZE 21 /* -9223372036854775808 and NUL */

/**
 * text_int(dst, value):
 * Write ${value} in decimal; return its length.
 */
size_t text_int(char dst[TEXT_INT_SIZE], int64_t value);

/**
 * text_utf8_chars(text, len, chars_out):
 * Count the code points of ${len} bytes of UTF-8 (RFC 3629).  Return
 * ERR_INVALID if the bytes are not valid UTF-8.
 */
enum err text_utf8_chars(
    const char *text, size_t len, size_t *chars_out) MUST_CHECK;

#define TEXT_TIME_SIZE 21 /* 2026-01-31T23:59:59Z and NUL */

/**
 * text_time(dst, seconds):
 * Write ${seconds} since the epoch as RFC 3339 UTC; years 0000 to 9999,
 * values outside are clamped.
 */
void text_time(char dst[TEXT_TIME_SIZE], int64_t seconds);

#endif
