/* SPDX-License-Identifier: ISC */
#include "base/secret.h"
#include "base/writer.h"
#include "http/request.h"
#include "http/response.h"
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
	struct identity who;
	struct writer w;
	enum err err;

	err = identify(sv, req, res, &who);
	if (err != ERR_OK)
		return err;
	response_begin(res, &w);
	answer_put_user(&w, &who.user);
	writer_object(&w, "session");
	session_write(&who.session, &w);
	writer_close(&w);
	return response_end(res, &w);
}
