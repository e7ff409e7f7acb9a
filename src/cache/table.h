/* SPDX-License-Identifier: ISC */
#ifndef CACHE_TABLE_H
#define CACHE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

struct mapped;

/*
 * The first tier: entries in the area of the mapped file, read by every
 * process of the host without a system call and without a lock.  An entry may
 * vanish at any time; it is never anything but what one table_put() put there.
 */

#define TABLE_DATA_MAX 1280

/* One process's view; holds nothing that would have to be closed. */
struct table_view {
	unsigned char *area;
	size_t buckets[2]; /* for short entries, for long ones */
	unsigned char keys[3][SIPHASH_KEY_BYTES];
};

/* What is left of a key: nobody can find two with the same. */
struct table_name {
	uint64_t hash[2];
};

struct table_entry {
	struct table_name name;
	uint64_t generation; /* the one it was filled under */
	int64_t expires_at;
	uint64_t len;
	uint64_t data[TABLE_DATA_MAX / sizeof(uint64_t)]; /* ->len bytes */
};

/* table_init(t, m): ${m} outlives ${t}; threads may share both. */
void table_init(struct table_view *t, const struct mapped *m);

struct table_name table_name(
    const struct table_view *t, const void *key, size_t len);

/* Odd, so that no entry has it. */
#define TABLE_ANY_GENERATION UINT64_MAX

/**
 * table_get(t, name, generation, now, entry_out):
 * Copy the entry ${name} of ${generation} that has not expired at ${now}.
 * With TABLE_ANY_GENERATION it is the caller who compares.  Return false if
 * there is none; ${entry_out} means nothing then.
 */
bool table_get(const struct table_view *t, const struct table_name *name,
    uint64_t generation, int64_t now, struct table_entry *entry_out);

/**
 * table_put(t, entry, now):
 * Put ${entry} in place of what has its name, or else of another one that can
 * be spared.  Best effort.
 */
void table_put(
    const struct table_view *t, const struct table_entry *entry, int64_t now);

/* table_drop(t, name, now): that entry is stale: make room.  Best effort. */
void table_drop(
    const struct table_view *t, const struct table_name *name, int64_t now);

/**
 * table_size(t, now, step, entries_out, bytes_out):
 * How many entries have not expired at ${now}, and the room they take; with
 * ${step} above 1 only each such bucket is looked at, and the rest reckoned.
 *
 * table_sweep(t, now): remove what has expired; return how many that were.
 */
void table_size(const struct table_view *t, int64_t now, size_t step,
    int64_t *entries_out, int64_t *bytes_out);
int64_t table_sweep(const struct table_view *t, int64_t now);

#endif
