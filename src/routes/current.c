/* SPDX-License-Identifier: ISC */
#include "base/document.h"
#include "base/text.h"
#include "routes/answer.h"
#include "routes/handlers.h"
#include "routes/identify.h"
#include "routes/services.h"

/*
 * POST session_id? (or the cookie): 200 with a token that has at least half
 * its life left; 400 401 403.
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

/* GET: 200 who is signed in, and by which session; 401. */
enum err
route_me(struct services *sv, struct request *req, struct response *res)
{
	char created[TEXT_TIME_SIZE], expires[TEXT_TIME_SIZE];
	struct document *json, *session;
	struct identity who;
	enum err err;

	err = identify(sv, req, res, &who);
	if (err != ERR_OK)
		return err;
	text_time(created, who.session.created_at);
	text_time(expires, who.session.expires_at);

	session = document_object();
	document_put_string(session, "handle", who.session.handle);
	document_put_string(session, "created_at", created);
	document_put_string(session, "expires_at", expires);
	json = document_object();
	document_put(json, "user", user_own_json(&who.user));
	document_put(json, "session", session);
	return response_json(res, json);
}
