/* SPDX-License-Identifier: ISC */
#include "cache/read.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/document.h"
#include "base/testpoint.h"
#include "base/text.h"
#include "cache/pack.h"
#include "cache/redis.h"
#include "cache/seal.h"
#include "cache/table.h"
#include "host/breaker.h"
#include "host/generation.h"
#include "host/stats.h"

/* ---- step 1: the generation ---- */

void
read_look(const struct cache *c, struct look *look)
{
	look->generation = generation_read(c->m, look->key);
	look->cached = generation_quiet(look->generation);
	if (look->cached)
		look->name =
		    table_name(&c->table, look->key, strlen(look->key));
}

/* ---- steps 2 and 5: the table ---- */

bool
read_table(const struct cache *c, const struct look *look, int64_t now,
    struct table_entry *entry_out)
{
	bool found;

	if (!look->cached)
		return false;
	found =
	    table_get(&c->table, &look->name, look->generation, now, entry_out);
	stats_tier(c->m, STATS_TIER_TABLE, found ? ERR_OK : ERR_NOT_FOUND);
	return found;
}

void
read_fill_table(const struct cache *c, const struct look *look, int64_t now,
    int64_t ttl, struct table_entry *entry)
{
	if (!look->cached)
		return;
	entry->name = look->name;
	entry->generation = look->generation;
	entry->expires_at = now + ttl;
	table_put(&c->table, entry, now);
}

/* ---- steps 3 and 5: Redis ---- */

/* Without this, an outage would cost the sealing of what nobody takes. */
bool
read_redis_usable(const struct cache *c)
{
	return c->redis != NULL && breaker_closed(c->m);
}

/* ---- step 4: the store ---- */

int64_t
read_clock(const struct cache *c)
{
	return c->options.clock != NULL ? c->options.clock->mono_us() : 0;
}

void
read_store_took(const struct cache *c, int64_t begun)
{
	if (c->options.clock != NULL)
		stats_time(c->m, STATS_TIMER_STORE, read_clock(c) - begun);
}

void
read_store_done(const struct cache *c, int64_t begun, enum err err)
{
	stats_tier(c->m, STATS_TIER_STORE, err);
	read_store_took(c, begun);
}

/* An entry is bound to the name it has in Redis, to this table, and to g. */
static enum err
bind(const struct cache *c, const struct look *look, char *full, size_t size,
    struct seal_binding *binding)
{
	int len =
	    snprintf(full, size, "%s%s", redis_prefix(c->redis), look->key);

	if (len < 0 || (size_t)len >= size)
		return ERR_INVALID;
	binding->key = full;
	binding->table_id = generation_table_id(c->m);
	binding->generation = look->generation;
	return ERR_OK;
}

enum err
read_unseal(const struct cache *c, const struct look *look,
    const struct buf *sealed, struct document **row_out)
{
	char full[REDIS_KEY_SIZE];
	struct seal_binding binding;
	struct buf plain = { 0 };
	enum err err;

	*row_out = NULL;
	err = bind(c, look, full, sizeof(full), &binding);
	if (err == ERR_OK)
		err = seal_open(
		    c->seal_key, &binding, sealed->data, sealed->len, &plain);
	if (err == ERR_OK)
		err = document_parse(plain.data, plain.len, row_out);
	buf_clear(&plain);
	return err;
}

enum err
read_seal(const struct cache *c, const struct look *look, struct document *row,
    struct buf *sealed)
{
	char full[REDIS_KEY_SIZE];
	struct seal_binding binding;
	struct buf plain = { 0 };
	enum err err;

	err = bind(c, look, full, sizeof(full), &binding);
	if (err == ERR_OK)
		err = document_print(row, &plain);
	if (err == ERR_OK)
		err = seal_close(
		    c->seal_key, &binding, plain.data, plain.len, sealed);
	buf_clear(&plain);
	document_free(row);
	return err;
}

enum err
read_redis(
    const struct cache *c, const struct look *look, struct document **row_out)
{
	struct buf sealed = { 0 };
	enum err err;

	*row_out = NULL;
	if (!look->cached || !read_redis_usable(c))
		return ERR_NOT_FOUND;
	err = redis_get(c->redis, look->key, &sealed);
	/* What was filled under another generation is as good as nothing. */
	if (err == ERR_OK && read_unseal(c, look, &sealed, row_out) != ERR_OK)
		err = ERR_NOT_FOUND;
	stats_tier(c->m, STATS_TIER_REDIS, err);
	buf_clear(&sealed);
	return err;
}

void
read_fill_redis(const struct cache *c, const struct look *look,
    struct document *row, int64_t ttl)
{
	struct buf sealed = { 0 };

	if (read_seal(c, look, row, &sealed) == ERR_OK &&
	    redis_set(c->redis, look->key, sealed.data, sealed.len, ttl) ==
		ERR_OK)
		TESTPOINT("read:filled");
	buf_clear(&sealed);
}

enum err
read_unpack_user(struct document *row, int64_t id, struct user *user_out)
{
	enum err err;

	err = user_unpack(row, user_out);
	document_free(row);
	if (err == ERR_OK && user_out->id != id)
		err = ERR_NOT_FOUND;
	return err;
}

bool
read_user_from_table(const struct cache *c, const struct look *look, int64_t id,
    int64_t now, struct user *user_out)
{
	struct table_entry e;

	return read_table(c, look, now, &e) &&
	    pack_user_open(&e, user_out) == ERR_OK && user_out->id == id;
}

void
read_user_to_table(const struct cache *c, const struct look *look,
    const struct user *u, int64_t now)
{
	struct table_entry e;

	pack_user(u, &e);
	read_fill_table(c, look, now, c->options.user_ttl, &e);
}
