/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_DISPATCH_H
#define ROUTES_DISPATCH_H

#include <stdbool.h>

#include "base/err.h"
#include "routes/routes.h"

struct rate_limit_admission;
struct buf;

/**
 * dispatch_is_slow(match):
 * Return true if the route of ${match} runs in the background queue.
 *
 * dispatch_run(app, req, match, answer):
 * Run the route that routes_find() found for ${req}, and append the whole CGI
 * answer to ${answer}.  Only this file turns an error into a status.
 * ERR_INTERNAL only if no answer could be made at all.
 *
 * dispatch_admit(app, req, match, ad_out, answer):
 * The first half of dispatch_run(), for a slow route: every check before the
 * handler (routes/rate_limit.h).  ERR_OK: continue with dispatch_admitted().
 * ERR_DENIED: the whole answer is in ${answer}.  ERR_INTERNAL: none could be
 * made.
 *
 * dispatch_admitted(app, req, ad, answer):
 * The second half, in any thread: ${app} is that thread's.
 *
 * dispatch_busy(app, req, ad, answer):
 * The queue has no room for an admitted request: undo its count and answer 503
 * with Retry-After: 1.
 */
bool dispatch_is_slow(const struct routes_match *match);
enum err dispatch_run(struct app *app, struct request *req,
    const struct routes_match *match, struct buf *answer) MUST_CHECK;
enum err dispatch_admit(struct app *app, struct request *req,
    const struct routes_match *match, struct rate_limit_admission *ad_out,
    struct buf *answer) MUST_CHECK;
enum err dispatch_admitted(struct app *app, struct request *req,
    struct rate_limit_admission *ad, struct buf *answer) MUST_CHECK;
enum err dispatch_busy(struct app *app, struct request *req,
    struct rate_limit_admission *ad, struct buf *answer) MUST_CHECK;

#endif
