/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "issuers/http_get.h"

#define SECONDS_MAX INT64_C(1000000000) /* more is all the same */

/* One directive of the list: NAME, NAME=TOKEN or NAME="TEXT". */
struct directive {
	const char *name, *value;
	size_t name_len, value_len;
};

static bool
is_end(char c)
{
	return c == '\0' || c == '\r' || c == '\n';
}

/* Take the one at ${at}; return where the next may be. */
static const char *
take(const char *at, struct directive *d)
{
	d->name = at;
	d->name_len = strcspn(at, "=, \t\r\n");
	at += d->name_len;
	d->value = at;
	d->value_len = 0;
	if (*at != '=')
		return at + (is_end(*at) ? 0 : 1);
	at++;
	if (*at == '"') {
		d->value = ++at;
		d->value_len = strcspn(at, "\"\r\n");
		at += d->value_len;
		return at + (*at == '"' ? 1 : 0);
	}
	d->value = at;
	d->value_len = strcspn(at, ", \t\r\n");
	return at + d->value_len;
}

static bool
is_called(const struct directive *d, const char *name)
{
	return d->name_len == strlen(name) &&
	    strncasecmp(d->name, name, d->name_len) == 0;
}

/* What is no number says that it is stale (RFC 9111 section 4.2.1). */
static int64_t
seconds_of(const struct directive *d)
{
	int64_t n = 0;

	for (size_t i = 0; i < d->value_len; i++) {
		if (!isdigit((unsigned char)d->value[i]))
			return 0;
		n = 10 * n + (d->value[i] - '0');
		if (n > SECONDS_MAX)
			n = SECONDS_MAX;
	}
	return n;
}

int64_t
http_cache_control(const char *cache_control)
{
	const char *at = cache_control;
	struct directive d;
	int64_t fresh = -1;

	for (;;) {
		at += strspn(at, ", \t");
		if (is_end(*at))
			return fresh;
		at = take(at, &d);
		if (is_called(&d, "no-store") || is_called(&d, "no-cache"))
			return 0;
		if (is_called(&d, "max-age")) {
			int64_t n = seconds_of(&d);

			if (fresh < 0 || n < fresh)
				fresh = n;
		}
	}
}
