/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_LORE_H
#define SUPPORT_LORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/table.h"

/*
 * Entries whose every byte follows from their key, their generation and a
 * number, so that a mixture of any two shows.
 */

struct table_name lore_name(const struct table_view *t, uint64_t key);

/**
 * lore_make(t, key, generation, number, e):
 * An entry that is good until LORE_END.  Its length follows from ${number},
 * too: up to TABLE_DATA_MAX.
 */
#define LORE_END (INT64_C(1) << 40)
void lore_make(const struct table_view *t, uint64_t key, uint64_t generation,
    uint64_t number, struct table_entry *e);
/* The same with ${len} bytes, at least 8. */
void lore_make_len(const struct table_view *t, uint64_t key,
    uint64_t generation, size_t len, struct table_entry *e);

/* Is it, whole, one that was made for ${key} under the generation it has? */
bool lore_is_true(
    const struct table_view *t, uint64_t key, const struct table_entry *e);

/* The ${i}th key of those whose short entries share a bucket with key 0. */
uint64_t lore_neighbour(const struct table_view *t, unsigned i);

/*
 * A crowd that puts, gets and drops entries of few keys, most of them in one
 * bucket, and the time that it goes by.
 */
struct lore_crowd {
	_Atomic int stop;
	_Atomic int64_t now;
	_Atomic uint64_t puts;
	_Atomic uint64_t hits;
	_Atomic uint64_t lies; /* entries that nobody put there */
};
#define LORE_CROWD_KEYS 32

/* lore_crowd_join(t, crowd, seed): be one of them until it stops. */
void lore_crowd_join(
    const struct table_view *t, struct lore_crowd *crowd, unsigned seed);

/* The ${i}th of its keys. */
uint64_t lore_crowd_key(const struct table_view *t, unsigned i);

#endif
