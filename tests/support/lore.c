/* SPDX-License-Identifier: ISC */
#include "support/lore.h"

#include <stdlib.h>
#include <string.h>

/* Numbers below are lengths; from here on they stand for a random one. */
#define NUMBERS ((uint64_t)1 << 32)

static uint64_t
mix(uint64_t a, uint64_t b)
{
	a = (a ^ b) * 0x9e3779b97f4a7c15;
	a ^= a >> 29;
	a *= 0xbf58476d1ce4e5b9;
	return a ^ a >> 32;
}

struct table_name
lore_name(const struct table_view *t, uint64_t key)
{
	return table_name(t, &key, sizeof(key));
}

static void
tell(const struct table_view *t, uint64_t key, uint64_t generation,
    uint64_t number, struct table_entry *e)
{
	unsigned char *bytes = (unsigned char *)e->data;
	uint64_t seed = mix(mix(key + 1, generation + 1), number);

	e->name = lore_name(t, key);
	e->generation = generation;
	e->expires_at = LORE_END;
	e->len = number;
	if (number >= NUMBERS)
		e->len = 8 + seed % (TABLE_DATA_MAX - 7);
	for (size_t i = 8; i < e->len; i++)
		bytes[i] = (unsigned char)(mix(seed, i) >> 17);
	e->data[0] = number;
}

void
lore_make(const struct table_view *t, uint64_t key, uint64_t generation,
    uint64_t number, struct table_entry *e)
{
	tell(t, key, generation, NUMBERS + number, e);
}

void
lore_make_len(const struct table_view *t, uint64_t key, uint64_t generation,
    size_t len, struct table_entry *e)
{
	tell(t, key, generation, len, e);
}

bool
lore_is_true(
    const struct table_view *t, uint64_t key, const struct table_entry *e)
{
	struct table_entry wanted;

	if (e->len < 8 || e->len > TABLE_DATA_MAX ||
	    (e->data[0] < NUMBERS && e->data[0] != e->len))
		return false;
	tell(t, key, e->generation, e->data[0], &wanted);
	return memcmp(&e->name, &wanted.name, sizeof(e->name)) == 0 &&
	    e->expires_at == wanted.expires_at && e->len == wanted.len &&
	    memcmp(e->data, wanted.data, e->len) == 0;
}

uint64_t
lore_neighbour(const struct table_view *t, unsigned i)
{
	uint64_t home = lore_name(t, 0).hash[0] % t->buckets[0];
	uint64_t key = 0;

	for (;; key++)
		if (lore_name(t, key).hash[0] % t->buckets[0] == home &&
		    i-- == 0)
			return key;
}

uint64_t
lore_crowd_key(const struct table_view *t, unsigned i)
{
	return i % 4 == 0 ? i : lore_neighbour(t, i / 2);
}

static void
ask(const struct table_view *t, struct lore_crowd *crowd, uint64_t key,
    uint64_t generation, int64_t now)
{
	struct table_name name = lore_name(t, key);
	struct table_entry e;

	if (!table_get(t, &name, generation, now, &e))
		return;
	(void)atomic_fetch_add(&crowd->hits, 1);
	if (!lore_is_true(t, key, &e) ||
	    (generation != TABLE_ANY_GENERATION && generation != e.generation))
		(void)atomic_fetch_add(&crowd->lies, 1);
}

void
lore_crowd_join(
    const struct table_view *t, struct lore_crowd *crowd, unsigned seed)
{
	uint64_t keys[LORE_CROWD_KEYS], number = (uint64_t)seed << 16;

	for (unsigned i = 0; i < LORE_CROWD_KEYS; i++)
		keys[i] = lore_crowd_key(t, i);
	while (atomic_load(&crowd->stop) == 0) {
		int64_t now = atomic_load(&crowd->now);
		uint64_t key = keys[rand_r(&seed) % LORE_CROWD_KEYS];
		uint64_t generation = 2 * ((uint64_t)rand_r(&seed) % 3);
		int what = rand_r(&seed) % 16;

		if (what == 0) {
			struct table_name name = lore_name(t, key);

			table_drop(t, &name, now);
		} else if (what < 5) {
			struct table_entry e;

			if (what < 3)
				lore_make(t, key, generation, number++, &e);
			else
				lore_make_len(t, key, generation, 100, &e);
			table_put(t, &e, now);
			(void)atomic_fetch_add(&crowd->puts, 1);
		} else {
			ask(t, crowd, key,
			    what < 8 ? TABLE_ANY_GENERATION : generation, now);
		}
	}
}
