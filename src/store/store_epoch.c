/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "store/store_steps.h"

/* The epoch: the condition on it, and the steps that raise it. */

enum err
store_proof_check(struct change *c, const struct store_proof *proof)
{
	struct user u;
	enum err err = c->st->ops->user_by_id(c->st, proof->user_id, &u);

	if (err == ERR_NOT_FOUND ||
	    (err == ERR_OK &&
		(u.status != USER_STATUS_ACTIVE || u.epoch != proof->epoch)))
		err = ERR_DENIED;
	return err;
}

static struct store_epoch_change *
epoch_change(struct change *c)
{
	return (struct store_epoch_change *)c; /* c is its first member */
}

enum err
store_epoch_plan(struct change *c)
{
	struct store_epoch_change *x = epoch_change(c);
	struct session live[SESSION_MAX_PER_USER];
	size_t n = 0;
	enum err err;

	err = c->st->ops->user_by_id(c->st, c->user_id, &x->user);
	if (err == ERR_OK)
		err = c->st->ops->sessions_live(
		    c->st, c->user_id, c->now, live, &n);
	if (err != ERR_OK)
		return err;
	x->keeps = false;
	for (size_t i = 0; x->keep != NULL && i < n; i++) {
		if (strcmp(live[i].handle, x->keep) != 0)
			continue;
		x->kept = live[i];
		x->keeps = true;
		change_key_session(c, x->keep);
	}
	x->ended = (int64_t)n - (x->keeps ? 1 : 0);
	change_key_user(c, c->user_id);
	return ERR_OK;
}

enum err
store_epoch_write(struct change *c)
{
	struct store_epoch_change *x = epoch_change(c);
	enum err err;

	x->user.epoch++;
	x->user.epoch_at = c->now;
	x->user.version++;
	x->user.updated_at = c->now;
	err = c->st->ops->user_update(c->st, &x->user, NULL);
	if (err != ERR_OK || !x->keeps)
		return err;
	x->kept.epoch = x->user.epoch;
	return c->st->ops->session_update(c->st, &x->kept);
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
	struct store_epoch_change x = {
		.c = { .st = st, .actor = actor, .user_id = user_id },
		.keep = keep
	};
	enum err err = change_run(&x.c, &kind);

	*epoch_out = err == ERR_OK ? x.user.epoch : 0;
	*ended_out = err == ERR_OK ? x.ended : 0;
	return err;
}
