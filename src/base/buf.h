/* SPDX-License-Identifier: ISC */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

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
 * buf_use_inline(b, room, size):
 * Have ${b}, which has nothing yet, begin in ${size} > 0 bytes at ${room},
 * which outlive it; only beyond that it takes memory of its own.
 */
char *buf_extend(struct buf *b, size_t len);
void buf_use_inline(struct buf *b, char *room, size_t size);

/**
 * buf_reset(b): empty ${b}, keep its memory.
 * buf_clear(b): wipe what ${b} held and free it; ${b} is zero afterwards, what
 * it was lent is forgotten.
 */
void buf_reset(struct buf *b);
void buf_clear(struct buf *b);

#endif
