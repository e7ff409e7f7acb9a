/* SPDX-License-Identifier: ISC */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/siphash.h"
#include "http/params.h"
#include "model/session.h"

struct json_value;
struct response;

#define REQUEST_BODY_MAX ((size_t)64 * 1024)
#define REQUEST_ID_SIZE 17

enum request_method {
	METHOD_OTHER = 0,
	METHOD_GET = 1 << 0, /* a HEAD counts as GET with head set */
	METHOD_POST = 1 << 1,
	METHOD_PUT = 1 << 2,
	METHOD_PATCH = 1 << 3,
	METHOD_DELETE = 1 << 4,
	METHOD_OPTIONS = 1 << 5
};

/* One parsed request.  Strings are borrowed from the FastCGI parameters. */
struct request {
	const char *params[PARAMS]; /* values; NULL if not given */
	enum request_method method;
	bool head;
	char path[256];    /* without query, not decoded; "" if too long */
	const char *query; /* "" if none */
	const char *content_type;
	const char *body;
	size_t body_len;
	bool params_too_long; /* none of them was kept */
	bool body_too_long;
	bool malformed; /* CONTENT_LENGTH is not the length of the body */
	struct json_value *json; /* owned; made by request_json() */
	const char *host;
	const char *user_agent;
	const char
	    *authorize_protocol; /* LATCHKEY_AUTHORIZE_PROTOCOL or NULL */
	char address[SESSION_ADDRESS_SIZE]; /* of the peer; "" if it has none */
	bool https;
	bool loopback; /* the peer is on this machine */
	bool
	    authorizer; /* FastCGI role: decide about access, send no content */
	char request_id[REQUEST_ID_SIZE];
	int64_t received_at; /* seconds; never before the store's latest time */
};

/**
 * request_init(req, params, body, body_len):
 * Fill ${req} from ${params} (NAME=value each, NULL at the end; names of RFC
 * 3875) and the body, which both outlive it.  The caller sets request_id and
 * received_at afterwards.  Never fails: what is not given is "" or
 * METHOD_OTHER.
 */
void request_init(struct request *req, char *const *params, const char *body,
    size_t body_len);

/*
 * A source of request ids that look random and cost no system call.  Each
 * thread has its own, made after fork.  Nothing depends on their secrecy.
 */
struct request_ids {
	unsigned char key[SIPHASH_KEY_BYTES];
	uint64_t count;
};
void request_ids_init(struct request_ids *ids);
/* request_set_id(req, ids): give ${req} the next id. */
void request_set_id(struct request *req, struct request_ids *ids);

/* request_clear(req): wipe and free the parsed body. */
void request_clear(struct request *req);

/* request_param(req, param): its value, borrowed; NULL if it is not given. */
static inline const char *
request_param(const struct request *req, enum param param)
{
	return req->params[param];
}

/* request_is_json(req): true for application/json without another charset. */
bool request_is_json(const struct request *req);

/**
 * request_json(req, res, json_out):
 * Parse the body as a JSON object, borrowed from ${req}; an empty body without
 * a content type is {}.  Refuse on ${res} with body_too_large,
 * unsupported_media_type, malformed_json or not_an_object.
 */
enum err request_json(struct request *req, struct response *res,
    const struct json_value **json_out) MUST_CHECK;

/**
 * request_form(req, res):
 * Parse the body as a form (application/x-www-form-urlencoded, WHATWG URL
 * section 5); request_json() then returns its fields as strings.  Refuse on
 * ${res} with body_too_large, unsupported_media_type or malformed_form.
 */
enum err request_form(struct request *req, struct response *res) MUST_CHECK;

/* What request_string() accepts. */
struct request_field {
	const char *name;
	bool required;
	size_t max_bytes;
};

/* request_is_null(json, name): true if the field exists and is null. */
bool request_is_null(const struct json_value *json, const char *name);

struct request_text {
	struct request_field field;
	const char **text_out;
};

/**
 * request_texts(req, res, texts, n):
 * Apply request_json() and then request_string() to each of the ${n} ${texts},
 * up to the first refusal; the remaining texts are NULL.
 */
enum err request_texts(struct request *req, struct response *res,
    const struct request_text texts[], size_t n) MUST_CHECK;

/**
 * request_string(json, field, res, text_out):
 * Return the string field of ${json}, borrowed; NULL if it is missing or null
 * and not required.  Refuse on ${res} with missing_field or invalid_field.
 */
enum err request_string(const struct json_value *json,
    const struct request_field *field, struct response *res,
    const char **text_out) MUST_CHECK;

/**
 * request_query(req, name, size, value_out):
 * Copy the value of the query parameter ${name} to ${value_out}, percent-
 * decoded.  Return ERR_NOT_FOUND if it is not given; ERR_INVALID if it is given
 * twice, badly encoded, contains a NUL or does not fit ${size} bytes.
 */
enum err request_query(const struct request *req, const char *name, size_t size,
    char *value_out) MUST_CHECK;

/**
 * request_bearer(req, token_out):
 * Return the token of "Authorization: Bearer ..." (RFC 6750 section 2.1),
 * borrowed; NULL without the header or with another scheme; ERR_INVALID if the
 * header is malformed.
 */
enum err request_bearer(
    const struct request *req, const char **token_out) MUST_CHECK;

/**
 * request_same_origin(req):
 * Return true if a request that the browser authenticates by cookie may make a
 * change: Sec-Fetch-Site is same-origin or none or, without that header, Origin
 * names the host of the request.
 */
bool request_same_origin(const struct request *req);

/* request_cross_site(req): true if the browser reports another site's page. */
bool request_cross_site(const struct request *req);

/**
 * request_target(req):
 * Return path and query as the client sent them, borrowed; "" if not given. May
 * contain anything but NUL.
 */
const char *request_target(const struct request *req);

/**
 * request_navigates(req):
 * Return true if the browser shows the answer as a page: by Sec-Fetch-Mode or,
 * without that header, if Accept names HTML.
 */
bool request_navigates(const struct request *req);

#endif
