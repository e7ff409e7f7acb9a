/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_AUTHENTICATE_H
#define ROUTES_AUTHENTICATE_H

#include <stdbool.h>

#include "auth/sessions.h"
#include "base/err.h"
#include "model/session.h"
#include "store/store.h"

struct request;
struct response;
struct app;

/*
 * Who is asking?  An access token decides if there is one; a cookie counts
 * for a request that may change something only under the same-origin rule,
 * since the browser adds it by itself.
 */

/**
 * authenticate(sv, req, res, who_out):
 * Who asks, by access token of ours or else by cookie.  Otherwise refuse on
 * ${res}: not_signed_in, invalid_token, invalid_session, cross_site,
 * unsupported_media_type; ERR_UNAVAILABLE if nobody can tell.  Notes that the
 * session was seen.
 *
 * authenticate_any(sv, req, res, who_out):
 * The same, also by a token of an outside issuer: who so comes has no session,
 * so that nothing can be done with it.
 *
 * authenticate_guarded(sv, req, safe, res, who_out):
 * The same as authenticate_any() for a request to somebody else's program,
 * which takes what bodies it likes: a cookie counts under the same-origin rule
 * unless
 * ${safe} says that the request changes nothing.
 *
 * authenticate_or_body(sv, req, res, who_out):
 * The same as authenticate(), and without a token the session_id of the body
 * comes before the cookie.
 */
enum err authenticate(struct app *app, struct request *req,
    struct response *res, struct identity *who_out) MUST_CHECK;
enum err authenticate_any(struct app *app, struct request *req,
    struct response *res, struct identity *who_out) MUST_CHECK;
enum err authenticate_guarded(struct app *app, struct request *req, bool safe,
    struct response *res, struct identity *who_out) MUST_CHECK;
enum err authenticate_or_body(struct app *app, struct request *req,
    struct response *res, struct identity *who_out) MUST_CHECK;

/**
 * authenticate_actor(req, who):
 * ${who} changes something: good for as long as both arguments.
 *
 * authenticate_ended(res, who):
 * The change was denied, because the session ended after it was found live:
 * refuse on ${res} as a later request will be.
 */
struct store_actor authenticate_actor(
    const struct request *req, const struct identity *who);
enum err authenticate_ended(
    struct response *res, const struct identity *who) MUST_CHECK;

/**
 * authenticate_session_id(req, res, id_out):
 * The session_id of the body, or else of the cookie; "" if there is none.  The
 * caller wipes ${id_out}.
 *
 * authenticate_by_id(sv, req, res, session_id, who_out),
 * authenticate_by_token(sv, req, res, text, who_out):
 * Whose it is; refuse on ${res} if nobody's.  The token may be anybody's.
 */
enum err authenticate_session_id(struct request *req, struct response *res,
    char id_out[SESSION_ID_SIZE]) MUST_CHECK;
enum err authenticate_by_id(struct app *app, const struct request *req,
    struct response *res, const char *session_id,
    struct identity *who_out) MUST_CHECK;
enum err authenticate_by_token(struct app *app, const struct request *req,
    struct response *res, const char *text,
    struct identity *who_out) MUST_CHECK;

/**
 * authenticate_body_id(req, res, id_out):
 * The member session_id of the body, "" if there is none.  Refuse on ${res}
 * what is no string (invalid_field) or no session id (invalid_session).
 *
 * authenticate_cookie_id(req, res, id_out):
 * The session id in the cookie, "" if there is none; the same-origin rule
 * applies.
 *
 * authenticate_token(req, res, text_out):
 * The access token of ${req}, borrowed, or NULL; invalid_token on ${res} for
 * an Authorization header that is malformed.
 */
enum err authenticate_body_id(struct request *req, struct response *res,
    char id_out[SESSION_ID_SIZE]) MUST_CHECK;
enum err authenticate_cookie_id(const struct request *req, struct response *res,
    char id_out[SESSION_ID_SIZE]) MUST_CHECK;
enum err authenticate_token(const struct request *req, struct response *res,
    const char **text_out) MUST_CHECK;

#endif
