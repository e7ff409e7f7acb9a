/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ANSWER_H
#define ROUTES_ANSWER_H

#include "base/err.h"
#include "model/session.h"
#include "model/token.h"
#include "model/user.h"

struct document;
struct request;
struct response;
struct services;

/* The bodies that several routes share. */

/**
 * answer_put_token(json, sv, req, s, token):
 * Add access_token, token_type and expires_in of a token that was issued for
 * the session ${s} just now.
 */
void answer_put_token(struct document *json, const struct services *sv,
    const struct request *req, const struct session *s,
    const struct token *token);

/* What the login answer is made of; borrowed. */
struct answer_grant {
	const struct user *user;
	const struct session *session;
	const char *session_id;
	const struct token *token;
};

/* answer_login: the login answer. */
enum err answer_login(struct response *res, const struct services *sv,
    const struct request *req, const struct answer_grant *grant) MUST_CHECK;

/* answer_message: {"msg": ${msg}}. */
enum err answer_message(struct response *res, const char *msg) MUST_CHECK;

#endif
