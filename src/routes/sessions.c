/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/str.h"
#include "http/cookie.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/security_log.h"
#include "store/store.h"

/* GET: 200 the live sessions of the user, newest first; 401. */
enum err
route_sessions_list(struct app *app, struct request *req, struct response *res)
{
	struct session *sessions;
	struct identity identity;
	struct json_writer w;
	size_t n = 0;
	enum err err;

	err = authenticate(app, req, res, &identity);
	if (err != ERR_OK)
		return err;
	sessions = calloc(SESSION_MAX_PER_USER, sizeof(*sessions));
	if (sessions == NULL)
		return ERR_INTERNAL;
	err = store_sessions_live(
	    app->store, identity.user.id, req->received_at, sessions, &n);
	if (err != ERR_OK)
		goto out;

	response_begin(res, &w);
	json_write_array(&w, "sessions");
	for (size_t i = 0; i < n; i++) {
		bool current =
		    strcmp(sessions[i].handle, identity.session.handle) == 0;

		json_write_object(&w, NULL);
		session_write_device(&sessions[i], current, &w);
		json_write_close(&w);
	}
	json_write_close(&w);
	err = response_end(res, &w);
out:
	free(sessions);
	return err;
}

/* DELETE: 204, the session has ended; 401 403 404 503. */
enum err
route_sessions_end(struct app *app, struct request *req, struct response *res)
{
	char handle[SESSION_HANDLE_SIZE];
	struct store_actor actor;
	struct identity identity;
	enum err err;

	err = authenticate(app, req, res, &identity);
	if (err != ERR_OK)
		return err;
	if (routes_segment(req, handle, sizeof(handle)) != ERR_OK ||
	    !str_is_hex(handle, SESSION_HANDLE_SIZE - 1))
		return ERR_NOT_FOUND;

	actor = authenticate_actor(req, &identity);
	err = store_session_end(app->store, &actor, identity.user.id, handle);
	if (err == ERR_DENIED)
		return authenticate_ended(res, &identity);
	if (err != ERR_OK)
		return err;
	security_log(app, req, EVENT_SESSION_END, identity.user.id);
	if (strcmp(handle, identity.session.handle) == 0)
		cookie_remove(req, res);
	return ERR_OK;
}
