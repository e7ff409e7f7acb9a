/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ADMIN_H
#define ROUTES_ADMIN_H

#include "base/err.h"

struct identity;
struct request;
struct response;
struct services;

/**
 * admin_identify(sv, req, res, who_out):
 * Who asks, if it is an admin.  Otherwise refuse on ${res}: forbidden, or what
 * identify() refuses.
 *
 * admin_check(sv, req, res):
 * The same, where it does not matter which.
 *
 * admin_or_local_check(sv, req, res):
 * The same, but whoever is on this machine may ask too: the peer of the web
 * server is, and names nobody for whom it would be asking.
 */
enum err admin_identify(struct services *sv, struct request *req,
    struct response *res, struct identity *who_out) MUST_CHECK;
enum err admin_check(
    struct services *sv, struct request *req, struct response *res) MUST_CHECK;
enum err admin_or_local_check(
    struct services *sv, struct request *req, struct response *res) MUST_CHECK;

#endif
