/* SPDX-License-Identifier: ISC */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include <stdint.h>

#include "model/session.h"

struct request;
struct response;

/*
 * The session cookie: __Host-latchkey on https; latchkey without Secure on http
 * if the peer is on this machine; otherwise none.
 */

/**
 * cookie_session_id(req, id_out):
 * Write the session id in the cookie of ${req}; "" if there is none, it is not
 * a UUIDv4, or two cookies of the name differ.
 */
void cookie_session_id(const struct request *req, char id_out[SESSION_ID_SIZE]);

/*
 * cookie_set(req, res, session_id, max_age): set the cookie for ${max_age}
 * seconds, if the request may have one.
 */
void cookie_set(const struct request *req, struct response *res,
    const char *session_id, int64_t max_age);
/* cookie_remove(req, res): remove the cookie from the browser. */
void cookie_remove(const struct request *req, struct response *res);

#endif
