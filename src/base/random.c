/* SPDX-License-Identifier: ISC */
#include "base/random.h"

#include <sodium.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"

void
random_fill(void *p, size_t len)
{
	randombytes_buf(p, len);
}

void
random_uuid(char dst[RANDOM_UUID_SIZE])
{
	unsigned char raw[16];
	char hex[33];

	random_fill(raw, sizeof(raw));
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40); /* version 4 */
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80); /* variant 10 */
	str_hex(hex, raw, sizeof(raw));

	memcpy(dst, hex, 8);
	dst[8] = '-';
	memcpy(dst + 9, hex + 8, 4);
	dst[13] = '-';
	memcpy(dst + 14, hex + 12, 4);
	dst[18] = '-';
	memcpy(dst + 19, hex + 16, 4);
	dst[23] = '-';
	memcpy(dst + 24, hex + 20, 12);
	dst[36] = '\0';
	secret_wipe(raw, sizeof(raw));
	secret_wipe(hex, sizeof(hex));
}

bool
random_is_uuid(const char *text)
{
	static const unsigned char groups[] = { 8, 4, 4, 4, 12 };
	const char *p = text;

	for (size_t i = 0; i < sizeof(groups); i++) {
		if (str_hex_span(p, groups[i]) != groups[i])
			return false;
		p += groups[i];
		if (*p != (i + 1 < sizeof(groups) ? '-' : '\0'))
			return false;
		p++;
	}
	return text[14] == '4' &&
	    (text[19] == '8' || text[19] == '9' || text[19] == 'a' ||
		text[19] == 'b');
}
