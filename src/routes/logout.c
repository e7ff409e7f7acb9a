/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "auth/bearer.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "cache/cache.h"
#include "http/cookie.h"
#include "issuers/external_account.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/expired_token.h"
#include "routes/handlers.h"
#include "routes/response_bodies.h"
#include "routes/security_log.h"
#include "store/store.h"

/* What a logout names; all of it ends. */
struct logout_targets {
	bool token; /* ${claims} are those of a verified token */
	struct claims claims;
	char body_id[SESSION_ID_SIZE];
	char cookie_id[SESSION_ID_SIZE];
	/*
	 * The cookie is not meant: another site's page made the browser send
	 * it, or another user has signed in since the page was shown.
	 */
	bool keep_cookie;
	enum problem refused; /* of the first credential that names nothing */
};

/*
 * A credential that is not valid names nothing to end, and is no reason to
 * leave alone what another one names: a page holds the token of a replaced key
 * beside a good cookie.
 */
static enum err
pass_over(struct logout_targets *targets, struct response *res, enum err err)
{
	if (err != ERR_DENIED)
		return err;
	if (targets->refused == PROBLEM_NONE)
		targets->refused = res->problem;
	res->problem = PROBLEM_NONE;
	return ERR_OK;
}

/*
 * An expired token of this site still names a session to end; one of an
 * external issuer names nothing any more.
 */
static enum err
verify_token(
    struct app *app, const char *text, int64_t now, struct claims *claims)
{
	struct external external;
	enum err err;

	err = bearer_verify(&app->sessions, text, now, claims, &external);
	if (err == ERR_DENIED)
		return expired_token_verify(
		    &app->sessions.tokens, text, now, claims);
	if (err == ERR_OK && external.issuer != NULL)
		err = external_account_user(
		    app->store, &external, claims, &claims->user_id);
	return err;
}

static enum err
read_token(struct app *app, const struct request *req, struct response *res,
    struct logout_targets *targets)
{
	const char *text;
	enum err err;

	err = authenticate_token(req, res, &text);
	if (err != ERR_OK || text == NULL)
		return err;
	err = verify_token(app, text, req->received_at, &targets->claims);
	if (err == ERR_DENIED)
		return response_refuse(res, PROBLEM_INVALID_TOKEN, NULL);
	targets->token = err == ERR_OK;
	return err;
}

/*
 * In a cross-site request the cookie is ignored and kept, which is an error
 * only if nothing else names a session: the sender knows the token or
 * session_id that it sends, and another site cannot add a token without a CORS
 * preflight.
 */
static enum err
read_cookie(const struct request *req, struct response *res,
    struct logout_targets *targets)
{
	if (!targets->token && targets->body_id[0] == '\0')
		return authenticate_cookie_id(req, res, targets->cookie_id);
	cookie_session_id(req, targets->cookie_id);
	if (!targets->token && targets->cookie_id[0] != '\0' &&
	    !request_same_origin(req)) {
		targets->keep_cookie =
		    strcmp(targets->cookie_id, targets->body_id) != 0;
		secret_wipe(targets->cookie_id, SESSION_ID_SIZE);
	}
	return ERR_OK;
}

/* See authenticate_expects(): the page of one user does not end another's. */
static bool
is_meant(const struct request *req, const char *cookie_id)
{
	char handle[SESSION_HANDLE_SIZE];

	return cookie_id[0] == '\0' ||
	    session_handle(handle, cookie_id) != ERR_OK ||
	    authenticate_expects(req, handle);
}

static enum err
leave_cookie(struct response *res, struct logout_targets *targets)
{
	if (!targets->token && targets->body_id[0] == '\0')
		return response_refuse(res, PROBLEM_OTHER_SESSION, NULL);
	secret_wipe(targets->cookie_id, sizeof(targets->cookie_id));
	targets->keep_cookie = true;
	return ERR_OK;
}

static enum err
collect_targets(struct app *app, struct request *req, struct response *res,
    struct logout_targets *targets)
{
	enum err err;

	err = pass_over(targets, res, read_token(app, req, res, targets));
	if (err == ERR_OK)
		err = pass_over(targets, res,
		    authenticate_body_id(req, res, targets->body_id));
	if (err == ERR_OK)
		err = read_cookie(req, res, targets);
	if (err == ERR_OK && !is_meant(req, targets->cookie_id))
		err = leave_cookie(res, targets);
	if (err == ERR_OK && !targets->token && targets->body_id[0] == '\0' &&
	    targets->cookie_id[0] == '\0')
		err = response_refuse(res,
		    targets->refused != PROBLEM_NONE ? targets->refused
						     : PROBLEM_NOT_SIGNED_IN,
		    NULL);
	return err;
}

/*
 * End the session of ${session_id}.  An unknown or ended one costs no write, so
 * that invented ids cannot keep the writers busy.
 */
static enum err
end_by_id(struct app *app, const struct request *req, const char *session_id)
{
	const struct store_actor actor = { .address = req->address,
		.now = req->received_at };
	char handle[SESSION_HANDLE_SIZE];
	struct session s;
	enum err err;

	if (session_id[0] == '\0')
		return ERR_OK;
	if (session_handle(handle, session_id) != ERR_OK)
		return ERR_OK;
	err = cache_session(app->cache, handle, req->received_at, &s);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	if (err != ERR_OK || s.revoked_at != 0 ||
	    s.expires_at <= req->received_at)
		return err;
	err = store_logout(app->store, &actor, handle, NULL);
	if (err == ERR_OK)
		security_log(app, req, EVENT_LOGOUT, s.user_id);
	return err;
}

static enum err
end_by_token(
    struct app *app, const struct request *req, const struct claims *claims)
{
	const struct store_actor actor = { .address = req->address,
		.now = req->received_at };
	enum err err;

	err = store_logout(app->store, &actor,
	    claims->origin == TOKEN_OF_THIS_SITE ? claims->handle : NULL,
	    claims);
	if (err != ERR_OK)
		return err;
	if (claims->expires_at > req->received_at)
		cache_publish_revoked(app->cache, claims->jti,
		    claims->expires_at, req->received_at);
	security_log(app, req, EVENT_LOGOUT, claims->user_id);
	return ERR_OK;
}

/*
 * POST (token, session_id?, cookie): 200, even if they had ended before; 400
 * 401 403 415 503.  Only 200 removes the cookie: after a 503 the browser needs
 * it to try again.
 */
enum err
route_logout(struct app *app, struct request *req, struct response *res)
{
	struct logout_targets targets = { 0 };
	enum err err;

	err = collect_targets(app, req, res, &targets);
	if (err == ERR_OK && targets.token)
		err = end_by_token(app, req, &targets.claims);
	if (err == ERR_OK)
		err = end_by_id(app, req, targets.body_id);
	if (err == ERR_OK)
		err = end_by_id(app, req, targets.cookie_id);
	if (err == ERR_OK) {
		if (!targets.keep_cookie)
			cookie_remove(req, res);
		err = response_message(res, "Logged out successfully");
	}
	secret_wipe(&targets, sizeof(targets));
	return err;
}

static enum err
read_keep_current(struct request *req, struct response *res, bool *keep_out)
{
	static const char name[] = "keep_current";
	const struct json_value *json;
	enum err err;

	*keep_out = false;
	err = request_json(req, res, &json);
	if (err != ERR_OK)
		return err;
	if (json_value_member(json, name) == NULL ||
	    request_is_null(json, name))
		return ERR_OK;
	if (json_value_bool(json_value_member(json, name), keep_out) != ERR_OK)
		return response_refuse(res, PROBLEM_INVALID_FIELD,
		    "The field \"%s\" must be true or false.", name);
	return ERR_OK;
}

/* With keep_current the session of ${kept} continues, under ${epoch}. */
static enum err
answer_logout_all(struct app *app, const struct request *req,
    struct response *res, const struct identity *kept, int64_t epoch,
    int64_t ended)
{
	struct token token = { 0 };
	enum err err = ERR_OK;
	struct json_writer w;

	response_begin(res, &w);
	json_write_string(&w, "msg",
	    kept != NULL ? "Logged out on all other devices"
			 : "Logged out on all devices");
	json_write_int(&w, "sessions_ended", ended);
	if (kept != NULL) {
		err = access_token_issue(&app->sessions.tokens, &kept->session,
		    epoch, req->received_at, &token, NULL);
		response_put_token(&w, req, token.text, token.expires_at);
	} else {
		cookie_remove(req, res);
	}
	if (err == ERR_OK)
		err = response_end(res, &w);
	secret_wipe(&token, sizeof(token));
	return err;
}

/* POST keep_current? (and as above): 200; 400 401 403 415 503. */
enum err
route_logout_all(struct app *app, struct request *req, struct response *res)
{
	int64_t epoch = 0, ended = 0;
	struct store_actor actor;
	struct identity identity;
	bool keep;
	enum err err;

	err = authenticate_by_any(app, req, res, &identity);
	if (err == ERR_OK)
		err = read_keep_current(req, res, &keep);
	if (err != ERR_OK)
		return err;
	actor = authenticate_actor(req, &identity);
	err = store_logout_all(app->store, &actor, identity.user.id,
	    keep ? identity.session.handle : NULL, &epoch, &ended);
	if (err == ERR_DENIED)
		return authenticate_ended(res, &identity);
	if (err != ERR_OK)
		return err;
	security_log(app, req, EVENT_LOGOUT_ALL, identity.user.id);
	return answer_logout_all(
	    app, req, res, keep ? &identity : NULL, epoch, ended);
}
