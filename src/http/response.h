/* SPDX-License-Identifier: ISC */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/problem.h"

struct request;
struct json_writer;

/* An answer being built; zero-initialised before first use. */
struct response {
	int status; /* set by dispatch and response_redirect(); 0 means 200 */
	const char *content_type;
	int64_t max_age;    /* seconds that caches may keep it; 0: no-store */
	struct buf headers; /* "Name: value\r\n" each */
	struct buf body;
	enum problem problem;
	struct buf detail;
	const char *field; /* the field that is refused, or NULL */
	unsigned
	    allow; /* request methods to name in Allow; 0: no such header */
	int retry_after;  /* seconds, for 429 and 503; 0: 1 */
	enum err outcome; /* the error that a redirect hides */
	bool bare;        /* only status and headers, without common ones */
};

/**
 * response_begin(res, w), response_end(res, w):
 * Begin and end the body, a JSON object whose members ${w} writes between.
 * Return ERR_INTERNAL if the body is not complete.
 */
void response_begin(struct response *res, struct json_writer *w);
enum err response_end(struct response *res, struct json_writer *w) MUST_CHECK;

/**
 * response_header(res, name, value):
 * Add a header.  Both texts are the product's, never the client's.
 */
void response_header(struct response *res, const char *name, const char *value);

/**
 * response_refuse(res, problem, fmt, ...):
 * Answer with ${problem} and this detail for people (NULL: the title), instead
 * of anything set before, headers included.  Return the err of the problem, for
 * "return response_refuse(...)".
 */
enum err response_refuse(struct response *res, enum problem problem,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * response_refuse_field(res, problem, field, fmt, ...):
 * Do the same, and name the refused field of the request.
 */
enum err response_refuse_field(struct response *res, enum problem problem,
    const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/**
 * response_redirect(res, location):
 * Answer 302 to ${location}, instead of anything set before, a refusal
 * included.
 * ${location} is the product's, as in response_header().
 */
void response_redirect(struct response *res, const char *location);

/**
 * response_see_other(res, location):
 * Answer 303 to ${location} instead of the body or refusal; keep the headers.
 */
void response_see_other(struct response *res, const char *location);

/**
 * response_finish(res, req, out):
 * Append the CGI answer (RFC 3875 section 6.3) to ${out}: status, common
 * headers (type, length, Cache-Control, X-Content-Type-Options, X-Request-Id),
 * headers that a problem requires (WWW-Authenticate, Allow, Retry-After), and
 * the body unless ${req}->head.  Return ERR_INTERNAL if it is not complete.
 */
enum err response_finish(struct response *res, const struct request *req,
    struct buf *out) MUST_CHECK;
void response_clear(struct response *res);

#endif
