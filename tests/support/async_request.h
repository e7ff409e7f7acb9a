/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_ASYNC_REQUEST_H
#define TESTS_SUPPORT_ASYNC_REQUEST_H

#include "support/web.h"

/*
 * A request in a thread of its own, for a test that goes on while the request
 * is held somewhere.
 */
struct async_request;

/**
 * async_request_start(base, call, cookie):
 * Carry out ${call} (its strings are copied; no headers) at the site ${base}.
 * Cookies are neither sent nor taken, but ${cookie} (NULL: none) is sent as
 * the session's.
 */
struct async_request *async_request_start(
    const char *base, const struct web_call *call, const char *cookie);

/**
 * async_request_end(e, reply):
 * Wait for the answer and return its status, 0 if there was none.  With
 * ${reply} not NULL the answer is moved there; web_reply_clear() it.
 */
long async_request_end(struct async_request *e, struct web_reply *reply);

/* web_as(web, call, cookie, reply): the same at once; returns the status. */
long web_as(struct web *web, const struct web_call *call, const char *cookie,
    struct web_reply *reply);

#endif
