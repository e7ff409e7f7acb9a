/* SPDX-License-Identifier: ISC */
#ifndef AUTH_SESSIONS_H
#define AUTH_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/session.h"
#include "model/user.h"
#include "store/store.h"
#include "token/access_token.h"

struct cache;
struct issuers;

/*
 * An authenticated caller: user and session, and the claims if a token was
 * used. For a TOKEN_OF_ISSUER the session has handle "" and the times of the
 * token.
 */
struct identity {
	struct user user;
	struct session session;
	struct claims claims;    /* origin TOKEN_NONE unless by token */
	enum external_done done; /* what happened to an external account */
};

struct sessions {
	struct cache *cache;
	struct store *store;
	struct access_tokens tokens;
	struct issuers *issuers; /* NULL: no other issuers are accepted */
	int64_t lifetime;        /* of a session, seconds */
};

/**
 * sessions_by_id(ss, session_id, now, who_out):
 * Authenticate by session id.  ERR_DENIED if ${session_id} is NULL or not that
 * of a live session, ERR_UNAVAILABLE if that is unknown.  ${who_out} is all
 * zero on any error.
 *
 * sessions_by_token(ss, text, address, now, who_out):
 * Authenticate by access token: signature and claims are valid, the session is
 * live, the token's epoch is the user's, and the jti is not blacklisted.  A
 * token of another issuer must have been issued after the user's epoch last
 * rose; the first one creates the account, recorded in the audit table with
 * ${address}.
 */
enum err sessions_by_id(struct sessions *ss, const char *session_id,
    int64_t now, struct identity *who_out) MUST_CHECK;
enum err sessions_by_token(struct sessions *ss, const char *text,
    const char *address, int64_t now, struct identity *who_out) MUST_CHECK;

/**
 * sessions_token(ss, session_id, who, now, token_out):
 * Return an access token for ${who}, as sessions_by_id() has found it under
 * ${session_id}: the cached one if at least half its life is left, else a new
 * one.  The caller wipes ${token_out}.  Errors are those of
 * access_token_issue(); ${token_out}->text is empty then.
 */
enum err sessions_token(struct sessions *ss, const char *session_id,
    const struct identity *who, int64_t now,
    struct token *token_out) MUST_CHECK;

struct session_origin {
	const char *address;
	const char *device;
	const char *user_agent;
};

/**
 * sessions_new(ss, origin, now, id_out, s_out):
 * Prepare a session with a random id, user_id and epoch 0, to be stored by the
 * caller.  Texts of ${origin} are cut to fit at a character's boundary.  The
 * caller wipes ${id_out}.
 */
void sessions_new(const struct sessions *ss,
    const struct session_origin *origin, int64_t now,
    char id_out[SESSION_ID_SIZE], struct session *s_out);

/**
 * sessions_renew(s, id_out):
 * Give the session ${s} a new random id and its handle.  The caller stores the
 * session, and wipes ${id_out}.
 */
void sessions_renew(struct session *s, char id_out[SESSION_ID_SIZE]);

/* sessions_touch_due(s, now): true if last_seen_at is old enough to update. */
bool sessions_touch_due(const struct session *s, int64_t now);

#endif
