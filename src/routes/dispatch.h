/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_DISPATCH_H
#define ROUTES_DISPATCH_H

#include <stdbool.h>

#include "base/err.h"

struct buf;
struct request;
struct services;

/**
 * dispatch_is_slow(req): must ${req} run in the slow lane?
 *
 * dispatch_run(sv, req, answer):
 * Find the route of ${req}, run it on the services of this lane, and append
 * the whole CGI answer to ${answer}.  The only place that turns an error into
 * a status.  Return ERR_INTERNAL only if no answer could be made at all.
 *
 * dispatch_busy(sv, req, answer):
 * The answer when the slow lane's queue is full: 503, Retry-After: 1.
 */
bool dispatch_is_slow(const struct request *req);
enum err dispatch_run(
    struct services *sv, struct request *req, struct buf *answer) MUST_CHECK;
enum err dispatch_busy(
    struct services *sv, struct request *req, struct buf *answer) MUST_CHECK;

#endif
