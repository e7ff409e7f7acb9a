/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_SHM_PATTERN_H
#define TESTS_SUPPORT_SHM_PATTERN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/memory_cache.h"

/*
 * Entries whose every byte follows from their key, their generation and a
 * number, so that a mixture of any two shows.
 */

/* shm_pattern_name(t, key): the name of the entry ${key}. */
struct memory_cache_name shm_pattern_name(
    const struct memory_cache *t, uint64_t key);

/**
 * shm_pattern_make(t, key, generation, number, e):
 * An entry that is good until SHM_PATTERN_END.  Its length follows from
 * ${number}, too: up to MEMORY_CACHE_DATA_MAX.
 */
#define SHM_PATTERN_END (INT64_C(1) << 40)
void shm_pattern_make(const struct memory_cache *t, uint64_t key,
    uint64_t generation, uint64_t number, struct memory_cache_entry *e);
/* The same with ${len} bytes, at least 8. */
void shm_pattern_make_len(const struct memory_cache *t, uint64_t key,
    uint64_t generation, size_t len, struct memory_cache_entry *e);

/* Is it, whole, one that was made for ${key} under the generation it has? */
bool shm_pattern_is_true(const struct memory_cache *t, uint64_t key,
    const struct memory_cache_entry *e);

/* The ${i}th key of those whose short entries share a bucket with key 0. */
uint64_t shm_pattern_neighbour(const struct memory_cache *t, unsigned i);

/*
 * A crowd that puts, gets and drops entries of few keys, most of them in one
 * bucket, and the time that it goes by.
 */
struct shm_pattern_crowd {
	_Atomic int stop;
	_Atomic int64_t now;
	_Atomic uint64_t puts;
	_Atomic uint64_t hits;
	_Atomic uint64_t lies; /* entries that were never put */
};
#define SHM_PATTERN_CROWD_KEYS 32

/* shm_pattern_crowd_join(t, crowd, seed): be one of them until it stops. */
void shm_pattern_crowd_join(const struct memory_cache *t,
    struct shm_pattern_crowd *crowd, unsigned seed);

/* The ${i}th of its keys. */
uint64_t shm_pattern_crowd_key(const struct memory_cache *t, unsigned i);

#endif
