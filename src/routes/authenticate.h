/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_AUTHENTICATE_H
#define ROUTES_AUTHENTICATE_H

#include "auth/sessions.h"
#include "base/err.h"
#include "model/session.h"
#include "store/store.h"

struct request;
struct response;
struct app;

/*
 * Authentication of a request.  If it carries an access token, only the token
 * counts.  Browsers add a cookie by themselves, so for a request that may
 * change something the cookie counts only under the same-origin rule.
 */

/* What a request may authenticate with, in order of precedence. */
enum authenticate_source {
	AUTHENTICATE_OWN, /* token of this site, cookie */
	/*
	 * Token of any issuer, cookie.  The identity of an external token has
	 * no session, so a caller can change nothing with it.
	 */
	AUTHENTICATE_ANY,
	/* The same for a guarded application, whose bodies may be of any type.
	 */
	AUTHENTICATE_GUARDED,
	/* The same for a request that changes nothing: no same-origin rule. */
	AUTHENTICATE_GUARDED_SAFE
};

/**
 * authenticate_by(app, req, res, source, identity_out), authenticate(app, req,
 * res, identity_out):
 * Find the identity of ${req} by ${source}, or by AUTHENTICATE_OWN, and record
 * that its session was seen.  Otherwise refuse on ${res}: not_signed_in,
 * invalid_token, invalid_session, cross_site, other_session or
 * unsupported_media_type;
 * ERR_UNAVAILABLE if the store cannot answer.
 */
enum err authenticate_by(struct app *app, struct request *req,
    struct response *res, enum authenticate_source source,
    struct identity *identity_out) MUST_CHECK;
enum err authenticate(struct app *app, struct request *req,
    struct response *res, struct identity *identity_out) MUST_CHECK;

/**
 * authenticate_by_any(app, req, res, identity_out):
 * For a route that ends sessions: find the identity of the first credential
 * that is valid, of a token of this site, the session_id of the body and the
 * cookie.  Otherwise refuse on ${res} for the last one that is given;
 * ERR_UNAVAILABLE if the store cannot answer.
 */
enum err authenticate_by_any(struct app *app, struct request *req,
    struct response *res, struct identity *identity_out) MUST_CHECK;

/**
 * authenticate_expects(req, handle):
 * Return false if ${req} changes something and its header Latchkey-Session
 * names another session than ${handle}.  A page sends the header so that it
 * does not act for a user who has signed in in the same browser since.
 */
bool authenticate_expects(const struct request *req, const char *handle);

/**
 * authenticate_actor(req, identity):
 * Return the actor of a change that ${identity} makes; borrows both arguments.
 *
 * authenticate_ended(res, identity):
 * A change was denied because the session of ${identity} ended after it was
 * found live: refuse on ${res} as every later request will be refused.
 */
struct store_actor authenticate_actor(
    const struct request *req, const struct identity *identity);
enum err authenticate_ended(
    struct response *res, const struct identity *identity) MUST_CHECK;

/**
 * authenticate_by_id(app, req, res, session_id, identity_out),
 * authenticate_by_token(app, req, res, text, identity_out):
 * Find the identity of ${session_id}, or of the access token ${text} of any
 * issuer.  Refuse on ${res} with invalid_session or invalid_token.
 */
enum err authenticate_by_id(struct app *app, const struct request *req,
    struct response *res, const char *session_id,
    struct identity *identity_out) MUST_CHECK;
enum err authenticate_by_token(struct app *app, const struct request *req,
    struct response *res, const char *text,
    struct identity *identity_out) MUST_CHECK;

/**
 * authenticate_body_id(req, res, id_out):
 * Copy the field session_id of the body to ${id_out}; "" if there is none.
 * Refuse on ${res} a value that is no string (invalid_field) or no session id
 * (invalid_session).  The caller wipes ${id_out}.
 *
 * authenticate_cookie_id(req, res, id_out):
 * Copy the session id of the cookie to ${id_out}; "" if there is none.  Refuse
 * on ${res} a request that breaks the same-origin rule.
 *
 * authenticate_token(req, res, text_out):
 * Point ${text_out} to the access token of ${req}, borrowed, or to NULL.
 * Refuse on ${res} a malformed Authorization header (invalid_token).
 */
enum err authenticate_body_id(struct request *req, struct response *res,
    char id_out[SESSION_ID_SIZE]) MUST_CHECK;
enum err authenticate_cookie_id(const struct request *req, struct response *res,
    char id_out[SESSION_ID_SIZE]) MUST_CHECK;
enum err authenticate_token(const struct request *req, struct response *res,
    const char **text_out) MUST_CHECK;

#endif
