/* SPDX-License-Identifier: ISC */
#include "routes/dispatch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "routes/context.h"
#include "routes/rate_limit.h"
#include "routes/routes.h"
#include "shm/counters.h"

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
count(const struct app *app, const struct route *route, int status)
{
	counters_request(app->shm,
	    route != NULL ? (size_t)(route - routes) : COUNTERS_NO_ROUTE,
	    status);
}

static void
count_time(const struct app *app, const struct route *route, int64_t start)
{
	bool slow = route != NULL && (route->flags & ROUTE_SLOW) != 0;

	counters_time(app->shm,
	    slow ? COUNTERS_TIMER_SLOW : COUNTERS_TIMER_FAST,
	    app->clock->mono_us() - start);
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

/* All that comes before the handler, which may be an answer already. */
static enum err
prepare(struct app *app, struct request *req, struct response *res,
    struct rate_limit_admission *ad)
{
	bool decides = routes_authorizes(req);
	enum err err;

	*ad = (struct rate_limit_admission){ 0 };
	if (app->always_https)
		req->https = true;
	if (req->malformed && !decides)
		return response_refuse(res, PROBLEM_MALFORMED_REQUEST,
		    "The body has another length than Content-Length says.");
	if (req->method == METHOD_OPTIONS && !decides) {
		ad->answered = true;
		return options(req, res);
	}
	err = routes_find(req, res, &ad->route);
	if (err != ERR_OK)
		return err;
	if (req->body_too_long && !decides)
		return response_refuse(res, PROBLEM_BODY_TOO_LARGE, NULL);
	return rate_limit_request(app, req, res, ad);
}

static enum err
handle(struct app *app, struct request *req, struct response *res,
    struct rate_limit_admission *ad)
{
	enum err err;

	res->status = ad->route->status;
	err = ad->route->run(app, req, res);
	rate_limit_request_done(app, ad, err != ERR_OK ? err : res->outcome);
	return err;
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

/* The whole answer of ${route}, NULL if it is none, which ended with ${err}. */
static enum err
conclude(struct app *app, const struct request *req, struct response *res,
    const struct route *route, enum err err, struct buf *answer)
{
	if (err != ERR_OK && res->problem == PROBLEM_NONE)
		err = response_refuse(res, problem_of(err), NULL);
	if (err == ERR_INTERNAL)
		log_event(LOG_LEVEL_ERROR, "internal", "request_id=%s route=%s",
		    req->request_id, route != NULL ? route->path : "-");
	/* The route, not the path: that may hold anything. */
	log_event(LOG_LEVEL_DEBUG, "request",
	    "request_id=%s route=%s answer=%s address=%s", req->request_id,
	    route != NULL ? route->path : "-",
	    res->problem != PROBLEM_NONE ? problem_info(res->problem)->code
		: res->status == 302     ? "redirect"
					 : "ok",
	    req->address[0] != '\0' ? req->address : "-");
	count(app, route, status_of(res));
	err = finish(res, req, answer);
	response_clear(res);
	return err;
}

/* What nearly every answer fits into, so that it costs no allocation. */
struct room {
	char headers[512];
	char body[2048];
};

static void
lend(struct response *res, struct room *room)
{
	buf_use_inline(&res->headers, room->headers, sizeof(room->headers));
	buf_use_inline(&res->body, room->body, sizeof(room->body));
}

enum err
dispatch_run(struct app *app, struct request *req, struct buf *answer)
{
	int64_t start = app->clock->mono_us();
	struct response res = { 0 };
	struct rate_limit_admission ad;
	struct room room;
	enum err err;

	lend(&res, &room);
	err = prepare(app, req, &res, &ad);
	if (err == ERR_OK && ad.route != NULL && !ad.answered)
		err = handle(app, req, &res, &ad);
	err = conclude(app, req, &res, ad.route, err, answer);
	count_time(app, ad.route, start);
	return err;
}

enum err
dispatch_admit(struct app *app, struct request *req,
    struct rate_limit_admission *ad_out, struct buf *answer)
{
	struct response res = { 0 };
	struct room room;
	enum err err;

	lend(&res, &room);
	err = prepare(app, req, &res, ad_out);
	if (err == ERR_OK && ad_out->route != NULL && !ad_out->answered)
		return ERR_OK; /* nothing of the answer has been made */
	err = conclude(app, req, &res, ad_out->route, err, answer);
	return err == ERR_OK ? ERR_DENIED : err;
}

enum err
dispatch_admitted(struct app *app, struct request *req,
    struct rate_limit_admission *ad, struct buf *answer)
{
	int64_t start = app->clock->mono_us();
	struct response res = { 0 };
	struct room room;
	enum err err;

	lend(&res, &room);
	err = handle(app, req, &res, ad);
	err = conclude(app, req, &res, ad->route, err, answer);
	count_time(app, ad->route, start);
	return err;
}

enum err
dispatch_busy(struct app *app, struct request *req,
    struct rate_limit_admission *ad, struct buf *answer)
{
	struct response res = { 0 };

	rate_limit_request_done(app, ad, ERR_BUSY);
	return conclude(app, req, &res, ad->route, ERR_BUSY, answer);
}
