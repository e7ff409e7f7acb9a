/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ADMIT_H
#define ROUTES_ADMIT_H

#include <stdbool.h>

#include "auth/ratelimit.h"
#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

struct route;
struct services;

/*
 * What is asked of a request before its handler runs, and, if it is slow,
 * before it may wait for the slow lane: whether a rate limit has room for it.
 */
struct admission {
	const struct route *route; /* NULL: there is none */
	bool answered; /* with ERR_OK, before its handler could run */
	struct ratelimit_claim claim; /* what it was counted as */
};

/**
 * admit_request(sv, req, res, ad):
 * Count ${req} as its ->route, which is set, wants it.  What the handler would
 * refuse for its form, or for being signed in by nobody, is refused here and
 * not counted; what is one too many, with rate_limited.  A form that is refused
 * is answered with a page: ERR_OK, and ->answered.
 *
 * admit_settle(sv, ad, outcome): the handler has ended with ${outcome}.
 */
enum err admit_request(struct services *sv, struct request *req,
    struct response *res, struct admission *ad) MUST_CHECK;
void admit_settle(struct services *sv, struct admission *ad, enum err outcome);

#endif
