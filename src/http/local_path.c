/* SPDX-License-Identifier: ISC */
#include "http/local_path.h"

#include <string.h>

#include "base/buf.h"

bool
local_path_check(const char *text)
{
	size_t len = strlen(text);

	if (len > LOCAL_PATH_MAX || text[0] != '/' || text[1] == '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f || c == '\\')
			return false;
	}
	return true;
}

/* RFC 3986 section 2.3, and the slash, which a query may hold. */
static bool
is_plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-._~/", c) != NULL);
}

void
local_path_put(struct buf *url, const char *name, const char *path)
{
	if (!local_path_check(path))
		return;
	buf_puts(url,
	    url->data != NULL && strchr(url->data, '?') != NULL ? "&" : "?");
	buf_puts(url, name);
	buf_puts(url, "=");
	for (const char *p = path; *p != '\0'; p++) {
		if (is_plain((unsigned char)*p))
			buf_append(url, p, 1);
		else
			buf_printf(url, "%%%02X", (unsigned)(unsigned char)*p);
	}
}
