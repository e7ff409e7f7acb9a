/* SPDX-License-Identifier: ISC */
#ifndef CACHE_MEMORY_CACHE_H
#define CACHE_MEMORY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

struct shm;

/*
 * The first tier of the cache: entries in shared memory, which every process of
 * the host reads without a system call or a lock.  An entry may vanish at any
 * time, but it is always what one memory_cache_put() wrote.
 */

#define MEMORY_CACHE_DATA_MAX 1280

/* The view of one process; owns nothing. */
struct memory_cache {
	unsigned char *area;
	size_t buckets[2]; /* of small slots, of large slots */
	unsigned char keys[2][SIPHASH_KEY_BYTES];
};

/* 128-bit keyed hash of a key; collisions cannot be found without the key. */
struct memory_cache_name {
	uint64_t hash[2];
};

struct memory_cache_entry {
	struct memory_cache_name name;
	uint64_t generation; /* of the key when it was read from the store */
	int64_t expires_at;
	uint64_t len; /* bytes of data */
	uint64_t data[MEMORY_CACHE_DATA_MAX / sizeof(uint64_t)];
};

/* memory_cache_init(t, m): ${m} must outlive ${t}; threads may share both. */
void memory_cache_init(struct memory_cache *t, const struct shm *m);

/* memory_cache_name(t, key, len): hash the ${len} bytes of ${key}. */
struct memory_cache_name memory_cache_name(
    const struct memory_cache *t, const void *key, size_t len);

/* Odd, so that no entry has it. */
#define MEMORY_CACHE_ANY_GENERATION UINT64_MAX

/**
 * memory_cache_get(t, name, generation, now, entry_out):
 * Copy the entry ${name} of ${generation} that has not expired at ${now}, or of
 * any generation if that is MEMORY_CACHE_ANY_GENERATION.  Return false, with
 * ${entry_out} undefined, if there is none.
 */
bool memory_cache_get(const struct memory_cache *t,
    const struct memory_cache_name *name, uint64_t generation, int64_t now,
    struct memory_cache_entry *entry_out);

/**
 * memory_cache_put(t, entry, now):
 * Write ${entry} over the entry of its name, or over another that can be
 * evicted. Best effort: nothing is written while another process writes to that
 * slot.
 */
void memory_cache_put(const struct memory_cache *t,
    const struct memory_cache_entry *entry, int64_t now);

/* memory_cache_drop(t, name, now): erase that stale entry.  Best effort. */
void memory_cache_drop(const struct memory_cache *t,
    const struct memory_cache_name *name, int64_t now);

/**
 * memory_cache_size(t, now, step, entries_out, bytes_out):
 * Count the entries that have not expired at ${now} and the bytes of their
 * slots, in each ${step}th bucket, and multiply by ${step}.
 *
 * memory_cache_sweep(t, now): erase expired entries; return their number.
 */
void memory_cache_size(const struct memory_cache *t, int64_t now, size_t step,
    int64_t *entries_out, int64_t *bytes_out);
int64_t memory_cache_sweep(const struct memory_cache *t, int64_t now);

#endif
