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

/* An answer in the making; zero-initialised before first use. */
struct response {
	int status; /* set by dispatch and response_redirect(); 0 means 200 */
	const char *content_type;
	int64_t max_age;    /* seconds that caches may keep it; 0: not at all */
	struct buf headers; /* "Name: value\r\n" each */
	struct buf body;
	enum problem problem;
	struct buf detail;
	const char *field; /* member of the request that is refused, or NULL */
	unsigned
	    allow; /* request methods to name in Allow; 0: no such header */
	int retry_after;  /* seconds, for a refusal that tells so; 0: 1 */
	enum err outcome; /* that a redirect hides */
	bool bare;        /* no other headers, and no body */
};

/**
 * response_begin(res, w), response_end(res, w):
 * Begin the body, a JSON object, which ${w} then writes the members of; and
 * end it.  ERR_INTERNAL if not all of it could be written.
 */
void response_begin(struct response *res, struct json_writer *w);
enum err response_end(struct response *res, struct json_writer *w) MUST_CHECK;

/**
 * response_header(res, name, value):
 * Add a header; both are ours, never the client's text.
 */
void response_header(struct response *res, const char *name, const char *value);

/**
 * response_refuse(res, problem, fmt, ...):
 * Answer with ${problem} and this human detail (NULL: the title says it all),
 * in place of all that was to be answered before, headers too.
 * Return the problem's err, for "return response_refuse(...)".
 */
enum err response_refuse(struct response *res, enum problem problem,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * response_refuse_field(res, problem, field, fmt, ...):
 * The same, and the member "field" of the problem names the member of the
 * request that it is about.
 */
enum err response_refuse_field(struct response *res, enum problem problem,
    const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/**
 * response_redirect(res, location):
 * Answer 302 to ${location}, which is ours, in place of all that was to be
 * answered before, a refusal too.
 */
void response_redirect(struct response *res, const char *location);

/**
 * response_see_other(res, location):
 * Answer 303 to ${location}, which is ours, in place of the body or the
 * refusal; headers that were set stay.
 */
void response_see_other(struct response *res, const char *location);

/**
 * response_finish(res, req, out):
 * Append the whole CGI answer (RFC 3875 section 6.3) to ${out}: Status, type,
 * length, Cache-Control: no-store or max_age, X-Content-Type-Options: nosniff,
 * X-Request-Id, the headers that a problem calls for (WWW-Authenticate, Allow,
 * Retry-After), and the body unless ${req}->head.  A bare one that is no
 * refusal has its status and its own headers only.
 */
enum err response_finish(struct response *res, const struct request *req,
    struct buf *out) MUST_CHECK;
void response_clear(struct response *res);

#endif
