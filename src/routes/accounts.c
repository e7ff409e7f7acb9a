/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "auth/account_close.h"
#include "auth/password_change.h"
#include "auth/registration.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "http/cookie.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/response_bodies.h"
#include "routes/security_log.h"
#include "shm/counters.h"

#define DEVICE_BYTES_MAX 1024 /* the record holds less and cuts it */

/*
 * Read e-mail address, password and what describes the session.  Login CSRF:
 * another site must not sign its visitor in to an account of its own, where
 * the visitor would leave data behind.
 */
static enum err
read_credentials(struct request *req, struct response *res,
    struct login_credentials *cred, struct session_origin *origin)
{
	const struct request_text texts[] = {
		{ { "email", true, USER_EMAIL_SIZE - 1 }, &cred->email },
		{ { "password", true, PASSWORD_BYTES_MAX }, &cred->password },
		{ { "device", false, DEVICE_BYTES_MAX }, &origin->device },
	};
	enum err err;

	if (request_cross_site(req))
		return response_refuse(res, PROBLEM_CROSS_SITE, NULL);
	err = request_texts(req, res, texts, NELEMS(texts));
	if (err != ERR_OK)
		return err;
	if (origin->device == NULL)
		origin->device = "";
	origin->address = req->address;
	origin->user_agent = req->user_agent;
	return ERR_OK;
}

/* Answer with the identity, its tokens and the cookie. */
static enum err
answer_login(const struct request *req, struct response *res,
    const struct login_grant *grant)
{
	cookie_set(req, res, grant->session_id,
	    grant->session.expires_at - req->received_at);
	return response_login(
	    res, req, &grant->user, grant->session_id, &grant->token);
}

/* The field that registration_create() refused; it checks them in this order.
 */
static const char *
refused_field(const struct login_credentials *cred)
{
	char normal[USER_EMAIL_SIZE];

	return user_email_normal(normal, cred->email) != ERR_OK ? "email"
								: "name";
}

/* POST email, password, name: 201; 400 403 409 415 422 429 503. */
enum err
route_register(struct app *app, struct request *req, struct response *res)
{
	struct login_credentials cred = { 0 };
	struct session_origin origin = { 0 };
	struct login_grant grant = { 0 };
	const struct request_text name = { { "name", true, USER_NAME_SIZE - 1 },
		&cred.name };
	const char *reason = NULL;
	enum err err;

	err = read_credentials(req, res, &cred, &origin);
	if (err == ERR_OK)
		err = request_texts(req, res, &name, 1);
	if (err != ERR_OK)
		return err;

	err = registration_create(
	    &app->login, &cred, &origin, req->received_at, &grant, &reason);
	if (err == ERR_CONFLICT)
		err = response_refuse_field(
		    res, PROBLEM_EMAIL_TAKEN, "email", NULL);
	else if (err == ERR_DENIED)
		err = response_refuse_field(res, PROBLEM_WEAK_PASSWORD,
		    "password", "%s", reason != NULL ? reason : "");
	else if (err == ERR_INVALID)
		err = response_refuse_field(res, PROBLEM_INVALID_FIELD,
		    refused_field(&cred), "%s", reason != NULL ? reason : "");
	if (err != ERR_OK)
		goto out;
	security_log(app, req, EVENT_REGISTER, grant.user.id);
	err = answer_login(req, res, &grant);
out:
	secret_wipe(&grant, sizeof(grant));
	return err;
}

/* POST email, password, device?: 200; 400 401 403 415 429 503. */
enum err
route_login(struct app *app, struct request *req, struct response *res)
{
	struct login_credentials cred = { 0 };
	struct session_origin origin = { 0 };
	struct login_grant grant = { 0 };
	enum err err;

	err = read_credentials(req, res, &cred, &origin);
	if (err != ERR_OK)
		return err;

	err = login_attempt(
	    &app->login, &cred, &origin, req->received_at, &grant);
	if (err == ERR_DENIED) {
		security_log(app, req, EVENT_LOGIN_REFUSED, 0);
		err = response_refuse(res, PROBLEM_INVALID_CREDENTIALS, NULL);
	} else if (err != ERR_OK) {
		counters_add(app->shm, COUNTERS_LOGINS_FAILED, 1);
	}
	if (err != ERR_OK)
		goto out;
	security_log(app, req, EVENT_LOGIN, grant.user.id);
	err = answer_login(req, res, &grant);
out:
	secret_wipe(&grant, sizeof(grant));
	return err;
}

/* Does the cookie of ${req} have the id of the session ${s}? */
static bool
cookie_is_of(const struct request *req, const struct session *s)
{
	char id[SESSION_ID_SIZE], handle[SESSION_HANDLE_SIZE];
	bool same;

	cookie_session_id(req, id);
	same = id[0] != '\0' && session_handle(handle, id) == ERR_OK &&
	    strcmp(handle, s->handle) == 0;
	secret_wipe(id, sizeof(id));
	return same;
}

/* The new session id goes back the way that the old one came. */
static enum err
answer_password_changed(const struct request *req, struct response *res,
    const struct identity *identity, const struct login_grant *grant)
{
	struct json_writer w;

	response_begin(res, &w);
	json_write_string(&w, "msg", "Password changed");
	response_put_token(&w, req, grant->token.text, grant->token.expires_at);
	if (cookie_is_of(req, &identity->session))
		cookie_set(req, res, grant->session_id,
		    grant->session.expires_at - req->received_at);
	else
		json_write_string(&w, "session_id", grant->session_id);
	return response_end(res, &w);
}

/* POST current_password, new_password: 200; 400 401 403 415 422 429 503. */
enum err
route_change_password(
    struct app *app, struct request *req, struct response *res)
{
	struct password_change change = { .address = req->address };
	const struct request_text texts[] = {
		{ { "current_password", true, PASSWORD_BYTES_MAX },
		    &change.current },
		{ { "new_password", true, PASSWORD_BYTES_MAX },
		    &change.replacement },
	};
	struct login_grant grant = { 0 };
	const char *reason = NULL;
	struct identity identity;
	enum err err;

	err = authenticate(app, req, res, &identity);
	if (err == ERR_OK)
		err = request_texts(req, res, texts, NELEMS(texts));
	if (err != ERR_OK)
		goto out;

	err = password_change(
	    &app->login, &identity, &change, req->received_at, &grant, &reason);
	if (err == ERR_DENIED && reason != NULL)
		err = response_refuse_field(
		    res, PROBLEM_WEAK_PASSWORD, "new_password", "%s", reason);
	else if (err == ERR_DENIED)
		err = response_refuse_field(
		    res, PROBLEM_WRONG_PASSWORD, "current_password", NULL);
	else if (err == ERR_NOT_FOUND)
		err = authenticate_ended(res, &identity);
	if (err != ERR_OK)
		goto out;
	security_log(app, req, EVENT_PASSWORD_CHANGE, identity.user.id);

	err = answer_password_changed(req, res, &identity, &grant);
out:
	secret_wipe(&grant, sizeof(grant));
	secret_wipe(&identity, sizeof(identity));
	return err;
}

/* account_close_deactivate() and account_close_delete() */
typedef enum err login_end_fn(struct login *, const struct identity *,
    const char *, const char *, int64_t);

static enum err
end_account(struct app *app, struct request *req, struct response *res,
    login_end_fn *end, enum event event)
{
	const char *password;
	const struct request_text text = {
		{ "password", true, PASSWORD_BYTES_MAX }, &password
	};
	struct identity identity;
	enum err err;

	err = authenticate(app, req, res, &identity);
	if (err == ERR_OK)
		err = request_texts(req, res, &text, 1);
	if (err != ERR_OK)
		goto out;

	err = end(
	    &app->login, &identity, password, req->address, req->received_at);
	if (err == ERR_DENIED)
		err = response_refuse_field(
		    res, PROBLEM_WRONG_PASSWORD, "password", NULL);
	else if (err == ERR_NOT_FOUND)
		err = authenticate_ended(res, &identity);
	else if (err == ERR_CONFLICT)
		err = response_refuse(res, PROBLEM_LAST_ADMIN, NULL);
	if (err != ERR_OK)
		goto out;
	security_log(app, req, event, identity.user.id);
	cookie_remove(req, res);
out:
	secret_wipe(&identity, sizeof(identity));
	return err;
}

/* POST password: 200; 400 401 403 415 429 503. */
enum err
route_deactivate(struct app *app, struct request *req, struct response *res)
{
	enum err err;

	err = end_account(
	    app, req, res, account_close_deactivate, EVENT_DEACTIVATE);
	if (err != ERR_OK)
		return err;
	return response_message(res, "Account deactivated");
}

/* DELETE password: 204; 400 401 403 415 429 503. */
enum err
route_delete_account(struct app *app, struct request *req, struct response *res)
{
	return end_account(app, req, res, account_close_delete, EVENT_DELETE);
}
