/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "store/store_steps.h"

/* Accounts: registration, the password, deactivation and deletion. */

/* ---- registration ---- */

struct registration {
	struct change c;
	struct user user;
	const char *normal;
	const char *hash;
	bool opens; /* the first session, too */
	struct store_opening opening;
};

static enum err
register_plan(struct change *c)
{
	struct user *u = &((struct registration *)c)->user;

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
	struct registration *x = (struct registration *)c;
	struct user *u = &x->user;
	enum err err;

	err = c->st->ops->user_insert(c->st, u, x->normal);
	if (err == ERR_OK)
		err = c->st->ops->password_put(c->st, u->id, x->hash, c->now);
	if (err != ERR_OK)
		return err;
	c->user_id = u->id;
	/* Ids are never used again, so id 1 is the first user ever. */
	if (c->st->first_admin && u->id == 1) {
		u->role = USER_ROLE_ADMIN;
		err = c->st->ops->user_update(c->st, u, NULL);
		if (err != ERR_OK)
			return err;
	}
	if (!x->opens)
		return ERR_OK;
	x->opening.proof.user_id = u->id;
	x->opening.proof.epoch = u->epoch;
	return store_opening_write(c, &x->opening);
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
	struct registration x = { .c = { .st = st, .actor = actor },
		.user = *u,
		.normal = normal,
		.hash = hash,
		.opens = s != NULL };
	enum err err;

	if (s != NULL) {
		x.opening.session = *s;
		x.c.handle = s->handle;
	}
	if ((err = change_run(&x.c, &kind)) != ERR_OK)
		return err;
	*u = x.user;
	if (s != NULL)
		*s = x.opening.session;
	return ERR_OK;
}

/* ---- the password ---- */

struct password_change {
	struct store_epoch_change epoch; /* its first member is the change */
	const struct store_proof *proof; /* of a change by the user itself */
	const char *hash;
	struct session *opens; /* NULL: none */
};

static enum err
password_change_plan(struct change *c)
{
	const struct password_change *x = (struct password_change *)c;
	enum err err = store_proof_check(c, x->proof);

	return err != ERR_OK ? err : store_epoch_plan(c);
}

static enum err
password_write(struct change *c)
{
	const struct password_change *x = (struct password_change *)c;
	enum err err;

	err = c->st->ops->password_put(c->st, c->user_id, x->hash, c->now);
	if (err == ERR_OK)
		err = store_epoch_write(c);
	if (err != ERR_OK || x->opens == NULL)
		return err;
	x->opens->user_id = c->user_id;
	x->opens->epoch = x->epoch.user.epoch;
	return c->st->ops->session_insert(c->st, x->opens);
}

enum err
store_password_change(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof, const char *hash, struct session *s,
    int64_t *epoch_out)
{
	static const struct change_kind kind = { .event = EVENT_PASSWORD_CHANGE,
		.waits = true,
		.ends = true,
		.plan = password_change_plan,
		.write = password_write };
	struct password_change x = {
		.epoch = { .c = { .st = st,
			       .actor = actor,
			       .user_id = proof->user_id,
			       .handle = s != NULL ? s->handle : NULL } },
		.proof = proof,
		.hash = hash,
		.opens = s
	};
	enum err err;

	err = change_run(&x.epoch.c, &kind);
	*epoch_out = err == ERR_OK ? x.epoch.user.epoch : 0;
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
	struct password_change x = {
		.epoch.c = { .st = st, .actor = actor, .user_id = user_id },
		.hash = hash
	};
	enum err err = change_run(&x.epoch.c, &kind);

	*ended_out = err == ERR_OK ? x.epoch.ended : 0;
	return err;
}

/* ---- deactivation and deletion ---- */

struct closing {
	struct store_epoch_change epoch; /* its first member is the change */
	const struct store_proof *proof; /* of an account closed by its user */
};

static enum err
deactivate_plan(struct change *c)
{
	struct closing *x = (struct closing *)c;
	enum err err = store_proof_check(c, x->proof);

	if (err == ERR_OK)
		err = store_epoch_plan(c);
	return err != ERR_OK ? err : store_admin_check(c, &x->epoch.user);
}

static enum err
deactivate_write(struct change *c)
{
	((struct closing *)c)->epoch.user.status = USER_STATUS_INACTIVE;
	return store_epoch_write(c);
}

/* Deleting a user deletes its sessions, so name their keys too. */
static enum err
remove_plan(struct change *c)
{
	struct session live[SESSION_MAX_PER_USER];
	struct user u;
	size_t n = 0;
	enum err err;

	err = c->st->ops->user_by_id(c->st, c->user_id, &u);
	if (err == ERR_OK)
		err = store_admin_check(c, &u);
	if (err == ERR_OK)
		err = c->st->ops->sessions_live(
		    c->st, c->user_id, c->now, live, &n);
	if (err != ERR_OK)
		return err;
	for (size_t i = 0; i < n; i++)
		change_key_session(c, live[i].handle);
	((struct closing *)c)->epoch.ended = (int64_t)n;
	change_key_user(c, c->user_id);
	return ERR_OK;
}

static enum err
delete_plan(struct change *c)
{
	enum err err = store_proof_check(c, ((struct closing *)c)->proof);

	return err != ERR_OK ? err : remove_plan(c);
}

static enum err
delete_write(struct change *c)
{
	const struct store_ops *ops = c->st->ops;
	enum err err = ops->subjects_end(c->st, c->user_id, c->now);

	return err != ERR_OK ? err : ops->user_delete(c->st, c->user_id);
}

static enum err
close_account(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof, const struct change_kind *kind)
{
	struct closing x = { .epoch.c = { .st = st,
				 .actor = actor,
				 .user_id = proof->user_id },
		.proof = proof };

	return change_run(&x.epoch.c, kind);
}

enum err
store_deactivate(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof)
{
	static const struct change_kind kind = { .event = EVENT_DEACTIVATE,
		.waits = true,
		.ends = true,
		.plan = deactivate_plan,
		.write = deactivate_write };

	return close_account(st, actor, proof, &kind);
}

enum err
store_delete(struct store *st, const struct store_actor *actor,
    const struct store_proof *proof)
{
	static const struct change_kind kind = { .event = EVENT_DELETE,
		.waits = true,
		.ends = true,
		.plan = delete_plan,
		.write = delete_write };

	return close_account(st, actor, proof, &kind);
}

enum err
store_user_remove(struct store *st, const struct store_actor *actor,
    int64_t user_id, int64_t *ended_out)
{
	static const struct change_kind kind = { .event = EVENT_REMOVE,
		.waits = true,
		.ends = true,
		.plan = remove_plan,
		.write = delete_write };
	struct closing x = {
		.epoch.c = { .st = st, .actor = actor, .user_id = user_id }
	};
	enum err err = change_run(&x.epoch.c, &kind);

	*ended_out = err == ERR_OK ? x.epoch.ended : 0;
	return err;
}
