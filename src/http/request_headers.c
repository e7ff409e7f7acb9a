/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include <string.h>
#include <strings.h>

#include "http/query.h"

enum err
request_query(
    const struct request *req, const char *name, size_t size, char *value_out)
{
	return query_value(req->query, name, size, value_out);
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z');
}

/* token68 (RFC 9110 section 11.2), which RFC 6750 calls b64token. */
static bool
is_token68(const char *text)
{
	size_t n = strspn(text,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~+/");

	return n > 0 && text[n + strspn(text + n, "=")] == '\0';
}

enum err
request_bearer(const struct request *req, const char **token_out)
{
	static const char scheme[] = "Bearer";
	const char *text = request_param(req, PARAM_HTTP_AUTHORIZATION);
	size_t len = 0;

	*token_out = NULL;
	/* Some web servers pass an empty value if the client sent none. */
	if (text == NULL || text[0] == '\0')
		return ERR_OK;
	while (is_alnum(text[len]) ||
	    (text[len] != '\0' && strchr("!#$%&'*+-.^_`|~", text[len])))
		len++;
	if (len == 0 || (text[len] != ' ' && text[len] != '\0'))
		return ERR_INVALID;
	if (len != sizeof(scheme) - 1 || strncasecmp(text, scheme, len) != 0)
		return ERR_OK;
	text += len;
	text += strspn(text, " ");
	if (!is_token68(text))
		return ERR_INVALID;
	*token_out = text;
	return ERR_OK;
}

/*
 * Does ${origin} (RFC 6454 section 6.2) name the host of ${req}?  It omits the
 * default port of its scheme, which the Host header may contain.  A request on
 * https needs an origin on https, because an attacker on the network can forge
 * pages on http.  A request on http may have used TLS up to a proxy, so either
 * scheme is accepted.
 */
static bool
origin_is_host(const struct request *req, const char *origin)
{
	size_t host_len = strlen(req->host);
	const char *port;

	if (strncasecmp(origin, "https://", 8) == 0) {
		origin += 8;
		port = ":443";
	} else if (strncasecmp(origin, "http://", 7) == 0 && !req->https) {
		origin += 7;
		port = ":80";
	} else {
		return false;
	}
	if (host_len > strlen(port) &&
	    strcmp(req->host + host_len - strlen(port), port) == 0)
		host_len -= strlen(port);
	return host_len > 0 && strlen(origin) == host_len &&
	    strncasecmp(origin, req->host, host_len) == 0;
}

bool
request_same_origin(const struct request *req)
{
	const char *site = request_param(req, PARAM_HTTP_SEC_FETCH_SITE);
	const char *origin = request_param(req, PARAM_HTTP_ORIGIN);

	if (site != NULL)
		return strcmp(site, "same-origin") == 0 ||
		    strcmp(site, "none") == 0;
	return origin != NULL && origin_is_host(req, origin);
}

bool
request_cross_site(const struct request *req)
{
	const char *site = request_param(req, PARAM_HTTP_SEC_FETCH_SITE);

	return site != NULL && strcmp(site, "cross-site") == 0;
}

bool
request_navigates(const struct request *req)
{
	const char *mode = request_param(req, PARAM_HTTP_SEC_FETCH_MODE);
	const char *accept = request_param(req, PARAM_HTTP_ACCEPT);

	if (mode != NULL)
		return strcmp(mode, "navigate") == 0;
	return accept != NULL && strcasestr(accept, "text/html") != NULL;
}
