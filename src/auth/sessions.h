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
 * Who asks: a live session and its user, and the token if it came by one.  One
 * of an outside issuer has no session: its handle is "", and it says when the
 * token was issued and until when it is good.
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
	struct issuers *issuers; /* NULL: only tokens of this site count */
	int64_t lifetime;        /* of a session, seconds */
};

/**
 * sessions_by_id(ss, session_id, now, who_out):
 * Who is signed in under the bearer secret ${session_id}?  ERR_DENIED if that
 * session is not live (or no session id at all), ERR_UNAVAILABLE if nobody can
 * tell.  ${who_out} is all zero unless ERR_OK.
 *
 * sessions_by_token(ss, text, address, now, who_out):
 * The same for an access token: signature and claims, session live, epoch of
 * the token equal to the user's, jti not blacklisted.  One of an outside issuer
 * must have been issued after the user's epoch last rose; who shows the first
 * is given an account, which the audit table notes with ${address}.
 */
enum err sessions_by_id(struct sessions *ss, const char *session_id,
    int64_t now, struct identity *who_out) MUST_CHECK;
enum err sessions_by_token(struct sessions *ss, const char *text,
    const char *address, int64_t now, struct identity *who_out) MUST_CHECK;

/**
 * sessions_token(ss, session_id, who, now, token_out):
 * An access token for ${who}, whom sessions_by_id() has found under
 * ${session_id}: the one handed out before if it has at least half its life
 * left, else a new one.  The caller wipes ${token_out}; ->text is empty on any
 * error, which are those of access_token_issue().
 */
enum err sessions_token(struct sessions *ss, const char *session_id,
    const struct identity *who, int64_t now,
    struct token *token_out) MUST_CHECK;

/**
 * sessions_new(ss, actor_address, device, user_agent, now, id_out, s_out):
 * Make up a session with a fresh id (not stored yet, user_id and epoch 0) that
 * ends after the lifetime.  Texts that are too long are cut at a character's
 * border.  The caller wipes ${id_out}.
 */
struct session_origin {
	const char *address;
	const char *device;
	const char *user_agent;
};
void sessions_new(const struct sessions *ss,
    const struct session_origin *origin, int64_t now,
    char id_out[SESSION_ID_SIZE], struct session *s_out);

/* true if last_seen_at is old enough to be moved. */
bool sessions_touch_due(const struct session *s, int64_t now);

#endif
