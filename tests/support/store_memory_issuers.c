/* SPDX-License-Identifier: ISC */
#include "support/store_memory_backend.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* ---- subjects ---- */

static struct subject *
find_subject(
    const struct memory_table *t, const char *issuer, const char *subject)
{
	for (size_t i = 0; i < t->count; i++) {
		struct subject *x = memory_row(t, i);

		if (strcmp(x->issuer, issuer) == 0 &&
		    strcmp(x->subject, subject) == 0)
			return x;
	}
	return NULL;
}

enum err
memory_subject(struct store *st, const char *issuer, const char *subject,
    struct subject *subject_out)
{
	struct memory_store *s = memory_store(st);
	const struct subject *x;
	enum err err;

	if ((err = memory_enter(s)) != ERR_OK)
		return err;
	x = find_subject(&s->now.table[SUBJECTS], issuer, subject);
	if (x == NULL)
		return ERR_NOT_FOUND;
	*subject_out = *x;
	return ERR_OK;
}

enum err
memory_external_since(struct store *st, int64_t *time_out)
{
	*time_out = memory_store(st)->now.external_since;
	return memory_enter(memory_store(st));
}

enum err
memory_subject_put(struct store *st, const struct subject *subject)
{
	struct memory_table *t = &memory_store(st)->now.table[SUBJECTS];
	struct subject *x = find_subject(t, subject->issuer, subject->subject);

	if (x == NULL && (x = memory_add(t)) == NULL)
		return ERR_UNAVAILABLE;
	*x = *subject;
	return ERR_OK;
}

static int
by_issuer(const void *a, const void *b)
{
	const struct subject *one = a, *other = b;
	int order = strcmp(one->issuer, other->issuer);

	return order != 0 ? order : strcmp(one->subject, other->subject);
}

enum err
memory_subjects(struct store *st, int64_t user_id, struct subject *subjects_out,
    size_t *n_out)
{
	const struct memory_table *t = &memory_store(st)->now.table[SUBJECTS];

	*n_out = 0;
	for (size_t i = 0; i < t->count && *n_out < STORE_LINKS_MAX; i++) {
		const struct subject *x = memory_row(t, i);

		if (x->user_id == user_id)
			subjects_out[(*n_out)++] = *x;
	}
	qsort(subjects_out, *n_out, sizeof(*subjects_out), by_issuer);
	return ERR_OK;
}

enum err
memory_subjects_end(struct store *st, int64_t user_id, int64_t now)
{
	const struct memory_table *t = &memory_store(st)->now.table[SUBJECTS];

	for (size_t i = 0; i < t->count; i++) {
		struct subject *x = memory_row(t, i);

		if (x->user_id != user_id)
			continue;
		x->user_id = 0;
		x->ended_at = now;
	}
	return ERR_OK;
}

/* ---- key sets ---- */

static int
by_name(const void *a, const void *b)
{
	const struct memory_issuer *x = a, *y = b;

	return strcmp(x->keys.issuer, y->keys.issuer);
}

enum err
memory_issuers(struct store *st, struct issuer_keys *keys_out, size_t *n_out)
{
	struct memory_store *s = memory_store(st);
	const struct memory_table *t = &s->now.table[ISSUERS];
	enum err err;

	*n_out = 0;
	if ((err = memory_enter(s)) != ERR_OK)
		return err;
	if (t->count > 0)
		qsort(t->rows, t->count, t->size, by_name);
	for (size_t i = 0; i < t->count && i < ISSUERS_MAX; i++) {
		const struct memory_issuer *x = memory_row(t, i);
		struct issuer_keys *keys = &keys_out[(*n_out)++];

		*keys = x->keys;
		if (x->has_jwks && (keys->jwks = strdup(x->jwks)) == NULL)
			return ERR_INTERNAL;
	}
	return ERR_OK;
}

/* Its index, or the count if there is none. */
static size_t
find_issuer(const struct memory_table *t, const char *issuer)
{
	size_t i = 0;

	while (i < t->count &&
	    strcmp(((struct memory_issuer *)memory_row(t, i))->keys.issuer,
		issuer) != 0)
		i++;
	return i;
}

enum err
memory_issuer_put(struct store *st, const struct issuer_keys *keys)
{
	struct memory_table *t = &memory_store(st)->now.table[ISSUERS];
	size_t i = find_issuer(t, keys->issuer);
	struct memory_issuer *x;

	if (i == t->count && memory_add(t) == NULL)
		return ERR_UNAVAILABLE;
	x = memory_row(t, i);
	x->keys = *keys;
	x->keys.jwks = NULL;
	x->has_jwks = keys->jwks != NULL;
	return str_copy(
	    x->jwks, sizeof(x->jwks), x->has_jwks ? keys->jwks : "");
}

enum err
memory_issuer_remove(struct store *st, const char *issuer)
{
	struct memory_table *t = &memory_store(st)->now.table[ISSUERS];
	size_t i = find_issuer(t, issuer);

	if (i < t->count)
		memory_remove(t, i);
	return ERR_OK;
}
