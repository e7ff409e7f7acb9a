/* SPDX-License-Identifier: ISC */
#include "routes/dispatch.h"

#include "base/log.h"
#include "base/text.h"
#include "routes/routes.h"
#include "routes/services.h"

bool
dispatch_is_slow(const struct request *req)
{
	struct response res = { 0 };
	const struct route *route;
	bool slow;

	slow = routes_find(req, &res, &route) == ERR_OK &&
	    (route->flags & ROUTE_SLOW) != 0;
	response_clear(&res);
	return slow;
}

/* Answer OPTIONS: what this path takes. */
static enum err
options(const struct request *req, struct response *res)
{
	res->allow = routes_methods(req->path);
	if (res->allow == 0)
		return ERR_NOT_FOUND;
	res->status = 204;
	return ERR_OK;
}

static enum err
run(struct services *sv, struct request *req, struct response *res,
    const struct route **route_out)
{
	enum err err;

	*route_out = NULL;
	if (req->malformed)
		return response_refuse(res, PROBLEM_MALFORMED_REQUEST,
		    "The body has another length than Content-Length says.");
	if (req->method == METHOD_OPTIONS)
		return options(req, res);
	err = routes_find(req, res, route_out);
	if (err != ERR_OK)
		return err;
	if (req->body_too_long)
		return response_refuse(res, PROBLEM_BODY_TOO_LARGE, NULL);
	res->status = (*route_out)->status;
	return (*route_out)->run(sv, req, res);
}

/*
 * Append the answer to ${answer}.  Without memory for the right one, a fixed
 * one: it is small, and whatever took the memory has been given back by now.
 */
static enum err
finish(struct response *res, const struct request *req, struct buf *answer)
{
	if (response_finish(res, req, answer) == ERR_OK)
		return ERR_OK;
	log_event(
	    LOG_LEVEL_ERROR, "answer_failed", "request_id=%s", req->request_id);
	buf_clear(answer);
	buf_puts(answer,
	    "Status: 500 Internal Server Error\r\n"
	    "Content-Type: application/problem+json\r\n"
	    "Cache-Control: no-store\r\n"
	    "\r\n"
	    "{\"type\":\"about:blank\",\"status\":500,\"code\":\"internal\"}");
	return answer->failed ? ERR_INTERNAL : ERR_OK;
}

enum err
dispatch_run(struct services *sv, struct request *req, struct buf *answer)
{
	struct response res = { 0 };
	const struct route *route;
	enum err err;

	if (sv->always_https)
		req->https = true;
	err = run(sv, req, &res, &route);
	if (err != ERR_OK && res.problem == PROBLEM_NONE)
		err = response_refuse(&res, problem_of(err), NULL);
	if (err == ERR_INTERNAL)
		log_event(LOG_LEVEL_ERROR, "internal", "request_id=%s route=%s",
		    req->request_id, route != NULL ? route->path : "-");
	/* The route, not the path: that may hold anything. */
	log_event(LOG_LEVEL_DEBUG, "request",
	    "request_id=%s route=%s answer=%s address=%s", req->request_id,
	    route != NULL ? route->path : "-",
	    res.problem != PROBLEM_NONE ? problem_info(res.problem)->code
					: "ok",
	    req->address[0] != '\0' ? req->address : "-");
	err = finish(&res, req, answer);
	response_clear(&res);
	return err;
}

/* An answer that no route made. */
enum err
dispatch_busy(struct request *req, struct buf *answer)
{
	struct response res = { 0 };
	enum err err;

	(void)response_refuse(&res, PROBLEM_BUSY, NULL);
	err = finish(&res, req, answer);
	response_clear(&res);
	return err;
}
