/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ROUTES_H
#define ROUTES_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

struct app;

typedef enum err route_fn(
    struct app *app, struct request *req, struct response *res);

enum route_flags {
	/* hashes a password, or takes long otherwise: for the slow lane */
	ROUTE_SLOW = 1 << 0,
	ROUTE_ROOT = 1 << 1, /* stands at the root too, without /api/v1 */
	/*
	 * answers of another request whether it may pass: any method, and
	 * neither body nor Content-Length is its own
	 */
	ROUTE_AUTHORIZE = 1 << 2,
	/* guesses at a secret, or makes accounts: routes/rate_limit.h */
	ROUTE_LIMIT_LOGIN = 1 << 3,
	ROUTE_LIMIT_REGISTER = 1 << 4,
	ROUTE_LIMIT_DEFAULT = 1 << 5,
	ROUTE_FORM = 1 << 6 /* takes a form, and answers with a page */
};

struct route {
	unsigned methods; /* request methods, or'ed */
	const char *path; /* below /api/v1; a last "{}" is one segment */
	route_fn *run;
	int status; /* when it went well */
	unsigned flags;
};

/* The table: read this first. */
extern const struct route routes[];
extern const size_t routes_count;

/**
 * routes_find(req, res, route_out):
 * Find the route of ${req}'s method and path.  A path matches as it was sent:
 * byte for byte, nothing decoded or tidied.  Otherwise refuse on ${res}:
 * not_found or method_not_allowed.  Where the web server asks about another
 * request (routes/authorize_protocol.h), no path of ours counts, only the route
 * that decides.
 */
enum err routes_find(const struct request *req, struct response *res,
    const struct route **route_out) MUST_CHECK;

/* routes_authorizes(req): is it for a route with ROUTE_AUTHORIZE? */
bool routes_authorizes(const struct request *req);

/* routes_methods(path): the methods that ${path} takes; 0 if it is none. */
unsigned routes_methods(const char *path);

/**
 * routes_segment(req, dst, size):
 * Copy what stood for "{}" in the path.  ERR_INVALID if it does not fit.
 */
enum err routes_segment(
    const struct request *req, char *dst, size_t size) MUST_CHECK;

#endif
