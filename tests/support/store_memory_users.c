/* SPDX-License-Identifier: ISC */
#include "support/store_memory_backend.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/unicode.h"

/* ---- users ---- */

enum err
memory_user_by_id(struct store *st, int64_t id, struct user *user_out)
{
	const struct memory_user *u;
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	if ((u = memory_find_user(memory_store(st), id)) == NULL)
		return ERR_NOT_FOUND;
	*user_out = u->user;
	return ERR_OK;
}

enum err
memory_users_by_ids(
    struct store *st, const int64_t *ids, size_t n, struct user *users_out)
{
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	for (size_t i = 0; i < n; i++) {
		const struct memory_user *u =
		    memory_find_user(memory_store(st), ids[i]);

		if (u != NULL)
			users_out[i] = u->user;
	}
	return ERR_OK;
}

/* Does ${text} contain ${part}, differences of case aside? */
static bool
contains(const char *text, const char *part)
{
	char folded[2048], folded_part[2048];

	return unicode_nfkc_casefold(folded, sizeof(folded), text) == ERR_OK &&
	    unicode_nfkc_casefold(folded_part, sizeof(folded_part), part) ==
	    ERR_OK &&
	    strstr(folded, folded_part) != NULL;
}

enum err
memory_users_list(struct store *st, const char *text, int64_t after, size_t max,
    struct user *users_out, size_t *n_out)
{
	const struct memory_table *t = &memory_store(st)->now.table[USERS];
	size_t n = 0;
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	/* Rows are in the order of their ids. */
	for (size_t i = 0; i < t->count && n < max; i++) {
		const struct memory_user *u = memory_row(t, i);

		if (u->user.id > after &&
		    ((u->user.email[0] != '\0' && contains(u->normal, text)) ||
			contains(u->user.name, text)))
			users_out[n++] = u->user;
	}
	*n_out = n;
	return ERR_OK;
}

enum err
memory_user_by_email(
    struct store *st, const char *normal, struct user *user_out)
{
	const struct memory_user *u;
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	if ((u = memory_find_normal(memory_store(st), normal)) == NULL)
		return ERR_NOT_FOUND;
	*user_out = u->user;
	return ERR_OK;
}

enum err
memory_password_hash(
    struct store *st, int64_t id, char hash_out[USER_HASH_SIZE])
{
	const struct memory_user *u;
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	u = memory_find_user(memory_store(st), id);
	if (u == NULL || u->hash[0] == '\0')
		return ERR_NOT_FOUND;
	memcpy(hash_out, u->hash, USER_HASH_SIZE);
	return ERR_OK;
}

enum err
memory_user_insert(struct store *st, struct user *u, const char *normal)
{
	struct memory_store *s = memory_store(st);
	struct memory_user *row;

	if (memory_find_normal(s, normal) != NULL)
		return ERR_CONFLICT;
	if ((row = memory_add(&s->now.table[USERS])) == NULL)
		return ERR_UNAVAILABLE;
	u->id = ++s->now.last_id;
	row->user = *u;
	return str_copy(row->normal, sizeof(row->normal), normal);
}

enum err
memory_user_update(struct store *st, const struct user *u, const char *normal)
{
	struct memory_store *s = memory_store(st);
	struct memory_user *row = memory_find_user(s, u->id), *other = NULL;

	if (row == NULL)
		return ERR_NOT_FOUND;
	if (normal != NULL)
		other = memory_find_normal(s, normal);
	if (other != NULL && other != row)
		return ERR_CONFLICT;
	row->user = *u;
	return normal == NULL
	    ? ERR_OK
	    : str_copy(row->normal, sizeof(row->normal), normal);
}

enum err
memory_user_delete(struct store *st, int64_t id)
{
	struct memory_store *s = memory_store(st);
	struct memory_table *users = &s->now.table[USERS];
	struct memory_table *sessions = &s->now.table[SESSIONS];
	struct memory_user *row = memory_find_user(s, id);

	if (row == NULL)
		return ERR_NOT_FOUND;
	memory_remove(
	    users, (size_t)(row - (struct memory_user *)memory_row(users, 0)));
	for (size_t i = sessions->count; i-- > 0;) {
		if (((struct session *)memory_row(sessions, i))->user_id == id)
			memory_remove(sessions, i);
	}
	return ERR_OK;
}

enum err
memory_password_put(
    struct store *st, int64_t user_id, const char *hash, int64_t now)
{
	struct memory_user *row = memory_find_user(memory_store(st), user_id);

	(void)now;
	if (row == NULL)
		return ERR_UNAVAILABLE;
	return str_copy(row->hash, sizeof(row->hash), hash);
}

enum err
memory_password_remove(struct store *st, int64_t user_id)
{
	struct memory_user *row = memory_find_user(memory_store(st), user_id);

	if (row != NULL)
		memset(row->hash, 0, sizeof(row->hash));
	return ERR_OK;
}

enum err
memory_password_used(struct store *st, int64_t user_id, const char *hash,
    const char *rehash, int64_t now)
{
	struct memory_user *row = memory_find_user(memory_store(st), user_id);

	(void)now;
	if (row == NULL || rehash == NULL || strcmp(row->hash, hash) != 0)
		return ERR_OK;
	return str_copy(row->hash, sizeof(row->hash), rehash);
}

/* ---- sessions and tokens ---- */

enum err
memory_session_by_handle(
    struct store *st, const char *handle, struct session *session_out)
{
	const struct session *x;
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	if ((x = memory_find_session(memory_store(st), handle)) == NULL)
		return ERR_NOT_FOUND;
	*session_out = *x;
	return ERR_OK;
}

static int
newer_first(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	if (x->created_at != y->created_at)
		return x->created_at > y->created_at ? -1 : 1;
	return -strcmp(x->handle, y->handle);
}

enum err
memory_sessions_live(struct store *st, int64_t user_id, int64_t now,
    struct session *sessions_out, size_t *n_out)
{
	struct memory_store *s = memory_store(st);
	const struct memory_table *t = &s->now.table[SESSIONS];
	const struct memory_user *u = memory_find_user(s, user_id);
	size_t n = 0;
	enum err err;

	*n_out = 0;
	if ((err = memory_enter(s)) != ERR_OK)
		return err;
	if (t->count > 0)
		qsort(t->rows, t->count, t->size, newer_first);
	for (size_t i = 0; i < t->count && n < SESSION_MAX_PER_USER; i++) {
		const struct session *x = memory_row(t, i);

		if (u != NULL && session_live(x, &u->user, now))
			sessions_out[n++] = *x;
	}
	*n_out = n;
	return ERR_OK;
}

enum err
memory_sessions_list(struct store *st, int64_t now, size_t max,
    struct session *sessions_out, size_t *n_out)
{
	struct memory_store *s = memory_store(st);
	const struct memory_table *t = &s->now.table[SESSIONS];
	size_t n = 0;
	enum err err;

	if ((err = memory_enter(s)) != ERR_OK)
		return err;
	if (t->count > 0)
		qsort(t->rows, t->count, t->size, newer_first);
	for (size_t i = 0; i < t->count && n < max; i++) {
		const struct session *x = memory_row(t, i);
		const struct memory_user *u = memory_find_user(s, x->user_id);

		if (u != NULL && session_live(x, &u->user, now))
			sessions_out[n++] = *x;
	}
	*n_out = n;
	return ERR_OK;
}

enum err
memory_session_insert(struct store *st, const struct session *x)
{
	struct memory_store *s = memory_store(st);
	struct session *row;

	if (memory_find_session(s, x->handle) != NULL)
		return ERR_CONFLICT;
	if ((row = memory_add(&s->now.table[SESSIONS])) == NULL)
		return ERR_UNAVAILABLE;
	*row = *x;
	row->revoked_at = 0;
	return ERR_OK;
}

enum err
memory_session_update(struct store *st, const struct session *x)
{
	struct session *row = memory_find_session(memory_store(st), x->handle);

	if (row == NULL)
		return ERR_NOT_FOUND;
	row->epoch = x->epoch;
	row->last_seen_at = x->last_seen_at;
	row->revoked_at = x->revoked_at;
	return ERR_OK;
}

enum err
memory_token_revoked(struct store *st, const char *jti, bool *revoked_out)
{
	enum err err;

	if ((err = memory_enter(memory_store(st))) != ERR_OK)
		return err;
	*revoked_out = memory_find_token(memory_store(st), jti) != NULL;
	return ERR_OK;
}

enum err
memory_token_revoke(struct store *st, const char *jti, int64_t expires_at)
{
	struct memory_store *s = memory_store(st);
	struct memory_token *row = memory_find_token(s, jti);

	if (row == NULL && (row = memory_add(&s->now.table[TOKENS])) == NULL)
		return ERR_UNAVAILABLE;
	if (row->expires_at < expires_at)
		row->expires_at = expires_at;
	return str_copy(row->jti, sizeof(row->jti), jti);
}

enum err
memory_other_admin(struct store *st, int64_t id, bool *exists_out)
{
	const struct memory_table *t = &memory_store(st)->now.table[USERS];

	*exists_out = false;
	for (size_t i = 0; i < t->count; i++) {
		const struct memory_user *u = memory_row(t, i);

		*exists_out |= u->user.id != id &&
		    u->user.role == USER_ROLE_ADMIN &&
		    u->user.status == USER_STATUS_ACTIVE;
	}
	return ERR_OK;
}
