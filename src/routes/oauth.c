/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "auth/bearer.h"
#include "auth/clients.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/cache.h"
#include "http/request.h"
#include "http/response.h"
#include "issuers/external_account.h"
#include "routes/admin.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "routes/rate_limit.h"
#include "routes/security_log.h"
#include "store/store.h"
#include "token/access_token.h"

/*
 * Revocation (RFC 7009), introspection (RFC 7662) and public keys (RFC 7517)
 * for the site's other servers.  They use client libraries, so errors in a
 * request are those of RFC 6749 section 5.2.  Failures here (503) and errors
 * that any request can have (405, 413, 415) are problems as on every route.
 */

static const struct request_field token_field = { "token", true,
	REQUEST_BODY_MAX };
static const struct request_field hint_field = { "token_type_hint", false,
	REQUEST_BODY_MAX };
static const struct request_field id_field = { "client_id", false,
	CLIENTS_ID_SIZE - 1 };
static const struct request_field secret_field = { "client_secret", false,
	CLIENTS_SECRET_SIZE - 1 };

/* An OAuth error is a complete answer: ERR_OK unless memory ran out. */
static enum err
refuse(struct response *res, int status, const char *error, const char *why)
{
	struct json_writer w;

	res->problem = PROBLEM_NONE;
	res->status = status;
	if (status == 401)
		response_header(
		    res, "WWW-Authenticate", "Basic realm=\"latchkey\"");
	response_begin(res, &w);
	json_write_string(&w, "error", error);
	json_write_string(&w, "error_description", why);
	return response_end(res, &w);
}

/* ---- callers ---- */

/* client_secret_post.  ERR_NOT_FOUND without a client_secret. */
static enum err
read_posted_claim(const struct json_value *form, struct response *res,
    struct clients_claim *claim)
{
	const char *id, *secret;
	enum err err;

	err = request_string(form, &id_field, res, &id);
	if (err == ERR_OK)
		err = request_string(form, &secret_field, res, &secret);
	if (err != ERR_OK)
		return err;
	if (secret == NULL)
		return ERR_NOT_FOUND;
	err = str_copy(claim->id, sizeof(claim->id), id != NULL ? id : "");
	if (err == ERR_OK)
		err = str_copy(claim->secret, sizeof(claim->secret), secret);
	return err;
}

/* Without client credentials: an administrator's access token, if allowed. */
static enum err
authenticate_admin(struct app *app, struct request *req, struct response *res,
    bool admins, bool *allowed_out)
{
	const char *bearer;
	enum err err;

	if (!admins)
		return refuse(res, 401, "invalid_client",
		    "This takes the credentials of a client.");
	err = request_bearer(req, &bearer);
	if (err == ERR_OK && bearer == NULL)
		return refuse(res, 401, "invalid_client",
		    "This takes the credentials of a client or an "
		    "administrator.");
	err = admin_check(app, req, res);
	*allowed_out = err == ERR_OK;
	return err;
}

/* As it is, or with the encoding of RFC 6749 section 2.3.1. */
static enum err
check_basic(const struct clients *clients, const struct clients_claim *claim)
{
	struct clients_claim decoded;
	enum err err = clients_check(clients, claim);

	if (err != ERR_OK && clients_form_decode(claim, &decoded) == ERR_OK) {
		err = clients_check(clients, &decoded);
		secret_wipe(&decoded, sizeof(decoded));
	}
	return err;
}

/* ERR_OK with *${allowed_out} false: a refusal is the answer. */
static enum err
authenticate_caller(struct app *app, struct request *req,
    const struct json_value *form, struct response *res, bool admins,
    bool *allowed_out)
{
	struct clients_claim basic, posted = { 0 };
	enum err header_err, form_err, err = ERR_OK;

	*allowed_out = false;
	header_err =
	    clients_basic(request_param(req, PARAM_HTTP_AUTHORIZATION), &basic);
	form_err = read_posted_claim(form, res, &posted);
	if (header_err == ERR_NOT_FOUND && form_err == ERR_NOT_FOUND) {
		err = authenticate_admin(app, req, res, admins, allowed_out);
	} else if (header_err != ERR_NOT_FOUND && form_err != ERR_NOT_FOUND) {
		err = refuse(res, 400, "invalid_request",
		    "The client used two ways to authenticate.");
	} else if ((header_err == ERR_OK &&
		       check_basic(app->clients, &basic) == ERR_OK) ||
	    (form_err == ERR_OK &&
		clients_check(app->clients, &posted) == ERR_OK)) {
		*allowed_out = true;
	} else {
		security_log(app, req, EVENT_CLIENT_REFUSED, 0);
		err = rate_limit_guess(app, req, res);
		if (err == ERR_OK)
			err = refuse(res, 401, "invalid_client",
			    "Unknown client or wrong secret.");
	}
	secret_wipe(&basic, sizeof(basic));
	secret_wipe(&posted, sizeof(posted));
	return err;
}

/* ---- requests ---- */

/* Read the parameter token, borrowed; NULL if a refusal is the answer. */
static enum err
read_token(
    const struct json_value *form, struct response *res, const char **text_out)
{
	const char *hint;
	enum err err;

	err = request_string(form, &token_field, res, text_out);
	/* There is only one kind of tokens, so the hint is of no use. */
	if (err == ERR_OK)
		err = request_string(form, &hint_field, res, &hint);
	if (err != ERR_INVALID)
		return err;
	*text_out = NULL;
	return refuse(
	    res, 400, "invalid_request", "The parameter \"token\" is missing.");
}

/* Read the form; NULL if a refusal is the answer. */
static enum err
read_form(struct request *req, struct response *res,
    const struct json_value **form_out)
{
	enum err err;

	*form_out = NULL;
	err = request_form(req, res);
	if (err == ERR_OK)
		err = request_json(req, res, form_out);
	if (res->problem != PROBLEM_MALFORMED_FORM)
		return err;
	return refuse(res, 400, "invalid_request", "The form is malformed.");
}

/*
 * Read the token that a client, or with ${admins} an administrator, sends;
 * borrowed, NULL if a refusal is the answer.
 */
static enum err
read_request(struct app *app, struct request *req, struct response *res,
    bool admins, const char **text_out)
{
	const struct json_value *form;
	bool allowed;
	enum err err;

	*text_out = NULL;
	err = read_form(req, res, &form);
	if (err != ERR_OK || form == NULL)
		return err;
	err = authenticate_caller(app, req, form, res, admins, &allowed);
	if (err == ERR_OK && allowed)
		err = read_token(form, res, text_out);
	return err;
}

/* ---- revocation ---- */

/*
 * An invalid token counts as revoked (RFC 7009 section 2.2).  The session
 * continues and gets other tokens.  A token that may become valid later was not
 * revoked, and the client must not believe that it was.
 */
static enum err
revoke(struct app *app, const struct request *req, const char *text)
{
	const struct store_actor actor = { .address = req->address,
		.now = req->received_at };
	struct external external;
	struct claims claims;
	enum err err;

	err = bearer_verify(
	    &app->sessions, text, req->received_at, &claims, &external);
	if (err == ERR_DENIED)
		return external.may_become_valid ? ERR_UNAVAILABLE : ERR_OK;
	if (err == ERR_OK && external.issuer != NULL)
		err = external_account_user(
		    app->store, &external, &claims, &claims.user_id);
	if (err == ERR_OK)
		err = store_token_end(app->store, &actor, &claims);
	if (err != ERR_OK)
		return err;
	cache_publish_revoked(
	    app->cache, claims.jti, claims.expires_at, req->received_at);
	security_log(app, req, EVENT_TOKEN_END, claims.user_id);
	return ERR_OK;
}

/*
 * POST token, as a form, from a client (RFC 7009): 200 {} for any token; 400
 * 401 413 415 429 503.
 */
enum err
route_revoke(struct app *app, struct request *req, struct response *res)
{
	const char *text;
	struct json_writer w;
	enum err err;

	err = read_request(app, req, res, false, &text);
	if (err != ERR_OK || text == NULL)
		return err;
	if ((err = revoke(app, req, text)) != ERR_OK)
		return err;
	response_begin(res, &w);
	return response_end(res, &w);
}

/* ---- introspection ---- */

static enum err
answer_active(const struct app *app, struct response *res,
    const struct identity *identity)
{
	const struct access_tokens *t = &app->sessions.tokens;
	const struct claims *c = &identity->claims;
	char sub[STR_INT_SIZE];
	struct json_writer w;

	str_int(sub, identity->user.id);
	response_begin(res, &w);
	json_write_bool(&w, "active", true);
	json_write_string(&w, "token_type", "bearer");
	json_write_string(&w, "sub", sub);
	if (identity->user.email[0] != '\0')
		json_write_string(&w, "username", identity->user.email);
	json_write_string(&w, "sid", c->handle);
	json_write_string(&w, "iss", t->issuer);
	json_write_string(&w, "aud", t->audience);
	json_write_string(&w, "jti", c->jti);
	json_write_int(&w, "iat", c->issued_at - c->clock_behind);
	json_write_int(&w, "nbf", c->not_before - c->clock_behind);
	json_write_int(&w, "exp", c->expires_at - c->clock_behind);
	return response_end(res, &w);
}

/* The reason is not revealed (RFC 7662 section 2.2). */
static enum err
answer_inactive(struct response *res)
{
	struct json_writer w;

	response_begin(res, &w);
	json_write_bool(&w, "active", false);
	return response_end(res, &w);
}

/*
 * Decide as the routes that take the token do, except that a token of an
 * external issuer is inactive: that issuer introspects it, and introspection
 * must not create an account.
 */
static enum err
introspect(struct app *app, const struct request *req, const char *text,
    struct response *res)
{
	struct sessions ours = app->sessions;
	struct identity identity;
	enum err err;

	ours.issuers = NULL;
	err = sessions_by_token(
	    &ours, text, req->address, req->received_at, &identity);
	if (err == ERR_OK)
		err = answer_active(app, res, &identity);
	else if (err == ERR_DENIED)
		err = answer_inactive(res);
	secret_wipe(&identity, sizeof(identity));
	return err;
}

/*
 * POST token, as a form, from a client or an administrator (RFC 7662): 200 its
 * claims, or {"active":false}; 400 401 403 413 415 429 503.
 */
enum err
route_introspect(struct app *app, struct request *req, struct response *res)
{
	const char *text;
	enum err err;

	err = read_request(app, req, res, true, &text);
	if (err != ERR_OK || text == NULL)
		return err;
	return introspect(app, req, text, res);
}

/* ---- public keys ---- */

/* GET: 200 the public keys (RFC 7517), which may be cached; 503. */
enum err
route_jwks(struct app *app, struct request *req, struct response *res)
{
	struct signing_keys *keys = app->sessions.tokens.keys;
	struct json_writer w;
	enum err err;

	if ((err = signing_keys_refresh(keys)) != ERR_OK)
		return err;
	response_begin(res, &w);
	res->content_type = "application/jwk-set+json";
	err = signing_keys_jwks(keys, req->received_at, &w);
	if (err == ERR_OK)
		err = response_end(res, &w);
	/*
	 * A new key is published for that long before it signs, so no client
	 * misses it.
	 */
	res->max_age = keys->options.publish;
	return err;
}
