/* SPDX-License-Identifier: ISC */
#include "cache/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/testpoint.h"
#include "cache/lookup.h"
#include "cache/memory_cache.h"
#include "cache/record_codec.h"
#include "cache/redis.h"
#include "shm/shm.h"
#include "store/store.h"

/*
 * A logout is final because every read has these steps, in this order:
 *
 *	1. lookup_begin() reads the version of the key
 *	2. lookup_memory() reads the memory cache under that version
 *	3. lookup_redis() reads Redis under that version
 *	4. store_*() reads the rows
 *	5. lookup_fill_*() fill both caches under the version of step 1
 *
 * If the version is unknown, steps 2, 3 and 5 do nothing.  A change makes it
 * unknown before the commit and new after it.  So rows that were read before
 * the commit are filled under an old version, however late the fill arrives and
 * however often Redis restores it.
 */

/* ---- sessions ---- */

/* How long ${s} may be cached, in seconds; below 1: not at all. */
static int64_t
session_ttl(const struct cache *c, const struct session *s, int64_t now)
{
	int64_t left = s->expires_at - now;

	if (s->revoked_at != 0)
		return 0; /* no other request will need it */
	return left < c->options.session_ttl ? left : c->options.session_ttl;
}

static bool
is_session(const struct memory_cache_entry *e, const char *handle,
    struct session *session_out)
{
	return record_decode(&session_record_type, e, session_out) == ERR_OK &&
	    strcmp(session_out->handle, handle) == 0;
}

enum err
cache_session(struct cache *c, const char *handle, int64_t now,
    struct session *session_out)
{
	struct memory_cache_entry e;
	struct lookup lookup;
	int64_t ttl, begun;
	enum err err;

	session_key(lookup.key, handle);
	lookup_begin(c, &lookup);
	TESTPOINT("read:generation");

	if (lookup_memory(c, &lookup, now, &e) &&
	    is_session(&e, handle, session_out))
		return ERR_OK;
	TESTPOINT("read:table-missed");
	if (lookup_redis(c, &lookup, &e) == ERR_OK &&
	    is_session(&e, handle, session_out) &&
	    (ttl = session_ttl(c, session_out, now)) > 0) {
		lookup_fill_memory(c, &lookup, now, ttl, &e);
		return ERR_OK;
	}
	TESTPOINT("read:cache-missed");

	begun = lookup_clock(c);
	err = store_session_by_handle(c->st, handle, session_out);
	lookup_store_done(c, begun, err);
	TESTPOINT("read:store-read");

	if (err != ERR_OK || !lookup.cached)
		return err;
	ttl = session_ttl(c, session_out, now);
	if (ttl < 1)
		return ERR_OK;
	record_encode(&session_record_type, session_out, &e);
	lookup_fill_redis(c, &lookup, &e, ttl);
	lookup_fill_memory(c, &lookup, now, ttl, &e);
	return ERR_OK;
}

/* ---- users ---- */

enum err
cache_user(struct cache *c, int64_t id, int64_t now, struct user *user_out)
{
	struct memory_cache_entry e;
	struct lookup lookup;
	int64_t begun;
	enum err err;

	user_key(lookup.key, id);
	lookup_begin(c, &lookup);
	TESTPOINT("read:generation");

	if (lookup_memory(c, &lookup, now, &e) &&
	    lookup_is_user(&e, id, user_out))
		return ERR_OK;
	TESTPOINT("read:table-missed");
	if (lookup_redis(c, &lookup, &e) == ERR_OK &&
	    lookup_is_user(&e, id, user_out)) {
		lookup_fill_memory(c, &lookup, now, c->options.user_ttl, &e);
		return ERR_OK;
	}
	TESTPOINT("read:cache-missed");

	begun = lookup_clock(c);
	err = store_user_by_id(c->st, id, user_out);
	lookup_store_done(c, begun, err);
	TESTPOINT("read:store-read");

	if (err != ERR_OK || !lookup.cached)
		return err;
	record_encode(&user_record_type, user_out, &e);
	lookup_fill_redis(c, &lookup, &e, c->options.user_ttl);
	lookup_fill_memory(c, &lookup, now, c->options.user_ttl, &e);
	return ERR_OK;
}

/* ---- after a change ---- */

/*
 * Entries of an old version are not valid; removing them saves memory and
 * leaves no personal data behind.  The blacklist stays, for other services.
 */
static void
remove_stale(void *ctx, const char *const *keys, size_t n)
{
	static const char blacklist[] = "blacklist:";
	const struct cache *c = ctx;
	const char *stale[REDIS_KEYS_MAX];
	int64_t now = shm_time(c->shm, 0); /* the host's latest */
	size_t stale_n = 0;

	for (size_t i = 0; i < n && stale_n < REDIS_KEYS_MAX; i++)
		if (strncmp(keys[i], blacklist, strlen(blacklist)) != 0)
			stale[stale_n++] = keys[i];
	for (size_t i = 0; i < stale_n; i++) {
		struct memory_cache_name name =
		    memory_cache_name(&c->memory, stale[i], strlen(stale[i]));

		memory_cache_drop(&c->memory, &name, now);
	}
	if (stale_n > 0 && lookup_redis_usable(c) &&
	    redis_del(c->redis, stale, stale_n) != ERR_OK)
		return; /* the stale entries are not valid anyway */
}

/* ---- the memory cache as a whole ---- */

void
cache_memory_size(const struct cache *c, int64_t now, size_t step,
    int64_t *entries_out, int64_t *bytes_out)
{
	memory_cache_size(&c->memory, now, step, entries_out, bytes_out);
}

int64_t
cache_memory_sweep(const struct cache *c, int64_t now)
{
	return memory_cache_sweep(&c->memory, now);
}

enum err
cache_new(struct shm *shm, struct store *st, struct redis *redis,
    const unsigned char seal_key[SECRET_KEY_BYTES],
    const struct cache_options *options, struct cache **cache_out)
{
	struct cache *c;

	*cache_out = NULL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ERR_INTERNAL;
	c->shm = shm;
	c->st = st;
	c->coherence = store_coherence(st);
	c->redis = redis;
	memory_cache_init(&c->memory, shm);
	memcpy(c->seal_key, seal_key, sizeof(c->seal_key));
	c->options = *options;
	store_on_change(st, remove_stale, c);
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
