/* SPDX-License-Identifier: ISC */
#ifndef CACHE_MEMORY_CACHE_H
#define CACHE_MEMORY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

struct shm;

/*
 * The first tier: entries in the area of the mapped file, read by every
 * process of the host without a system call and without a lock.  An entry may
 * vanish at any time; it is never anything but what one memory_cache_put() put
 * there.
 */

#define MEMORY_CACHE_DATA_MAX 1280

/* One process's view; holds nothing that would have to be closed. */
struct memory_cache {
	unsigned char *area;
	size_t buckets[2]; /* for short entries, for long ones */
	unsigned char keys[2][SIPHASH_KEY_BYTES];
};

/* What is left of a key: nobody can find two with the same. */
struct memory_cache_name {
	uint64_t hash[2];
};

struct memory_cache_entry {
	struct memory_cache_name name;
	uint64_t generation; /* the one it was filled under */
	int64_t expires_at;
	uint64_t len;
	uint64_t
	    data[MEMORY_CACHE_DATA_MAX / sizeof(uint64_t)]; /* ->len bytes */
};

/* memory_cache_init(t, m): ${m} outlives ${t}; threads may share both. */
void memory_cache_init(struct memory_cache *t, const struct shm *m);

struct memory_cache_name memory_cache_name(
    const struct memory_cache *t, const void *key, size_t len);

/* Odd, so that no entry has it. */
#define MEMORY_CACHE_ANY_GENERATION UINT64_MAX

/**
 * memory_cache_get(t, name, generation, now, entry_out):
 * Copy the entry ${name} of ${generation} that has not expired at ${now}.
 * With MEMORY_CACHE_ANY_GENERATION it is the caller who compares.  Return false
 * if there is none; ${entry_out} means nothing then.
 */
bool memory_cache_get(const struct memory_cache *t,
    const struct memory_cache_name *name, uint64_t generation, int64_t now,
    struct memory_cache_entry *entry_out);

/**
 * memory_cache_put(t, entry, now):
 * Put ${entry} in place of what has its name, or else of another one that can
 * be spared.  Best effort.
 */
void memory_cache_put(const struct memory_cache *t,
    const struct memory_cache_entry *entry, int64_t now);

/* memory_cache_drop(t, name, now): that entry is stale: make room.  Best
 * effort. */
void memory_cache_drop(const struct memory_cache *t,
    const struct memory_cache_name *name, int64_t now);

/**
 * memory_cache_size(t, now, step, entries_out, bytes_out):
 * How many entries have not expired at ${now}, and the room they take; with
 * ${step} above 1 only each such bucket is looked at, and the rest reckoned.
 *
 * memory_cache_sweep(t, now): remove what has expired; return how many that
 * were.
 */
void memory_cache_size(const struct memory_cache *t, int64_t now, size_t step,
    int64_t *entries_out, int64_t *bytes_out);
int64_t memory_cache_sweep(const struct memory_cache *t, int64_t now);

#endif
