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
 * admin_identify(app, req, res, identity_out):
 * Like authenticate(), but refuse on ${res} with forbidden an identity that is
 * no administrator.
 *
 * admin_check(app, req, res):
 * The same, for a caller that does not need the identity.
 *
 * admin_or_local_check(app, req, res):
 * Like admin_check(), but allow requests from this machine too: the client of
 * the web server is on it and forwards for no other.
 */
enum err admin_identify(struct app *app, struct request *req,
    struct response *res, struct identity *identity_out) MUST_CHECK;
enum err admin_check(
    struct app *app, struct request *req, struct response *res) MUST_CHECK;
enum err admin_or_local_check(
    struct app *app, struct request *req, struct response *res) MUST_CHECK;

/**
 * admin_actor(req, identity):
 * Like authenticate_actor(), for a change that only an administrator may make.
 *
 * admin_denied(app, res, identity, actor):
 * The store denied a change of ${actor}, which is ${identity}: refuse on ${res}
 * with forbidden if it has lost the role since, or as authenticate_ended() if
 * its session has ended.
 */
struct store_actor admin_actor(
    const struct request *req, const struct identity *identity);
enum err admin_denied(struct app *app, struct response *res,
    const struct identity *identity,
    const struct store_actor *actor) MUST_CHECK;

#endif
