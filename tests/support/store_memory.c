/* SPDX-License-Identifier: ISC */
#include "support/store_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "coherence/shm_coherence.h"
#include "support/store_memory_backend.h"

#define MEMORY_WAIT_MS 2000

void
store_memory_fail_next(struct store *st, enum err err)
{
	memory_store(st)->fail_next = err;
}

void
store_memory_fail_commit(struct store *st, enum err err)
{
	memory_store(st)->fail_commit = err;
}

void
store_memory_make_admin(struct store *st, int64_t user_id)
{
	struct memory_user *row = memory_find_user(memory_store(st), user_id);

	assert(row != NULL);
	row->user.role = USER_ROLE_ADMIN;
}

/* ---- transactions ---- */

static store_close_fn memory_close;
static void
memory_close(struct store *st)
{
	struct memory_store *s = memory_store(st);

	memory_clear(&s->now);
	memory_clear(&s->before);
	free(s);
}

static store_begin_fn memory_begin;
static enum err
memory_begin(struct store *st, int wait_ms)
{
	struct memory_store *s = memory_store(st);
	enum err err;

	(void)wait_ms; /* no other process has it */
	if ((err = memory_enter(s)) != ERR_OK)
		return err;
	err = memory_copy(&s->before, &s->now);
	s->in_transaction = err == ERR_OK;
	return err;
}

static store_rollback_fn memory_rollback;
static void
memory_rollback(struct store *st)
{
	struct memory_store *s = memory_store(st);

	if (!s->in_transaction)
		return;
	memory_clear(&s->now);
	s->now = s->before;
	memset(&s->before, 0, sizeof(s->before));
	s->in_transaction = false;
}

static store_commit_fn memory_commit;
static enum err
memory_commit(struct store *st)
{
	struct memory_store *s = memory_store(st);
	enum err err = memory_take_failure(&s->fail_commit);

	if (err != ERR_OK) {
		memory_rollback(st);
		return err;
	}
	memory_clear(&s->before);
	s->in_transaction = false;
	return ERR_OK;
}

static store_ping_fn memory_ping;
static enum err
memory_ping(struct store *st)
{
	return memory_enter(memory_store(st));
}

/* ---- time, audit, expiry ---- */

static store_latest_time_fn memory_latest_time;
static enum err
memory_latest_time(struct store *st, int64_t *time_out)
{
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	*time_out = memory_store(st)->now.latest_time;
	return ERR_OK;
}

static store_check_fn memory_check;
static enum err
memory_check(struct store *st)
{
	return memory_enter(memory_store(st));
}

static store_size_fn memory_size;
static enum err
memory_size(struct store *st, struct store_size *size_out)
{
	const struct memory_table *t = memory_store(st)->now.table;
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	for (size_t k = USERS; k <= TOKENS; k++) {
		size_out->rows += (int64_t)t[k].count;
		size_out->bytes += (int64_t)(t[k].count * t[k].size);
	}
	return ERR_OK;
}

static store_latest_time_raise_fn memory_latest_time_raise;
static enum err
memory_latest_time_raise(struct store *st, int64_t now)
{
	struct memory_rows *r = &memory_store(st)->now;

	if (r->latest_time < now)
		r->latest_time = now;
	return ERR_OK;
}

static store_audit_add_fn memory_audit_add;
static enum err
memory_audit_add(struct store *st, const struct store_audit *row)
{
	int64_t *at = memory_add(&memory_store(st)->now.table[AUDIT]);

	if (at == NULL)
		return ERR_UNAVAILABLE;
	*at = row->at;
	return ERR_OK;
}

/* When a row of the table may go. */
static int64_t
end_of(size_t table, const void *row)
{
	const struct subject *subject;

	switch (table) {
	case SESSIONS: return ((const struct session *)row)->expires_at;
	case TOKENS:
		return ((const struct memory_token *)row)->expires_at +
		    STORE_JTI_GRACE_SECONDS;
	case AUDIT: return *(const int64_t *)row + STORE_AUDIT_SECONDS;
	case SUBJECTS:
		subject = row;
		return subject->user_id == 0
		    ? subject->ended_at + STORE_ENDED_SECONDS
		    : INT64_MAX;
	default: return INT64_MAX;
	}
}

static store_expire_fn memory_expire;
static enum err
memory_expire(struct store *st, int64_t now, int limit, int64_t *removed_out)
{
	struct memory_rows *r = &memory_store(st)->now;

	*removed_out = 0;
	for (size_t k = 0; k < TABLES; k++) {
		for (size_t i = r->table[k].count; i-- > 0;) {
			if (*removed_out == limit)
				return ERR_OK;
			if (end_of(k, memory_row(&r->table[k], i)) > now)
				continue;
			memory_remove(&r->table[k], i);
			++*removed_out;
		}
	}
	return ERR_OK;
}

static const struct store_ops memory_ops = {
	.name = "memory",
	.close = memory_close,
	.begin = memory_begin,
	.commit = memory_commit,
	.rollback = memory_rollback,
	.ping = memory_ping,
	.user_by_id = memory_user_by_id,
	.users_by_ids = memory_users_by_ids,
	.users_list = memory_users_list,
	.other_admin = memory_other_admin,
	.user_by_email = memory_user_by_email,
	.password_hash = memory_password_hash,
	.session_by_handle = memory_session_by_handle,
	.sessions_live = memory_sessions_live,
	.sessions_list = memory_sessions_list,
	.token_revoked = memory_token_revoked,
	.keys = memory_keys,
	.latest_time = memory_latest_time,
	.subject = memory_subject,
	.subjects = memory_subjects,
	.external_since = memory_external_since,
	.issuers = memory_issuers,
	.size = memory_size,
	.check = memory_check,
	.user_insert = memory_user_insert,
	.user_update = memory_user_update,
	.user_delete = memory_user_delete,
	.password_put = memory_password_put,
	.password_remove = memory_password_remove,
	.password_used = memory_password_used,
	.session_insert = memory_session_insert,
	.session_update = memory_session_update,
	.token_revoke = memory_token_revoke,
	.key_put = memory_key_put,
	.key_remove = memory_key_remove,
	.subject_put = memory_subject_put,
	.subjects_end = memory_subjects_end,
	.issuer_put = memory_issuer_put,
	.issuer_remove = memory_issuer_remove,
	.latest_time_raise = memory_latest_time_raise,
	.clock_reset = memory_clock_reset,
	.audit_add = memory_audit_add,
	.expire = memory_expire,
};

enum err
store_open_memory(struct shm *m, struct store **store_out)
{
	struct memory_store *s = calloc(1, sizeof(*s));

	*store_out = NULL;
	if (s == NULL)
		return ERR_INTERNAL;
	s->base.ops = &memory_ops;
	if (shm_coherence_new(m, &s->base.coherence) != ERR_OK) {
		free(s);
		return ERR_INTERNAL;
	}
	s->base.write_wait_ms = MEMORY_WAIT_MS;
	memory_init(&s->now);
	*store_out = &s->base;
	return ERR_OK;
}
