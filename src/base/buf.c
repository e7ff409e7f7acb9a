/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define BUF_FIRST ((size_t)256)

/* Wipe the memory of ${b}, and free it unless it was given. */
static void
buf_release(struct buf *b)
{
	if (b->data == NULL)
		return;
	secret_wipe(b->data, b->cap);
	if (!b->inlined)
		free(b->data);
}

/* Move to larger memory; set failed without it. */
static bool
buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap;
	char *data;

	if (more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
		b->failed = true;
		return false;
	}
	if (cap < BUF_FIRST)
		cap = BUF_FIRST;
	while (cap <= b->len + more)
		cap *= 2;

	/* Not realloc: it may leave a copy of a secret behind in the heap. */
	data = malloc(cap);
	if (data == NULL) {
		b->failed = true;
		return false;
	}
	if (b->len > 0)
		memcpy(data, b->data, b->len);
	buf_release(b);
	data[b->len] = '\0';
	b->data = data;
	b->cap = cap;
	b->inlined = false;
	return true;
}

/* Make room for ${more} bytes and a NUL. */
static bool
buf_reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return false;
	return more < b->cap - b->len || buf_grow(b, more);
}

char *
buf_extend(struct buf *b, size_t len)
{
	char *dst;

	if (!buf_reserve(b, len))
		return NULL;
	dst = b->data + b->len;
	b->len += len;
	b->data[b->len] = '\0';
	return dst;
}

void
buf_append(struct buf *b, const void *data, size_t len)
{
	char *dst = buf_extend(b, len);

	if (dst != NULL && len > 0)
		memcpy(dst, data, len);
}

void
buf_puts(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!buf_reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	n = vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_use_inline(struct buf *b, char *storage, size_t size)
{
	*b = (struct buf){ .data = storage, .cap = size, .inlined = true };
	storage[0] = '\0';
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_clear(struct buf *b)
{
	buf_release(b);
	memset(b, 0, sizeof(*b));
}
