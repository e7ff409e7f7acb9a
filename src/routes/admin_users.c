/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/str.h"
#include "routes/admin.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/security_log.h"
#include "store/store.h"

#define SEARCH_SIZE 256

/* The id in the path; ERR_NOT_FOUND if it is not valid. */
static enum err
read_id(const struct request *req, int64_t *id_out)
{
	char text[STR_INT_SIZE];

	if (routes_segment(req, text, sizeof(text)) != ERR_OK ||
	    str_to_int64(text, 1, INT64_MAX, id_out) != ERR_OK)
		return ERR_NOT_FOUND;
	return ERR_OK;
}

static void
put_user(struct json_writer *w, const struct user *u)
{
	user_write_own(u, w);
	json_write_string(w, "status", user_status_name(u->status));
}

/* ---- list ---- */

static enum err
read_page(const struct request *req, struct response *res,
    char search[SEARCH_SIZE], int64_t *after_out)
{
	char text[STR_INT_SIZE];
	enum err err;

	*after_out = 0;
	if (request_query(req, "search", SEARCH_SIZE, search) == ERR_INVALID)
		return response_refuse(res, PROBLEM_INVALID_FIELD,
		    "\"search\" must be given once and be shorter.");
	err = request_query(req, "after", sizeof(text), text);
	if (err == ERR_OK)
		err = str_to_int64(text, 0, INT64_MAX, after_out);
	if (err == ERR_INVALID)
		return response_refuse(res, PROBLEM_INVALID_FIELD,
		    "\"after\" must be the id of a user.");
	return ERR_OK;
}

/* GET search?, after?: 200 a page of users in order of id; 400 401 403 503. */
enum err
route_admin_users(struct app *app, struct request *req, struct response *res)
{
	char search[SEARCH_SIZE];
	struct user *users;
	struct json_writer w;
	int64_t after;
	size_t n = 0;
	enum err err;

	err = admin_check(app, req, res);
	if (err == ERR_OK)
		err = read_page(req, res, search, &after);
	if (err != ERR_OK)
		return err;
	users = calloc(STORE_LIST_MAX, sizeof(*users));
	if (users == NULL)
		return ERR_INTERNAL;
	err = store_users_list(app->store, search, after, users, &n);
	if (err != ERR_OK)
		goto out;

	response_begin(res, &w);
	json_write_array(&w, "users");
	for (size_t i = 0; i < n; i++) {
		json_write_object(&w, NULL);
		put_user(&w, &users[i]);
		json_write_close(&w);
	}
	json_write_close(&w);
	if (n == STORE_LIST_MAX) {
		char last[STR_INT_SIZE];

		str_int(last, users[n - 1].id);
		json_write_string(&w, "next", last);
	} else {
		json_write_null(&w, "next");
	}
	err = response_end(res, &w);
out:
	free(users);
	return err;
}

/* ---- change ---- */

static enum err
read_change(struct request *req, struct response *res,
    struct user_role_and_status *change)
{
	const char *role, *status;
	const struct request_text texts[] = {
		{ { "role", false, 16 }, &role },
		{ { "status", false, 16 }, &status },
	};
	enum err err;

	*change = (struct user_role_and_status){ 0 };
	err = request_texts(req, res, texts, NELEMS(texts));
	if (err != ERR_OK)
		return err;
	if (role != NULL)
		change->role = user_role_from(role);
	if (status != NULL)
		change->status = user_status_from(status);
	if (role != NULL && change->role == USER_ROLE_NONE)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD, "role",
		    "The field \"role\" must be user or admin.");
	if (status != NULL && change->status == USER_STATUS_NONE)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD,
		    "status",
		    "The field \"status\" must be active or inactive.");
	if (change->role == USER_ROLE_NONE &&
	    change->status == USER_STATUS_NONE)
		return response_refuse(res, PROBLEM_MISSING_FIELD,
		    "One of \"role\", \"status\" is needed.");
	return ERR_OK;
}

/* POST/PUT/PATCH role?, status?: 200; 400 401 403 404 415 503. */
enum err
route_admin_user(struct app *app, struct request *req, struct response *res)
{
	struct store_actor actor;
	struct identity identity;
	struct user changed;
	int64_t id, ended;
	struct user_role_and_status change;
	struct json_writer w;
	enum err err;

	err = admin_identify(app, req, res, &identity);
	if (err == ERR_OK)
		err = read_id(req, &id);
	if (err == ERR_OK)
		err = read_change(req, res, &change);
	if (err != ERR_OK)
		return err;
	/*
	 * The last administrator must not lock itself out by one click.  Any
	 * other one leaves this one.
	 */
	if (id == identity.user.id)
		return response_refuse(res, PROBLEM_FORBIDDEN,
		    "Another administrator has to change your own account.");
	actor = admin_actor(req, &identity);
	err =
	    store_user_role_and_status(app->store, &actor, id, &change, &ended);
	if (err == ERR_DENIED)
		return admin_denied(app, res, &identity, &actor);
	if (err == ERR_OK)
		err = store_user_by_id(app->store, id, &changed);
	if (err != ERR_OK)
		return err;
	security_log(app, req, EVENT_ACCOUNT_CHANGED_BY_ADMIN, id);
	response_begin(res, &w);
	json_write_object(&w, "user");
	put_user(&w, &changed);
	json_write_close(&w);
	json_write_int(&w, "sessions_ended", ended);
	return response_end(res, &w);
}

/* DELETE: 200 all sessions of the user have ended; 401 403 404 503. */
enum err
route_admin_sessions(struct app *app, struct request *req, struct response *res)
{
	struct store_actor actor;
	struct identity identity;
	int64_t id, epoch, ended;
	struct json_writer w;
	enum err err;

	err = admin_identify(app, req, res, &identity);
	if (err == ERR_OK)
		err = read_id(req, &id);
	if (err != ERR_OK)
		return err;
	actor = admin_actor(req, &identity);
	err = store_logout_all(app->store, &actor, id, NULL, &epoch, &ended);
	if (err == ERR_DENIED)
		return admin_denied(app, res, &identity, &actor);
	if (err != ERR_OK)
		return err;
	security_log(app, req, EVENT_LOGOUT_ALL_BY_ADMIN, id);
	response_begin(res, &w);
	json_write_string(&w, "msg", "Logged out on all devices");
	json_write_int(&w, "sessions_ended", ended);
	return response_end(res, &w);
}
