/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/response_bodies.h"
#include "routes/security_log.h"
#include "store/store.h"

struct profile_request {
	struct user_patch patch; /* borrows ->normal and ->proof */
	char normal[USER_EMAIL_SIZE];
	const char *password; /* NULL: none */
	struct store_proof proof;
};

static enum err
read_texts(struct request *req, struct response *res, struct profile_request *p)
{
	const struct request_text texts[] = {
		{ { "name", false, USER_NAME_SIZE - 1 }, &p->patch.name },
		{ { "email", false, USER_EMAIL_SIZE - 1 }, &p->patch.email },
		{ { "avatar_url", false, USER_AVATAR_SIZE - 1 },
		    &p->patch.avatar_url },
		{ { "current_password", false, PASSWORD_BYTES_MAX },
		    &p->password },
	};
	enum err err = request_texts(req, res, texts, NELEMS(texts));

	if (err != ERR_OK)
		return err;
	if (request_is_null(req->json, "avatar_url"))
		p->patch.avatar_url = "";
	if (p->patch.name == NULL && p->patch.email == NULL &&
	    p->patch.avatar_url == NULL)
		return response_refuse(res, PROBLEM_MISSING_FIELD,
		    "One of \"name\", \"email\", \"avatar_url\" is needed.");
	return ERR_OK;
}

/* An address that stays as it is needs no password. */
static enum err
check_email(
    struct response *res, const struct user *user, struct profile_request *p)
{
	if (p->patch.email != NULL && strcmp(p->patch.email, user->email) == 0)
		p->patch.email = NULL;
	if (p->patch.email == NULL)
		return ERR_OK;
	if (user_email_normal(p->normal, p->patch.email) != ERR_OK)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD,
		    "email", "The field \"email\" must be an email address.");
	p->patch.normal = p->normal;
	if (p->password == NULL)
		return response_refuse_field(res, PROBLEM_MISSING_FIELD,
		    "current_password",
		    "Another email address needs the field "
		    "\"current_password\".");
	return ERR_OK;
}

static enum err
read_patch(struct request *req, struct response *res, const struct user *user,
    struct profile_request *p)
{
	enum err err = read_texts(req, res, p);

	if (err != ERR_OK)
		return err;
	if (p->patch.name != NULL && user_name_check(p->patch.name) != ERR_OK)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD, "name",
		    "The field \"name\" must have 1 to 100 characters.");
	if (p->patch.avatar_url != NULL &&
	    user_avatar_check(p->patch.avatar_url) != ERR_OK)
		return response_refuse_field(res, PROBLEM_INVALID_FIELD,
		    "avatar_url",
		    "The field \"avatar_url\" must be an https or http URL.");
	return check_email(res, user, p);
}

/* Prove a change of the address with the password. */
static enum err
prove(struct app *app, struct response *res, const struct identity *identity,
    const struct store_actor *actor, struct profile_request *p)
{
	enum err err;

	if (p->patch.email == NULL)
		return ERR_OK;
	err = login_confirm(&app->login, identity, p->password, &p->proof);
	p->patch.proof = &p->proof;
	if (err == ERR_DENIED)
		err = login_denial(&app->login, actor);
	if (err == ERR_DENIED)
		return response_refuse_field(
		    res, PROBLEM_WRONG_PASSWORD, "current_password", NULL);
	return err == ERR_NOT_FOUND ? authenticate_ended(res, identity) : err;
}

/*
 * PUT, PATCH, POST name?, avatar_url?, email? with current_password: 200; 400
 * 401 403 409 415 429 503.
 */
enum err
route_update_profile(struct app *app, struct request *req, struct response *res)
{
	struct profile_request p = { 0 };
	struct store_actor actor;
	struct identity identity;
	struct user user;
	struct json_writer w;
	enum err err;

	err = authenticate(app, req, res, &identity);
	if (err == ERR_OK)
		err = read_patch(req, res, &identity.user, &p);
	if (err != ERR_OK)
		return err;

	actor = authenticate_actor(req, &identity);
	err = prove(app, res, &identity, &actor, &p);
	if (err != ERR_OK)
		return err;
	err = store_profile_update(
	    app->store, &actor, identity.user.id, &p.patch, &user);
	if (err == ERR_CONFLICT)
		return response_refuse_field(
		    res, PROBLEM_EMAIL_TAKEN, "email", NULL);
	if (err == ERR_DENIED)
		return authenticate_ended(res, &identity);
	if (err != ERR_OK)
		return err;
	if (p.patch.email != NULL)
		security_log(app, req, EVENT_EMAIL_CHANGE, user.id);
	response_begin(res, &w);
	response_put_user(&w, &user);
	return response_end(res, &w);
}
