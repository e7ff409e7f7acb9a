/* SPDX-License-Identifier: ISC */
#include "base/percent.h"

#include "base/secret.h"
#include "base/str.h"

enum err
percent_decode(const char *text, size_t len, char plus, size_t size, char *dst)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? plus : text[i];

		if (c == '%') {
			int high =
			    len - i > 2 ? str_hex_digit(text[i + 1]) : -1;
			int low = len - i > 2 ? str_hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				goto invalid;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			goto invalid;
		dst[n++] = c;
	}
	dst[n] = '\0';
	return ERR_OK;
invalid:
	secret_wipe(dst, size); /* it may hold half a password */
	return ERR_INVALID;
}
