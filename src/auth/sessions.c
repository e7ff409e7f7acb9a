/* SPDX-License-Identifier: ISC */
#include "auth/sessions.h"

#include <assert.h>
#include <string.h>

#include "auth/bearer.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/testpoint.h"
#include "base/unicode.h"
#include "cache/cache.h"
#include "issuers/external_account.h"

/* Attempts to read session and user while changes of the user interfere. */
#define READ_TRIES 4

/* A missing row is not live; failures stay failures. */
static enum err
denied_if_missing(enum err err)
{
	return err == ERR_NOT_FOUND ? ERR_DENIED : err;
}

/*
 * Read the session ${handle} and its user, both live at ${now}.  Between the
 * two reads a change may raise the epoch of both, if it keeps this session
 * while it ends all others.  So a session that is behind its user is read
 * again: if it is still behind, it has ended; if it is ahead, the user must be
 * read again.
 */
static enum err
find_live(
    struct sessions *ss, const char *handle, int64_t now, struct identity *who)
{
	struct session *s = &who->session;
	enum err err;

	err = cache_session(ss->cache, handle, now, s);
	for (int i = 0; err == ERR_OK && i < READ_TRIES; i++) {
		TESTPOINT("sessions:user");
		err = cache_user(ss->cache, s->user_id, now, &who->user);
		if (err == ERR_OK && s->epoch < who->user.epoch)
			err = cache_session(ss->cache, handle, now, s);
		if (err == ERR_OK && s->epoch <= who->user.epoch)
			return session_live(s, &who->user, now) ? ERR_OK
								: ERR_DENIED;
	}
	/* Changed during every attempt: unknown. */
	return err == ERR_OK ? ERR_UNAVAILABLE : denied_if_missing(err);
}

enum err
sessions_by_id(struct sessions *ss, const char *session_id, int64_t now,
    struct identity *who_out)
{
	char handle[SESSION_HANDLE_SIZE];
	enum err err;

	memset(who_out, 0, sizeof(*who_out));
	if (session_id == NULL || session_handle(handle, session_id) != ERR_OK)
		return ERR_DENIED;
	err = find_live(ss, handle, now, who_out);
	if (err != ERR_OK)
		secret_wipe(who_out, sizeof(*who_out));
	return err;
}

/* Verify a token that is not cached. */
static enum err
verify_token(struct sessions *ss, const char *text,
    const struct store_actor *actor, struct identity *who)
{
	struct external external;
	enum err err;

	err = bearer_verify(ss, text, actor->now, &who->claims, &external);
	if (err == ERR_OK && external.issuer != NULL)
		err = external_account_provision(
		    ss->store, actor, &external, &who->claims, &who->done);
	secret_wipe(&external, sizeof(external));
	return err;
}

/* Claims of a token that is not blacklisted; only such results are cached. */
static enum err
find_claims(struct sessions *ss, const char *text,
    const struct store_actor *actor, struct identity *who)
{
	unsigned char digest[TOKEN_DIGEST_BYTES];
	bool revoked = true;
	enum err err;

	err = bearer_digest(ss, text, actor->now, digest);
	if (err != ERR_OK)
		return err;
	if (cache_token_known(ss->cache, digest, actor->now, &who->claims))
		return access_token_is_timely(&who->claims, actor->now)
		    ? ERR_OK
		    : ERR_DENIED;
	err = verify_token(ss, text, actor, who);
	if (err == ERR_OK)
		err = cache_token_judge(
		    ss->cache, digest, &who->claims, actor->now, &revoked);
	if (err == ERR_OK && revoked)
		err = ERR_DENIED;
	return err;
}

static enum err
find_session_user(struct sessions *ss, int64_t now, struct identity *who)
{
	enum err err = find_live(ss, who->claims.handle, now, who);

	if (err == ERR_OK &&
	    (who->claims.user_id != who->user.id ||
		who->claims.epoch != who->user.epoch))
		err = ERR_DENIED;
	return err;
}

/*
 * The token carries no epoch.  It must have been issued after the epoch last
 * rose, by more than the leeway, since the issuer's clock may be ahead of ours.
 */
static enum err
find_external_user(struct sessions *ss, int64_t now, struct identity *who)
{
	const struct claims *c = &who->claims;
	const struct user *u = &who->user;
	enum err err = cache_user(ss->cache, c->user_id, now, &who->user);

	if (err != ERR_OK)
		return denied_if_missing(err);
	if (u->status != USER_STATUS_ACTIVE ||
	    (u->epoch_at != 0 && c->issued_at <= u->epoch_at + c->leeway))
		return ERR_DENIED;
	who->session.user_id = u->id;
	who->session.epoch = u->epoch;
	who->session.created_at = c->issued_at;
	who->session.expires_at = c->expires_at - c->leeway;
	return ERR_OK;
}

enum err
sessions_by_token(struct sessions *ss, const char *text, const char *address,
    int64_t now, struct identity *who_out)
{
	const struct store_actor actor = { .address = address, .now = now };
	enum err err;

	memset(who_out, 0, sizeof(*who_out));
	if (text == NULL)
		return ERR_DENIED;
	err = find_claims(ss, text, &actor, who_out);
	if (err == ERR_OK)
		err = who_out->claims.origin == TOKEN_OF_ISSUER
		    ? find_external_user(ss, now, who_out)
		    : find_session_user(ss, now, who_out);
	if (err != ERR_OK)
		secret_wipe(who_out, sizeof(*who_out));
	return err;
}

/*
 * A cached token is reused if at least half its own life is left, and at least
 * half the life that a new token would have.
 */
static bool
is_reusable(const struct sessions *ss, const struct token_compact *compact,
    const struct identity *who, int64_t now)
{
	int64_t left = compact->expires_at - now;
	int64_t life = who->session.expires_at - now;

	if (life > ss->tokens.lifetime)
		life = ss->tokens.lifetime;
	return compact->epoch == who->user.epoch && compact->issued_at <= now &&
	    left > 0 && left <= life && left >= life - left &&
	    left >= now - compact->issued_at;
}

/* Sign a token and cache its compact form. */
static enum err
issue_token(struct sessions *ss, const struct identity *who, int64_t now,
    const struct cache_issued_place *place, struct token *token_out)
{
	struct token_compact compact;
	struct claims claims;
	enum err err;

	err = access_token_issue(&ss->tokens, &who->session, who->user.epoch,
	    now, token_out, &claims);
	if (err == ERR_OK &&
	    access_token_compact(&ss->tokens, &who->session, &claims, token_out,
		&compact) == ERR_OK) {
		cache_issued_keep(ss->cache, place, now, &compact);
		secret_wipe(&compact, sizeof(compact));
	}
	return err;
}

enum err
sessions_token(struct sessions *ss, const char *session_id,
    const struct identity *who, int64_t now, struct token *token_out)
{
	struct cache_issued_place place = { .handle = who->session.handle };
	struct token_compact compact = { 0 };
	enum err err;

	memset(token_out, 0, sizeof(*token_out));
	err = access_token_key(&ss->tokens, session_id, now, place.key);
	if (err != ERR_OK)
		goto out;
	if (!cache_issued(ss->cache, &place, now, &compact) ||
	    !is_reusable(ss, &compact, who, now) ||
	    access_token_restore(
		&ss->tokens, &who->session, &compact, now, token_out) != ERR_OK)
		err = issue_token(ss, who, now, &place, token_out);
out:
	secret_wipe(&compact, sizeof(compact));
	secret_wipe(&place, sizeof(place));
	return err;
}

/* Copy as UTF-8 without controls, for JSON and for screens; cut to fit. */
static void
copy_printable(char *dst, size_t size, const char *src)
{
	enum unicode_kind kind;
	size_t len = 0;

	if (src == NULL)
		src = "";
	for (;;) {
		const char *start = src;
		size_t n;

		kind = unicode_next(&src);
		if (kind == UNICODE_END)
			break;
		if (kind == UNICODE_INVALID)
			src = start + 1;
		if (kind == UNICODE_INVALID || kind == UNICODE_CONTROL) {
			start = "?";
			n = 1;
		} else {
			n = (size_t)(src - start);
		}
		if (len + n >= size)
			break;
		memcpy(dst + len, start, n);
		len += n;
	}
	dst[len] = '\0';
}

void
sessions_renew(struct session *s, char id_out[SESSION_ID_SIZE])
{
	enum err err;

	random_uuid(id_out);
	err = session_handle(s->handle, id_out);
	assert(err == ERR_OK); /* id_out is a UUID */
	(void)err;
}

void
sessions_new(const struct sessions *ss, const struct session_origin *origin,
    int64_t now, char id_out[SESSION_ID_SIZE], struct session *s_out)
{
	memset(s_out, 0, sizeof(*s_out));
	sessions_renew(s_out, id_out);
	s_out->created_at = now;
	s_out->last_seen_at = now;
	s_out->expires_at = now + ss->lifetime;
	copy_printable(s_out->address, sizeof(s_out->address), origin->address);
	copy_printable(s_out->device, sizeof(s_out->device), origin->device);
	copy_printable(
	    s_out->user_agent, sizeof(s_out->user_agent), origin->user_agent);
}

bool
sessions_touch_due(const struct session *s, int64_t now)
{
	return now - s->last_seen_at >= SESSION_TOUCH_SECONDS;
}
