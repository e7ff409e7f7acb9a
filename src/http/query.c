/* SPDX-License-Identifier: ISC */
#include "http/query.h"

#include <string.h>

#include "base/percent.h"

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
			/* Two values: it is not known which was meant. */
			if (err == ERR_OK)
				err = ERR_INVALID;
			else if (err == ERR_NOT_FOUND)
				err = percent_decode(text + name_len + 1,
				    len - name_len - 1, ' ', size, value_out);
		}
		text += len;
		text += *text == '&';
	}
	if (err != ERR_OK)
		value_out[0] = '\0';
	return err;
}
