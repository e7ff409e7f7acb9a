/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "store/store_change.h"

/* The keys that sign tokens. */

enum err
store_keys(struct store *st, struct signing_key_row keys_out[SIGNING_KEYS_MAX],
    size_t *n_out)
{
	enum err err;

	*n_out = 0;
	memset(keys_out, 0, SIGNING_KEYS_MAX * sizeof(*keys_out));
	err = st->ops->keys(st, keys_out, n_out);
	if (err != ERR_OK) {
		*n_out = 0;
		memset(keys_out, 0, SIGNING_KEYS_MAX * sizeof(*keys_out));
	}
	return err;
}

static bool
is_put(const struct store_keys_edit *edit, const char *kid)
{
	for (size_t i = 0; i < edit->puts; i++)
		if (strcmp(edit->put[i].kid, kid) == 0)
			return true;
	return false;
}

static bool
is_removed(const struct store_keys_edit *edit, const char *kid)
{
	if (edit->alone)
		return !is_put(edit, kid);
	for (size_t i = 0; i < edit->removes; i++)
		if (strcmp(edit->remove[i], kid) == 0)
			return true;
	return false;
}

struct keys_change {
	struct change c;
	const struct store_keys_edit *edit;
};

static const struct store_keys_edit *
edit_of(const struct change *c)
{
	return ((const struct keys_change *)c)->edit;
}

/* Has the caller read the latest keys, and is there room for the new ones? */
static enum err
check_edit(const struct store_keys_edit *edit,
    const struct signing_key_row *rows, size_t n)
{
	const char *newest = n > 0 ? rows[n - 1].kid : "";
	size_t left = 0;

	if (!edit->alone && strcmp(edit->newest, newest) != 0)
		return ERR_CONFLICT;
	for (size_t i = 0; i < n; i++)
		if (!is_removed(edit, rows[i].kid) &&
		    !is_put(edit, rows[i].kid))
			left++;
	return left + edit->puts > SIGNING_KEYS_MAX ? ERR_LIMITED : ERR_OK;
}

static enum err
keys_plan(struct change *c)
{
	struct signing_key_row *rows = calloc(SIGNING_KEYS_MAX, sizeof(*rows));
	enum err err = ERR_INTERNAL;
	size_t n = 0;

	if (rows != NULL)
		err = c->st->ops->keys(c->st, rows, &n);
	if (err == ERR_OK)
		err = check_edit(edit_of(c), rows, n);
	if (err == ERR_OK)
		change_key_named(c, SIGNING_KEYS_KEY);
	free(rows);
	return err;
}

static enum err
remove_others(struct change *c)
{
	struct signing_key_row *rows = calloc(SIGNING_KEYS_MAX, sizeof(*rows));
	enum err err = ERR_INTERNAL;
	size_t n = 0;

	if (rows != NULL)
		err = c->st->ops->keys(c->st, rows, &n);
	for (size_t i = 0; err == ERR_OK && i < n; i++)
		if (is_removed(edit_of(c), rows[i].kid))
			err = c->st->ops->key_remove(c->st, rows[i].kid);
	free(rows);
	return err;
}

static enum err
keys_write(struct change *c)
{
	const struct store_keys_edit *edit = edit_of(c);
	enum err err = remove_others(c);

	for (size_t i = 0; err == ERR_OK && i < edit->puts; i++)
		err = c->st->ops->key_put(c->st, &edit->put[i]);
	return err;
}

enum err
store_keys_edit(struct store *st, const struct store_actor *actor,
    const struct store_keys_edit *edit)
{
	static const struct change_kind kinds[] = {
		{ .event = EVENT_KEYS_CHANGED,
		    .waits = true,
		    .plan = keys_plan,
		    .write = keys_write },
		/* Replacing leaked keys may use the reserve on a full disk. */
		{ .event = EVENT_KEYS_REPLACED,
		    .waits = true,
		    .ends = true,
		    .plan = keys_plan,
		    .write = keys_write },
	};
	struct keys_change x = { .c = { .st = st, .actor = actor },
		.edit = edit };

	return change_run(&x.c, &kinds[edit->alone]);
}
