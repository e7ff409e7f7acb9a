/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_DISPATCH_H
#define ROUTES_DISPATCH_H

#include <stdbool.h>

#include "base/err.h"

struct rate_limit_admission;
struct buf;
struct request;
struct app;

/**
 * dispatch_is_slow(req): must ${req} run in the slow lane?
 *
 * dispatch_run(sv, req, answer):
 * Find the route of ${req}, run it on the services of this lane, and append
 * the whole CGI answer to ${answer}.  The only place that turns an error into
 * a status.  Return ERR_INTERNAL only if no answer could be made at all.
 *
 * dispatch_admit(sv, req, ad_out, answer):
 * The first half of it, for a request that is slow: all that is asked before
 * its handler runs (routes/rate_limit.h).  Unless that is ERR_OK, the whole
 * answer has been appended to ${answer} (ERR_DENIED) or none could be made.
 *
 * dispatch_admitted(sv, req, ad, answer):
 * The second half, for one that was admitted, on the services of either lane.
 *
 * dispatch_busy(sv, req, ad, answer):
 * The answer to one that was admitted when the slow lane's queue is full: 503,
 * Retry-After: 1.
 */
bool dispatch_is_slow(const struct request *req);
enum err dispatch_run(
    struct app *app, struct request *req, struct buf *answer) MUST_CHECK;
enum err dispatch_admit(struct app *app, struct request *req,
    struct rate_limit_admission *ad_out, struct buf *answer) MUST_CHECK;
enum err dispatch_admitted(struct app *app, struct request *req,
    struct rate_limit_admission *ad, struct buf *answer) MUST_CHECK;
enum err dispatch_busy(struct app *app, struct request *req,
    struct rate_limit_admission *ad, struct buf *answer) MUST_CHECK;

#endif
