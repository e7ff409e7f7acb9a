/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_RESPONSE_BODIES_H
#define ROUTES_RESPONSE_BODIES_H

#include "base/err.h"
#include "model/session.h"
#include "model/token.h"
#include "model/user.h"

struct request;
struct response;
struct json_writer;

/* The bodies that several routes share. */

/**
 * response_put_token(w, req, text, expires_at):
 * Write access_token, token_type and expires_in.
 *
 * response_put_user(w, u):
 * Write user, with the fields that only the user itself sees.
 *
 * response_login(res, req, u, session_id, token):
 * Write the login answer, without session_id if that is NULL.
 */
void response_put_token(struct json_writer *w, const struct request *req,
    const char *text, int64_t expires_at);
void response_put_user(struct json_writer *w, const struct user *u);
enum err response_login(struct response *res, const struct request *req,
    const struct user *u, const char *session_id,
    const struct token *token) MUST_CHECK;

/* response_message(res, msg): write {"msg": ${msg}}. */
enum err response_message(struct response *res, const char *msg) MUST_CHECK;

#endif
