/* SPDX-License-Identifier: ISC */
#include "store/store_change.h"

#include "coherence/coherence.h"

/* What to do about a clock that was wrong. */

/* ---- noting it ---- */

static enum err
no_rows(struct change *c)
{
	(void)c;
	return ERR_OK;
}

enum err
store_clock_jump(struct store *st, const struct store_actor *actor)
{
	static const struct change_kind kind = {
		.event = EVENT_CLOCK_JUMP, .plan = no_rows, .write = no_rows
	};
	struct change c = { .st = st, .actor = actor };

	return change_run(&c, &kind);
}

/* ---- going back ---- */

static enum err
reset(struct store *st, int64_t now, int64_t *ended_out)
{
	const struct store_audit row = { .at = now,
		.event = EVENT_CLOCK_RESET,
		.handle = "",
		.address = "" };
	enum err err;

	if ((err = st->ops->begin(st, store_wait_left(st))) != ERR_OK)
		return err;
	err = st->ops->clock_reset(st, now, ended_out);
	if (err == ERR_OK)
		err = st->ops->audit_add(st, &row);
	if (err == ERR_OK)
		return st->ops->commit(st) == ERR_OK ? ERR_OK : ERR_UNAVAILABLE;
	st->ops->rollback(st);
	return err;
}

/* change_run() would raise the latest time. */
enum err
store_clock_reset(struct store *st, int64_t now, int64_t *ended_out)
{
	enum err err;

	*ended_out = 0;
	store_wait_from_now(st, st->write_wait_ms);
	err = coherence_lock(
	    st->coherence, store_wait_left(st), change_flush_interrupted, st);
	if (err != ERR_OK)
		return err;
	err = reset(st, now, ended_out);
	coherence_unlock(st->coherence);
	if (err != ERR_OK)
		*ended_out = 0;
	return err;
}
