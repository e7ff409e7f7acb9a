/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json_value.h"
#include "base/net.h"
#include "base/random.h"
#include "base/siphash.h"
#include "base/str.h"

const char *
request_param(const struct request *req, const char *name)
{
	size_t len = strlen(name);

	if (req->params == NULL)
		return NULL;
	for (char *const *p = req->params; *p != NULL; p++) {
		/* Most names differ in these two; looked at some 15 times. */
		if ((*p)[0] == name[0] && strncmp(*p, name, len) == 0 &&
		    (*p)[len] == '=')
			return *p + len + 1;
	}
	return NULL;
}

static const char *
param_or_empty(const struct request *req, const char *name)
{
	const char *value = request_param(req, name);

	return value != NULL ? value : "";
}

static void
read_method(struct request *req)
{
	static const struct {
		const char *name;
		enum request_method method;
	} methods[] = {
		{ "GET", METHOD_GET },
		{ "HEAD", METHOD_GET },
		{ "POST", METHOD_POST },
		{ "PUT", METHOD_PUT },
		{ "PATCH", METHOD_PATCH },
		{ "DELETE", METHOD_DELETE },
		{ "OPTIONS", METHOD_OPTIONS },
	};
	const char *name = param_or_empty(req, "REQUEST_METHOD");

	req->method = METHOD_OTHER;
	for (size_t i = 0; i < NELEMS(methods); i++) {
		if (strcmp(name, methods[i].name) == 0)
			req->method = methods[i].method;
	}
	req->head = strcmp(name, "HEAD") == 0;
}

/* Skip "scheme://authority" of the absolute form (RFC 9112 section 3.2.2). */
static const char *
skip_authority(const char *uri)
{
	const char *rest = uri;

	if (strncasecmp(uri, "http://", 7) == 0)
		rest = uri + 7;
	else if (strncasecmp(uri, "https://", 8) == 0)
		rest = uri + 8;
	else
		return uri;
	return rest + strcspn(rest, "/?");
}

const char *
request_target(const struct request *req)
{
	return skip_authority(param_or_empty(req, "REQUEST_URI"));
}

/*
 * REQUEST_URI is what the client sent; SCRIPT_NAME and PATH_INFO are what the
 * web server made of it, decoded and tidied, so they come second.
 */
static void
read_path(struct request *req)
{
	const char *uri = param_or_empty(req, "REQUEST_URI");
	const char *query = request_param(req, "QUERY_STRING");
	int len;

	if (uri[0] != '\0') {
		uri = skip_authority(uri);
		len = snprintf(req->path, sizeof(req->path), "%.*s",
		    (int)strcspn(uri, "?"), uri);
		if (query == NULL && strchr(uri, '?') != NULL)
			query = strchr(uri, '?') + 1;
	} else {
		len = snprintf(req->path, sizeof(req->path), "%s%s",
		    param_or_empty(req, "SCRIPT_NAME"),
		    param_or_empty(req, "PATH_INFO"));
	}
	if (len < 0 || (size_t)len >= sizeof(req->path))
		req->path[0] = '\0';
	req->query = query != NULL ? query : "";
}

/*
 * REMOTE_ADDR in its canonical spelling, an IPv4 peer of an IPv6 socket as
 * IPv4; "" for a peer that has no address (a unix socket).
 */
static void
read_address(struct request *req)
{
	const char *text = param_or_empty(req, "REMOTE_ADDR");
	struct in6_addr v6;
	struct in_addr v4;

	/* Of IPv4 it takes the canonical spelling only, so that is a copy. */
	if (inet_pton(AF_INET, text, &v4) == 1) {
		if (str_copy(req->address, sizeof(req->address), text) ==
		    ERR_OK)
			req->loopback = net_is_loopback(AF_INET, &v4);
		return;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return;
	if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
		req->loopback = net_is_loopback(AF_INET6, &v6);
		inet_ntop(AF_INET6, &v6, req->address, sizeof(req->address));
		return;
	}
	memcpy(&v4, &v6.s6_addr[12], sizeof(v4));
	req->loopback = net_is_loopback(AF_INET, &v4);
	inet_ntop(AF_INET, &v4, req->address, sizeof(req->address));
}

/* A body cut short on its way must not pass for the whole. */
static bool
length_differs(const struct request *req)
{
	const char *text = param_or_empty(req, "CONTENT_LENGTH");
	int64_t length;

	if (text[0] == '\0')
		return false;
	return str_to_int64(text, 0, INT64_MAX, &length) != ERR_OK ||
	    (uint64_t)length != req->body_len;
}

static bool
is_https(const struct request *req)
{
	const char *https = param_or_empty(req, "HTTPS");

	return strcasecmp(https, "on") == 0 || strcmp(https, "1") == 0 ||
	    strcasecmp(param_or_empty(req, "REQUEST_SCHEME"), "https") == 0;
}

void
request_init(
    struct request *req, char *const *params, const char *body, size_t body_len)
{
	*req = (struct request){
		.params = params,
		.body = body != NULL ? body : "",
		.body_len = body != NULL ? body_len : 0,
	};
	req->body_too_long = req->body_len > REQUEST_BODY_MAX;
	req->malformed = length_differs(req);
	req->content_type = param_or_empty(req, "CONTENT_TYPE");
	req->host = param_or_empty(req, "HTTP_HOST");
	req->user_agent = param_or_empty(req, "HTTP_USER_AGENT");
	req->https = is_https(req);
	/* libfcgi puts it first, so that no parameter of the name counts. */
	req->authorizer =
	    strcmp(param_or_empty(req, "FCGI_ROLE"), "AUTHORIZER") == 0;
	req->authorize_protocol =
	    request_param(req, "LATCHKEY_AUTHORIZE_PROTOCOL");
	if (req->authorize_protocol == NULL) /* its old name */
		req->authorize_protocol =
		    request_param(req, "LATCHKEY_DIALECT");
	read_method(req);
	read_path(req);
	read_address(req);
}

void
request_names_init(struct request_names *names)
{
	random_fill(names->key, sizeof(names->key));
	names->count = 0;
}

/* A count alone would tell everybody how many requests there are. */
void
request_name(struct request *req, struct request_names *names)
{
	uint64_t hash =
	    siphash_bytes(names->key, &names->count, sizeof(names->count));
	unsigned char id[sizeof(hash)];

	_Static_assert(2 * sizeof(id) + 1 == REQUEST_ID_SIZE, "it fits");
	memcpy(id, &hash, sizeof(id));
	str_hex(req->request_id, id, sizeof(id));
	names->count++;
}

void
request_clear(struct request *req)
{
	json_value_free(req->json);
	req->json = NULL;
}
