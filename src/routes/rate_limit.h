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

/* A request on its way to the handler of its route, and its rate-limit count.
 */
struct rate_limit_admission {
	const struct route *route; /* NULL: none */
	bool answered;             /* without the handler, with ERR_OK */
	struct rate_limit_claim claim;
};

/**
 * rate_limit_request(app, req, res, ad):
 * Count ${req} under the limit of ${ad}->route, which is set.  A request that
 * the handler would refuse for its form, or for want of a sign-in, is
 * refused on ${res} and not counted; one too many is refused with rate_limited.
 *
 * rate_limit_request_done(app, ad, outcome):
 * The handler has ended with ${outcome}: settle the count.
 *
 * rate_limit_guess(app, req, res):
 * Count ${req}, which carried a wrong machine-made secret, by its address.
 * ERR_LIMITED, with rate_limited on ${res}, if there were too many.  Such
 * secrets cannot be guessed, so they are counted only once known to be wrong:
 * servers that know theirs send hundreds of requests at once from one address.
 */
enum err rate_limit_request(struct app *app, struct request *req,
    struct response *res, struct rate_limit_admission *ad) MUST_CHECK;
void rate_limit_request_done(
    struct app *app, struct rate_limit_admission *ad, enum err outcome);
enum err rate_limit_guess(struct app *app, const struct request *req,
    struct response *res) MUST_CHECK;

#endif
