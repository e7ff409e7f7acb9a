/* SPDX-License-Identifier: ISC */
#include "base/json_writer.h"
#include "base/secret.h"
#include "http/request.h"
#include "http/response.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/response_bodies.h"

/* The token that was shown, and no session: who stole it gains nothing. */
static enum err
answer_shown(struct response *res, const struct request *req,
    const struct identity *who, const char *text)
{
	struct json_writer w;

	response_begin(res, &w);
	response_put_access(
	    &w, req, text, who->claims.expires_at - who->claims.leeway);
	response_put_user(&w, &who->user);
	return response_end(res, &w);
}

static enum err
validate_token(struct app *app, struct request *req, struct response *res)
{
	struct identity who = { 0 };
	const char *text;
	enum err err;

	err = authenticate_token(req, res, &text);
	if (err == ERR_OK && text == NULL)
		err = response_refuse(res, PROBLEM_NOT_SIGNED_IN, NULL);
	if (err == ERR_OK)
		err = authenticate_by_token(app, req, res, text, &who);
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
    struct app *app, struct request *req, struct response *res)
{
	char session_id[SESSION_ID_SIZE];
	struct token token = { 0 };
	struct identity who;
	const struct response_grant parts = {
		.user = &who.user,
		.session_id = session_id,
		.token = &token,
	};
	enum err err;

	err = authenticate_session_id(req, res, session_id);
	if (err == ERR_OK && session_id[0] == '\0')
		return validate_token(app, req, res);
	if (err == ERR_OK)
		err = authenticate_by_id(app, req, res, session_id, &who);
	if (err == ERR_OK)
		err = sessions_token(
		    &app->sessions, session_id, &who, req->received_at, &token);
	if (err == ERR_OK)
		err = response_login(res, req, &parts);
	secret_wipe(session_id, sizeof(session_id));
	secret_wipe(&token, sizeof(token));
	return err;
}

/* GET: 200 who is signed in, and by which session, if any; 401. */
enum err
route_me(struct app *app, struct request *req, struct response *res)
{
	struct identity who;
	struct json_writer w;
	enum err err;

	err = authenticate_any(app, req, res, &who);
	if (err != ERR_OK)
		return err;
	response_begin(res, &w);
	response_put_user(&w, &who.user);
	json_write_object(&w, "session");
	session_write(&who.session, &w);
	json_write_close(&w);
	return response_end(res, &w);
}
