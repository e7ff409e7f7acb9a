/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ROUTES_H
#define ROUTES_ROUTES_H

#include <stddef.h>

#include "auth/rate_limit.h"
#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

struct app;

typedef enum err route_fn(
    struct app *app, struct request *req, struct response *res);

enum route_flags {
	/* hashes a password or takes long for another reason: runs in the
	 * background queue */
	ROUTE_SLOW = 1 << 0,
	ROUTE_ROOT = 1 << 1, /* also served without /api/v1 */
	/*
	 * decides on another request: takes every method, and body and
	 * Content-Length belong to that other request
	 */
	ROUTE_AUTHORIZE = 1 << 2,
	ROUTE_FORM = 1 << 3 /* takes a form and answers with a page */
};

struct route {
	unsigned methods; /* request methods, or'ed */
	int status;       /* of a success */
	const char *path; /* below /api/v1; a final "{}" is one segment */
	route_fn *run;
	enum rate_limit_name limit;
	unsigned flags;
};

/* The table: read this first. */
extern const struct route routes[];
extern const size_t routes_count;

struct routes_match {
	const struct route *route; /* NULL: none */
	unsigned methods; /* if there is none: those that the path takes */
};

/**
 * routes_find(req):
 * Find the route of ${req}'s method and path.  Paths are compared byte for
 * byte as they were sent, nothing decoded or normalised.  If a web server asks
 * about another request (routes/authorize_protocol.h), every path leads to the
 * ROUTE_AUTHORIZE row.
 */
struct routes_match routes_find(const struct request *req);

/**
 * routes_segment(req, dst, size):
 * Copy the segment that matched "{}" to ${dst}.  ERR_INVALID if it does not
 * fit in ${size} bytes.
 */
enum err routes_segment(
    const struct request *req, char *dst, size_t size) MUST_CHECK;

#endif
