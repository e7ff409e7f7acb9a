/* SPDX-License-Identifier: ISC */
#include "support/store_memory_backend.h"

static void
lower(int64_t *time, int64_t now)
{
	if (*time > now)
		*time = now;
}

static void
lower_user(struct user *u, int64_t now)
{
	u->epoch++;
	u->version++;
	u->epoch_at = now;
	lower(&u->created_at, now);
	lower(&u->updated_at, now);
}

/* Lower the times of one row; those of sessions are gone. */
static void
lower_row(size_t table, void *row, int64_t now)
{
	struct signing_key_row *key = row;
	struct subject *subject = row;
	struct memory_issuer *issuer = row;

	switch (table) {
	case USERS: lower_user(&((struct memory_user *)row)->user, now); break;
	case TOKENS:
		lower(&((struct memory_token *)row)->expires_at,
		    now + STORE_ENDED_SECONDS);
		break;
	case AUDIT: lower(row, now); break;
	case KEYS:
		lower(&key->created_at, now);
		lower(&key->signs_at, now);
		break;
	case SUBJECTS:
		lower(&subject->claims_at, now);
		lower(&subject->ended_at, now);
		break;
	case ISSUERS:
		lower(&issuer->keys.fetched_at, now);
		lower(&issuer->keys.fresh_until, now);
		lower(&issuer->keys.tried_at, now);
		break;
	default: break;
	}
}

enum err
memory_clock_reset(struct store *st, int64_t now, int64_t *ended_out)
{
	struct memory_rows *r = &memory_store(st)->now;

	*ended_out = (int64_t)r->table[SESSIONS].count;
	while (r->table[SESSIONS].count > 0)
		memory_remove(&r->table[SESSIONS], 0);
	for (size_t k = 0; k < TABLES; k++)
		for (size_t i = 0; i < r->table[k].count; i++)
			lower_row(k, memory_row(&r->table[k], i), now);
	r->latest_time = now;
	r->external_since = now;
	return ERR_OK;
}
