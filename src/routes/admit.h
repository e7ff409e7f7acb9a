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
 *
 * admit_guess(sv, req, res):
 * ${req} came with a wrong secret that a machine must have made: count it.
 * ERR_LIMITED, with rate_limited on ${res}, if there were too many.  It is not
 * counted before it is known to be wrong: nobody guesses such a secret, while
 * those who know it ask by the hundred at once, from one address.
 */
enum err admit_request(struct services *sv, struct request *req,
    struct response *res, struct admission *ad) MUST_CHECK;
void admit_settle(struct services *sv, struct admission *ad, enum err outcome);
enum err admit_guess(struct services *sv, const struct request *req,
    struct response *res) MUST_CHECK;

#endif
