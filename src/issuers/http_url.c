/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <strings.h>

#include "base/net.h"
#include "issuers/http_get.h"
#include "issuers/http_libcurl.h"

static CURLU *
parse(const struct http_client *f, const char *url)
{
	CURLU *u = f->url();

	if (u != NULL && f->url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		return u;
	f->url_cleanup(u);
	return NULL;
}

/* That part, to be given back with f->free; NULL if there is none. */
static char *
part_of(const struct http_client *f, CURLU *u, CURLUPart part)
{
	char *text = NULL;

	(void)f->url_get(u, part, &text, CURLU_DEFAULT_PORT);
	return text;
}

enum http_url_scheme
http_url_scheme(const struct http_client *f, const char *url)
{
	enum http_url_scheme found = FETCH_OTHER;
	CURLU *u = parse(f, url);
	char *scheme, *host, *user;

	if (u == NULL)
		return FETCH_OTHER;
	scheme = part_of(f, u, CURLUPART_SCHEME);
	host = part_of(f, u, CURLUPART_HOST);
	user = part_of(f, u, CURLUPART_USER);
	if (scheme != NULL && host != NULL && user == NULL) {
		if (strcmp(scheme, "https") == 0)
			found = FETCH_HTTPS;
		else if (strcmp(scheme, "http") == 0 &&
		    net_is_loopback_host(host, strlen(host)))
			found = FETCH_LOCAL;
	}
	f->free(scheme);
	f->free(host);
	f->free(user);
	f->url_cleanup(u);
	return found;
}

bool
http_url_is_local(const struct http_client *f, const char *url)
{
	return http_url_scheme(f, url) == FETCH_LOCAL;
}

bool
http_url_is_same_origin(
    const struct http_client *f, const char *one, const char *other)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST,
		CURLUPART_PORT };
	CURLU *a = parse(f, one), *b = parse(f, other);
	bool same = a != NULL && b != NULL;

	for (size_t i = 0; same && i < NELEMS(parts); i++) {
		char *x = part_of(f, a, parts[i]), *y = part_of(f, b, parts[i]);

		same = x != NULL && y != NULL && strcasecmp(x, y) == 0;
		f->free(x);
		f->free(y);
	}
	f->url_cleanup(a);
	f->url_cleanup(b);
	return same;
}
