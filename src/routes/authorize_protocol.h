/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_AUTHORIZE_PROTOCOL_H
#define ROUTES_AUTHORIZE_PROTOCOL_H

#include <stdbool.h>

#include "base/err.h"

struct identity;
struct request;
struct response;

/*
 * Web servers ask in several ways whether a request may pass, and each does
 * something else with the answer.  All of that is here.
 *
 * Which one asks is told by the FastCGI role and by what the web server's own
 * configuration says: the parameter LATCHKEY_DIALECT, one of these names.  A
 * client cannot say it: what it sends arrives in parameters called HTTP_...
 */
struct authorize_protocol {
	const char *name;
	bool authorizer; /* asks in that role: identity as Variable-... */
	bool redirects;  /* its clients get to see a 302 */
	bool announces;  /* can make one itself, of a header of the 401 */
	bool forwards;   /* the guarded request is in X-Forwarded-... */
};

/* What the web server asks about. */
struct guarded {
	const struct authorize_protocol *authorize_protocol;
	const char *target; /* path and query; "" if that is not known */
	bool safe;          /* its method changes nothing: GET, HEAD, OPTIONS */
	bool page;          /* a person is to look at the answer */
};

/* authorize_protocol_asks(req): does a web server ask with ${req} whether
 * another may? */
bool authorize_protocol_asks(const struct request *req);

/**
 * authorize_protocol_read(req, guarded_out):
 * What is asked, and by whom.  ERR_INVALID if LATCHKEY_DIALECT names none, or
 * one that asks in another role.
 */
enum err authorize_protocol_read(
    const struct request *req, struct guarded *guarded_out) MUST_CHECK;

/**
 * authorize_protocol_grant(g, who, res):
 * Say who it is, as the web server hands it on.  ERR_INTERNAL for a text that
 * cannot stand in a header.
 */
enum err authorize_protocol_grant(const struct guarded *g,
    const struct identity *who, struct response *res) MUST_CHECK;

/**
 * authorize_protocol_refuse(g, login_page, res, err):
 * ${res} refuses with ${err}.  Where somebody who is not signed in can be sent
 * to ${login_page}, answer that instead.  Return what the route returns.
 */
enum err authorize_protocol_refuse(const struct guarded *g,
    const char *login_page, struct response *res, enum err err) MUST_CHECK;

#endif
