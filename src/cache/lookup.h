/* SPDX-License-Identifier: ISC */
#ifndef CACHE_LOOKUP_H
#define CACHE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "cache/cache.h"
#include "cache/memory_cache.h"
#include "model/token.h"

struct buf;

/* The steps of every read (see cache.c).  Only cache/cache*.c include this. */
struct cache {
	struct shm *shm;
	struct store *st;
	struct coherence *coherence; /* the store's */
	struct memory_cache memory;
	struct redis *redis; /* NULL: switched off */
	unsigned char seal_key[SECRET_KEY_BYTES];
	struct cache_options options;
};

/* One key, and the version under which its cached entry is valid. */
struct lookup {
	char key[TOKEN_KEY_SIZE];
	struct memory_cache_name name;
	uint64_t version;
	bool cached; /* ->version is known */
};

/**
 * lookup_begin(c, lookup):
 * Step 1: read the version of ${lookup}->key.  If ->cached is false afterwards,
 * steps 2, 3 and 5 do nothing.
 */
void lookup_begin(const struct cache *c, struct lookup *lookup);

/**
 * lookup_memory(c, lookup, now, entry_out):
 * Step 2: return true if the memory cache has an entry of ${lookup}'s key and
 * version.
 *
 * lookup_fill_memory(c, lookup, now, ttl, entry):
 * Step 5: put ${entry}, in which data and len are set, into the memory cache
 * for ${ttl} seconds, under the version of step 1.
 */
bool lookup_memory(const struct cache *c, const struct lookup *lookup,
    int64_t now, struct memory_cache_entry *entry_out);
void lookup_fill_memory(const struct cache *c, const struct lookup *lookup,
    int64_t now, int64_t ttl, struct memory_cache_entry *entry);

/* lookup_redis_usable(c): false while Redis is off or unavailable. */
bool lookup_redis_usable(const struct cache *c);

/**
 * lookup_redis(c, lookup, entry_out):
 * Step 3: copy the record that Redis has under the key and version of
 * ${lookup}.  Any error is a miss.
 */
enum err lookup_redis(const struct cache *c, const struct lookup *lookup,
    struct memory_cache_entry *entry_out) MUST_CHECK;

/**
 * lookup_fill_redis(c, lookup, entry, ttl):
 * Step 5: put the record in ${entry} into Redis for ${ttl} seconds, under the
 * version of step 1.  Best effort.
 */
void lookup_fill_redis(const struct cache *c, const struct lookup *lookup,
    const struct memory_cache_entry *entry, int64_t ttl);

/* Halves of steps 3 and 5, for several keys at once. */
enum err lookup_unseal(const struct cache *c, const struct lookup *lookup,
    const struct buf *sealed, struct memory_cache_entry *entry_out) MUST_CHECK;
enum err lookup_seal(const struct cache *c, const struct lookup *lookup,
    const struct memory_cache_entry *entry, struct buf *sealed) MUST_CHECK;

/**
 * Step 4 is a call of the store between lookup_clock() and one of the others.
 * lookup_clock(c): return microseconds; 0 if nothing is measured.
 * lookup_store_done(c, begun, err): count the answer ${err} of the store, and
 * the time since ${begun}.  lookup_store_took(c, begun): only the time.
 */
int64_t lookup_clock(const struct cache *c);
void lookup_store_done(const struct cache *c, int64_t begun, enum err err);
void lookup_store_took(const struct cache *c, int64_t begun);

/**
 * lookup_is_user(entry, id, user_out):
 * Decode ${entry}; return true if it is the user ${id}.
 */
bool lookup_is_user(
    const struct memory_cache_entry *entry, int64_t id, struct user *user_out);

#endif
