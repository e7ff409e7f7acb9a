/* SPDX-License-Identifier: ISC */
#include "support/store_memory_backend.h"

#include <stdlib.h>
#include <string.h>

static int
in_order(const void *a, const void *b)
{
	const struct signing_key_row *x = a, *y = b;

	if (x->signs_at != y->signs_at)
		return x->signs_at < y->signs_at ? -1 : 1;
	if (x->created_at != y->created_at)
		return x->created_at < y->created_at ? -1 : 1;
	return strcmp(x->kid, y->kid);
}

enum err
memory_keys(struct store *st, struct signing_key_row *keys_out, size_t *n_out)
{
	struct memory_store *s = memory_store(st);
	const struct memory_table *t = &s->now.table[KEYS];
	enum err err;

	*n_out = 0;
	if ((err = memory_enter(s)) != ERR_OK)
		return err;
	if (t->count > 0)
		qsort(t->rows, t->count, t->size, in_order);
	for (size_t i = 0; i < t->count && i < SIGNING_KEYS_MAX; i++)
		memcpy(&keys_out[(*n_out)++], memory_row(t, i), t->size);
	return ERR_OK;
}

/* Its index, or the count if there is none. */
static size_t
find(const struct memory_table *t, const char *kid)
{
	size_t i = 0;

	while (i < t->count &&
	    strcmp(((struct signing_key_row *)memory_row(t, i))->kid, kid) != 0)
		i++;
	return i;
}

enum err
memory_key_put(struct store *st, const struct signing_key_row *key)
{
	struct memory_table *t = &memory_store(st)->now.table[KEYS];
	size_t i = find(t, key->kid);
	struct signing_key_row *row;

	if (i < t->count) {
		row = memory_row(t, i);
		if (row->lifetime < key->lifetime)
			row->lifetime = key->lifetime;
		return ERR_OK;
	}
	if ((row = memory_add(t)) == NULL)
		return ERR_UNAVAILABLE;
	*row = *key;
	return ERR_OK;
}

enum err
memory_key_remove(struct store *st, const char *kid)
{
	struct memory_table *t = &memory_store(st)->now.table[KEYS];
	size_t i = find(t, kid);

	if (i < t->count)
		memory_remove(t, i);
	return ERR_OK;
}
