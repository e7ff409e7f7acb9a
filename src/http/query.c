/* SPDX-License-Identifier: ISC */
#include "http/query.h"

#include <string.h>

#include "base/str.h"

enum err
query_decode(const char *text, size_t len, size_t size, char *dst)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '+')
			c = ' ';
		if (c == '%') {
			int high =
			    i + 2 < len ? str_hex_digit(text[i + 1]) : -1;
			int low = i + 2 < len ? str_hex_digit(text[i + 2]) : -1;

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

enum err
query_value(const char *query, const char *name, size_t size, char *value_out)
{
	size_t name_len = strlen(name);
	enum err err = ERR_NOT_FOUND;
	const char *text = query;

	value_out[0] = '\0';
	while (*text != '\0') {
		size_t len = strcspn(text, "&");

		if (len > name_len && text[name_len] == '=' &&
		    memcmp(text, name, name_len) == 0) {
			/* Two values: who knows which was meant. */
			if (err == ERR_OK)
				err = ERR_INVALID;
			else if (err == ERR_NOT_FOUND)
				err = query_decode(text + name_len + 1,
				    len - name_len - 1, size, value_out);
		}
		text += len;
		text += *text == '&';
	}
	if (err != ERR_OK)
		value_out[0] = '\0';
	return err;
}
