/* SPDX-License-Identifier: ISC */
#include "support/store_memory_backend.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

static const size_t row_sizes[TABLES] = {
	[USERS] = sizeof(struct memory_user),
	[SESSIONS] = sizeof(struct session),
	[TOKENS] = sizeof(struct memory_token),
	[AUDIT] = sizeof(int64_t), /* the time only */
	[KEYS] = sizeof(struct signing_key_row),
	[SUBJECTS] = sizeof(struct subject),
	[ISSUERS] = sizeof(struct memory_issuer),
};

enum err
memory_take_failure(enum err *failure)
{
	enum err err = *failure;

	*failure = ERR_OK;
	return err;
}

enum err
memory_enter(struct memory_store *s)
{
	/* In a transaction, memory_begin() has called this. */
	return s->in_transaction ? ERR_OK : memory_take_failure(&s->fail_next);
}

void
memory_init(struct memory_rows *r)
{
	for (size_t i = 0; i < TABLES; i++)
		r->table[i].size = row_sizes[i];
}

void *
memory_row(const struct memory_table *t, size_t i)
{
	return t->rows + i * t->size;
}

void *
memory_add(struct memory_table *t)
{
	char *rows = realloc(t->rows, (t->count + 1) * t->size);

	if (rows == NULL)
		return NULL;
	t->rows = rows;
	memset(memory_row(t, t->count), 0, t->size);
	return memory_row(t, t->count++);
}

void
memory_remove(struct memory_table *t, size_t i)
{
	t->count--;
	memmove(
	    memory_row(t, i), memory_row(t, i + 1), (t->count - i) * t->size);
}

void
memory_clear(struct memory_rows *r)
{
	for (size_t i = 0; i < TABLES; i++) {
		struct memory_table *t = &r->table[i];

		if (t->rows != NULL)
			secret_wipe(t->rows, t->count * t->size);
		free(t->rows);
		t->rows = NULL;
		t->count = 0;
	}
}

enum err
memory_copy(struct memory_rows *dst, const struct memory_rows *src)
{
	*dst = *src;
	for (size_t i = 0; i < TABLES; i++)
		dst->table[i].rows = NULL;
	for (size_t i = 0; i < TABLES; i++) {
		const struct memory_table *t = &src->table[i];

		if (t->count == 0)
			continue;
		dst->table[i].rows = malloc(t->count * t->size);
		if (dst->table[i].rows == NULL) {
			memory_clear(dst);
			return ERR_UNAVAILABLE;
		}
		memcpy(dst->table[i].rows, t->rows, t->count * t->size);
	}
	return ERR_OK;
}

struct memory_user *
memory_find_user(struct memory_store *s, int64_t id)
{
	const struct memory_table *t = &s->now.table[USERS];

	for (size_t i = 0; i < t->count; i++) {
		struct memory_user *u = memory_row(t, i);

		if (u->user.id == id)
			return u;
	}
	return NULL;
}

struct memory_user *
memory_find_normal(struct memory_store *s, const char *normal)
{
	const struct memory_table *t = &s->now.table[USERS];

	for (size_t i = 0; i < t->count; i++) {
		struct memory_user *u = memory_row(t, i);

		if (strcmp(u->normal, normal) == 0)
			return u;
	}
	return NULL;
}

struct session *
memory_find_session(struct memory_store *s, const char *handle)
{
	const struct memory_table *t = &s->now.table[SESSIONS];

	for (size_t i = 0; i < t->count; i++) {
		struct session *x = memory_row(t, i);

		if (strcmp(x->handle, handle) == 0)
			return x;
	}
	return NULL;
}

struct memory_token *
memory_find_token(struct memory_store *s, const char *jti)
{
	const struct memory_table *t = &s->now.table[TOKENS];

	for (size_t i = 0; i < t->count; i++) {
		struct memory_token *token = memory_row(t, i);

		if (strcmp(token->jti, jti) == 0)
			return token;
	}
	return NULL;
}
