/* SPDX-License-Identifier: ISC */
#include "cache/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/testpoint.h"
#include "cache/lookup.h"
#include "cache/record_codec.h"
#include "cache/redis.h"
#include "shm/counters.h"
#include "store/store.h"

/* The steps of cache.c for many users at once. */

/* The requested users, those in no cache, and the store's rows of these. */
struct batch {
	const int64_t *ids;
	struct user *users;
	size_t n;
	struct lookup lookups[CACHE_USERS_MAX];
	size_t missing[CACHE_USERS_MAX]; /* indices into the above */
	size_t missing_n;
	struct user found[CACHE_USERS_MAX];
};

/* Step 2, for each key. */
static void
batch_from_memory(const struct cache *c, struct batch *b, int64_t now)
{
	struct memory_cache_entry e;

	for (size_t i = 0; i < b->n; i++)
		if (!lookup_memory(c, &b->lookups[i], now, &e) ||
		    !lookup_is_user(&e, b->ids[i], &b->users[i]))
			memset(&b->users[i], 0, sizeof(b->users[i]));
}

/* Decode the value from Redis for user ${i}; a miss if it is not valid. */
static enum err
batch_decode(const struct cache *c, struct batch *b, size_t i,
    const struct buf *value, int64_t now)
{
	struct memory_cache_entry e;

	if (value->len == 0 ||
	    lookup_unseal(c, &b->lookups[i], value, &e) != ERR_OK ||
	    !lookup_is_user(&e, b->ids[i], &b->users[i])) {
		memset(&b->users[i], 0, sizeof(b->users[i]));
		return ERR_NOT_FOUND;
	}
	lookup_fill_memory(c, &b->lookups[i], now, c->options.user_ttl, &e);
	return ERR_OK;
}

/* Step 3, in one round trip. */
static void
batch_from_redis(const struct cache *c, struct batch *b, int64_t now)
{
	const char *keys[CACHE_USERS_MAX];
	size_t asked[CACHE_USERS_MAX]; /* keys[k] is of user asked[k] */
	struct buf values[CACHE_USERS_MAX] = { { 0 } };
	size_t n = 0;
	enum err err;

	for (size_t i = 0; i < b->n; i++)
		if (b->users[i].id == 0 && b->lookups[i].cached) {
			keys[n] = b->lookups[i].key;
			asked[n++] = i;
		}
	if (n == 0 || !lookup_redis_usable(c))
		return;
	err = redis_mget(c->redis, keys, n, values);
	for (size_t k = 0; k < n; k++) {
		counters_tier(c->shm, COUNTERS_TIER_REDIS,
		    err == ERR_OK
			? batch_decode(c, b, asked[k], &values[k], now)
			: err);
		buf_clear(&values[k]);
	}
}

/* Step 4, in one query. */
static enum err
batch_from_store(const struct cache *c, struct batch *b)
{
	int64_t ids[CACHE_USERS_MAX];
	int64_t begun;
	enum err err;

	for (size_t i = 0; i < b->n; i++)
		if (b->users[i].id == 0) {
			ids[b->missing_n] = b->ids[i];
			b->missing[b->missing_n++] = i;
		}
	if (b->missing_n == 0)
		return ERR_OK;
	TESTPOINT("read:cache-missed");
	begun = lookup_clock(c);
	err = store_users_by_ids(c->st, ids, b->missing_n, b->found);
	lookup_store_took(c, begun);
	TESTPOINT("read:store-read");
	for (size_t k = 0; k < b->missing_n; k++)
		counters_tier(c->shm, COUNTERS_TIER_STORE,
		    err == ERR_OK && b->found[k].id == 0 ? ERR_NOT_FOUND : err);
	if (err != ERR_OK)
		return err;
	for (size_t k = 0; k < b->missing_n; k++)
		b->users[b->missing[k]] = b->found[k];
	return ERR_OK;
}

/* Step 5: each row under the version of its own key. */
static void
batch_fill(const struct cache *c, const struct batch *b, int64_t now)
{
	struct memory_cache_entry e;
	struct redis_item items[CACHE_USERS_MAX];
	struct buf sealed[CACHE_USERS_MAX] = { { 0 } };
	bool to_redis = lookup_redis_usable(c);
	size_t n = 0;

	for (size_t k = 0; k < b->missing_n; k++) {
		const struct lookup *lookup = &b->lookups[b->missing[k]];
		const struct user *u = &b->found[k];

		if (u->id == 0 || !lookup->cached)
			continue;
		record_encode(&user_record_type, u, &e);
		lookup_fill_memory(c, lookup, now, c->options.user_ttl, &e);
		if (!to_redis ||
		    lookup_seal(c, lookup, &e, &sealed[n]) != ERR_OK)
			continue;
		items[n].key = lookup->key;
		items[n].value = sealed[n].data;
		items[n].len = sealed[n].len;
		items[n].ttl_s = c->options.user_ttl;
		n++;
	}
	if (n > 0 && redis_set_many(c->redis, items, n) == ERR_OK)
		TESTPOINT("read:filled");
	for (size_t k = 0; k < CACHE_USERS_MAX; k++)
		buf_clear(&sealed[k]);
}

enum err
cache_users(struct cache *c, const int64_t *ids, size_t n, int64_t now,
    struct user *users_out)
{
	struct batch *b;
	enum err err;

	memset(users_out, 0, n * sizeof(*users_out));
	if (n > CACHE_USERS_MAX)
		return ERR_INVALID;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return ERR_INTERNAL;
	b->ids = ids;
	b->users = users_out;
	b->n = n;
	for (size_t i = 0; i < n; i++) {
		user_key(b->lookups[i].key, ids[i]);
		lookup_begin(c, &b->lookups[i]);
	}
	TESTPOINT("read:generation");

	batch_from_memory(c, b, now);
	TESTPOINT("read:table-missed");
	batch_from_redis(c, b, now);
	err = batch_from_store(c, b);
	if (err == ERR_OK)
		batch_fill(c, b, now);
	else
		memset(users_out, 0, n * sizeof(*users_out));
	free(b);
	return err;
}
