/* SPDX-License-Identifier: ISC */
#ifndef CACHE_READ_H
#define CACHE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "cache/cache.h"
#include "cache/table.h"
#include "model/token.h"

struct buf;
struct document;

/*
 * The steps of which cache.c and cache_users.c make their reads; nobody else
 * includes this.
 */
struct cache {
	struct mapped *m;
	struct store *st;
	struct table_view table;
	struct redis *redis; /* NULL: switched off */
	unsigned char seal_key[SECRET_KEY_BYTES];
	struct cache_options options;
};

/* One key, and what it takes for a cached entry of it to count. */
struct look {
	char key[TOKEN_KEY_SIZE];
	struct table_name name;
	uint64_t generation;
	bool cached; /* no change is in flight, and our table is current */
};

/**
 * read_look(c, look):
 * Step 1: take the generation of ${look}->key.  Where ->cached is false,
 * nothing cached counts and nothing is filled.
 */
void read_look(const struct cache *c, struct look *look);

/**
 * read_table(c, look, now, entry_out):
 * Step 2: has the table an entry of ${look}'s key and generation?
 *
 * read_fill_table(c, look, now, ttl, entry):
 * Step 5: put ${entry}, in which data and len are set, into the table for
 * ${ttl} seconds, under the generation that ${look} took in step 1.
 */
bool read_table(const struct cache *c, const struct look *look, int64_t now,
    struct table_entry *entry_out);
void read_fill_table(const struct cache *c, const struct look *look,
    int64_t now, int64_t ttl, struct table_entry *entry);

/**
 * read_clock(c): microseconds, for what follows.
 * read_store_done(c, begun, err): the store, asked at ${begun}, said ${err}:
 * count that.  read_store_took(c, begun): only how long it took.
 */
int64_t read_clock(const struct cache *c);
void read_store_done(const struct cache *c, int64_t begun, enum err err);
void read_store_took(const struct cache *c, int64_t begun);

/* Is it worth while to ask Redis, or to seal something for it? */
bool read_redis_usable(const struct cache *c);

/**
 * read_redis(c, look, row_out):
 * Step 3: the row that Redis has under ${look}'s key and generation, owned by
 * the caller.  Any error is a miss, and *${row_out} is NULL.
 */
enum err read_redis(const struct cache *c, const struct look *look,
    struct document **row_out) MUST_CHECK;

/**
 * read_fill_redis(c, look, row, ttl):
 * Step 5: put ${row}, which it takes, into Redis for ${ttl} seconds, under the
 * generation that ${look} took in step 1.  Best effort.
 */
void read_fill_redis(const struct cache *c, const struct look *look,
    struct document *row, int64_t ttl);

/* The halves of steps 3 and 5, for many at once.  read_seal takes ${row}. */
enum err read_unseal(const struct cache *c, const struct look *look,
    const struct buf *sealed, struct document **row_out) MUST_CHECK;
enum err read_seal(const struct cache *c, const struct look *look,
    struct document *row, struct buf *sealed) MUST_CHECK;

/* Unpack ${row}, which it takes, and which must be the user ${id}. */
enum err read_unpack_user(
    struct document *row, int64_t id, struct user *user_out) MUST_CHECK;

/* read_table() and read_fill_table() for a user. */
bool read_user_from_table(const struct cache *c, const struct look *look,
    int64_t id, int64_t now, struct user *user_out);
void read_user_to_table(const struct cache *c, const struct look *look,
    const struct user *u, int64_t now);

#endif
