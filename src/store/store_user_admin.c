/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <string.h>

#include "base/str.h"
#include "store/store_change.h"

/*
 * Changes of what a user is: its profile, and what an administrator says of
 * it; store_change.c makes them.
 */

/* The row as it is now in ${c}; sessions go on. */
static enum err
write_user(struct change *c)
{
	c->user.version++;
	c->user.updated_at = c->now;
	return c->st->ops->user_update(c->st, &c->user, c->normal);
}

/* ---- profile ---- */

static enum err
patch_text(char *dst, size_t size, const char *text)
{
	return text == NULL ? ERR_OK : str_copy(dst, size, text);
}

static enum err
profile_plan(struct change *c)
{
	const struct user_patch *p = c->patch;
	struct user *u = &c->user;
	enum err err;

	if ((p->email == NULL) != (p->normal == NULL))
		return ERR_INVALID;
	err = c->st->ops->user_by_id(c->st, c->user_id, u);
	if (err == ERR_OK)
		err = patch_text(u->email, sizeof(u->email), p->email);
	if (err == ERR_OK)
		err = patch_text(u->name, sizeof(u->name), p->name);
	if (err == ERR_OK)
		err = patch_text(
		    u->avatar_url, sizeof(u->avatar_url), p->avatar_url);
	c->idle = p->email == NULL && p->name == NULL && p->avatar_url == NULL;
	change_key_user(c, c->user_id);
	return err;
}

enum err
store_profile_update(struct store *st, const struct store_actor *actor,
    int64_t user_id, const struct user_patch *patch, struct user *user_out)
{
	static const struct change_kind kind = { .event = EVENT_PROFILE_UPDATE,
		.waits = true,
		.plan = profile_plan,
		.write = write_user };
	struct change c = { .st = st,
		.actor = actor,
		.user_id = user_id,
		.normal = patch->normal,
		.patch = patch };
	enum err err = change_run(&c, &kind);

	memset(user_out, 0, sizeof(*user_out));
	if (err == ERR_OK)
		*user_out = c.user;
	return err;
}

/* ---- standing ---- */

static bool
is_put_out(const struct change *c)
{
	return c->role_and_status->status == USER_STATUS_INACTIVE &&
	    c->user.status != USER_STATUS_INACTIVE;
}

static enum err
role_and_status_plan(struct change *c)
{
	const struct user_role_and_status *to = c->role_and_status;
	enum err err;

	err = c->st->ops->user_by_id(c->st, c->user_id, &c->user);
	if (err != ERR_OK)
		return err;
	if (to->status != USER_STATUS_NONE && to->status != c->user.status)
		c->event = is_put_out(c) ? EVENT_DISABLE : EVENT_ENABLE;
	if (to->role != USER_ROLE_NONE && to->role != c->user.role)
		c->second_event =
		    to->role == USER_ROLE_ADMIN ? EVENT_PROMOTE : EVENT_DEMOTE;
	c->idle =
	    c->event == EVENT_NONE && c->second_event == EVENT_NONE;
	if (is_put_out(c))
		return store_epoch_plan(c);
	change_key_user(c, c->user_id);
	return ERR_OK;
}

static enum err
role_and_status_write(struct change *c)
{
	bool out = is_put_out(c);

	if (c->role_and_status->status != USER_STATUS_NONE)
		c->user.status = c->role_and_status->status;
	if (c->role_and_status->role != USER_ROLE_NONE)
		c->user.role = c->role_and_status->role;
	return out ? store_epoch_write(c) : write_user(c);
}

enum err
store_user_role_and_status(struct store *st, const struct store_actor *actor,
    int64_t user_id, const struct user_role_and_status *role_and_status,
    int64_t *ended_out)
{
	static const struct change_kind gives = { .waits = true,
		.plan = role_and_status_plan,
		.write = role_and_status_write };
	/* What takes something away may use the room kept for that. */
	static const struct change_kind takes = { .waits = true,
		.ends = true,
		.plan = role_and_status_plan,
		.write = role_and_status_write };
	struct change c = { .st = st,
		.actor = actor,
		.user_id = user_id,
		.role_and_status = role_and_status };
	bool less = role_and_status->status == USER_STATUS_INACTIVE ||
	    role_and_status->role == USER_ROLE_USER;
	enum err err = change_run(&c, less ? &takes : &gives);

	*ended_out = err == ERR_OK && !c.idle ? c.ended : 0;
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
	static const struct change_kind kind = { .event = EVENT_WRITE_CHECK,
		.waits = true,
		.plan = nothing,
		.write = nothing };
	struct change c = { .st = st, .actor = actor };

	return change_run(&c, &kind);
}
