/* SPDX-License-Identifier: ISC */
#include "http/response.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "http/request.h"

#define CHALLENGE "Bearer realm=\"latchkey\""

void
response_begin(struct response *res, struct json_writer *w)
{
	buf_reset(&res->body);
	res->content_type = "application/json";
	json_write_begin(w, &res->body);
	json_write_object(w, NULL);
}

enum err
response_end(struct response *res, struct json_writer *w)
{
	assert(w->out == &res->body);
	json_write_close(w);
	return json_write_end(w);
}

void
response_header(struct response *res, const char *name, const char *value)
{
	buf_puts(&res->headers, name);
	buf_puts(&res->headers, ": ");
	buf_puts(&res->headers, value);
	buf_puts(&res->headers, "\r\n");
}

static enum err __attribute__((format(printf, 4, 0)))
refuse(struct response *res, enum problem problem, const char *field,
    const char *fmt, va_list ap)
{
	char detail[256] = "";

	/* Details are short sentences of ours; a cut one is still true. */
	if (fmt != NULL)
		vsnprintf(detail, sizeof(detail), fmt, ap);
	buf_clear(&res->headers);
	buf_clear(&res->body);
	buf_reset(&res->detail);
	buf_puts(&res->detail, detail);
	res->problem = problem;
	res->field = field;
	return problem_info(problem)->err;
}

enum err
response_refuse(
    struct response *res, enum problem problem, const char *fmt, ...)
{
	va_list ap;
	enum err err;

	va_start(ap, fmt);
	err = refuse(res, problem, NULL, fmt, ap);
	va_end(ap);
	return err;
}

enum err
response_refuse_field(struct response *res, enum problem problem,
    const char *field, const char *fmt, ...)
{
	va_list ap;
	enum err err;

	va_start(ap, fmt);
	err = refuse(res, problem, field, fmt, ap);
	va_end(ap);
	return err;
}

void
response_redirect(struct response *res, const char *location)
{
	buf_clear(&res->headers);
	buf_clear(&res->body);
	res->problem = PROBLEM_NONE;
	res->status = 302;
	response_header(res, "Location", location);
}

void
response_see_other(struct response *res, const char *location)
{
	buf_clear(&res->body);
	res->content_type = NULL;
	res->problem = PROBLEM_NONE;
	res->status = 303;
	response_header(res, "Location", location);
}

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < NELEMS(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Other";
}

/* The body of a refusal (RFC 9457). */
static enum err
problem_body(struct response *res, const struct request *req)
{
	const struct problem_info *info = problem_info(res->problem);
	struct json_writer w;

	response_begin(res, &w);
	res->content_type = "application/problem+json";
	json_write_string(&w, "type", "about:blank");
	json_write_string(&w, "title", info->title);
	json_write_int(&w, "status", info->status);
	json_write_string(&w, "code", info->code);
	json_write_string(
	    &w, "detail", res->detail.len > 0 ? res->detail.data : info->title);
	if (res->field != NULL)
		json_write_string(&w, "field", res->field);
	json_write_string(&w, "request_id", req->request_id);
	return response_end(res, &w);
}

/* The headers that a refusal of this kind calls for. */
static void
problem_headers(struct response *res)
{
	switch (problem_info(res->problem)->status) {
	case 401:
		/* RFC 6750 section 3.1: no error where nothing was given. */
		if (res->problem == PROBLEM_INVALID_TOKEN ||
		    res->problem == PROBLEM_INVALID_SESSION)
			response_header(res, "WWW-Authenticate",
			    CHALLENGE ", error=\"invalid_token\"");
		else
			response_header(res, "WWW-Authenticate", CHALLENGE);
		break;
	case 429:
	case 503:
		buf_printf(&res->headers, "Retry-After: %d\r\n",
		    res->retry_after > 0 ? res->retry_after : 1);
		break;
	default: break;
	}
}

static void
allow_header(struct response *res)
{
	static const struct {
		unsigned method;
		const char *names;
	} methods[] = {
		{ METHOD_GET, "GET, HEAD, " },
		{ METHOD_POST, "POST, " },
		{ METHOD_PUT, "PUT, " },
		{ METHOD_PATCH, "PATCH, " },
		{ METHOD_DELETE, "DELETE, " },
	};

	buf_puts(&res->headers, "Allow: ");
	for (size_t i = 0; i < NELEMS(methods); i++) {
		if ((res->allow & methods[i].method) != 0)
			buf_puts(&res->headers, methods[i].names);
	}
	buf_puts(&res->headers, "OPTIONS\r\n");
}

static void
put_number(struct buf *out, int64_t number)
{
	char digits[STR_INT_SIZE];

	buf_append(out, digits, str_int(digits, number));
}

static void
common_headers(const struct response *res, const struct request *req,
    int status, struct buf *out)
{
	/* RFC 9110 section 8.6: a 204 has no length, not even 0. */
	if (status != 204) {
		if (res->body.len > 0) {
			buf_puts(out, "Content-Type: ");
			buf_puts(out, res->content_type);
			buf_puts(out, "\r\n");
		}
		buf_puts(out, "Content-Length: ");
		put_number(out, (int64_t)res->body.len);
		buf_puts(out, "\r\n");
	}
	if (res->max_age > 0 && res->problem == PROBLEM_NONE) {
		buf_puts(out, "Cache-Control: public, max-age=");
		put_number(out, res->max_age);
		buf_puts(out, "\r\n");
	} else {
		buf_puts(out, "Cache-Control: no-store\r\n");
	}
	buf_puts(out,
	    "X-Content-Type-Options: nosniff\r\n"
	    "X-Request-Id: ");
	buf_puts(out, req->request_id);
	buf_puts(out, "\r\n");
}

enum err
response_finish(
    struct response *res, const struct request *req, struct buf *out)
{
	int status = res->status != 0 ? res->status : 200;

	if (res->problem != PROBLEM_NONE) {
		status = problem_info(res->problem)->status;
		if (problem_body(res, req) != ERR_OK)
			return ERR_INTERNAL;
		problem_headers(res);
	}
	if (res->allow != 0)
		allow_header(res);
	if (res->headers.failed || res->body.failed)
		return ERR_INTERNAL;

	buf_puts(out, "Status: ");
	put_number(out, status);
	buf_puts(out, " ");
	buf_puts(out, reason(status));
	buf_puts(out, "\r\n");
	if (!res->bare || res->problem != PROBLEM_NONE)
		common_headers(res, req, status, out);
	buf_append(out, res->headers.data, res->headers.len);
	buf_puts(out, "\r\n");
	if (!req->head && status != 204)
		buf_append(out, res->body.data, res->body.len);
	return out->failed ? ERR_INTERNAL : ERR_OK;
}

void
response_clear(struct response *res)
{
	buf_clear(&res->headers);
	buf_clear(&res->body);
	buf_clear(&res->detail);
	*res = (struct response){ 0 };
}
