/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "store/store_steps.h"

struct profile_change {
	struct change c;
	const struct user_patch *patch;
	struct user user;
	char detail[2 * USER_EMAIL_SIZE + 8]; /* old and new address */
};

static enum err
patch_text(char *dst, size_t size, const char *text)
{
	return text == NULL ? ERR_OK : str_copy(dst, size, text);
}

/* The address is what its owner signs in with, so a session is not enough. */
static enum err
email_plan(struct profile_change *x)
{
	const struct user_patch *p = x->patch;
	struct user *u = &x->user;
	enum err err = store_proof_check(&x->c, p->proof);

	if (err != ERR_OK)
		return err;
	(void)snprintf(
	    x->detail, sizeof(x->detail), "%s -> %s", u->email, p->email);
	x->c.detail = x->detail;
	x->c.event = EVENT_EMAIL_CHANGE;
	return str_copy(u->email, sizeof(u->email), p->email);
}

static enum err
profile_plan(struct change *c)
{
	struct profile_change *x = (struct profile_change *)c;
	const struct user_patch *p = x->patch;
	struct user *u = &x->user;
	enum err err;

	if ((p->email == NULL) != (p->normal == NULL) ||
	    (p->email == NULL) != (p->proof == NULL))
		return ERR_INVALID;
	err = c->st->ops->user_by_id(c->st, c->user_id, u);
	if (err == ERR_OK && p->email != NULL)
		err = email_plan(x);
	if (err == ERR_OK)
		err = patch_text(u->name, sizeof(u->name), p->name);
	if (err == ERR_OK)
		err = patch_text(
		    u->avatar_url, sizeof(u->avatar_url), p->avatar_url);
	c->idle = p->email == NULL && p->name == NULL && p->avatar_url == NULL;
	change_key_user(c, c->user_id);
	return err;
}

static enum err
profile_write(struct change *c)
{
	struct profile_change *x = (struct profile_change *)c;

	x->user.version++;
	x->user.updated_at = c->now;
	return c->st->ops->user_update(c->st, &x->user, x->patch->normal);
}

enum err
store_profile_update(struct store *st, const struct store_actor *actor,
    int64_t user_id, const struct user_patch *patch, struct user *user_out)
{
	static const struct change_kind kind = { .event = EVENT_PROFILE_UPDATE,
		.waits = true,
		.plan = profile_plan,
		.write = profile_write };
	struct profile_change x = {
		.c = { .st = st, .actor = actor, .user_id = user_id },
		.patch = patch
	};
	enum err err = change_run(&x.c, &kind);

	memset(user_out, 0, sizeof(*user_out));
	if (err == ERR_OK)
		*user_out = x.user;
	return err;
}
