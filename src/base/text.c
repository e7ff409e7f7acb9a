/* SPDX-License-Identifier: ISC */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define BUF_FIRST ((size_t)256)

/* Give back what ${b} has, wiped. */
static void
buf_let_go(struct buf *b)
{
	if (b->data == NULL)
		return;
	secret_wipe(b->data, b->cap);
	if (!b->lent)
		free(b->data);
}

/* Move to larger memory; false, and failed, if there is none. */
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
	buf_let_go(b);
	data[b->len] = '\0';
	b->data = data;
	b->cap = cap;
	b->lent = false;
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
	char *room;

	if (!buf_reserve(b, len))
		return NULL;
	room = b->data + b->len;
	b->len += len;
	b->data[b->len] = '\0';
	return room;
}

void
buf_append(struct buf *b, const void *data, size_t len)
{
	char *room = buf_extend(b, len);

	if (room != NULL && len > 0)
		memcpy(room, data, len);
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
buf_lend(struct buf *b, char *room, size_t size)
{
	*b = (struct buf){ .data = room, .cap = size, .lent = true };
	room[0] = '\0';
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
	buf_let_go(b);
	memset(b, 0, sizeof(*b));
}

enum err
text_copy(char *dst, size_t size, const char *src)
{
	size_t len = strnlen(src, size);

	if (len == size) {
		if (size > 0)
			dst[0] = '\0';
		return ERR_INVALID;
	}
	memcpy(dst, src, len);
	dst[len] = '\0';
	return ERR_OK;
}

void
text_join(char *dst, size_t size, const char *first, const char *second)
{
	size_t first_len = strnlen(first, size - 1);
	size_t second_len = strnlen(second, size - 1 - first_len);

	memcpy(dst, first, first_len);
	memcpy(dst + first_len, second, second_len);
	dst[first_len + second_len] = '\0';
}

void
text_hex(char *dst, const unsigned char *src, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		dst[2 * i] = digits[src[i] >> 4];
		dst[2 * i + 1] = digits[src[i] & 15];
	}
	dst[2 * len] = '\0';
}

bool
text_is_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return text[len] == '\0';
}

enum err
text_to_int64(const char *text, int64_t min, int64_t max, int64_t *value_out)
{
	bool negative = text[0] == '-';
	const char *p = negative ? text + 1 : text;
	int64_t value = 0;

	*value_out = 0;
	if (*p == '\0' || (*p == '0' && (p[1] != '\0' || negative)))
		return ERR_INVALID;
	for (; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return ERR_INVALID;
		/* Counted downwards: INT64_MIN has no positive twin. */
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *p - '0', &value))
			return ERR_INVALID;
	}
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return ERR_INVALID;
	if (value < min || value > max)
		return ERR_INVALID;
	*value_out = value;
	return ERR_OK;
}

size_t
text_int(char dst[TEXT_INT_SIZE], int64_t value)
{
	/* Without sign: INT64_MIN has no positive twin. */
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[TEXT_INT_SIZE];
	size_t at = sizeof(digits), len = 0;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		dst[len++] = '-';
	memcpy(dst + len, digits + at, sizeof(digits) - at);
	len += sizeof(digits) - at;
	dst[len] = '\0';
	return len;
}

/*
 * Length of the UTF-8 sequence at ${p}, of which ${len} bytes may be read, by
 * the table of RFC 3629 section 4; 0 if it is none.
 */
static size_t
utf8_sequence(const unsigned char *p, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n > len)
		return 0;
	/* The second byte keeps out overlong forms, surrogates, > U+10FFFF. */
	switch (p[0]) {
	case 0xe0: low = 0xa0; break;
	case 0xed: high = 0x9f; break;
	case 0xf0: low = 0x90; break;
	case 0xf4: high = 0x8f; break;
	default: break;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

enum err
text_utf8_chars(const char *text, size_t len, size_t *chars_out)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t chars = 0;

	*chars_out = 0;
	while (len > 0) {
		size_t n = utf8_sequence(p, len);

		if (n == 0)
			return ERR_INVALID;
		p += n;
		len -= n;
		chars++;
	}
	*chars_out = chars;
	return ERR_OK;
}

static char *
put_digits(char *dst, unsigned value, size_t n)
{
	for (size_t i = n; i-- > 0; value /= 10)
		dst[i] = (char)('0' + value % 10);
	return dst + n;
}

/*
 * Years are counted from March on, so that the leap day ends one, and in
 * cycles of 400, which all have the same days.  gmtime_r(3) and printf(3) took
 * ten times as long, which is why this is not them.
 */
static char *
put_date(char *dst, unsigned day)
{
	unsigned cycle = day / 146097, of_cycle = day % 146097;
	/* Without the leap days before it each year has 365. */
	unsigned year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 -
			    of_cycle / 146096) /
	    365;
	unsigned of_year = of_cycle - (365 * year + year / 4 - year / 100);
	/* Five months from March have 153 days, and so the next five. */
	unsigned month = (5 * of_year + 2) / 153;
	unsigned of_month = of_year - (153 * month + 2) / 5;
	bool next = month >= 10; /* January and February */

	dst = put_digits(dst, 400 * cycle + year + next - 400, 4);
	*dst++ = '-';
	dst = put_digits(dst, next ? month - 9 : month + 3, 2);
	*dst++ = '-';
	return put_digits(dst, of_month + 1, 2);
}

void
text_time(char dst[TEXT_TIME_SIZE], int64_t seconds)
{
	static const int64_t first = INT64_C(-62167219200); /* 0000-01-01 */
	static const int64_t last = INT64_C(253402300799);  /* 9999-12-31 */
	/* From the 1st of March of the year -400, a cycle's first day. */
	static const int64_t before = INT64_C(865565) * 86400;
	unsigned second;
	char *p;

	if (seconds < first)
		seconds = first;
	if (seconds > last)
		seconds = last;
	seconds += before;
	p = put_date(dst, (unsigned)(seconds / 86400));
	second = (unsigned)(seconds % 86400);
	*p++ = 'T';
	p = put_digits(p, second / 3600, 2);
	*p++ = ':';
	p = put_digits(p, second / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, second % 60, 2);
	*p++ = 'Z';
	*p = '\0';
}
