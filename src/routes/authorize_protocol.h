/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_AUTHORIZE_PROTOCOL_H
#define ROUTES_AUTHORIZE_PROTOCOL_H

#include <stdbool.h>

#include "base/err.h"

struct identity;
struct request;
struct response;

/*
 * Web servers implement forward authorization differently; this module hides
 * the differences.
 *
 * The FastCGI role and the parameter LATCHKEY_AUTHORIZE_PROTOCOL of the web
 * server's configuration, which is one of these names, select the protocol.  A
 * client cannot: its headers arrive in parameters called HTTP_...
 */
struct authorize_protocol {
	const char *name;
	bool authorizer; /* that FastCGI role: identity as Variable-... */
	bool redirects;  /* passes a 302 on to the client */
	bool announces;  /* redirects itself, by a header of the 401 */
	bool forwards;   /* sends the guarded request in X-Forwarded-... */
};

/* The request that the web server asks about. */
struct guarded {
	const struct authorize_protocol *protocol;
	const char *target; /* path and query; "" if not known */
	bool safe; /* changes nothing: GET, HEAD, OPTIONS without Upgrade */
	bool page; /* a browser navigation */
};

/* authorize_protocol_asks(req): does ${req} ask about another request? */
bool authorize_protocol_asks(const struct request *req);

/**
 * authorize_protocol_read(req, guarded_out):
 * Read the guarded request from ${req}; ${guarded_out} borrows from it.
 * ERR_INVALID if LATCHKEY_AUTHORIZE_PROTOCOL names no protocol, or one of
 * another FastCGI role.
 */
enum err authorize_protocol_read(
    const struct request *req, struct guarded *guarded_out) MUST_CHECK;

/**
 * authorize_protocol_grant(g, identity, res):
 * Put ${identity} on ${res} as the web server of ${g} passes it on.
 * ERR_INTERNAL if a text cannot stand in a header.
 */
enum err authorize_protocol_grant(const struct guarded *g,
    const struct identity *identity, struct response *res) MUST_CHECK;

/**
 * authorize_protocol_refuse(g, login_page, res, err):
 * ${res} refuses ${g} with ${err}.  If a browser without a valid session can be
 * sent to ${login_page}, make that the answer.  Return the result of the route.
 */
enum err authorize_protocol_refuse(const struct guarded *g,
    const char *login_page, struct response *res, enum err err) MUST_CHECK;

#endif
