/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ANSWER_H
#define ROUTES_ANSWER_H

#include "base/err.h"
#include "model/session.h"
#include "model/token.h"
#include "model/user.h"

struct request;
struct response;
struct writer;

/* The bodies that several routes share. */

/**
 * answer_put_token(w, req, token), answer_put_access(w, req, text, expires_at),
 * answer_put_user(w, u):
 * Add access_token, token_type and expires_in; add user, as it sees itself.
 */
void answer_put_token(
    struct writer *w, const struct request *req, const struct token *token);
void answer_put_access(struct writer *w, const struct request *req,
    const char *text, int64_t expires_at);
void answer_put_user(struct writer *w, const struct user *u);

/* What the login answer is made of; borrowed. */
struct answer_grant {
	const struct user *user;
	const char *session_id;
	const struct token *token;
};

/* answer_login: the login answer. */
enum err answer_login(struct response *res, const struct request *req,
    const struct answer_grant *grant) MUST_CHECK;

/* answer_message: {"msg": ${msg}}. */
enum err answer_message(struct response *res, const char *msg) MUST_CHECK;

#endif
