/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ROUTES_H
#define ROUTES_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

struct services;

typedef enum err route_fn(
    struct services *sv, struct request *req, struct response *res);

enum route_flags {
	ROUTE_SLOW = 1 << 0, /* hashes a password: runs in the slow lane */
	ROUTE_FORM = 1 << 1, /* takes application/x-www-form-urlencoded */
	ROUTE_ROOT = 1 << 2  /* stands at the root, not below a base */
};

struct route {
	unsigned methods;
	const char *path; /* "{}" stands for one segment */
	route_fn *run;
	unsigned flags;
};

/* The table: read this first. */
extern const struct route routes[];
extern const size_t routes_count;

/**
 * routes_find(req, res, route_out):
 * Find the route of ${req}'s method and path, under /api/v1, or /auth/...
 * without it.  Otherwise refuse on ${res}: not_found or method_not_allowed.
 */
enum err routes_find(const struct request *req, struct response *res,
    const struct route **route_out) MUST_CHECK;

/**
 * routes_segment(req, dst, size):
 * Copy what stood for "{}" in the path.  ERR_INVALID if it does not fit.
 */
enum err routes_segment(
    const struct request *req, char *dst, size_t size) MUST_CHECK;

#endif
