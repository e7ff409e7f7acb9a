/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "store/store_change.h"

/* Changes of a user by an administrator; store_change.c makes them. */

static enum err
find_user(struct change *c)
{
	return c->st->ops->user_by_id(c->st, c->user_id, &c->user);
}

/* ---- status and role ---- */

static enum err
disable_plan(struct change *c)
{
	enum err err = find_user(c);

	c->idle = c->user.status == USER_STATUS_INACTIVE;
	return err != ERR_OK ? err : store_epoch_plan(c);
}

static enum err
disable_write(struct change *c)
{
	c->user.status = USER_STATUS_INACTIVE;
	return store_epoch_write(c);
}

static enum err
enable_plan(struct change *c)
{
	enum err err = find_user(c);

	c->idle = c->user.status == USER_STATUS_ACTIVE;
	change_key_user(c, c->user_id);
	return err;
}

/* The row as it is now in ${c}; sessions go on. */
static enum err
write_user(struct change *c)
{
	c->user.version++;
	c->user.updated_at = c->now;
	return c->st->ops->user_update(c->st, &c->user, NULL);
}

static enum err
enable_write(struct change *c)
{
	c->user.status = USER_STATUS_ACTIVE;
	return write_user(c);
}

enum err
store_user_status(struct store *st, const struct store_actor *actor,
    int64_t user_id, enum user_status status, int64_t *ended_out)
{
	static const struct change_kind disable = { .event = "disable",
		.waits = true,
		.ends = true,
		.plan = disable_plan,
		.write = disable_write };
	static const struct change_kind enable = { .event = "enable",
		.waits = true,
		.plan = enable_plan,
		.write = enable_write };
	struct change c = { .st = st, .actor = actor, .user_id = user_id };
	enum err err;

	err = change_run(&c, status == USER_STATUS_ACTIVE ? &enable : &disable);
	*ended_out = err == ERR_OK && !c.idle ? c.ended : 0;
	return err;
}

static enum err
promote_plan(struct change *c)
{
	enum err err = find_user(c);

	c->idle = c->user.role == USER_ROLE_ADMIN;
	change_key_user(c, c->user_id);
	return err;
}

static enum err
promote_write(struct change *c)
{
	c->user.role = USER_ROLE_ADMIN;
	return write_user(c);
}

static enum err
demote_plan(struct change *c)
{
	enum err err = find_user(c);

	c->idle = c->user.role == USER_ROLE_USER;
	change_key_user(c, c->user_id);
	return err;
}

static enum err
demote_write(struct change *c)
{
	c->user.role = USER_ROLE_USER;
	return write_user(c);
}

enum err
store_user_role(struct store *st, const struct store_actor *actor,
    int64_t user_id, enum user_role role)
{
	static const struct change_kind promote = { .event = "promote",
		.waits = true,
		.plan = promote_plan,
		.write = promote_write };
	/* It takes something away, so it may use the room kept for that. */
	static const struct change_kind demote = { .event = "demote",
		.waits = true,
		.ends = true,
		.plan = demote_plan,
		.write = demote_write };
	struct change c = { .st = st, .actor = actor, .user_id = user_id };

	return change_run(&c, role == USER_ROLE_ADMIN ? &promote : &demote);
}

/* ---- password and removal ---- */

static enum err
password_plan(struct change *c)
{
	enum err err = find_user(c);

	return err != ERR_OK ? err : store_epoch_plan(c);
}

static enum err
password_write(struct change *c)
{
	enum err err;

	err = c->st->ops->password_hash_set(c->st, c->user_id, c->new_hash);
	return err != ERR_OK ? err : store_epoch_write(c);
}

enum err
store_password_set(struct store *st, const struct store_actor *actor,
    int64_t user_id, const char *hash, int64_t *ended_out)
{
	static const struct change_kind kind = { .event = "password_set",
		.waits = true,
		.ends = true,
		.plan = password_plan,
		.write = password_write };
	struct change c = {
		.st = st, .actor = actor, .user_id = user_id, .new_hash = hash
	};
	enum err err = change_run(&c, &kind);

	*ended_out = err == ERR_OK ? c.ended : 0;
	return err;
}

static enum err
remove_plan(struct change *c)
{
	enum err err = find_user(c);

	return err != ERR_OK ? err : store_delete_plan(c);
}

enum err
store_user_remove(struct store *st, const struct store_actor *actor,
    int64_t user_id, int64_t *ended_out)
{
	static const struct change_kind kind = { .event = "remove",
		.waits = true,
		.ends = true,
		.plan = remove_plan,
		.write = store_delete_write };
	struct change c = { .st = st, .actor = actor, .user_id = user_id };
	enum err err = change_run(&c, &kind);

	*ended_out = err == ERR_OK ? c.ended : 0;
	return err;
}

/* ---- can it be written to? ---- */

static enum err
nothing(struct change *c)
{
	(void)c;
	return ERR_OK;
}

enum err
store_write_check(struct store *st, const struct store_actor *actor)
{
	static const struct change_kind kind = { .event = "write_check",
		.waits = true,
		.plan = nothing,
		.write = nothing };
	struct change c = { .st = st, .actor = actor };

	return change_run(&c, &kind);
}
