/* SPDX-License-Identifier: ISC */
#include "routes/answer.h"

#include "base/document.h"
#include "http/request.h"
#include "http/response.h"
#include "routes/services.h"

void
answer_put_token(struct document *json, const struct services *sv,
    const struct request *req, const struct session *s,
    const struct token *token)
{
	int64_t left = s->expires_at - req->received_at;

	/* A token never outlives its session. */
	if (left > sv->sessions.tokens.lifetime)
		left = sv->sessions.tokens.lifetime;
	document_put_string(json, "access_token", token->text);
	document_put_string(json, "token_type", "bearer");
	document_put_int(json, "expires_in", left);
}

enum err
answer_login(struct response *res, const struct services *sv,
    const struct request *req, const struct answer_grant *grant)
{
	struct document *json = document_object();

	answer_put_token(json, sv, req, grant->session, grant->token);
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
