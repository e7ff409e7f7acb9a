/* SPDX-License-Identifier: ISC */
#include "base/str.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

enum err
str_copy(char *dst, size_t size, const char *src)
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
str_join(char *dst, size_t size, const char *first, const char *second)
{
	size_t first_len = strnlen(first, size - 1);
	size_t second_len = strnlen(second, size - 1 - first_len);

	memcpy(dst, first, first_len);
	memcpy(dst + first_len, second, second_len);
	dst[first_len + second_len] = '\0';
}

void
str_hex(char *dst, const unsigned char *src, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		dst[2 * i] = digits[src[i] >> 4];
		dst[2 * i + 1] = digits[src[i] & 15];
	}
	dst[2 * len] = '\0';
}

size_t
str_hex_span(const char *text, size_t max)
{
	static const bool digit[UCHAR_MAX + 1] = { ['0' ... '9'] = true,
		['a' ... 'f'] = true };
	size_t n = 0;

	while (n < max && digit[(unsigned char)text[n]])
		n++;
	return n;
}

bool
str_is_hex(const char *text, size_t len)
{
	return str_hex_span(text, len) == len && text[len] == '\0';
}

int
str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err
str_from_hex(unsigned char *dst, size_t len, const char *text)
{
	if (!str_is_hex(text, 2 * len))
		return ERR_INVALID;
	for (size_t i = 0; i < len; i++)
		dst[i] = (unsigned char)(str_hex_digit(text[2 * i]) * 16 +
		    str_hex_digit(text[2 * i + 1]));
	return ERR_OK;
}

char *
str_trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

bool
str_is_visible(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

enum err
str_to_int64(const char *text, int64_t min, int64_t max, int64_t *value_out)
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
		/* Negative, since INT64_MIN has no positive counterpart. */
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
str_int(char dst[STR_INT_SIZE], int64_t value)
{
	/* Unsigned, since INT64_MIN has no positive counterpart. */
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[STR_INT_SIZE];
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
 * Length of the UTF-8 sequence at ${p}, which has ${len} bytes, by the table of
 * RFC 3629 section 4; 0 if it is not valid.
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
	/* Excludes overlong forms, surrogates and code points > U+10FFFF. */
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
str_utf8_chars(const char *text, size_t len, size_t *chars_out)
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
