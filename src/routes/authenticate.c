/* SPDX-License-Identifier: ISC */
#include "routes/authenticate.h"

#include <string.h>

#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "http/cookie.h"
#include "http/request.h"
#include "http/response.h"
#include "routes/context.h"
#include "routes/security_log.h"

#define SAME_ORIGIN_DETAIL                                                     \
	"With a cookie, the request must come from the same origin."

static const struct request_field session_id_field = { "session_id", false,
	REQUEST_BODY_MAX };

enum err
authenticate_token(
    const struct request *req, struct response *res, const char **text_out)
{
	if (request_bearer(req, text_out) == ERR_OK)
		return ERR_OK;
	return response_refuse(res, PROBLEM_INVALID_TOKEN,
	    "The Authorization header is malformed.");
}

enum err
authenticate_body_id(
    struct request *req, struct response *res, char id_out[SESSION_ID_SIZE])
{
	const struct json_value *json;
	const char *text;
	enum err err;

	memset(id_out, 0, SESSION_ID_SIZE);
	err = request_json(req, res, &json);
	if (err == ERR_OK)
		err = request_string(json, &session_id_field, res, &text);
	if (err != ERR_OK || text == NULL)
		return err;
	if (str_copy(id_out, SESSION_ID_SIZE, text) != ERR_OK ||
	    !random_is_uuid(id_out)) {
		secret_wipe(id_out, SESSION_ID_SIZE);
		return response_refuse(res, PROBLEM_INVALID_SESSION, NULL);
	}
	return ERR_OK;
}

enum err
authenticate_cookie_id(const struct request *req, struct response *res,
    char id_out[SESSION_ID_SIZE])
{
	const unsigned with_body = METHOD_POST | METHOD_PUT | METHOD_PATCH;
	enum err err = ERR_OK;

	cookie_session_id(req, id_out);
	if (id_out[0] == '\0' || req->method == METHOD_GET)
		return ERR_OK;

	/*
	 * Any page can make the browser send this cookie.  It can neither fake
	 * the origin nor send JSON without a CORS preflight, which fails here.
	 */
	if (!request_same_origin(req))
		err = response_refuse(
		    res, PROBLEM_CROSS_SITE, SAME_ORIGIN_DETAIL);
	else if ((req->method & with_body) != 0 && !request_is_json(req))
		err = response_refuse(res, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
		    "With a cookie, the content type must be "
		    "application/json.");
	if (err != ERR_OK)
		secret_wipe(id_out, SESSION_ID_SIZE);
	return err;
}

/* Have last_seen_at moved in the background. */
static void
record_last_seen(
    struct app *app, const struct request *req, const struct session *s)
{
	if (app->touch != NULL && sessions_touch_due(s, req->received_at))
		app->touch(app->touch_ctx, s->handle);
}

bool
authenticate_expects(const struct request *req, const char *handle)
{
	const char *expected = request_param(req, PARAM_HTTP_LATCHKEY_SESSION);

	return expected == NULL || expected[0] == '\0' ||
	    req->method == METHOD_GET || strcmp(expected, handle) == 0;
}

/* Accept the session of ${identity}, unless ${req} is meant for another. */
static enum err
accept_session(struct app *app, const struct request *req, struct response *res,
    struct identity *identity)
{
	if (authenticate_expects(req, identity->session.handle)) {
		record_last_seen(app, req, &identity->session);
		return ERR_OK;
	}
	secret_wipe(identity, sizeof(*identity));
	return response_refuse(res, PROBLEM_OTHER_SESSION, NULL);
}

enum err
authenticate_by_id(struct app *app, const struct request *req,
    struct response *res, const char *session_id, struct identity *identity_out)
{
	enum err err;

	err = sessions_by_id(
	    &app->sessions, session_id, req->received_at, identity_out);
	if (err == ERR_DENIED)
		return response_refuse(res, PROBLEM_INVALID_SESSION, NULL);
	return err == ERR_OK ? accept_session(app, req, res, identity_out)
			     : err;
}

/* Log what an external token did to its account. */
static void
log_account_change(const struct app *app, const struct request *req,
    const struct identity *identity)
{
	static const enum event events[] = {
		[EXTERNAL_CREATED] = EVENT_EXTERNAL_CREATED,
		[EXTERNAL_LINKED] = EVENT_EXTERNAL_LINKED,
		[EXTERNAL_UPDATED] = EVENT_EXTERNAL_UPDATED,
	};

	if (identity->done < NELEMS(events) &&
	    events[identity->done] != EVENT_NONE)
		security_log(
		    app, req, events[identity->done], identity->user.id);
}

enum err
authenticate_by_token(struct app *app, const struct request *req,
    struct response *res, const char *text, struct identity *identity_out)
{
	enum err err;

	err = sessions_by_token(
	    &app->sessions, text, req->address, req->received_at, identity_out);
	if (err == ERR_DENIED)
		return response_refuse(res, PROBLEM_INVALID_TOKEN, NULL);
	if (err != ERR_OK)
		return err;
	if (identity_out->claims.origin != TOKEN_OF_ISSUER)
		return accept_session(app, req, res, identity_out);
	log_account_change(app, req, identity_out);
	return ERR_OK;
}

/* ---- sources ---- */

static enum err
read_cookie(
    struct request *req, struct response *res, char id_out[SESSION_ID_SIZE])
{
	return authenticate_cookie_id(req, res, id_out);
}

static enum err
read_any_cookie(
    struct request *req, struct response *res, char id_out[SESSION_ID_SIZE])
{
	(void)res;
	cookie_session_id(req, id_out);
	return ERR_OK;
}

static enum err
read_same_origin_cookie(
    struct request *req, struct response *res, char id_out[SESSION_ID_SIZE])
{
	cookie_session_id(req, id_out);
	if (id_out[0] == '\0' || request_same_origin(req))
		return ERR_OK;
	secret_wipe(id_out, SESSION_ID_SIZE);
	return response_refuse(res, PROBLEM_CROSS_SITE, SAME_ORIGIN_DETAIL);
}

typedef enum err read_id_fn(
    struct request *req, struct response *res, char id_out[SESSION_ID_SIZE]);

static const struct credential_source {
	read_id_fn *read_id; /* of a request without a token */
	bool external;       /* accept tokens of external issuers */
} sources[] = {
	[AUTHENTICATE_OWN] = { read_cookie, false },
	[AUTHENTICATE_ANY] = { read_cookie, true },
	[AUTHENTICATE_GUARDED] = { read_same_origin_cookie, true },
	[AUTHENTICATE_GUARDED_SAFE] = { read_any_cookie, true },
};

static enum err
by_token(const struct credential_source *source, struct app *app,
    struct request *req, struct response *res, const char *text,
    struct identity *identity_out)
{
	enum err err = authenticate_by_token(app, req, res, text, identity_out);

	if (err != ERR_OK || source->external ||
	    identity_out->claims.origin != TOKEN_OF_ISSUER)
		return err;
	secret_wipe(identity_out, sizeof(*identity_out));
	return response_refuse(res, PROBLEM_INVALID_TOKEN,
	    "This takes an access token of this site, not another issuer's.");
}

enum err
authenticate_by(struct app *app, struct request *req, struct response *res,
    enum authenticate_source source, struct identity *identity_out)
{
	char id[SESSION_ID_SIZE];
	const char *token;
	enum err err;

	*identity_out = (struct identity){ 0 };
	err = authenticate_token(req, res, &token);
	if (err != ERR_OK)
		return err;
	if (token != NULL)
		return by_token(
		    &sources[source], app, req, res, token, identity_out);

	err = sources[source].read_id(req, res, id);
	if (err == ERR_OK && id[0] == '\0')
		err = response_refuse(res, PROBLEM_NOT_SIGNED_IN, NULL);
	if (err == ERR_OK)
		err = authenticate_by_id(app, req, res, id, identity_out);
	secret_wipe(id, sizeof(id));
	return err;
}

/* ERR_NOT_FOUND if there is no such credential. */
static enum err
try_token(struct app *app, struct request *req, struct response *res,
    struct identity *identity_out)
{
	const char *token;
	enum err err = authenticate_token(req, res, &token);

	if (err != ERR_OK)
		return err;
	return token == NULL ? ERR_NOT_FOUND
			     : by_token(&sources[AUTHENTICATE_OWN], app, req,
				   res, token, identity_out);
}

static enum err
try_id(struct app *app, struct request *req, struct response *res,
    read_id_fn *read, struct identity *identity_out)
{
	char id[SESSION_ID_SIZE];
	enum err err = read(req, res, id);

	if (err == ERR_OK)
		err = id[0] == '\0'
		    ? ERR_NOT_FOUND
		    : authenticate_by_id(app, req, res, id, identity_out);
	secret_wipe(id, sizeof(id));
	return err;
}

enum err
authenticate_by_any(struct app *app, struct request *req, struct response *res,
    struct identity *identity_out)
{
	static read_id_fn *const reads[] = { authenticate_body_id,
		read_cookie };
	enum err err, next;

	*identity_out = (struct identity){ 0 };
	err = try_token(app, req, res, identity_out);
	for (size_t i = 0;
	     i < NELEMS(reads) && (err == ERR_DENIED || err == ERR_NOT_FOUND);
	     i++) {
		next = try_id(app, req, res, reads[i], identity_out);
		if (next != ERR_NOT_FOUND)
			err = next;
	}
	if (err == ERR_NOT_FOUND)
		return response_refuse(res, PROBLEM_NOT_SIGNED_IN, NULL);
	if (err == ERR_OK)
		res->problem = PROBLEM_NONE; /* of a credential before */
	return err;
}

enum err
authenticate(struct app *app, struct request *req, struct response *res,
    struct identity *identity_out)
{
	return authenticate_by(app, req, res, AUTHENTICATE_OWN, identity_out);
}

struct store_actor
authenticate_actor(const struct request *req, const struct identity *identity)
{
	return (struct store_actor){ .address = req->address,
		.now = req->received_at,
		.handle = identity->session.handle,
		.epoch = identity->session.epoch };
}

enum err
authenticate_ended(struct response *res, const struct identity *identity)
{
	return response_refuse(res,
	    identity->claims.origin != TOKEN_NONE ? PROBLEM_INVALID_TOKEN
						  : PROBLEM_INVALID_SESSION,
	    NULL);
}
