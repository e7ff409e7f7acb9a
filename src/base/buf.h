/* SPDX-License-Identifier: ISC */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* A growing buffer.  data is NUL-terminated whenever it is not NULL. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed;  /* an append ran out of memory; sticky */
	bool inlined; /* data was given by buf_use_inline(); not freed */
};

/**
 * buf_append(b, data, len), buf_puts(b, text), buf_printf(b, fmt, ...):
 * Append to ${b}, which is zero-initialised before first use.  Without memory
 * ${b}->failed is set and later appends do nothing, so that a chain of appends
 * needs one check at its end.
 */
void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * buf_extend(b, len):
 * Append ${len} bytes that the caller writes at the returned address before the
 * next call; NULL without memory.
 *
 * buf_use_inline(b, storage, size):
 * Let the empty ${b} use ${size} > 0 bytes at ${storage}, which outlive it, and
 * allocate memory only beyond that.
 */
char *buf_extend(struct buf *b, size_t len);
void buf_use_inline(struct buf *b, char *storage, size_t size);

/**
 * buf_reset(b): empty ${b} and keep its memory.
 * buf_clear(b): wipe and free the memory of ${b}; ${b} is all zero afterwards.
 */
void buf_reset(struct buf *b);
void buf_clear(struct buf *b);

#endif
