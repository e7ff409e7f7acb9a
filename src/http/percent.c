/* SPDX-License-Identifier: ISC */
#include "http/percent.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err
percent_decode(const char *text, size_t len, size_t size, char *dst)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '+')
			c = ' ';
		if (c == '%') {
			int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return ERR_INVALID;
			c = high * 16 + low;
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return ERR_INVALID;
		dst[n++] = (char)c;
	}
	dst[n] = '\0';
	return ERR_OK;
}
