/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <string.h>

#include "base/testpoint.h"
#include "store/store_steps.h"

/* Sessions: opening, ending and refreshing them, and revoked tokens. */

/* ---- opening ---- */

enum err
store_opening_write(struct change *c, struct store_opening *o)
{
	const struct store_ops *ops = c->st->ops;
	enum err err;

	if ((err = store_proof_check(c, &o->proof)) != ERR_OK)
		return err;
	o->session.user_id = o->proof.user_id;
	o->session.epoch = o->proof.epoch;
	err = ops->session_insert(c->st, &o->session);
	if (err == ERR_OK && o->ends_oldest) {
		o->oldest.revoked_at = c->now;
		err = ops->session_update(c->st, &o->oldest);
	}
	return err;
}

struct login {
	struct change c;
	struct store_opening opening;
};

/* The session that was used longest ago, of at least one. */
static const struct session *
least_recent(const struct session *live, size_t n)
{
	const struct session *s = &live[0];

	for (size_t i = 1; i < n; i++)
		if (live[i].last_seen_at < s->last_seen_at ||
		    (live[i].last_seen_at == s->last_seen_at &&
			live[i].created_at < s->created_at))
			s = &live[i];
	return s;
}

/* Name the session that must make room. */
static enum err
login_plan(struct change *c)
{
	struct store_opening *o = &((struct login *)c)->opening;
	struct session live[SESSION_MAX_PER_USER];
	size_t n = 0;
	enum err err;

	err = c->st->ops->sessions_live(
	    c->st, o->proof.user_id, c->now, live, &n);
	o->ends_oldest = err == ERR_OK && n == SESSION_MAX_PER_USER;
	if (o->ends_oldest) {
		o->oldest = *least_recent(live, n);
		change_key_session(c, o->oldest.handle);
	}
	return err;
}

/* Credentials are not cached, so no key is named for them. */
static enum err
login_write(struct change *c)
{
	struct login *x = (struct login *)c;
	const struct store_proof *proof = &x->opening.proof;
	enum err err = store_opening_write(c, &x->opening);

	if (err == ERR_OK && proof->hash != NULL)
		err = c->st->ops->password_used(
		    c->st, proof->user_id, proof->hash, proof->rehash, c->now);
	return err;
}

enum err
store_session_open(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof, struct session *s)
{
	static const struct change_kind kind = { .event = EVENT_LOGIN,
		.waits = true,
		.plan = login_plan,
		.write = login_write };
	struct login x = { .c = { .st = st,
			       .actor = actor,
			       .user_id = proof->user_id,
			       .handle = s->handle },
		.opening = { .proof = *proof, .session = *s } };
	enum err err;

	TESTPOINT("login:conditional");
	if ((err = change_run(&x.c, &kind)) == ERR_OK)
		*s = x.opening.session;
	return err;
}

/* ---- ending one session or one token ---- */

struct logout {
	struct change c;
	const char *handle;          /* NULL: no session */
	const struct claims *claims; /* NULL: no token */
	/* what the plan found to end */
	struct session session;
	bool ends_session;
	bool ends_token;
};

static enum err
logout_plan(struct change *c)
{
	struct logout *x = (struct logout *)c;
	const struct store_ops *ops = c->st->ops;
	bool revoked = true;
	enum err err = ERR_OK;

	x->ends_session = false;
	if (x->handle != NULL) {
		err = ops->session_by_handle(c->st, x->handle, &x->session);
		if (err != ERR_OK && err != ERR_NOT_FOUND)
			return err;
		x->ends_session = err == ERR_OK && x->session.revoked_at == 0;
	}
	if (x->claims != NULL) {
		err = ops->token_revoked(c->st, x->claims->jti, &revoked);
		if (err != ERR_OK)
			return err;
	}
	x->ends_token = !revoked;
	c->idle = !x->ends_session && !x->ends_token;
	if (x->ends_session) {
		c->user_id = x->session.user_id;
		change_key_session(c, x->handle);
	} else if (x->claims != NULL) {
		c->user_id = x->claims->user_id;
	}
	if (x->ends_token)
		change_key_token(c, x->claims->jti);
	return ERR_OK;
}

static enum err
logout_write(struct change *c)
{
	struct logout *x = (struct logout *)c;
	const struct store_ops *ops = c->st->ops;
	enum err err = ERR_OK;

	if (x->ends_session) {
		x->session.revoked_at = c->now;
		err = ops->session_update(c->st, &x->session);
	}
	if (err == ERR_OK && x->ends_token)
		err = ops->token_revoke(
		    c->st, x->claims->jti, x->claims->expires_at);
	return err;
}

enum err
store_logout(struct store *st, const struct store_actor *actor,
    const char *handle, const struct claims *claims)
{
	static const struct change_kind kind = { .event = EVENT_LOGOUT,
		.waits = true,
		.ends = true,
		.plan = logout_plan,
		.write = logout_write };
	struct logout x = { .c = { .st = st, .actor = actor, .handle = handle },
		.handle = handle,
		.claims = claims };

	return change_run(&x.c, &kind);
}

/*
 * The session itself does not change, but the token is cached under its
 * generation for being handed out again (cache_issued), so that moves too.
 */
static enum err
token_end_plan(struct change *c)
{
	struct logout *x = (struct logout *)c;
	bool revoked = true;
	enum err err;

	err = c->st->ops->token_revoked(c->st, x->claims->jti, &revoked);
	if (err != ERR_OK)
		return err;
	x->ends_token = true;
	c->idle = revoked;
	change_key_token(c, x->claims->jti);
	if (x->claims->origin == TOKEN_OF_THIS_SITE)
		change_key_session(c, x->claims->handle);
	return ERR_OK;
}

enum err
store_token_end(struct store *st, const struct store_actor *actor,
    const struct claims *claims)
{
	static const struct change_kind kind = { .event = EVENT_TOKEN_END,
		.waits = true,
		.ends = true,
		.plan = token_end_plan,
		.write = logout_write };
	struct logout x = {
		.c = { .st = st, .actor = actor, .user_id = claims->user_id },
		.claims = claims
	};

	return change_run(&x.c, &kind);
}

static enum err
session_end_plan(struct change *c)
{
	struct logout *x = (struct logout *)c;
	enum err err;

	err = c->st->ops->session_by_handle(c->st, x->handle, &x->session);
	if (err != ERR_OK)
		return err;
	if (x->session.user_id != c->user_id)
		return ERR_NOT_FOUND;
	x->ends_session = true;
	c->idle = x->session.revoked_at != 0;
	change_key_session(c, x->handle);
	return ERR_OK;
}

enum err
store_session_end(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *handle)
{
	static const struct change_kind kind = { .event = EVENT_SESSION_END,
		.waits = true,
		.ends = true,
		.plan = session_end_plan,
		.write = logout_write };
	struct logout x = { .c = { .st = st,
				.actor = actor,
				.user_id = user_id,
				.handle = handle },
		.handle = handle };

	return change_run(&x.c, &kind);
}

/* ---- last seen ---- */

struct touch {
	struct change c;
	const char *handle;
	struct session session;
};

static enum err
touch_plan(struct change *c)
{
	struct touch *x = (struct touch *)c;
	const struct store_ops *ops = c->st->ops;
	struct user u;
	enum err err;

	err = ops->session_by_handle(c->st, x->handle, &x->session);
	if (err != ERR_OK)
		return err;
	err = ops->user_by_id(c->st, x->session.user_id, &u);
	if (err == ERR_OK && !session_live(&x->session, &u, c->now))
		err = ERR_NOT_FOUND;
	/* Several processes see that it is due; the first one moves it. */
	c->idle = c->now - x->session.last_seen_at < SESSION_TOUCH_SECONDS;
	if (err == ERR_OK)
		change_key_session(c, x->handle);
	return err;
}

static enum err
touch_write(struct change *c)
{
	struct touch *x = (struct touch *)c;

	x->session.last_seen_at = c->now;
	return c->st->ops->session_update(c->st, &x->session);
}

enum err
store_session_touch(struct store *st, const char *handle, int64_t now)
{
	static const struct change_kind kind = { .plan = touch_plan,
		.write = touch_write };
	const struct store_actor no_session = { .address = "", .now = now };
	struct touch x = { .c = { .st = st, .actor = &no_session },
		.handle = handle };

	return change_run(&x.c, &kind);
}
