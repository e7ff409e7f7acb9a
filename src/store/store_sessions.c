/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <string.h>

#include "base/testpoint.h"
#include "store/store_change.h"

/* Changes of sessions; store_change.c makes them. */

/* ---- register and login: rows that nobody can have cached yet ---- */

static enum err
register_plan(struct change *c)
{
	struct user *u = &c->user;

	if (u->role == USER_ROLE_NONE)
		u->role = USER_ROLE_USER;
	u->status = USER_STATUS_ACTIVE;
	u->epoch = 1;
	u->version = 1;
	u->created_at = c->now;
	u->updated_at = c->now;
	return ERR_OK;
}

static enum err
register_write(struct change *c)
{
	enum err err;

	err = c->st->ops->user_insert(c->st, &c->user, c->normal, c->new_hash);
	if (err != ERR_OK)
		return err;
	c->user_id = c->user.id;
	/* Ids are never used again, so there was nobody before the first. */
	if (c->st->first_admin && c->user.id == 1) {
		c->user.role = USER_ROLE_ADMIN;
		err = c->st->ops->user_update(c->st, &c->user, NULL);
		if (err != ERR_OK)
			return err;
	}
	if (!c->with_session)
		return ERR_OK;
	c->session.user_id = c->user.id;
	c->session.epoch = c->user.epoch;
	return c->st->ops->session_insert(c->st, &c->session, c->new_hash);
}

void
store_first_admin(struct store *st)
{
	st->first_admin = true;
}

enum err
store_register(struct store *st, const struct store_actor *actor,
    struct user *u, const char *normal, const char *hash, struct session *s)
{
	static const struct change_kind kind = { .event = EVENT_REGISTER,
		.waits = true,
		.plan = register_plan,
		.write = register_write };
	struct change c = { .st = st,
		.actor = actor,
		.normal = normal,
		.new_hash = hash,
		.user = *u,
		.with_session = s != NULL,
		.handle = s != NULL ? s->handle : NULL };
	enum err err;

	if (s != NULL)
		c.session = *s;
	if ((err = change_run(&c, &kind)) != ERR_OK)
		return err;
	*u = c.user;
	if (s != NULL)
		*s = c.session;
	return ERR_OK;
}

/* The sessions that must make room; usually there is none. */
static enum err
login_plan(struct change *c)
{
	enum err err;

	err = c->st->ops->sessions_live(
	    c->st, c->user_id, c->now, c->live, &c->live_count);
	if (err != ERR_OK)
		return err;
	for (size_t i = SESSION_MAX_PER_USER - 1; i < c->live_count; i++)
		change_key_session(c, c->live[i].handle);
	return ERR_OK;
}

static enum err
login_write(struct change *c)
{
	const struct store_ops *ops = c->st->ops;
	enum err err;

	/*
	 * The password was checked a while ago, with no lock held.  If it was
	 * changed since, or everything was logged out, that came first and
	 * wins: the statement inserts nothing.
	 */
	err = ops->session_insert(c->st, &c->session, c->hash);
	for (size_t i = SESSION_MAX_PER_USER - 1;
	     err == ERR_OK && i < c->live_count; i++) {
		c->live[i].revoked_at = c->now;
		err = ops->session_update(c->st, &c->live[i]);
	}
	/* The hash is not cached, so a new one of the same password is no
	 * change of the user. */
	if (err == ERR_OK && c->new_hash != NULL)
		err = ops->password_hash_set(c->st, c->user_id, c->new_hash);
	return err;
}

enum err
store_login(struct store *st, const struct store_actor *actor,
    const struct user *u, const char *hash, const char *rehash,
    struct session *s)
{
	static const struct change_kind kind = { .event = EVENT_LOGIN,
		.waits = true,
		.plan = login_plan,
		.write = login_write };
	struct change c = { .st = st,
		.actor = actor,
		.user_id = u->id,
		.hash = hash,
		.new_hash = rehash,
		.handle = s->handle,
		.session = *s };
	enum err err;

	c.session.user_id = u->id;
	c.session.epoch = u->epoch;
	TESTPOINT("login:conditional");
	if ((err = change_run(&c, &kind)) == ERR_OK)
		*s = c.session;
	return err;
}

/* ---- ending one session ---- */

static enum err
logout_plan(struct change *c)
{
	const struct store_ops *ops = c->st->ops;
	bool revoked = true;
	enum err err = ERR_OK;

	c->with_session = false;
	if (c->handle != NULL) {
		err = ops->session_by_handle(c->st, c->handle, &c->session);
		if (err != ERR_OK && err != ERR_NOT_FOUND)
			return err;
		c->with_session = err == ERR_OK && c->session.revoked_at == 0;
	}
	if (c->claims != NULL) {
		err = ops->token_revoked(c->st, c->claims->jti, &revoked);
		if (err != ERR_OK)
			return err;
	}
	c->with_token = !revoked;
	c->idle = !c->with_session && !c->with_token;
	if (c->with_session) {
		c->user_id = c->session.user_id;
		change_key_session(c, c->handle);
	} else if (c->claims != NULL) {
		c->user_id = c->claims->user_id;
	}
	if (c->with_token)
		change_key_token(c, c->claims->jti);
	return ERR_OK;
}

static enum err
logout_write(struct change *c)
{
	const struct store_ops *ops = c->st->ops;
	enum err err = ERR_OK;

	if (c->with_session) {
		c->session.revoked_at = c->now;
		err = ops->session_update(c->st, &c->session);
	}
	if (err == ERR_OK && c->with_token)
		err = ops->token_revoke(
		    c->st, c->claims->jti, c->claims->expires_at);
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
	struct change c = {
		.st = st, .actor = actor, .handle = handle, .claims = claims
	};

	return change_run(&c, &kind);
}

/*
 * The session's generation moves as well, though nothing of it changes: under
 * it the token is kept to be handed out again (cache_issued).
 */
static enum err
token_end_plan(struct change *c)
{
	bool revoked = true;
	enum err err;

	err = c->st->ops->token_revoked(c->st, c->claims->jti, &revoked);
	if (err != ERR_OK)
		return err;
	c->with_token = true;
	c->idle = revoked;
	c->user_id = c->claims->user_id;
	change_key_token(c, c->claims->jti);
	if (c->claims->origin == TOKEN_OF_THIS_SITE)
		change_key_session(c, c->claims->handle);
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
	struct change c = { .st = st, .actor = actor, .claims = claims };

	return change_run(&c, &kind);
}

static enum err
session_end_plan(struct change *c)
{
	enum err err;

	err = c->st->ops->session_by_handle(c->st, c->handle, &c->session);
	if (err != ERR_OK)
		return err;
	if (c->session.user_id != c->user_id)
		return ERR_NOT_FOUND;
	c->with_session = true;
	c->idle = c->session.revoked_at != 0;
	change_key_session(c, c->handle);
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
	struct change c = {
		.st = st, .actor = actor, .user_id = user_id, .handle = handle
	};

	return change_run(&c, &kind);
}

/* ---- last seen ---- */

static enum err
touch_plan(struct change *c)
{
	const struct store_ops *ops = c->st->ops;
	enum err err;

	err = ops->session_by_handle(c->st, c->handle, &c->session);
	if (err != ERR_OK)
		return err;
	err = ops->user_by_id(c->st, c->session.user_id, &c->user);
	if (err == ERR_OK && !session_live(&c->session, &c->user, c->now))
		err = ERR_NOT_FOUND;
	/* Of several that saw it was due, the first has moved it. */
	c->idle = c->now - c->session.last_seen_at < SESSION_TOUCH_SECONDS;
	if (err == ERR_OK)
		change_key_session(c, c->handle);
	return err;
}

static enum err
touch_write(struct change *c)
{
	c->session.last_seen_at = c->now;
	return c->st->ops->session_update(c->st, &c->session);
}

enum err
store_session_touch(struct store *st, const char *handle, int64_t now)
{
	static const struct change_kind kind = { .plan = touch_plan,
		.write = touch_write };
	const struct store_actor nobody = { .address = "", .now = now };
	struct change c = { .st = st, .actor = &nobody, .handle = handle };

	return change_run(&c, &kind);
}
