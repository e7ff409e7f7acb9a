/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "base/secret.h"
#include "http/request.h"
#include "http/response.h"
#include "routes/authorize_protocol.h"

#define PARAMS_MAX 64

/* Call every function that reads a request, and check its promises. */
static void
read_all(struct request *req)
{
	static const struct request_field field = { "email", true, 20 };
	const struct json_value *json;
	struct response res = { 0 };
	struct buf out = { 0 };
	const char *text;
	char value[32];

	if (strlen(req->path) >= sizeof(req->path) || req->query == NULL)
		abort();
	if (req->loopback && req->address[0] == '\0')
		abort();
	if (request_bearer(req, &text) == ERR_OK && text != NULL &&
	    (text[0] == '\0' || strpbrk(text, " \t,;\"\r\n") != NULL))
		abort();
	if (request_query(req, "ids", sizeof(value), value) != ERR_OK &&
	    value[0] != '\0')
		abort();
	if (request_cross_site(req) && request_same_origin(req))
		abort();
	if (request_json(req, &res, &json) == ERR_OK) {
		if (!json_value_is_object(json) ||
		    (request_string(json, &field, &res, &text) == ERR_OK &&
			strlen(text) > field.max_bytes))
			abort();
	} else if (res.problem == PROBLEM_NONE) {
		abort();
	}
	if (response_finish(&res, req, &out) != ERR_OK)
		abort();
	buf_clear(&out);
	response_clear(&res);
}

/* For any request the redirect to the login page is a single header. */
static void
refuse(const struct request *req)
{
	struct response res = { 0 };
	struct guarded g;
	const char *end;
	enum err err;

	if (authorize_protocol_asks(req) &&
	    (request_param(req, PARAM_FCGI_ROLE) == NULL ||
		strcmp(request_param(req, PARAM_FCGI_ROLE), "AUTHORIZER") !=
		    0) &&
	    request_param(req, PARAM_LATCHKEY_AUTHORIZE_PROTOCOL) == NULL &&
	    request_param(req, PARAM_LATCHKEY_DIALECT) == NULL)
		abort();
	if (authorize_protocol_read(req, &g) != ERR_OK)
		return;
	err = response_refuse(&res, PROBLEM_NOT_SIGNED_IN, NULL);
	err = authorize_protocol_refuse(&g, "/in", &res, err);
	if ((err == ERR_OK) != (res.problem == PROBLEM_NONE))
		abort();
	if (res.headers.len > 0) {
		end = strpbrk(res.headers.data, "\r\n");
		if (!g.page || end == NULL || strcmp(end, "\r\n") != 0)
			abort();
		if (strstr(res.headers.data, ": /in") == NULL)
			abort();
	}
	response_clear(&res);
}

/* Lines up to an empty line are parameters; the rest is the body. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *params[PARAMS_MAX + 1] = { NULL };
	char *text = malloc(size + 1), *line = text, *body = text + size;
	struct request req;
	size_t n = 0;

	if (text == NULL || secret_init() != ERR_OK)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	while (n < PARAMS_MAX) {
		char *end = memchr(line, '\n', (size_t)(text + size - line));

		if (end == NULL)
			break;
		*end = '\0';
		if (end == line) {
			body = end + 1;
			break;
		}
		params[n++] = line;
		line = end + 1;
	}
	request_init(&req, params, body, (size_t)(text + size - body));
	read_all(&req);
	refuse(&req);
	request_clear(&req);
	free(text);
	return 0;
}
