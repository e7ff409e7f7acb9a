/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "store/store_steps.h"

/* Role and status, which administrators change. */

struct role_and_status_change {
	struct store_epoch_change epoch; /* its first member is the change */
	const struct user_role_and_status *to;
};

enum err
store_admin_check(struct change *c, const struct user *u)
{
	bool exists;
	enum err err;

	if (c->actor->even_last_admin || u->role != USER_ROLE_ADMIN ||
	    u->status != USER_STATUS_ACTIVE)
		return ERR_OK;
	err = c->st->ops->other_admin(c->st, u->id, &exists);
	return err == ERR_OK && !exists ? ERR_CONFLICT : err;
}

static bool
disables(const struct role_and_status_change *x)
{
	return x->to->status == USER_STATUS_INACTIVE &&
	    x->epoch.user.status != USER_STATUS_INACTIVE;
}

static enum err
role_and_status_plan(struct change *c)
{
	struct role_and_status_change *x = (struct role_and_status_change *)c;
	const struct user_role_and_status *to = x->to;
	struct user *u = &x->epoch.user;
	enum err err;

	if ((err = c->st->ops->user_by_id(c->st, c->user_id, u)) != ERR_OK)
		return err;
	if (to->status != USER_STATUS_NONE && to->status != u->status)
		c->event = disables(x) ? EVENT_DISABLE : EVENT_ENABLE;
	if (to->role != USER_ROLE_NONE && to->role != u->role)
		c->second_event =
		    to->role == USER_ROLE_ADMIN ? EVENT_PROMOTE : EVENT_DEMOTE;
	c->idle = c->event == EVENT_NONE && c->second_event == EVENT_NONE;
	if ((disables(x) || c->second_event == EVENT_DEMOTE) &&
	    (err = store_admin_check(c, u)) != ERR_OK)
		return err;
	if (disables(x))
		return store_epoch_plan(c);
	change_key_user(c, c->user_id);
	return ERR_OK;
}

static enum err
role_and_status_write(struct change *c)
{
	struct role_and_status_change *x = (struct role_and_status_change *)c;
	struct user *u = &x->epoch.user;
	bool ends = disables(x);

	if (x->to->status != USER_STATUS_NONE)
		u->status = x->to->status;
	if (x->to->role != USER_ROLE_NONE)
		u->role = x->to->role;
	if (ends)
		return store_epoch_write(c);
	u->version++;
	u->updated_at = c->now;
	return c->st->ops->user_update(c->st, u, NULL);
}

enum err
store_user_role_and_status(struct store *st, const struct store_actor *actor,
    int64_t user_id, const struct user_role_and_status *role_and_status,
    int64_t *ended_out)
{
	static const struct change_kind gives = { .waits = true,
		.plan = role_and_status_plan,
		.write = role_and_status_write };
	/* Taking rights away may use the reserve on a full disk. */
	static const struct change_kind takes = { .waits = true,
		.ends = true,
		.plan = role_and_status_plan,
		.write = role_and_status_write };
	struct role_and_status_change x = {
		.epoch.c = { .st = st, .actor = actor, .user_id = user_id },
		.to = role_and_status
	};
	bool less = role_and_status->status == USER_STATUS_INACTIVE ||
	    role_and_status->role == USER_ROLE_USER;
	enum err err = change_run(&x.epoch.c, less ? &takes : &gives);

	*ended_out = err == ERR_OK && !x.epoch.c.idle ? x.epoch.ended : 0;
	return err;
}

/* ---- a test of writing ---- */

static enum err
no_rows(struct change *c)
{
	(void)c;
	return ERR_OK;
}

enum err
store_write_check(struct store *st, const struct store_actor *actor)
{
	static const struct change_kind kind = { .event = EVENT_WRITE_CHECK,
		.waits = true,
		.plan = no_rows,
		.write = no_rows };
	struct change c = { .st = st, .actor = actor };

	return change_run(&c, &kind);
}
