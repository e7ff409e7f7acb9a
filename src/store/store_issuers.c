/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <string.h>

#include "store/store_change.h"

/* The key sets of external issuers. */

static void
clear_all(struct issuer_keys keys[ISSUERS_MAX])
{
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		issuer_keys_clear(&keys[i]);
}

enum err
store_issuers(
    struct store *st, struct issuer_keys keys_out[ISSUERS_MAX], size_t *n_out)
{
	enum err err;

	*n_out = 0;
	memset(keys_out, 0, ISSUERS_MAX * sizeof(*keys_out));
	err = st->ops->issuers(st, keys_out, n_out);
	if (err != ERR_OK) {
		*n_out = 0;
		clear_all(keys_out);
	}
	return err;
}

struct issuer_change {
	struct change c;
	const struct issuer_keys *keys;
	const char *issuer;
};

static bool
same_keys(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static enum err
put_plan(struct change *c)
{
	const struct issuer_keys *keys = ((struct issuer_change *)c)->keys;
	struct issuer_keys rows[ISSUERS_MAX];
	size_t n = 0, i = 0;
	enum err err;

	if (keys->jwks != NULL && strlen(keys->jwks) > ISSUER_JWKS_MAX)
		return ERR_INVALID;
	if ((err = store_issuers(c->st, rows, &n)) != ERR_OK)
		return err;
	while (i < n && strcmp(rows[i].issuer, keys->issuer) != 0)
		i++;
	if (i == ISSUERS_MAX)
		err = ERR_LIMITED;
	if (!same_keys(i < n ? rows[i].jwks : NULL, keys->jwks))
		c->event = EVENT_ISSUER_KEYS;
	clear_all(rows);
	change_key_named(c, ISSUERS_KEY);
	return err;
}

static enum err
put_write(struct change *c)
{
	return c->st->ops->issuer_put(c->st, ((struct issuer_change *)c)->keys);
}

enum err
store_issuer_put(struct store *st, const struct store_actor *actor,
    const struct issuer_keys *keys)
{
	static const struct change_kind kind = {
		.waits = true, .plan = put_plan, .write = put_write
	};
	struct issuer_change x = { .c = { .st = st, .actor = actor },
		.keys = keys };

	return change_run(&x.c, &kind);
}

static enum err
remove_plan(struct change *c)
{
	change_key_named(c, ISSUERS_KEY);
	return ERR_OK;
}

static enum err
remove_write(struct change *c)
{
	return c->st->ops->issuer_remove(
	    c->st, ((struct issuer_change *)c)->issuer);
}

enum err
store_issuer_remove(
    struct store *st, const struct store_actor *actor, const char *issuer)
{
	static const struct change_kind kind = { .event = EVENT_ISSUER_REMOVED,
		.waits = true,
		.plan = remove_plan,
		.write = remove_write };
	struct issuer_change x = { .c = { .st = st, .actor = actor },
		.issuer = issuer };

	return change_run(&x.c, &kind);
}
