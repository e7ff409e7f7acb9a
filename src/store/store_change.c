/* SPDX-License-Identifier: ISC */
#include "store/store_change.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "base/testpoint.h"
#include "coherence/coherence.h"

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

/*
 * The route found the acting session live, but then the change waited for the
 * lock or for a password hash.  Inside the transaction nothing can come between
 * this check and the change.
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
add_audit(struct change *c, enum event event)
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
		.detail = c->detail,
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
	err = add_audit(c, c->event != EVENT_NONE ? c->event : kind->event);
	return err != ERR_OK ? err : add_audit(c, c->second_event);
}

/* Steps 2 and 3, inside the transaction. */
static enum err
begin_and_write(struct change *c, const struct change_kind *kind)
{
	const char *list[CHANGE_KEYS_MAX];
	struct store *st = c->st;
	int64_t latest = 0;
	enum err err;

	if ((err = st->ops->latest_time(st, &latest)) != ERR_OK)
		return err;
	c->now = c->actor->now > latest ? c->actor->now : latest;
	if ((err = check_actor(st, c->actor, c->now)) != ERR_OK)
		return err;
	if ((err = kind->plan(c)) != ERR_OK || c->idle)
		return err;
	err = coherence_begin(st->coherence, list, key_list(c, list));
	if (err != ERR_OK)
		return err;
	TESTPOINT("change:marked");
	err = write_rows(c, kind);
	TESTPOINT("change:written");
	return err;
}

/*
 * Steps 1 to 5, but for the lock.  Begin comes before the commit: a reader that
 * read the old rows fills them under a version that is over.  Publish comes
 * after it: a reader in between asks the store and fills nothing.  Abort
 * follows a failure, because the keys would stay uncached otherwise; and only
 * when the transaction is over, because its rows are undecided until then.
 */
static enum err
attempt(struct change *c, const struct change_kind *kind)
{
	struct store *st = c->st;
	enum err err;

	c->key_count = 0;
	c->idle = false;
	c->in_doubt = false;
	c->event = c->second_event = EVENT_NONE;
	err = st->ops->begin(st, store_wait_left(st));
	if (err != ERR_OK)
		return err;
	TESTPOINT("change:begun");
	err = begin_and_write(c, kind);
	if (err == ERR_OK && !c->idle) {
		err = st->ops->commit(st);
		c->in_doubt = err == ERR_INTERNAL;
	} else {
		st->ops->rollback(st);
	}
	TESTPOINT("change:committed");
	if (c->in_doubt)
		return ERR_UNAVAILABLE;
	if (err == ERR_OK)
		coherence_publish(st->coherence);
	else
		coherence_abort(st->coherence);
	return err;
}

static enum err
commit_a_row(struct store *st)
{
	enum err err;

	if ((err = st->ops->begin(st, store_wait_left(st))) != ERR_OK)
		return err;
	/* One more row: SQLite writes no page that stays the same. */
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
	enum err err = commit_a_row(st);

	if (err == ERR_UNAVAILABLE && store_release_reserve(st))
		err = commit_a_row(st);
	return err == ERR_OK ? ERR_OK : ERR_UNAVAILABLE;
}

enum err
change_run(struct change *c, const struct change_kind *kind)
{
	struct store *st = c->st;
	const char *list[CHANGE_KEYS_MAX];
	enum err err;

	TESTPOINT("change:lock");
	if (!kind->ends && !store_has_reserve(st))
		return ERR_UNAVAILABLE;
	store_wait_from_now(st, kind->waits ? st->write_wait_ms : 0);
	err = coherence_lock(
	    st->coherence, store_wait_left(st), change_flush_interrupted, st);
	if (err != ERR_OK)
		return err;

	err = attempt(c, kind);
	if (err == ERR_UNAVAILABLE && kind->ends && !c->in_doubt &&
	    store_release_reserve(st))
		err = attempt(c, kind);
	coherence_unlock(st->coherence);
	TESTPOINT("change:settled");
	/* Step 6; step 7, the answer, is the caller's. */
	if (err == ERR_OK && !c->idle && c->key_count > 0 && st->tidy != NULL) {
		size_t n = key_list(c, list);

		st->tidy(st->tidy_ctx, list, n);
	}
	TESTPOINT("change:tidied");
	return err;
}

/*
 * Moves no version: a cached copy of an expired row has expired, too.
 *
 * The row of an ended token may go because the token has expired.  The time by
 * which it has expired is stored with the removal, so that no later reader,
 * after the clock is set back, finds the token valid and the row gone.
 */
static enum err
expire(struct store *st, int64_t now, int64_t *removed_out)
{
	int64_t latest = 0;
	enum err err;

	if ((err = st->ops->begin(st, store_wait_left(st))) != ERR_OK)
		return err;
	err = st->ops->latest_time(st, &latest);
	if (now < latest)
		now = latest;
	if (err == ERR_OK)
		err = st->ops->expire(
		    st, now, CHANGE_MAINTENANCE_ROWS, removed_out);
	if (err == ERR_OK && *removed_out > 0)
		err = st->ops->latest_time_raise(st, now);
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
	err = coherence_lock(
	    st->coherence, store_wait_left(st), change_flush_interrupted, st);
	if (err != ERR_OK)
		return err;
	/* First, because on a full disk this frees space. */
	err = store_after_commits(st);
	/* Removing rows writes, too, and must leave the reserve to logouts. */
	if (err == ERR_OK && store_has_reserve(st))
		err = expire(st, now, removed_out);
	coherence_unlock(st->coherence);
	if (err != ERR_OK)
		*removed_out = 0;
	return err;
}
