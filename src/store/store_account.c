/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <string.h>

#include "base/secret.h"
#include "store/store_change.h"

/*
 * Changes that end what a user has open, by its owner, who proves the
 * password, or by an administrator; store_change.c makes them.
 */

/* Where there is no password, none can have been proved. */
static enum err
check_password(struct change *c)
{
	char hash[USER_HASH_SIZE];
	enum err err;

	err = c->st->ops->password_hash(c->st, c->user_id, hash);
	if (err == ERR_OK && (hash[0] == '\0' || strcmp(hash, c->hash) != 0))
		err = ERR_DENIED;
	secret_wipe(hash, sizeof(hash));
	return err;
}

/* Load the user; with ${c}->hash only if that is still the password's. */
static enum err
find_user(struct change *c)
{
	enum err err = ERR_OK;

	if (c->hash != NULL)
		err = check_password(c);
	if (err == ERR_OK)
		err = c->st->ops->user_by_id(c->st, c->user_id, &c->user);
	if (c->hash == NULL)
		return err;
	if (err == ERR_OK && c->user.status != USER_STATUS_ACTIVE)
		err = ERR_DENIED;
	return err == ERR_NOT_FOUND ? ERR_DENIED : err;
}

static enum err
live_sessions(struct change *c)
{
	return c->st->ops->sessions_live(
	    c->st, c->user_id, c->now, c->live, &c->live_count);
}

/* ---- ending all sessions, by the epoch ---- */

enum err
store_epoch_plan(struct change *c)
{
	enum err err;

	if ((err = find_user(c)) != ERR_OK ||
	    (err = live_sessions(c)) != ERR_OK)
		return err;
	c->with_session = false;
	for (size_t i = 0; c->keep != NULL && i < c->live_count; i++) {
		if (strcmp(c->live[i].handle, c->keep) != 0)
			continue;
		c->session = c->live[i];
		c->with_session = true;
		change_key_session(c, c->keep);
	}
	c->ended = (int64_t)c->live_count - (c->with_session ? 1 : 0);
	change_key_user(c, c->user_id);
	return ERR_OK;
}

enum err
store_epoch_write(struct change *c)
{
	enum err err;

	c->user.epoch++;
	c->user.epoch_at = c->now;
	c->user.version++;
	c->user.updated_at = c->now;
	err = c->st->ops->user_update(c->st, &c->user, NULL);
	if (err != ERR_OK || !c->with_session)
		return err;
	c->session.epoch = c->user.epoch;
	return c->st->ops->session_update(c->st, &c->session);
}

enum err
store_logout_all(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *keep, int64_t *epoch_out, int64_t *ended_out)
{
	static const struct change_kind kind = { .event = EVENT_LOGOUT_ALL,
		.waits = true,
		.ends = true,
		.plan = store_epoch_plan,
		.write = store_epoch_write };
	struct change c = {
		.st = st, .actor = actor, .user_id = user_id, .keep = keep
	};
	enum err err = change_run(&c, &kind);

	*epoch_out = err == ERR_OK ? c.user.epoch : 0;
	*ended_out = err == ERR_OK ? c.ended : 0;
	return err;
}

/* ---- another password ---- */

static enum err
password_write(struct change *c)
{
	enum err err;

	err = c->st->ops->password_hash_set(c->st, c->user_id, c->new_hash);
	return err != ERR_OK ? err : store_epoch_write(c);
}

enum err
store_password_change(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *hash, const char *new_hash, const char *keep,
    int64_t *epoch_out)
{
	static const struct change_kind kind = { .event = EVENT_PASSWORD_CHANGE,
		.waits = true,
		.ends = true,
		.plan = store_epoch_plan,
		.write = password_write };
	struct change c = { .st = st,
		.actor = actor,
		.user_id = user_id,
		.hash = hash,
		.new_hash = new_hash,
		.keep = keep };
	enum err err = change_run(&c, &kind);

	*epoch_out = err == ERR_OK ? c.user.epoch : 0;
	return err;
}

enum err
store_password_set(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *hash, int64_t *ended_out)
{
	static const struct change_kind kind = { .event = EVENT_PASSWORD_SET,
		.waits = true,
		.ends = true,
		.plan = store_epoch_plan,
		.write = password_write };
	struct change c = {
		.st = st, .actor = actor, .user_id = user_id, .new_hash = hash
	};
	enum err err = change_run(&c, &kind);

	*ended_out = err == ERR_OK ? c.ended : 0;
	return err;
}

/* ---- the end of the account ---- */

static enum err
deactivate_write(struct change *c)
{
	c->user.status = USER_STATUS_INACTIVE;
	return store_epoch_write(c);
}

enum err
store_deactivate(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *hash)
{
	static const struct change_kind kind = { .event = EVENT_DEACTIVATE,
		.waits = true,
		.ends = true,
		.plan = store_epoch_plan,
		.write = deactivate_write };
	struct change c = {
		.st = st, .actor = actor, .user_id = user_id, .hash = hash
	};

	return change_run(&c, &kind);
}

/* The sessions' rows go too, so their keys are named as well. */
static enum err
delete_plan(struct change *c)
{
	enum err err;

	if ((err = find_user(c)) != ERR_OK ||
	    (err = live_sessions(c)) != ERR_OK)
		return err;
	for (size_t i = 0; i < c->live_count; i++)
		change_key_session(c, c->live[i].handle);
	c->ended = (int64_t)c->live_count;
	change_key_user(c, c->user_id);
	return ERR_OK;
}

static enum err
delete_write(struct change *c)
{
	const struct store_ops *ops = c->st->ops;
	enum err err = ops->subjects_end(c->st, c->user_id, c->now);

	return err != ERR_OK ? err : ops->user_delete(c->st, c->user_id);
}

enum err
store_delete(struct store *st, const struct store_actor *actor, int64_t user_id,
    const char *hash)
{
	static const struct change_kind kind = { .event = EVENT_DELETE,
		.waits = true,
		.ends = true,
		.plan = delete_plan,
		.write = delete_write };
	struct change c = {
		.st = st, .actor = actor, .user_id = user_id, .hash = hash
	};

	return change_run(&c, &kind);
}

enum err
store_user_remove(struct store *st, const struct store_actor *actor,
    int64_t user_id, int64_t *ended_out)
{
	static const struct change_kind kind = { .event = EVENT_REMOVE,
		.waits = true,
		.ends = true,
		.plan = delete_plan,
		.write = delete_write };
	struct change c = { .st = st, .actor = actor, .user_id = user_id };
	enum err err = change_run(&c, &kind);

	*ended_out = err == ERR_OK ? c.ended : 0;
	return err;
}
