/* SPDX-License-Identifier: ISC */
#include "http/response.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

	/* Details are short sentences of ours; a cut one is still correct. */
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

static void
put_status(struct buf *out, int status)
{
	static const struct {
		int status;
		const char *line;
	} lines[] = {
		{ 200, "Status: 200 OK\r\n" },
		{ 201, "Status: 201 Created\r\n" },
		{ 202, "Status: 202 Accepted\r\n" },
		{ 204, "Status: 204 No Content\r\n" },
		{ 302, "Status: 302 Found\r\n" },
		{ 303, "Status: 303 See Other\r\n" },
		{ 400, "Status: 400 Bad Request\r\n" },
		{ 401, "Status: 401 Unauthorized\r\n" },
		{ 403, "Status: 403 Forbidden\r\n" },
		{ 404, "Status: 404 Not Found\r\n" },
		{ 405, "Status: 405 Method Not Allowed\r\n" },
		{ 409, "Status: 409 Conflict\r\n" },
		{ 413, "Status: 413 Content Too Large\r\n" },
		{ 415, "Status: 415 Unsupported Media Type\r\n" },
		{ 422, "Status: 422 Unprocessable Content\r\n" },
		{ 429, "Status: 429 Too Many Requests\r\n" },
		{ 431, "Status: 431 Request Header Fields Too Large\r\n" },
		{ 500, "Status: 500 Internal Server Error\r\n" },
		{ 503, "Status: 503 Service Unavailable\r\n" },
	};

	for (size_t i = 0; i < NELEMS(lines); i++) {
		if (lines[i].status == status) {
			buf_puts(out, lines[i].line);
			return;
		}
	}
	buf_printf(out, "Status: %d Other\r\n", status);
}

/* Write the body of a refusal (RFC 9457). */
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

/* Add the headers that the status of the refusal requires. */
static void
problem_headers(struct response *res)
{
	switch (problem_info(res->problem)->status) {
	case 401:
		/* RFC 6750 section 3.1: no error without credentials. */
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
put_header(struct buf *out, const char *start, int64_t number)
{
	char digits[STR_INT_SIZE + 2];
	size_t len = str_int(digits, number);

	digits[len++] = '\r';
	digits[len++] = '\n';
	buf_puts(out, start);
	buf_append(out, digits, len);
}

static void
common_headers(const struct response *res, const struct request *req,
    int status, struct buf *out)
{
	/* RFC 9110 section 8.6: a 204 has no Content-Length, not even 0. */
	if (status != 204) {
		if (res->body.len > 0) {
			buf_puts(out, "Content-Type: ");
			buf_puts(out, res->content_type);
			buf_puts(out, "\r\n");
		}
		put_header(out, "Content-Length: ", (int64_t)res->body.len);
	}
	if (res->max_age > 0 && res->problem == PROBLEM_NONE)
		put_header(
		    out, "Cache-Control: public, max-age=", res->max_age);
	else
		buf_puts(out, "Cache-Control: no-store\r\n");
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

	put_status(out, status);
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
