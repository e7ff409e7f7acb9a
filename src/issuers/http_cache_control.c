/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "issuers/http_get.h"

#define SECONDS_MAX INT64_C(1000000000) /* larger values are cut to this */

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

/* Parse the directive at ${at}; return the end of it. */
static const char *
parse_directive(const char *at, struct directive *d)
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
has_name(const struct directive *d, const char *name)
{
	return d->name_len == strlen(name) &&
	    strncasecmp(d->name, name, d->name_len) == 0;
}

/* An invalid number means stale (RFC 9111 section 4.2.1). */
static int64_t
parse_seconds(const struct directive *d)
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
	int64_t max_age = -1;

	for (;;) {
		at += strspn(at, ", \t");
		if (is_end(*at))
			return max_age;
		at = parse_directive(at, &d);
		if (has_name(&d, "no-store") || has_name(&d, "no-cache"))
			return 0;
		if (has_name(&d, "max-age")) {
			int64_t n = parse_seconds(&d);

			if (max_age < 0 || n < max_age)
				max_age = n;
		}
	}
}
