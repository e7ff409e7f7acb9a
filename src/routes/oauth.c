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
 * What other servers of the site ask of tokens: RFC 7009, RFC 7662 and RFC
 * 7517.  Their clients are libraries, so what is wrong with a request is said
 * in the words of RFC 6749 section 5.2; what is wrong with us (503 and its
 * kin), or with what every request must be (405, 413, 415), is a problem here
 * as everywhere.
 */

static const struct request_field token_field = { "token", true,
	REQUEST_BODY_MAX };
static const struct request_field hint_field = { "token_type_hint", false,
	REQUEST_BODY_MAX };
static const struct request_field id_field = { "client_id", false,
	CLIENTS_ID_SIZE - 1 };
static const struct request_field secret_field = { "client_secret", false,
	CLIENTS_SECRET_SIZE - 1 };

/* The refusal is the answer, so this is ERR_OK unless memory ran out. */
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

/* ---- who asks ---- */

enum caller { NOBODY, CLIENT, SOMEBODY };

/* client_secret_post: both members, or neither. */
static enum err
claim_by_form(const struct json_value *form, struct response *res,
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

/*
 * Is it a client that asks?  *${asker_out} is NOBODY where the answer is
 * written already, and SOMEBODY where no client says so.
 */
static enum err
ask_client(struct app *app, const struct request *req,
    const struct json_value *form, struct response *res, enum caller *asker_out)
{
	struct clients_claim basic, posted = { 0 };
	enum err by_header, by_form, err = ERR_OK;

	*asker_out = NOBODY;
	by_header =
	    clients_basic(request_param(req, "HTTP_AUTHORIZATION"), &basic);
	by_form = claim_by_form(form, res, &posted);
	if (by_header == ERR_NOT_FOUND && by_form == ERR_NOT_FOUND) {
		*asker_out = SOMEBODY;
		goto out;
	}
	if (by_header != ERR_NOT_FOUND && by_form != ERR_NOT_FOUND) {
		err = refuse(res, 400, "invalid_request",
		    "The client authenticates in two ways.");
		goto out;
	}
	if ((by_header == ERR_OK &&
		clients_check(app->clients, &basic) == ERR_OK) ||
	    (by_form == ERR_OK &&
		clients_check(app->clients, &posted) == ERR_OK)) {
		*asker_out = CLIENT;
		goto out;
	}
	security_log(app, req, EVENT_CLIENT_REFUSED, 0);
	err = rate_limit_guess(app, req, res);
	if (err == ERR_OK)
		err = refuse(res, 401, "invalid_client",
		    "There is no such client, or its secret is another.");
out:
	secret_wipe(&basic, sizeof(basic));
	secret_wipe(&posted, sizeof(posted));
	return err;
}

/* The token that is asked about, borrowed; NULL where that is answered. */
static enum err
find_token(
    const struct json_value *form, struct response *res, const char **text_out)
{
	const char *hint;
	enum err err;

	err = request_string(form, &token_field, res, text_out);
	/* A hint is only that, and we have one kind of tokens. */
	if (err == ERR_OK)
		err = request_string(form, &hint_field, res, &hint);
	if (err != ERR_INVALID)
		return err;
	*text_out = NULL;
	return refuse(
	    res, 400, "invalid_request", "The parameter \"token\" is missing.");
}

/* The form; NULL where its refusal is the answer. */
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

/* ---- revocation ---- */

/*
 * What is not a token, or not any more, is as revoked as can be: RFC
 * 7009 section 2.2.  The session goes on, and gets other tokens.  But one that
 * may be good later has not been ended, and nobody is to believe that it was.
 */
static enum err
revoke(struct app *app, const struct request *req, const char *text)
{
	const struct store_actor actor = { .address = req->address,
		.now = req->received_at };
	struct external said;
	struct claims claims;
	enum err err;

	err = bearer_verify(
	    &app->sessions, text, req->received_at, &claims, &said);
	if (err == ERR_DENIED)
		return said.may_become_valid ? ERR_UNAVAILABLE : ERR_OK;
	if (err == ERR_OK && said.issuer != NULL)
		err = external_account_user(
		    app->store, &said, &claims, &claims.user_id);
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
 * POST token, as a form, from a client (RFC 7009): 200 {}, whatever it was;
 * 400 401 413 415 429 503.
 */
enum err
route_revoke(struct app *app, struct request *req, struct response *res)
{
	const struct json_value *form;
	enum caller caller = NOBODY;
	const char *text = NULL;
	struct json_writer w;
	enum err err;

	err = read_form(req, res, &form);
	if (err != ERR_OK || form == NULL)
		return err;
	err = ask_client(app, req, form, res, &caller);
	if (err == ERR_OK && caller == SOMEBODY)
		return refuse(
		    res, 401, "invalid_client", "Only clients may ask this.");
	if (err == ERR_OK && caller == CLIENT)
		err = find_token(form, res, &text);
	if (err != ERR_OK || text == NULL)
		return err;
	if ((err = revoke(app, req, text)) != ERR_OK)
		return err;
	response_begin(res, &w);
	return response_end(res, &w);
}

/* ---- introspection ---- */

static enum err
answer_active(
    const struct app *app, struct response *res, const struct identity *who)
{
	const struct access_tokens *t = &app->sessions.tokens;
	char sub[STR_INT_SIZE];
	struct json_writer w;

	str_int(sub, who->user.id);
	response_begin(res, &w);
	json_write_bool(&w, "active", true);
	json_write_string(&w, "token_type", "bearer");
	json_write_string(&w, "sub", sub);
	if (who->user.email[0] != '\0')
		json_write_string(&w, "username", who->user.email);
	json_write_string(&w, "sid", who->claims.handle);
	json_write_string(&w, "iss", t->issuer);
	json_write_string(&w, "aud", t->audience);
	json_write_string(&w, "jti", who->claims.jti);
	json_write_int(&w, "iat", who->claims.issued_at);
	json_write_int(&w, "nbf", who->claims.not_before);
	json_write_int(&w, "exp", who->claims.expires_at);
	return response_end(res, &w);
}

/* Whatever is wrong with it: this and nothing else (RFC 7662 section 2.2). */
static enum err
answer_inactive(struct response *res)
{
	struct json_writer w;

	response_begin(res, &w);
	json_write_bool(&w, "active", false);
	return response_end(res, &w);
}

/*
 * The same verdict as where the token is used, by the same way; but who asks
 * about another issuer's token is to ask that issuer, and a question makes
 * nobody an account.
 */
static enum err
introspect(struct app *app, const struct request *req, const char *text,
    struct response *res)
{
	struct sessions ours = app->sessions;
	struct identity who;
	enum err err;

	ours.issuers = NULL;
	err = sessions_by_token(
	    &ours, text, req->address, req->received_at, &who);
	if (err == ERR_OK)
		err = answer_active(app, res, &who);
	else if (err == ERR_DENIED)
		err = answer_inactive(res);
	secret_wipe(&who, sizeof(who));
	return err;
}

/* An admin may ask as well, by an access token; else it is a client. */
static enum err
ask_admin(
    struct app *app, struct request *req, struct response *res, bool *admin_out)
{
	const char *bearer;
	enum err err;

	*admin_out = false;
	err = request_bearer(req, &bearer);
	if (err == ERR_OK && bearer == NULL)
		return refuse(res, 401, "invalid_client",
		    "Only clients and administrators may ask this.");
	err = admin_check(app, req, res);
	*admin_out = err == ERR_OK;
	return err;
}

/*
 * POST token, as a form, from a client or an admin (RFC 7662): 200 what it
 * says, or {"active":false}; 400 401 403 413 415 429 503.
 */
enum err
route_introspect(struct app *app, struct request *req, struct response *res)
{
	const struct json_value *form;
	enum caller caller = NOBODY;
	const char *text = NULL;
	bool may;
	enum err err;

	err = read_form(req, res, &form);
	if (err != ERR_OK || form == NULL)
		return err;
	err = ask_client(app, req, form, res, &caller);
	may = caller == CLIENT;
	if (err == ERR_OK && caller == SOMEBODY)
		err = ask_admin(app, req, res, &may);
	if (err == ERR_OK && may)
		err = find_token(form, res, &text);
	if (err != ERR_OK || text == NULL)
		return err;
	return introspect(app, req, text, res);
}

/* ---- public keys ---- */

/* GET: 200 the public keys (RFC 7517), good for as long as it says; 503. */
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
	 * Whoever read the set just before a key came into it reads it again
	 * by the time that key signs.
	 */
	res->max_age = keys->options.publish;
	return err;
}
