/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_RATE_LIMIT_H
#define ROUTES_RATE_LIMIT_H

#include <stdbool.h>

#include "auth/rate_limit.h"
#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

struct route;
struct app;

/*
 * What is asked of a request before its handler runs, and, if it is slow,
 * before it may wait for the slow lane: whether a rate limit has room for it.
 */
struct rate_limit_admission {
	const struct route *route; /* NULL: there is none */
	bool answered; /* with ERR_OK, before its handler could run */
	struct rate_limit_claim claim; /* what it was counted as */
};

/**
 * rate_limit_request(sv, req, res, ad):
 * Count ${req} as its ->route, which is set, wants it.  What the handler would
 * refuse for its form, or for being signed in by nobody, is refused here and
 * not counted; what is one too many, with rate_limited.  A form that is refused
 * is answered with a page: ERR_OK, and ->answered.
 *
 * rate_limit_request_done(sv, ad, outcome): the handler has ended with
 * ${outcome}.
 *
 * rate_limit_guess(sv, req, res):
 * ${req} came with a wrong secret that a machine must have made: count it.
 * ERR_LIMITED, with rate_limited on ${res}, if there were too many.  It is not
 * counted before it is known to be wrong: nobody guesses such a secret, while
 * those who know it ask by the hundred at once, from one address.
 */
enum err rate_limit_request(struct app *app, struct request *req,
    struct response *res, struct rate_limit_admission *ad) MUST_CHECK;
void rate_limit_request_done(
    struct app *app, struct rate_limit_admission *ad, enum err outcome);
enum err rate_limit_guess(struct app *app, const struct request *req,
    struct response *res) MUST_CHECK;

#endif
