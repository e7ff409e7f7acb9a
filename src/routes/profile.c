/* SPDX-License-Identifier: ISC */
#include "base/json_value.h"
#include "base/json_writer.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/response_bodies.h"
#include "store/store.h"

/* Read ${patch}, which borrows ${normal}. */
static enum err
read_patch(struct request *req, struct response *res,
    char normal[USER_EMAIL_SIZE], struct user_patch *patch)
{
	const struct request_text texts[] = {
		{ { "name", false, USER_NAME_SIZE - 1 }, &patch->name },
		{ { "email", false, USER_EMAIL_SIZE - 1 }, &patch->email },
		{ { "avatar_url", false, USER_AVATAR_SIZE - 1 },
		    &patch->avatar_url },
	};
	enum err err;

	err = request_texts(req, res, texts, NELEMS(texts));
	if (err != ERR_OK)
		return err;
	if (request_is_null(req->json, "avatar_url"))
		patch->avatar_url = "";

	if (patch->name == NULL && patch->email == NULL &&
	    patch->avatar_url == NULL)
		return response_refuse(res, PROBLEM_MISSING_FIELD,
		    "One of \"name\", \"email\", \"avatar_url\" is needed.");
	if (patch->name != NULL && user_name_check(patch->name) != ERR_OK)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD, "name",
		    "The field \"name\" must have 1 to 100 characters.");
	if (patch->avatar_url != NULL &&
	    user_avatar_check(patch->avatar_url) != ERR_OK)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD,
		    "avatar_url",
		    "The field \"avatar_url\" must be an https or http URL.");
	if (patch->email == NULL)
		return ERR_OK;
	if (user_email_normal(normal, patch->email) != ERR_OK)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD,
		    "email", "The field \"email\" must be an email address.");
	patch->normal = normal;
	return ERR_OK;
}

/* PUT, PATCH, POST name?, email?, avatar_url?: 200; 400 401 403 409 415 503. */
enum err
route_update_profile(struct app *app, struct request *req, struct response *res)
{
	char normal[USER_EMAIL_SIZE];
	struct user_patch patch = { 0 };
	struct store_actor actor;
	struct identity identity;
	struct user user;
	struct json_writer w;
	enum err err;

	err = authenticate(app, req, res, &identity);
	if (err == ERR_OK)
		err = read_patch(req, res, normal, &patch);
	if (err != ERR_OK)
		return err;

	actor = authenticate_actor(req, &identity);
	err = store_profile_update(
	    app->store, &actor, identity.user.id, &patch, &user);
	if (err == ERR_CONFLICT)
		return response_refuse_field(
		    res, PROBLEM_EMAIL_TAKEN, "email", NULL);
	if (err == ERR_DENIED)
		return authenticate_ended(res, &identity);
	if (err != ERR_OK)
		return err;
	response_begin(res, &w);
	response_put_user(&w, &user);
	return response_end(res, &w);
}
