/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <strings.h>

#include "base/net.h"
#include "issuers/http_get.h"
#include "issuers/http_libcurl.h"

static CURLU *
parse_url(const struct http_client *client, const char *url)
{
	CURLU *u = client->url();

	if (u != NULL && client->url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		return u;
	client->url_cleanup(u);
	return NULL;
}

/* Return a part of ${u}, to be freed with client->free; NULL if absent. */
static char *
url_part(const struct http_client *client, CURLU *u, CURLUPart part)
{
	char *text = NULL;

	(void)client->url_get(u, part, &text, CURLU_DEFAULT_PORT);
	return text;
}

enum http_url_scheme
http_url_scheme(const struct http_client *client, const char *url)
{
	enum http_url_scheme result = HTTP_URL_REFUSED;
	CURLU *u = parse_url(client, url);
	char *scheme, *host, *user;

	if (u == NULL)
		return HTTP_URL_REFUSED;
	scheme = url_part(client, u, CURLUPART_SCHEME);
	host = url_part(client, u, CURLUPART_HOST);
	user = url_part(client, u, CURLUPART_USER);
	if (scheme != NULL && host != NULL && user == NULL) {
		if (strcmp(scheme, "https") == 0)
			result = HTTP_URL_HTTPS;
		else if (strcmp(scheme, "http") == 0 &&
		    net_is_loopback_host(host, strlen(host)))
			result = HTTP_URL_LOOPBACK;
	}
	client->free(scheme);
	client->free(host);
	client->free(user);
	client->url_cleanup(u);
	return result;
}

bool
http_url_is_loopback(const struct http_client *client, const char *url)
{
	return http_url_scheme(client, url) == HTTP_URL_LOOPBACK;
}

bool
http_url_is_same_origin(
    const struct http_client *client, const char *one, const char *other)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST,
		CURLUPART_PORT };
	CURLU *a = parse_url(client, one), *b = parse_url(client, other);
	bool same = a != NULL && b != NULL;

	for (size_t i = 0; same && i < NELEMS(parts); i++) {
		char *x = url_part(client, a, parts[i]),
		     *y = url_part(client, b, parts[i]);

		same = x != NULL && y != NULL && strcasecmp(x, y) == 0;
		client->free(x);
		client->free(y);
	}
	client->url_cleanup(a);
	client->url_cleanup(b);
	return same;
}
