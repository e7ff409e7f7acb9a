/* SPDX-License-Identifier: ISC */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include <stdint.h>

#include "model/session.h"

struct request;
struct response;

/*
 * The session cookie: __Host-latchkey over https; plain latchkey without
 * Secure over http, only when the peer is on this machine; otherwise none.
 */

/**
 * cookie_session_id(req, id_out):
 * Write the session id that the cookie of ${req} carries, or "" if there is
 * none, it is not a UUIDv4, or two cookies of the name differ.
 */
void cookie_session_id(const struct request *req, char id_out[SESSION_ID_SIZE]);

/* Add Set-Cookie for ${session_id}, for ${max_age} seconds, where allowed. */
void cookie_set(const struct request *req, struct response *res,
    const char *session_id, int64_t max_age);
/* Add the Set-Cookie that removes it. */
void cookie_remove(const struct request *req, struct response *res);

#endif
