/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ADMIN_H
#define ROUTES_ADMIN_H

#include "base/err.h"
#include "store/store.h"

struct identity;
struct request;
struct response;
struct app;

/**
 * admin_identify(sv, req, res, who_out):
 * Who asks, if it is an admin.  Otherwise refuse on ${res}: forbidden, or what
 * authenticate() refuses.
 *
 * admin_check(sv, req, res):
 * The same, where it does not matter which.
 *
 * admin_or_local_check(sv, req, res):
 * The same, but whoever is on this machine may ask too: the peer of the web
 * server is, and names nobody for whom it would be asking.
 */
enum err admin_identify(struct app *app, struct request *req,
    struct response *res, struct identity *who_out) MUST_CHECK;
enum err admin_check(
    struct app *app, struct request *req, struct response *res) MUST_CHECK;
enum err admin_or_local_check(
    struct app *app, struct request *req, struct response *res) MUST_CHECK;

/**
 * admin_actor(req, who): as authenticate_actor(), for what only an admin may
 * do.
 *
 * admin_over(sv, res, who, actor):
 * The change was denied: refuse on ${res} as authenticate_ended(), or forbidden
 * if it is not the session that is over, but being an admin.
 */
struct store_actor admin_actor(
    const struct request *req, const struct identity *who);
enum err admin_over(struct app *app, struct response *res,
    const struct identity *who, const struct store_actor *actor) MUST_CHECK;

#endif
