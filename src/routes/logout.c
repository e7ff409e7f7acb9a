/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "auth/outside.h"
#include "base/document.h"
#include "base/writer.h"
#include "cache/cache.h"
#include "http/cookie.h"
#include "routes/answer.h"
#include "routes/ended_token.h"
#include "routes/handlers.h"
#include "routes/identify.h"
#include "routes/security_log.h"
#include "routes/services.h"
#include "store/store.h"

/* Whatever a sign-out names: all of it ends. */
struct named {
	bool token; /* claims are those of a token that was truly signed */
	struct claims claims;
	char body_id[SESSION_ID_SIZE];
	char cookie_id[SESSION_ID_SIZE];
	bool keep_cookie; /* another site's page sent it along */
};

/*
 * A token of ours past its exp still says which session to end; with another
 * issuer's there is nothing to end any more.
 */
static enum err
verify(
    struct services *sv, const char *text, int64_t now, struct claims *claims)
{
	const struct tokens *tokens = &sv->sessions.tokens;
	struct outside said;
	enum err err;

	err = tokens_verify_any(tokens, text, now, claims, &said);
	if (err == ERR_DENIED)
		return ended_token_verify(tokens, text, now, claims);
	if (err == ERR_OK && said.issuer != NULL)
		err = outside_user(sv->store, &said, claims, &claims->user_id);
	return err;
}

static enum err
name_token(struct services *sv, const struct request *req, struct response *res,
    struct named *named)
{
	const char *text;
	enum err err;

	err = identify_token(req, res, &text);
	if (err != ERR_OK || text == NULL)
		return err;
	err = verify(sv, text, req->received_at, &named->claims);
	if (err == ERR_DENIED)
		return response_refuse(res, PROBLEM_INVALID_TOKEN, NULL);
	named->token = err == ERR_OK;
	return err;
}

/*
 * The cookie of a cross-site request names nothing, and stays.  That is an
 * error only if nothing else names a session; a token or session_id was put
 * there by somebody who has it, and no other site can add a token without
 * asking us first.
 */
static enum err
name_cookie(
    const struct request *req, struct response *res, struct named *named)
{
	if (!named->token && named->body_id[0] == '\0')
		return identify_cookie_id(req, res, named->cookie_id);
	cookie_session_id(req, named->cookie_id);
	if (!named->token && named->cookie_id[0] != '\0' &&
	    !request_same_origin(req)) {
		named->keep_cookie =
		    strcmp(named->cookie_id, named->body_id) != 0;
		secret_wipe(named->cookie_id, SESSION_ID_SIZE);
	}
	return ERR_OK;
}

static enum err
name_all(struct services *sv, struct request *req, struct response *res,
    struct named *named)
{
	enum err err;

	err = name_token(sv, req, res, named);
	if (err == ERR_OK)
		err = identify_body_id(req, res, named->body_id);
	if (err == ERR_OK)
		err = name_cookie(req, res, named);
	if (err == ERR_OK && !named->token && named->body_id[0] == '\0' &&
	    named->cookie_id[0] == '\0')
		err = response_refuse(res, PROBLEM_NOT_SIGNED_IN, NULL);
	return err;
}

/*
 * End the session of an id; one that is unknown or over costs no write, so
 * that made-up ids cannot keep the writers busy.
 */
static enum err
end_by_id(
    struct services *sv, const struct request *req, const char *session_id)
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
	err = cache_session(sv->cache, handle, req->received_at, &s);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	if (err != ERR_OK || s.revoked_at != 0 ||
	    s.expires_at <= req->received_at)
		return err;
	err = store_logout(sv->store, &actor, handle, NULL);
	if (err == ERR_OK)
		security_log(sv, req, "logout", s.user_id);
	return err;
}

static enum err
end_by_token(
    struct services *sv, const struct request *req, const struct claims *claims)
{
	const struct store_actor actor = { .address = req->address,
		.now = req->received_at };
	enum err err;

	err = store_logout(sv->store, &actor,
	    claims->handle[0] != '\0' ? claims->handle : NULL, claims);
	if (err != ERR_OK)
		return err;
	if (claims->expires_at > req->received_at)
		cache_publish_revoked(sv->cache, claims->jti,
		    claims->expires_at, req->received_at);
	security_log(sv, req, "logout", claims->user_id);
	return ERR_OK;
}

/*
 * POST (token, session_id?, cookie): 200, also when they were over already;
 * 400 401 403 415 503.  Only the 200 takes the cookie away: after a 503 the
 * browser still holds what it needs to try again.
 */
enum err
route_logout(struct services *sv, struct request *req, struct response *res)
{
	struct named named = { 0 };
	enum err err;

	err = name_all(sv, req, res, &named);
	if (err == ERR_OK && named.token)
		err = end_by_token(sv, req, &named.claims);
	if (err == ERR_OK)
		err = end_by_id(sv, req, named.body_id);
	if (err == ERR_OK)
		err = end_by_id(sv, req, named.cookie_id);
	if (err == ERR_OK) {
		if (!named.keep_cookie)
			cookie_remove(req, res);
		err = answer_message(res, "Logged out successfully");
	}
	secret_wipe(&named, sizeof(named));
	return err;
}

static enum err
read_keep_current(struct request *req, struct response *res, bool *keep_out)
{
	static const char name[] = "keep_current";
	const struct document *json;
	enum err err;

	*keep_out = false;
	err = request_json(req, res, &json);
	if (err != ERR_OK)
		return err;
	if (document_member(json, name) == NULL || request_is_null(json, name))
		return ERR_OK;
	if (document_bool(document_member(json, name), keep_out) != ERR_OK)
		return response_refuse(res, PROBLEM_INVALID_FIELD,
		    "The member \"%s\" must be true or false.", name);
	return ERR_OK;
}

/* With keep_current the caller lives on, under the new epoch. */
static enum err
answer_logout_all(struct services *sv, const struct request *req,
    struct response *res, const struct identity *kept, int64_t epoch,
    int64_t ended)
{
	struct token token = { 0 };
	enum err err = ERR_OK;
	struct writer w;

	response_begin(res, &w);
	writer_string(&w, "msg",
	    kept != NULL ? "Logged out on all other devices"
			 : "Logged out on all devices");
	writer_int(&w, "sessions_ended", ended);
	if (kept != NULL) {
		err = tokens_issue(&sv->sessions.tokens, &kept->session, epoch,
		    req->received_at, &token, NULL);
		answer_put_token(&w, req, &token);
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
route_logout_all(struct services *sv, struct request *req, struct response *res)
{
	int64_t epoch = 0, ended = 0;
	struct store_actor actor;
	struct identity who;
	bool keep;
	enum err err;

	err = identify_or_body(sv, req, res, &who);
	if (err == ERR_OK)
		err = read_keep_current(req, res, &keep);
	if (err != ERR_OK)
		return err;
	actor = identify_actor(req, &who);
	err = store_logout_all(sv->store, &actor, who.user.id,
	    keep ? who.session.handle : NULL, &epoch, &ended);
	if (err == ERR_DENIED)
		return identify_over(res, &who);
	if (err != ERR_OK)
		return err;
	security_log(sv, req, "logout_all", who.user.id);
	return answer_logout_all(
	    sv, req, res, keep ? &who : NULL, epoch, ended);
}
