/* SPDX-License-Identifier: ISC */
#include "routes/response_bodies.h"

#include "base/json_writer.h"
#include "http/request.h"
#include "http/response.h"

/* Within the clock leeway of an expired token expires_in would be negative. */
void
response_put_token(struct json_writer *w, const struct request *req,
    const char *text, int64_t expires_at)
{
	int64_t left = expires_at - req->received_at;

	json_write_string(w, "access_token", text);
	json_write_string(w, "token_type", "bearer");
	json_write_int(w, "expires_in", left > 0 ? left : 0);
}

void
response_put_user(struct json_writer *w, const struct user *u)
{
	json_write_object(w, "user");
	user_write_own(u, w);
	json_write_close(w);
}

enum err
response_login(struct response *res, const struct request *req,
    const struct user *u, const char *session_id, const struct token *token)
{
	struct json_writer w;

	response_begin(res, &w);
	response_put_token(&w, req, token->text, token->expires_at);
	response_put_user(&w, u);
	if (session_id != NULL)
		json_write_string(&w, "session_id", session_id);
	return response_end(res, &w);
}

enum err
response_message(struct response *res, const char *msg)
{
	struct json_writer w;

	response_begin(res, &w);
	json_write_string(&w, "msg", msg);
	return response_end(res, &w);
}
