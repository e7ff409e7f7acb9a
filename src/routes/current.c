/* SPDX-License-Identifier: ISC */
#include "base/secret.h"
#include "base/writer.h"
#include "http/request.h"
#include "http/response.h"
#include "routes/answer.h"
#include "routes/handlers.h"
#include "routes/identify.h"
#include "routes/services.h"

/* The token that was shown, and no session: who stole it gains nothing. */
static enum err
answer_shown(struct response *res, const struct request *req,
    const struct identity *who, const char *text)
{
	struct writer w;

	response_begin(res, &w);
	answer_put_access(
	    &w, req, text, who->claims.expires_at - who->claims.leeway);
	answer_put_user(&w, &who->user);
	return response_end(res, &w);
}

static enum err
validate_token(struct services *sv, struct request *req, struct response *res)
{
	struct identity who = { 0 };
	const char *text;
	enum err err;

	err = identify_token(req, res, &text);
	if (err == ERR_OK && text == NULL)
		err = response_refuse(res, PROBLEM_NOT_SIGNED_IN, NULL);
	if (err == ERR_OK)
		err = identify_by_token(sv, req, res, text, &who);
	if (err == ERR_OK)
		err = answer_shown(res, req, &who, text);
	return err;
}

/*
 * POST session_id? (or the cookie): 200 with a token that has at least half
 * its life left.  With neither, a Bearer token: 200 with that.  400 401 403.
 */
enum err
route_validate_session(
    struct services *sv, struct request *req, struct response *res)
{
	char session_id[SESSION_ID_SIZE];
	struct token token = { 0 };
	struct identity who;
	const struct answer_grant parts = {
		.user = &who.user,
		.session_id = session_id,
		.token = &token,
	};
	enum err err;

	err = identify_session_id(req, res, session_id);
	if (err == ERR_OK && session_id[0] == '\0')
		return validate_token(sv, req, res);
	if (err == ERR_OK)
		err = identify_by_id(sv, req, res, session_id, &who);
	if (err == ERR_OK)
		err = sessions_token(
		    &sv->sessions, session_id, &who, req->received_at, &token);
	if (err == ERR_OK)
		err = answer_login(res, req, &parts);
	secret_wipe(session_id, sizeof(session_id));
	secret_wipe(&token, sizeof(token));
	return err;
}

/* GET: 200 who is signed in, and by which session, if any; 401. */
enum err
route_me(struct services *sv, struct request *req, struct response *res)
{
	struct identity who;
	struct writer w;
	enum err err;

	err = identify_any(sv, req, res, &who);
	if (err != ERR_OK)
		return err;
	response_begin(res, &w);
	answer_put_user(&w, &who.user);
	writer_object(&w, "session");
	session_write(&who.session, &w);
	writer_close(&w);
	return response_end(res, &w);
}
