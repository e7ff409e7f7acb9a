/* SPDX-License-Identifier: ISC */
#include "base/json_writer.h"
#include "base/secret.h"
#include "http/request.h"
#include "http/response.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/response_bodies.h"

/* The same token and no session id: a thief of the token gains nothing. */
static enum err
answer_with_token(const struct app *app, struct response *res,
    const struct request *req, const struct identity *identity,
    const char *text)
{
	const struct claims *c = &identity->claims;
	int64_t end =
	    access_token_expiry(&app->sessions.tokens, c, req->received_at);
	struct json_writer w;

	response_begin(res, &w);
	response_put_token(&w, req, text, end - c->leeway);
	response_put_user(&w, &identity->user);
	return response_end(res, &w);
}

static enum err
validate_token(struct app *app, struct request *req, struct response *res)
{
	struct identity identity = { 0 };
	const char *text;
	enum err err;

	err = authenticate_token(req, res, &text);
	if (err == ERR_OK && text == NULL)
		err = response_refuse(res, PROBLEM_NOT_SIGNED_IN, NULL);
	if (err == ERR_OK)
		err = authenticate_by_token(app, req, res, text, &identity);
	if (err == ERR_OK)
		err = answer_with_token(app, res, req, &identity, text);
	return err;
}

/*
 * POST session_id? (or the cookie): 200 with a token that has at least half of
 * its lifetime left.  The id of a cookie is not answered: scripts of the page
 * could read it then, although the cookie is HttpOnly.  With neither, a Bearer
 * token: 200 with that one.  400 401 403.
 */
enum err
route_validate_session(
    struct app *app, struct request *req, struct response *res)
{
	char session_id[SESSION_ID_SIZE];
	struct token token = { 0 };
	struct identity identity;
	bool by_cookie;
	enum err err;

	err = authenticate_body_id(req, res, session_id);
	by_cookie = err == ERR_OK && session_id[0] == '\0';
	if (by_cookie)
		err = authenticate_cookie_id(req, res, session_id);
	if (err == ERR_OK && session_id[0] == '\0')
		return validate_token(app, req, res);
	if (err == ERR_OK)
		err = authenticate_by_id(app, req, res, session_id, &identity);
	if (err == ERR_OK)
		err = sessions_token(&app->sessions, session_id, &identity,
		    req->received_at, &token);
	if (err == ERR_OK)
		err = response_login(res, req, &identity.user,
		    by_cookie ? NULL : session_id, &token);
	secret_wipe(session_id, sizeof(session_id));
	secret_wipe(&token, sizeof(token));
	return err;
}

/* GET: 200 user and session (null for an external token); 401. */
enum err
route_me(struct app *app, struct request *req, struct response *res)
{
	struct identity identity;
	struct json_writer w;
	enum err err;

	err = authenticate_by(app, req, res, AUTHENTICATE_ANY, &identity);
	if (err != ERR_OK)
		return err;
	response_begin(res, &w);
	response_put_user(&w, &identity.user);
	json_write_object(&w, "session");
	session_write(&identity.session, &w);
	json_write_close(&w);
	return response_end(res, &w);
}
