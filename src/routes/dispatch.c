/* SPDX-License-Identifier: ISC */
#include "routes/dispatch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "routes/context.h"
#include "routes/forms.h"
#include "routes/rate_limit.h"
#include "routes/routes.h"
#include "shm/counters.h"

static bool
is_slow(const struct route *route)
{
	return route != NULL && (route->flags & ROUTE_SLOW) != 0;
}

bool
dispatch_is_slow(const struct routes_match *match)
{
	return is_slow(match->route);
}

static int
final_status(const struct response *res)
{
	if (res->problem != PROBLEM_NONE)
		return problem_info(res->problem)->status;
	return res->status != 0 ? res->status : 200;
}

static void
count_time(const struct app *app, const struct route *route, int64_t start)
{
	counters_time(app->shm,
	    is_slow(route) ? COUNTERS_TIMER_SLOW : COUNTERS_TIMER_FAST,
	    app->clock->mono_us() - start);
}

/* No route: OPTIONS lists the methods of the path, any other is refused. */
static enum err
answer_without_route(const struct request *req,
    const struct routes_match *match, struct response *res)
{
	res->allow = match->methods;
	if (match->methods == 0)
		return ERR_NOT_FOUND;
	if (req->method != METHOD_OPTIONS)
		return response_refuse(res, PROBLEM_METHOD_NOT_ALLOWED, NULL);
	res->status = 204;
	return ERR_OK;
}

/* Everything before the handler; may already answer. */
static enum err
prepare(struct app *app, struct request *req, const struct routes_match *match,
    struct response *res, struct rate_limit_admission *ad)
{
	const struct route *route = match->route;
	bool authorizes =
	    route != NULL && (route->flags & ROUTE_AUTHORIZE) != 0;
	enum err err;

	*ad = (struct rate_limit_admission){ 0 };
	if (app->always_https)
		req->https = true;
	if (req->params_too_long)
		return response_refuse(res, PROBLEM_HEADERS_TOO_LARGE, NULL);
	if (req->malformed && !authorizes)
		return response_refuse(res, PROBLEM_MALFORMED_REQUEST,
		    "The length of the body differs from Content-Length.");
	if (route == NULL)
		return answer_without_route(req, match, res);
	ad->route = route;
	if (req->body_too_long && !authorizes)
		return response_refuse(res, PROBLEM_BODY_TOO_LARGE, NULL);
	if ((route->flags & ROUTE_FORM) == 0)
		return rate_limit_request(app, req, res, ad);
	err = forms_read(req, res);
	if (err == ERR_OK)
		err = rate_limit_request(app, req, res, ad);
	if (err != ERR_OK) {
		err = forms_answer(app, req, res, err);
		ad->answered = err == ERR_OK;
	}
	return err;
}

static enum err
run_handler(struct app *app, struct request *req, struct response *res,
    struct rate_limit_admission *ad)
{
	enum err err;

	res->status = ad->route->status;
	err = ad->route->run(app, req, res);
	if ((ad->route->flags & ROUTE_FORM) != 0)
		err = forms_answer(app, req, res, err);
	rate_limit_request_done(app, ad, err != ERR_OK ? err : res->outcome);
	return err;
}

/*
 * Append the response to ${answer}.  If memory for it runs out, append a fixed
 * one: it is small, and the handler has released its memory by now.
 */
static enum err
append_answer(
    struct response *res, const struct request *req, struct buf *answer)
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

/* ${route} (NULL: none) ended with ${err}: log, count and append the answer. */
static enum err
finish(struct app *app, const struct request *req, struct response *res,
    const struct route *route, enum err err, struct buf *answer)
{
	/* Never the path of the request: it may hold anything. */
	const char *path = route != NULL ? route->path : "-";

	if (err != ERR_OK && res->problem == PROBLEM_NONE)
		err = response_refuse(res, problem_of(err), NULL);
	if (err == ERR_INTERNAL)
		log_event(LOG_LEVEL_ERROR, "internal", "request_id=%s route=%s",
		    req->request_id, path);
	log_event(LOG_LEVEL_DEBUG, "request",
	    "request_id=%s route=%s answer=%s address=%s", req->request_id,
	    path,
	    res->problem != PROBLEM_NONE ? problem_info(res->problem)->code
		: res->status == 302     ? "redirect"
					 : "ok",
	    req->address[0] != '\0' ? req->address : "-");
	counters_request(app->shm,
	    route != NULL ? (size_t)(route - routes) : COUNTERS_NO_ROUTE,
	    final_status(res));
	err = append_answer(res, req, answer);
	response_clear(res);
	return err;
}

/* Almost every answer fits, and then costs no allocation. */
struct inline_buffer {
	char headers[512];
	char body[2048];
};

static void
use_inline(struct response *res, struct inline_buffer *inline_buffer)
{
	buf_use_inline(&res->headers, inline_buffer->headers,
	    sizeof(inline_buffer->headers));
	buf_use_inline(
	    &res->body, inline_buffer->body, sizeof(inline_buffer->body));
}

enum err
dispatch_run(struct app *app, struct request *req,
    const struct routes_match *match, struct buf *answer)
{
	int64_t start = app->clock->mono_us();
	struct response res = { 0 };
	struct rate_limit_admission ad;
	struct inline_buffer inline_buffer;
	enum err err;

	use_inline(&res, &inline_buffer);
	err = prepare(app, req, match, &res, &ad);
	if (err == ERR_OK && ad.route != NULL && !ad.answered)
		err = run_handler(app, req, &res, &ad);
	err = finish(app, req, &res, ad.route, err, answer);
	count_time(app, ad.route, start);
	return err;
}

enum err
dispatch_admit(struct app *app, struct request *req,
    const struct routes_match *match, struct rate_limit_admission *ad_out,
    struct buf *answer)
{
	struct response res = { 0 };
	struct inline_buffer inline_buffer;
	enum err err;

	use_inline(&res, &inline_buffer);
	err = prepare(app, req, match, &res, ad_out);
	if (err == ERR_OK && ad_out->route != NULL && !ad_out->answered)
		return ERR_OK;
	err = finish(app, req, &res, ad_out->route, err, answer);
	return err == ERR_OK ? ERR_DENIED : err;
}

enum err
dispatch_admitted(struct app *app, struct request *req,
    struct rate_limit_admission *ad, struct buf *answer)
{
	int64_t start = app->clock->mono_us();
	struct response res = { 0 };
	struct inline_buffer inline_buffer;
	enum err err;

	use_inline(&res, &inline_buffer);
	err = run_handler(app, req, &res, ad);
	err = finish(app, req, &res, ad->route, err, answer);
	count_time(app, ad->route, start);
	return err;
}

enum err
dispatch_busy(struct app *app, struct request *req,
    struct rate_limit_admission *ad, struct buf *answer)
{
	struct response res = { 0 };

	rate_limit_request_done(app, ad, ERR_BUSY);
	return finish(app, req, &res, ad->route, ERR_BUSY, answer);
}
