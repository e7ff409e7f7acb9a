/* SPDX-License-Identifier: ISC */
#include "cache/lookup.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/testpoint.h"
#include "cache/memory_cache.h"
#include "cache/record_codec.h"
#include "cache/redis.h"
#include "cache/seal.h"
#include "coherence/coherence.h"
#include "shm/circuit_breaker.h"
#include "shm/counters.h"

/* ---- step 1: the version ---- */

void
lookup_begin(const struct cache *c, struct lookup *lookup)
{
	lookup->version = coherence_read(c->coherence, lookup->key);
	lookup->cached = coherence_known(lookup->version);
	if (lookup->cached)
		lookup->name = memory_cache_name(
		    &c->memory, lookup->key, strlen(lookup->key));
}

/* ---- steps 2 and 5: the memory cache ---- */

bool
lookup_memory(const struct cache *c, const struct lookup *lookup, int64_t now,
    struct memory_cache_entry *entry_out)
{
	bool found;

	if (!lookup->cached)
		return false;
	found = memory_cache_get(
	    &c->memory, &lookup->name, lookup->version, now, entry_out);
	counters_tier(
	    c->shm, COUNTERS_TIER_MEMORY, found ? ERR_OK : ERR_NOT_FOUND);
	return found;
}

void
lookup_fill_memory(const struct cache *c, const struct lookup *lookup,
    int64_t now, int64_t ttl, struct memory_cache_entry *entry)
{
	if (!lookup->cached)
		return;
	entry->name = lookup->name;
	entry->generation = lookup->version;
	entry->expires_at = now + ttl;
	memory_cache_put(&c->memory, entry, now);
}

/* ---- steps 3 and 5: Redis ---- */

bool
lookup_redis_usable(const struct cache *c)
{
	return c->redis != NULL && circuit_breaker_closed(c->shm);
}

/* An entry is bound to its name in Redis and to its version. */
static enum err
bind(const struct cache *c, const struct lookup *lookup, char *full,
    size_t size, struct seal_binding *binding)
{
	int len =
	    snprintf(full, size, "%s%s", redis_prefix(c->redis), lookup->key);

	if (len < 0 || (size_t)len >= size)
		return ERR_INVALID;
	binding->key = full;
	coherence_binding(c->coherence, lookup->version, binding->version);
	return ERR_OK;
}

enum err
lookup_unseal(const struct cache *c, const struct lookup *lookup,
    const struct buf *sealed, struct memory_cache_entry *entry_out)
{
	char full[REDIS_KEY_SIZE];
	char room[MEMORY_CACHE_DATA_MAX + 1]; /* and the NUL of a buffer */
	struct seal_binding binding;
	struct buf plain = { 0 };
	enum err err;

	buf_use_inline(&plain, room, sizeof(room));
	err = bind(c, lookup, full, sizeof(full), &binding);
	if (err == ERR_OK)
		err = seal_open(
		    c->seal_key, &binding, sealed->data, sealed->len, &plain);
	if (err == ERR_OK && plain.len > MEMORY_CACHE_DATA_MAX)
		err = ERR_INVALID;
	if (err == ERR_OK) {
		memcpy(entry_out->data, plain.data, plain.len);
		entry_out->len = plain.len;
	}
	buf_clear(&plain);
	return err;
}

enum err
lookup_seal(const struct cache *c, const struct lookup *lookup,
    const struct memory_cache_entry *entry, struct buf *sealed)
{
	char full[REDIS_KEY_SIZE];
	struct seal_binding binding;
	enum err err;

	err = bind(c, lookup, full, sizeof(full), &binding);
	if (err != ERR_OK)
		return err;
	return seal_close(
	    c->seal_key, &binding, entry->data, (size_t)entry->len, sealed);
}

enum err
lookup_redis(const struct cache *c, const struct lookup *lookup,
    struct memory_cache_entry *entry_out)
{
	struct buf sealed = { 0 };
	enum err err;

	if (!lookup->cached || !lookup_redis_usable(c))
		return ERR_NOT_FOUND;
	err = redis_get(c->redis, lookup->key, &sealed);
	/* An entry of another version is a miss. */
	if (err == ERR_OK &&
	    lookup_unseal(c, lookup, &sealed, entry_out) != ERR_OK)
		err = ERR_NOT_FOUND;
	counters_tier(c->shm, COUNTERS_TIER_REDIS, err);
	buf_clear(&sealed);
	return err;
}

void
lookup_fill_redis(const struct cache *c, const struct lookup *lookup,
    const struct memory_cache_entry *entry, int64_t ttl)
{
	struct buf sealed = { 0 };

	if (!lookup->cached || !lookup_redis_usable(c))
		return;
	if (lookup_seal(c, lookup, entry, &sealed) == ERR_OK &&
	    redis_set(c->redis, lookup->key, sealed.data, sealed.len, ttl) ==
		ERR_OK)
		TESTPOINT("read:filled");
	buf_clear(&sealed);
}

/* ---- step 4: the store ---- */

int64_t
lookup_clock(const struct cache *c)
{
	return c->options.clock != NULL ? c->options.clock->mono_us() : 0;
}

void
lookup_store_took(const struct cache *c, int64_t begun)
{
	if (c->options.clock != NULL)
		counters_time(
		    c->shm, COUNTERS_TIMER_STORE, lookup_clock(c) - begun);
}

void
lookup_store_done(const struct cache *c, int64_t begun, enum err err)
{
	counters_tier(c->shm, COUNTERS_TIER_STORE, err);
	lookup_store_took(c, begun);
}

bool
lookup_is_user(
    const struct memory_cache_entry *entry, int64_t id, struct user *user_out)
{
	return record_decode(&user_record_type, entry, user_out) == ERR_OK &&
	    user_out->id == id;
}
