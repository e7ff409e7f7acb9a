/* SPDX-License-Identifier: ISC */
#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/secret.h"

#define UNICODE_NFKC                                                           \
	((utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE |              \
	    UTF8PROC_COMPAT))
#define UNICODE_NFKC_CASEFOLD                                                  \
	((utf8proc_option_t)(UNICODE_NFKC | UTF8PROC_CASEFOLD |                \
	    UTF8PROC_IGNORE))

/* Not utf8proc_map(): its realloc leaves copies of passwords behind. */
static enum err
unicode_map(char *dst, size_t size, const char *text, utf8proc_option_t how)
{
	const utf8proc_uint8_t *src = (const utf8proc_uint8_t *)text;
	utf8proc_ssize_t len = (utf8proc_ssize_t)strlen(text), n;
	utf8proc_int32_t *points = NULL;
	enum err err = ERR_INVALID;
	size_t bytes = 0;

	dst[0] = '\0';
	n = utf8proc_decompose(src, len, NULL, 0, how);
	if (n < 0)
		goto out;
	bytes = ((size_t)n + 1) * sizeof(*points); /* reencode adds a NUL */
	points = malloc(bytes);
	if (points == NULL) {
		err = ERR_INTERNAL;
		goto out;
	}
	n = utf8proc_decompose(src, len, points, n, how);
	if (n < 0)
		goto out;
	n = utf8proc_reencode(points, n, how); /* in place, to UTF-8 */
	if (n < 0 || (size_t)n >= size)
		goto out;
	memcpy(dst, points, (size_t)n);
	dst[n] = '\0';
	err = ERR_OK;
out:
	secret_wipe(points, bytes);
	free(points);
	return err;
}

enum err
unicode_nfkc(char *dst, size_t size, const char *text)
{
	return unicode_map(dst, size, text, UNICODE_NFKC);
}

enum err
unicode_nfkc_casefold(char *dst, size_t size, const char *text)
{
	return unicode_map(dst, size, text, UNICODE_NFKC_CASEFOLD);
}

enum unicode_kind
unicode_next(const char **text)
{
	utf8proc_int32_t point;
	utf8proc_ssize_t n;

	if (**text == '\0')
		return UNICODE_END;
	n = utf8proc_iterate((const utf8proc_uint8_t *)*text, -1, &point);
	if (n <= 0)
		return UNICODE_INVALID;
	*text += n;

	/* Embeddings, overrides and isolates (UAX 9) allow spoofing. */
	if ((point >= 0x202a && point <= 0x202e) ||
	    (point >= 0x2066 && point <= 0x2069))
		return UNICODE_CONTROL;
	switch (utf8proc_category(point)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP: return UNICODE_CONTROL;
	case UTF8PROC_CATEGORY_ZS: return UNICODE_SPACE;
	default: break;
	}
	/* Zero-width characters, joiners, fillers, and the blank braille cell.
	 */
	return utf8proc_get_property(point)->ignorable || point == 0x2800
	    ? UNICODE_INVISIBLE
	    : UNICODE_PLAIN;
}
