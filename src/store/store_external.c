/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/str.h"
#include "store/store_steps.h"

/*
 * Accounts of external issuers' subjects.  Their tokens carry neither a session
 * nor an epoch, so the time of issue decides: the end of an account or of its
 * sessions ends every token issued before.
 */

/* Read the subject's row, or fill in one for a subject without. */
static enum err
find_subject(
    struct store *st, const struct external_profile *p, struct subject *row_out)
{
	enum err err;

	memset(row_out, 0, sizeof(*row_out));
	err = st->ops->subject(st, p->issuer, p->subject, row_out);
	if (err != ERR_NOT_FOUND)
		return err;
	err = str_copy(row_out->issuer, sizeof(row_out->issuer), p->issuer);
	if (err == ERR_OK)
		err = str_copy(
		    row_out->subject, sizeof(row_out->subject), p->subject);
	if (err == ERR_OK)
		err = st->ops->external_since(st, &row_out->ended_at);
	return err;
}

/*
 * A valid token was issued later than the end, by more than the leeway, because
 * the issuer's clock may be ahead of ours.
 */
static bool
is_too_old(const struct subject *row, const struct external_profile *p)
{
	return row->ended_at != 0 && p->issued_at <= row->ended_at + p->leeway;
}

/* Has the account these claims, or newer ones? */
static bool
is_current(const struct subject *row, const struct external_profile *p)
{
	if (row->user_id == 0)
		return false;
	return row->linked || p->issued_at < row->claims_at ||
	    memcmp(row->digest, p->digest, sizeof(row->digest)) == 0;
}

enum err
store_external_user(
    struct store *st, const struct external_profile *p, int64_t *user_id_out)
{
	struct subject row;
	enum err err;

	*user_id_out = 0;
	if ((err = find_subject(st, p, &row)) != ERR_OK)
		return err;
	if (is_too_old(&row, p))
		return ERR_DENIED;
	if (!is_current(&row, p))
		return ERR_NOT_FOUND;
	*user_id_out = row.user_id;
	return ERR_OK;
}

/* ---- creating and updating the account ---- */

struct provision {
	struct change c;
	const struct external_profile *profile;
	/* set by the plan */
	struct subject subject;
	struct user user;
	const char *normal;
	char no_email[USER_EMAIL_SIZE]; /* ->normal without an address */
	enum external_done done;
};

/* The account with the address of ${p}; ERR_NOT_FOUND without either. */
static enum err
find_owner(
    struct store *st, const struct external_profile *p, struct user *owner_out)
{
	memset(owner_out, 0, sizeof(*owner_out));
	if (p->email == NULL || p->normal == NULL)
		return ERR_NOT_FOUND;
	return st->ops->user_by_email(st, p->normal, owner_out);
}

/*
 * The column of normal forms is unique, so an account without an address needs
 * a unique text in it.  Without an @ it is equal to no address.
 */
static void
no_email(char dst[USER_EMAIL_SIZE], const struct subject *row)
{
	const char *const texts[] = { row->issuer, row->subject };
	unsigned char digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];

	digest_texts(digest, texts, NELEMS(texts));
	str_hex(hex, digest, sizeof(digest));
	str_join(dst, USER_EMAIL_SIZE, "none:", hex);
}

/* Copy the profile to the user, the address only with ${address}. */
static enum err
copy_profile(struct provision *x, bool address)
{
	const struct external_profile *p = x->profile;
	struct user *u = &x->user;
	enum err err;

	if (!address)
		no_email(x->no_email, &x->subject);
	x->normal = address ? p->normal : x->no_email;
	err = str_copy(u->email, sizeof(u->email), address ? p->email : "");
	if (err == ERR_OK)
		err = str_copy(u->name, sizeof(u->name), p->name);
	if (err == ERR_OK)
		err = str_copy(
		    u->avatar_url, sizeof(u->avatar_url), p->avatar_url);
	return err;
}

/*
 * Will the token be refused whatever its claims are?  A dead one, and one of an
 * account that is closed, changes nothing.
 */
static bool
is_over(const struct user *u, const struct external_profile *p)
{
	return u->status != USER_STATUS_ACTIVE ||
	    (u->epoch_at != 0 && p->issued_at <= u->epoch_at + p->leeway);
}

static enum err
plan_update(struct change *c, struct provision *x)
{
	struct user owner;
	enum err err;

	c->user_id = x->subject.user_id;
	x->done = EXTERNAL_UPDATED;
	c->event = EVENT_EXTERNAL_UPDATED;
	if ((err = c->st->ops->user_by_id(c->st, c->user_id, &x->user)) !=
	    ERR_OK)
		return err == ERR_NOT_FOUND ? ERR_INTERNAL : err;
	if (is_over(&x->user, x->profile))
		return ERR_DENIED;
	err = find_owner(c->st, x->profile, &owner);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	change_key_user(c, c->user_id);
	return copy_profile(x,
	    x->profile->normal != NULL &&
		(err == ERR_NOT_FOUND || owner.id == c->user_id));
}

/*
 * May ${owner}, which has the same normal form, be linked?  The normal form
 * equates addresses that only look alike, whose mailboxes may belong to
 * different people, so the addresses must be equal but for the case of letters.
 */
static bool
may_link(const struct external_profile *p, const struct user *owner)
{
	return p->link && owner->role == USER_ROLE_USER &&
	    strcasecmp(p->email, owner->email) == 0;
}

/*
 * The account may have been registered by someone who does not own the address,
 * in order to wait for its owner.  So its password is removed and its sessions
 * end, in the change that links it.
 */
static enum err
plan_link(struct change *c, struct provision *x, const struct user *owner)
{
	if (is_over(owner, x->profile))
		return ERR_DENIED;
	c->user_id = owner->id;
	x->user = *owner;
	x->done = EXTERNAL_LINKED;
	c->event = EVENT_EXTERNAL_LINKED;
	change_key_user(c, c->user_id);
	return ERR_OK;
}

/* Not epoch_at, which would end the token that links the account, too. */
static enum err
write_link(struct change *c, struct provision *x)
{
	enum err err;

	x->user.epoch++;
	err = c->st->ops->user_update(c->st, &x->user, NULL);
	return err != ERR_OK ? err
			     : c->st->ops->password_remove(c->st, x->user.id);
}

/* Link an existing account if that is allowed, else create one. */
static enum err
plan_account(struct change *c, struct provision *x)
{
	struct user owner;
	enum err err = find_owner(c->st, x->profile, &owner);

	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	if (err == ERR_OK && may_link(x->profile, &owner))
		return plan_link(c, x, &owner);
	x->done = EXTERNAL_CREATED;
	c->event = EVENT_EXTERNAL_CREATED;
	x->user = (struct user){ .role = USER_ROLE_USER,
		.status = USER_STATUS_ACTIVE,
		.epoch = 1,
		.created_at = c->now };
	return copy_profile(
	    x, x->profile->normal != NULL && err == ERR_NOT_FOUND);
}

static enum err
provision_plan(struct change *c)
{
	struct provision *x = (struct provision *)c;
	enum err err;

	if ((err = find_subject(c->st, x->profile, &x->subject)) != ERR_OK)
		return err;
	if (is_too_old(&x->subject, x->profile))
		return ERR_DENIED;
	c->idle = is_current(&x->subject, x->profile);
	if (c->idle) {
		c->user_id = x->subject.user_id;
		x->done = EXTERNAL_FOUND;
		return ERR_OK;
	}
	return x->subject.user_id != 0 ? plan_update(c, x) : plan_account(c, x);
}

static enum err
provision_write(struct change *c)
{
	struct provision *x = (struct provision *)c;
	const struct store_ops *ops = c->st->ops;
	enum err err = ERR_OK;

	x->user.version++;
	x->user.updated_at = c->now;
	if (x->done == EXTERNAL_LINKED)
		err = write_link(c, x);
	if (x->done == EXTERNAL_UPDATED)
		err = ops->user_update(c->st, &x->user, x->normal);
	if (x->done == EXTERNAL_CREATED) {
		err = ops->user_insert(c->st, &x->user, x->normal);
		c->user_id = x->user.id;
	}
	if (err != ERR_OK)
		return err;
	x->subject.user_id = c->user_id;
	x->subject.linked = x->done == EXTERNAL_LINKED;
	x->subject.claims_at = x->profile->issued_at;
	memcpy(
	    x->subject.digest, x->profile->digest, sizeof(x->subject.digest));
	return ops->subject_put(c->st, &x->subject);
}

enum err
store_external_provision(struct store *st, const struct store_actor *actor,
    const struct external_profile *p, int64_t *user_id_out,
    enum external_done *done_out)
{
	static const struct change_kind kind = {
		.waits = true, .plan = provision_plan, .write = provision_write
	};
	struct provision x = { .c = { .st = st, .actor = actor },
		.profile = p };
	enum err err = change_run(&x.c, &kind);

	*user_id_out = err == ERR_OK ? x.c.user_id : 0;
	*done_out = err == ERR_OK ? x.done : EXTERNAL_NONE;
	return err;
}

/* ---- the links of an account ---- */

enum err
store_external_links(struct store *st, int64_t user_id,
    struct subject links_out[STORE_LINKS_MAX], size_t *n_out)
{
	*n_out = 0;
	return st->ops->subjects(st, user_id, links_out, n_out);
}

static enum err
unlink_write(struct change *c)
{
	enum err err = c->st->ops->subjects_end(c->st, c->user_id, c->now);

	return err != ERR_OK ? err : store_epoch_write(c);
}

enum err
store_external_unlink(struct store *st, const struct store_actor *actor,
    int64_t user_id, int64_t *ended_out)
{
	static const struct change_kind kind = { .event =
						     EVENT_EXTERNAL_UNLINKED,
		.waits = true,
		.ends = true,
		.plan = store_epoch_plan,
		.write = unlink_write };
	struct store_epoch_change x = {
		.c = { .st = st, .actor = actor, .user_id = user_id }
	};
	enum err err = change_run(&x.c, &kind);

	*ended_out = err == ERR_OK ? x.ended : 0;
	return err;
}
