/* SPDX-License-Identifier: ISC */
#include "routes/answer.h"

#include "base/writer.h"
#include "http/request.h"
#include "http/response.h"

void
answer_put_token(
    struct writer *w, const struct request *req, const struct token *token)
{
	answer_put_access(w, req, token->text, token->expires_at);
}

/* One that is good only because clocks differ is not good for less than 0. */
void
answer_put_access(struct writer *w, const struct request *req, const char *text,
    int64_t expires_at)
{
	int64_t left = expires_at - req->received_at;

	writer_string(w, "access_token", text);
	writer_string(w, "token_type", "bearer");
	writer_int(w, "expires_in", left > 0 ? left : 0);
}

void
answer_put_user(struct writer *w, const struct user *u)
{
	writer_object(w, "user");
	user_write_own(u, w);
	writer_close(w);
}

enum err
answer_login(struct response *res, const struct request *req,
    const struct answer_grant *grant)
{
	struct writer w;

	response_begin(res, &w);
	answer_put_token(&w, req, grant->token);
	answer_put_user(&w, grant->user);
	writer_string(&w, "session_id", grant->session_id);
	return response_end(res, &w);
}

enum err
answer_message(struct response *res, const char *msg)
{
	struct writer w;

	response_begin(res, &w);
	writer_string(&w, "msg", msg);
	return response_end(res, &w);
}
