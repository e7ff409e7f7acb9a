/* SPDX-License-Identifier: ISC */
#include "routes/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "host/stats.h"
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

/* What the answer's status line says (http/response). */
static int
status_of(const struct response *res)
{
	if (res->problem != PROBLEM_NONE)
		return problem_info(res->problem)->status;
	return res->status != 0 ? res->status : 200;
}

/* ${route} is NULL where there is none. */
static void
count(const struct services *sv, const struct route *route, int status)
{
	stats_request(sv->mapped,
	    route != NULL ? (size_t)(route - routes) : STATS_NO_ROUTE, status);
}

static void
count_time(const struct services *sv, const struct route *route, int64_t start)
{
	bool slow = route != NULL && (route->flags & ROUTE_SLOW) != 0;

	stats_time(sv->mapped, slow ? STATS_TIMER_SLOW : STATS_TIMER_FAST,
	    sv->clock->mono_us() - start);
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
	bool decides = routes_decides(req);
	enum err err;

	*route_out = NULL;
	if (req->malformed && !decides)
		return response_refuse(res, PROBLEM_MALFORMED_REQUEST,
		    "The body has another length than Content-Length says.");
	if (req->method == METHOD_OPTIONS && !decides)
		return options(req, res);
	err = routes_find(req, res, route_out);
	if (err != ERR_OK)
		return err;
	if (req->body_too_long && !decides)
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

/* What nearly every answer fits into, so that it costs no allocation. */
#define HEADERS_ROOM 512
#define BODY_ROOM 2048

enum err
dispatch_run(struct services *sv, struct request *req, struct buf *answer)
{
	int64_t start = sv->clock->mono_us();
	char headers[HEADERS_ROOM], body[BODY_ROOM];
	struct response res = { 0 };
	const struct route *route;
	int status;
	enum err err;

	buf_lend(&res.headers, headers, sizeof(headers));
	buf_lend(&res.body, body, sizeof(body));
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
		: res.status == 302     ? "redirect"
					: "ok",
	    req->address[0] != '\0' ? req->address : "-");
	status = status_of(&res);
	err = finish(&res, req, answer);
	count(sv, route, status);
	count_time(sv, route, start);
	response_clear(&res);
	return err;
}

/* An answer that no route made. */
enum err
dispatch_busy(struct services *sv, struct request *req, struct buf *answer)
{
	struct response res = { 0 };
	const struct route *route;
	enum err err;

	if (routes_find(req, &res, &route) != ERR_OK)
		route = NULL;
	(void)response_refuse(&res, PROBLEM_BUSY, NULL);
	err = finish(&res, req, answer);
	count(sv, route, status_of(&res));
	response_clear(&res);
	return err;
}
