/* SPDX-License-Identifier: ISC */
#include "cache/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "base/testpoint.h"
#include "cache/pack.h"
#include "cache/read.h"
#include "cache/redis.h"
#include "cache/table.h"
#include "host/mapped.h"
#include "store/store.h"

/*
 * The order of every read here is the promise of a final logout:
 *
 *	1. read_look() takes the key's generation, before anything else
 *	2. read_table() believes the table of this host only under that
 *	3. read_redis() believes Redis only under that
 *	4. the store, which is the truth
 *	5. read_fill_*() write down what was found under the generation of
 *	   step 1, however long ago that was
 *
 * A change makes the generation odd before its commit and even after it.  So
 * what was read from the store before the commit carries a generation that is
 * over by the time the change is acknowledged, and nobody believes it again,
 * whenever it lands and however often Redis brings it back.
 */

/* ---- sessions ---- */

/* Seconds that ${s} may stay in a cache; less than 1: not at all. */
static int64_t
session_ttl(const struct cache *c, const struct session *s, int64_t now)
{
	int64_t left = s->expires_at - now;

	if (s->revoked_at != 0)
		return 0; /* it will not be asked for again */
	return left < c->options.session_ttl ? left : c->options.session_ttl;
}

static bool
session_from_table(const struct cache *c, const struct look *look,
    const char *handle, int64_t now, struct session *session_out)
{
	struct table_entry e;

	return read_table(c, look, now, &e) &&
	    pack_session_open(&e, session_out) == ERR_OK &&
	    strcmp(session_out->handle, handle) == 0;
}

static void
session_to_table(const struct cache *c, const struct look *look,
    const struct session *s, int64_t now)
{
	struct table_entry e;

	pack_session(s, &e);
	read_fill_table(c, look, now, session_ttl(c, s, now), &e);
}

static enum err
session_from_redis(const struct cache *c, const struct look *look,
    const char *handle, int64_t now, struct session *session_out)
{
	struct document *row;
	enum err err;

	err = read_redis(c, look, &row);
	if (err == ERR_OK)
		err = session_unpack(row, session_out);
	document_free(row);
	if (err == ERR_OK &&
	    (strcmp(session_out->handle, handle) != 0 ||
		session_ttl(c, session_out, now) < 1))
		err = ERR_NOT_FOUND;
	return err;
}

enum err
cache_session(struct cache *c, const char *handle, int64_t now,
    struct session *session_out)
{
	struct look look;
	int64_t ttl, begun;
	enum err err;

	session_key(look.key, handle);
	read_look(c, &look);
	TESTPOINT("read:generation");

	if (session_from_table(c, &look, handle, now, session_out))
		return ERR_OK;
	TESTPOINT("read:table-missed");
	if (session_from_redis(c, &look, handle, now, session_out) == ERR_OK) {
		session_to_table(c, &look, session_out, now);
		return ERR_OK;
	}
	TESTPOINT("read:cache-missed");

	begun = read_clock(c);
	err = store_session_by_handle(c->st, handle, session_out);
	read_store_done(c, begun, err);
	TESTPOINT("read:store-read");

	if (err != ERR_OK || !look.cached)
		return err;
	ttl = session_ttl(c, session_out, now);
	if (ttl > 0 && read_redis_usable(c))
		read_fill_redis(c, &look, session_pack(session_out), ttl);
	session_to_table(c, &look, session_out, now);
	return ERR_OK;
}

/* ---- users ---- */

enum err
cache_user(struct cache *c, int64_t id, int64_t now, struct user *user_out)
{
	struct document *row;
	struct look look;
	int64_t begun;
	enum err err;

	user_key(look.key, id);
	read_look(c, &look);
	TESTPOINT("read:generation");

	if (read_user_from_table(c, &look, id, now, user_out))
		return ERR_OK;
	TESTPOINT("read:table-missed");
	if (read_redis(c, &look, &row) == ERR_OK &&
	    read_unpack_user(row, id, user_out) == ERR_OK) {
		read_user_to_table(c, &look, user_out, now);
		return ERR_OK;
	}
	TESTPOINT("read:cache-missed");

	begun = read_clock(c);
	err = store_user_by_id(c->st, id, user_out);
	read_store_done(c, begun, err);
	TESTPOINT("read:store-read");

	if (err != ERR_OK || !look.cached)
		return err;
	if (read_redis_usable(c))
		read_fill_redis(
		    c, &look, user_pack(user_out), c->options.user_ttl);
	read_user_to_table(c, &look, user_out, now);
	return ERR_OK;
}

/* ---- after a change ---- */

/*
 * Entries of an old generation are dead already; to remove them saves memory
 * and keeps what is known of somebody from lying about.  The blacklist stays:
 * it says that something is over.
 */
static void
forget(void *ctx, const char *const *keys, size_t n)
{
	static const char blacklist[] = "blacklist:";
	const struct cache *c = ctx;
	const char *stale[REDIS_KEYS_MAX];
	int64_t now = mapped_time(c->m, 0); /* the host's latest */
	size_t stale_n = 0;

	for (size_t i = 0; i < n && stale_n < REDIS_KEYS_MAX; i++)
		if (strncmp(keys[i], blacklist, strlen(blacklist)) != 0)
			stale[stale_n++] = keys[i];
	for (size_t i = 0; i < stale_n; i++) {
		struct table_name name =
		    table_name(&c->table, stale[i], strlen(stale[i]));

		table_drop(&c->table, &name, now);
	}
	if (stale_n > 0 && read_redis_usable(c) &&
	    redis_del(c->redis, stale, stale_n) != ERR_OK)
		return; /* nobody will believe them */
}

/* ---- the table as a whole ---- */

void
cache_table_size(const struct cache *c, int64_t now, size_t step,
    int64_t *entries_out, int64_t *bytes_out)
{
	table_size(&c->table, now, step, entries_out, bytes_out);
}

int64_t
cache_table_sweep(const struct cache *c, int64_t now)
{
	return table_sweep(&c->table, now);
}

enum err
cache_new(struct mapped *m, struct store *st, struct redis *redis,
    const unsigned char seal_key[SECRET_KEY_BYTES],
    const struct cache_options *options, struct cache **cache_out)
{
	struct cache *c;

	*cache_out = NULL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ERR_INTERNAL;
	c->m = m;
	c->st = st;
	c->redis = redis;
	table_init(&c->table, m);
	memcpy(c->seal_key, seal_key, sizeof(c->seal_key));
	c->options = *options;
	store_on_change(st, forget, c);
	*cache_out = c;
	return ERR_OK;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	store_on_change(c->st, NULL, NULL);
	secret_wipe(c->seal_key, sizeof(c->seal_key));
	free(c);
}
