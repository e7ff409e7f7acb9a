/* SPDX-License-Identifier: ISC */
#include "store/store_change.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "base/testpoint.h"
#include "shm/generation.h"

static char *
next_key(struct change *c)
{
	assert(c->key_count < CHANGE_KEYS_MAX);
	return c->keys[c->key_count++];
}

void
change_key_user(struct change *c, int64_t id)
{
	user_key(next_key(c), id);
}

void
change_key_session(struct change *c, const char *handle)
{
	session_key(next_key(c), handle);
}

void
change_key_token(struct change *c, const char *jti)
{
	token_key(next_key(c), jti);
}

void
change_key_named(struct change *c, const char *name)
{
	str_join(next_key(c), TOKEN_KEY_SIZE, name, "");
}

static size_t
key_list(const struct change *c, const char *list[CHANGE_KEYS_MAX])
{
	for (size_t i = 0; i < c->key_count; i++)
		list[i] = c->keys[i];
	return c->key_count;
}

/* From now on no entry of these keys is believed, nor filled. */
static enum err
mark(const struct change *c)
{
	const char *list[CHANGE_KEYS_MAX];
	size_t n = key_list(c, list);

	return n == 0 ? ERR_OK : generation_mark(c->st->shm, list, n);
}

/*
 * Whoever acts was asked for before the change had its turn.  While it waited,
 * for the lock or for a password's hash, he may have been signed out, or have
 * become no administrator any more.  Within the transaction nothing can come
 * between the question and the change.
 */
static enum err
check_actor(struct store *st, const struct store_actor *actor, int64_t now)
{
	struct session s;
	struct user u;
	enum err err;

	if (actor->handle == NULL)
		return ERR_OK;
	err = st->ops->session_by_handle(st, actor->handle, &s);
	if (err == ERR_OK)
		err = st->ops->user_by_id(st, s.user_id, &u);
	if (err == ERR_OK &&
	    (!session_live(&s, &u, now) || s.epoch != actor->epoch ||
		(actor->as_admin && u.role != USER_ROLE_ADMIN)))
		err = ERR_DENIED;
	return err == ERR_NOT_FOUND ? ERR_DENIED : err;
}

enum err
store_actor_check(struct store *st, const struct store_actor *actor)
{
	int64_t latest = 0;
	enum err err;

	if ((err = st->ops->latest_time(st, &latest)) != ERR_OK)
		return err;
	return check_actor(
	    st, actor, actor->now > latest ? actor->now : latest);
}

static enum err
note(struct change *c, enum event event)
{
	if (event == EVENT_NONE)
		return ERR_OK;
	return c->st->ops->audit_add(c->st,
	    &(struct store_audit){
		.at = c->now,
		.event = event,
		.user_id = c->user_id,
		.handle = c->handle != NULL ? c->handle : "",
		.address = c->actor->address,
	    });
}

static enum err
write_rows(struct change *c, const struct change_kind *kind)
{
	enum err err;

	if ((err = kind->write(c)) != ERR_OK)
		return err;
	if ((err = c->st->ops->latest_time_raise(c->st, c->now)) != ERR_OK)
		return err;
	err = note(c, c->event != EVENT_NONE ? c->event : kind->event);
	return err != ERR_OK ? err : note(c, c->second_event);
}

/*
 * The order is the promise.  Marked before the commit: whoever read the old
 * rows and fills a cache later does so under a generation that is gone.
 * Settled after it: whoever starts between the two asks the store, and nobody
 * fills.  Settled on failure too, or the keys would stay uncached; and only
 * once the transaction is over, so that nothing odd is left half decided.
 */
static enum err
attempt(struct change *c, const struct change_kind *kind)
{
	struct store *st = c->st;
	int64_t latest = 0;
	enum err err;

	c->key_count = 0;
	c->idle = false;
	c->in_doubt = false;
	c->event = c->second_event = EVENT_NONE;
	err = st->ops->begin(st, store_wait_left(st));
	if (err != ERR_OK)
		return err;
	TESTPOINT("change:begun");
	if ((err = st->ops->latest_time(st, &latest)) != ERR_OK)
		goto out;
	c->now = c->actor->now > latest ? c->actor->now : latest;
	if ((err = check_actor(st, c->actor, c->now)) != ERR_OK)
		goto out;
	if ((err = kind->plan(c)) != ERR_OK || c->idle)
		goto out;
	if ((err = mark(c)) != ERR_OK)
		goto out;
	TESTPOINT("change:marked");
	err = write_rows(c, kind);
	TESTPOINT("change:written");
out:
	if (err == ERR_OK && !c->idle) {
		err = st->ops->commit(st);
		c->in_doubt = err == ERR_INTERNAL;
	} else {
		st->ops->rollback(st);
	}
	TESTPOINT("change:committed");
	if (c->in_doubt)
		return ERR_UNAVAILABLE;
	generation_settle(st->shm);
	return err;
}

static enum err
commit_a_note(struct store *st)
{
	enum err err;

	if ((err = st->ops->begin(st, store_wait_left(st))) != ERR_OK)
		return err;
	/* A row more, for SQLite writes no page that would stay the same. */
	err = st->ops->audit_add(st,
	    &(struct store_audit){
		.event = EVENT_CHANGE_RECOVERED, .handle = "", .address = "" });
	if (err == ERR_OK)
		return st->ops->commit(st);
	st->ops->rollback(st);
	return err;
}

enum err
change_flush_interrupted(void *ctx)
{
	struct store *st = ctx;
	enum err err = commit_a_note(st);

	if (err == ERR_UNAVAILABLE && st->ops->release_reserve(st))
		err = commit_a_note(st);
	return err == ERR_OK ? ERR_OK : ERR_UNAVAILABLE;
}

enum err
change_run(struct change *c, const struct change_kind *kind)
{
	struct store *st = c->st;
	const char *list[CHANGE_KEYS_MAX];
	enum err err;

	TESTPOINT("change:lock");
	if (!kind->ends && !st->ops->has_reserve(st))
		return ERR_UNAVAILABLE;
	store_wait_from_now(st, kind->waits ? st->write_wait_ms : 0);
	err = generation_lock(
	    st->shm, store_wait_left(st), change_flush_interrupted, st);
	if (err != ERR_OK)
		return err;

	err = attempt(c, kind);
	if (err == ERR_UNAVAILABLE && kind->ends && !c->in_doubt &&
	    st->ops->release_reserve(st))
		err = attempt(c, kind);
	if (c->in_doubt)
		generation_abandon(st->shm);
	else
		generation_unlock(st->shm);
	TESTPOINT("change:settled");
	if (err == ERR_OK && !c->idle && c->key_count > 0 && st->tidy != NULL) {
		size_t n = key_list(c, list);

		st->tidy(st->tidy_ctx, list, n);
	}
	TESTPOINT("change:tidied");
	return err;
}

/*
 * Removing what has expired needs no generation: a copy that a cache still
 * holds is past its end as well, and refused for that.
 */
static enum err
expire(struct store *st, int64_t now, int64_t *removed_out)
{
	int64_t latest = 0;
	enum err err;

	if ((err = st->ops->begin(st, store_wait_left(st))) != ERR_OK)
		return err;
	err = st->ops->latest_time(st, &latest);
	if (err == ERR_OK)
		err = st->ops->expire(st, now > latest ? now : latest,
		    CHANGE_MAINTENANCE_ROWS, removed_out);
	if (err == ERR_OK && *removed_out > 0)
		return st->ops->commit(st) == ERR_OK ? ERR_OK : ERR_UNAVAILABLE;
	st->ops->rollback(st);
	return err;
}

enum err
store_maintenance(struct store *st, int64_t now, int64_t *removed_out)
{
	enum err err;

	*removed_out = 0;
	store_wait_from_now(st, st->write_wait_ms);
	err = generation_lock(
	    st->shm, store_wait_left(st), change_flush_interrupted, st);
	if (err != ERR_OK)
		return err;
	/* First, because on a full disk this is what makes room. */
	err = st->ops->on_commit(st);
	/* Removing writes too; without room that would be a logout's. */
	if (err == ERR_OK && st->ops->has_reserve(st))
		err = expire(st, now, removed_out);
	generation_unlock(st->shm);
	if (err != ERR_OK)
		*removed_out = 0;
	return err;
}
