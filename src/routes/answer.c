/* SPDX-License-Identifier: ISC */
#include "routes/answer.h"

#include "base/document.h"
#include "http/request.h"
#include "http/response.h"

void
answer_put_token(
    struct document *json, const struct request *req, const struct token *token)
{
	document_put_string(json, "access_token", token->text);
	document_put_string(json, "token_type", "bearer");
	document_put_int(
	    json, "expires_in", token->expires_at - req->received_at);
}

enum err
answer_login(struct response *res, const struct request *req,
    const struct answer_grant *grant)
{
	struct document *json = document_object();

	answer_put_token(json, req, grant->token);
	document_put(json, "user", user_own_json(grant->user));
	document_put_string(json, "session_id", grant->session_id);
	return response_json(res, json);
}

enum err
answer_message(struct response *res, const char *msg)
{
	struct document *json = document_object();

	document_put_string(json, "msg", msg);
	return response_json(res, json);
}
