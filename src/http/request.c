/* SPDX-License-Identifier: ISC */
#include "http/request.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/json_value.h"
#include "base/net.h"
#include "base/random.h"
#include "base/siphash.h"
#include "base/str.h"

static const char *
param_or_empty(const struct request *req, enum param param)
{
	const char *value = request_param(req, param);

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
	const char *name = param_or_empty(req, PARAM_REQUEST_METHOD);

	req->method = METHOD_OTHER;
	for (size_t i = 0; i < NELEMS(methods); i++) {
		if (strcmp(name, methods[i].name) == 0) {
			req->method = methods[i].method;
			break;
		}
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
	return skip_authority(param_or_empty(req, PARAM_REQUEST_URI));
}

/* Append ${len} bytes to the path; a path that does not fit becomes "". */
static void
add_to_path(struct request *req, size_t *at, const char *text, size_t len)
{
	if (len >= sizeof(req->path) - *at) {
		req->path[0] = '\0';
		*at = sizeof(req->path);
		return;
	}
	memcpy(req->path + *at, text, len);
	*at += len;
	req->path[*at] = '\0';
}

/*
 * Prefer REQUEST_URI, which the client sent, to SCRIPT_NAME and PATH_INFO,
 * which the web server has decoded and normalised.
 */
static void
read_path(struct request *req)
{
	const char *uri = request_target(req);
	const char *query = request_param(req, PARAM_QUERY_STRING);
	const char *script = param_or_empty(req, PARAM_SCRIPT_NAME);
	const char *info = param_or_empty(req, PARAM_PATH_INFO);
	size_t len = strcspn(uri, "?");
	size_t at = 0;

	if (param_or_empty(req, PARAM_REQUEST_URI)[0] != '\0') {
		add_to_path(req, &at, uri, len);
		if (query == NULL && uri[len] == '?')
			query = uri + len + 1;
	} else {
		add_to_path(req, &at, script, strlen(script));
		add_to_path(req, &at, info, strlen(info));
	}
	req->query = query != NULL ? query : "";
}

/*
 * Store REMOTE_ADDR in its canonical form, an IPv4-mapped address as IPv4.  The
 * address stays "" for a peer on a unix socket.
 */
static void
read_address(struct request *req)
{
	const char *text = param_or_empty(req, PARAM_REMOTE_ADDR);
	struct in6_addr v6;
	struct in_addr v4;

	/* inet_pton() accepts IPv4 in its canonical form only. */
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

/* Is CONTENT_LENGTH other than the body's, as when the body was cut short? */
static bool
length_differs(const struct request *req)
{
	const char *text = param_or_empty(req, PARAM_CONTENT_LENGTH);
	int64_t length;

	if (text[0] == '\0')
		return false;
	return str_to_int64(text, 0, INT64_MAX, &length) != ERR_OK ||
	    (uint64_t)length != req->body_len;
}

static bool
is_https(const struct request *req)
{
	const char *https = param_or_empty(req, PARAM_HTTPS);

	return strcasecmp(https, "on") == 0 || strcmp(https, "1") == 0 ||
	    strcasecmp(param_or_empty(req, PARAM_REQUEST_SCHEME), "https") == 0;
}

/*
 * Of two parameters of one name the first counts: libfcgi puts its own
 * FCGI_ROLE before those of the web server.
 */
static void
read_params(struct request *req, char *const *params)
{
	for (; params != NULL && *params != NULL; params++) {
		const char *equals = strchr(*params, '=');
		enum param param = PARAMS;

		if (equals != NULL)
			param =
			    params_find(*params, (size_t)(equals - *params));
		if (param != PARAMS && req->params[param] == NULL)
			req->params[param] = equals + 1;
	}
}

void
request_init(
    struct request *req, char *const *params, const char *body, size_t body_len)
{
	*req = (struct request){
		.body = body != NULL ? body : "",
		.body_len = body != NULL ? body_len : 0,
	};
	read_params(req, params);
	req->body_too_long = req->body_len > REQUEST_BODY_MAX;
	req->malformed = length_differs(req);
	req->content_type = param_or_empty(req, PARAM_CONTENT_TYPE);
	req->host = param_or_empty(req, PARAM_HTTP_HOST);
	req->user_agent = param_or_empty(req, PARAM_HTTP_USER_AGENT);
	req->https = is_https(req);
	req->authorizer =
	    strcmp(param_or_empty(req, PARAM_FCGI_ROLE), "AUTHORIZER") == 0;
	req->authorize_protocol =
	    request_param(req, PARAM_LATCHKEY_AUTHORIZE_PROTOCOL);
	if (req->authorize_protocol == NULL)
		req->authorize_protocol =
		    request_param(req, PARAM_LATCHKEY_DIALECT);
	read_method(req);
	read_path(req);
	read_address(req);
}

void
request_ids_init(struct request_ids *ids)
{
	random_fill(ids->key, sizeof(ids->key));
	ids->count = 0;
}

/* Hashed, since a plain counter would reveal the number of requests. */
void
request_set_id(struct request *req, struct request_ids *ids)
{
	uint64_t hash =
	    siphash_bytes(ids->key, &ids->count, sizeof(ids->count));
	unsigned char id[sizeof(hash)];

	_Static_assert(2 * sizeof(id) + 1 == REQUEST_ID_SIZE, "it fits");
	memcpy(id, &hash, sizeof(id));
	str_hex(req->request_id, id, sizeof(id));
	ids->count++;
}

void
request_clear(struct request *req)
{
	json_value_free(req->json);
	req->json = NULL;
}
