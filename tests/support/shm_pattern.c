/* SPDX-License-Identifier: ISC */
#include "support/shm_pattern.h"

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

struct memory_cache_name
shm_pattern_name(const struct memory_cache *t, uint64_t key)
{
	return memory_cache_name(t, &key, sizeof(key));
}

static void
tell(const struct memory_cache *t, uint64_t key, uint64_t generation,
    uint64_t number, struct memory_cache_entry *e)
{
	unsigned char *bytes = (unsigned char *)e->data;
	uint64_t seed = mix(mix(key + 1, generation + 1), number);

	e->name = shm_pattern_name(t, key);
	e->generation = generation;
	e->expires_at = SHM_PATTERN_END;
	e->len = number;
	if (number >= NUMBERS)
		e->len = 8 + seed % (MEMORY_CACHE_DATA_MAX - 7);
	for (size_t i = 8; i < e->len; i++)
		bytes[i] = (unsigned char)(mix(seed, i) >> 17);
	e->data[0] = number;
}

void
shm_pattern_make(const struct memory_cache *t, uint64_t key,
    uint64_t generation, uint64_t number, struct memory_cache_entry *e)
{
	tell(t, key, generation, NUMBERS + number, e);
}

void
shm_pattern_make_len(const struct memory_cache *t, uint64_t key,
    uint64_t generation, size_t len, struct memory_cache_entry *e)
{
	tell(t, key, generation, len, e);
}

bool
shm_pattern_is_true(const struct memory_cache *t, uint64_t key,
    const struct memory_cache_entry *e)
{
	struct memory_cache_entry wanted;

	if (e->len < 8 || e->len > MEMORY_CACHE_DATA_MAX ||
	    (e->data[0] < NUMBERS && e->data[0] != e->len))
		return false;
	tell(t, key, e->generation, e->data[0], &wanted);
	return memcmp(&e->name, &wanted.name, sizeof(e->name)) == 0 &&
	    e->expires_at == wanted.expires_at && e->len == wanted.len &&
	    memcmp(e->data, wanted.data, e->len) == 0;
}

uint64_t
shm_pattern_neighbour(const struct memory_cache *t, unsigned i)
{
	uint64_t home = shm_pattern_name(t, 0).hash[0] % t->buckets[0];
	uint64_t key = 0;

	for (;; key++)
		if (shm_pattern_name(t, key).hash[0] % t->buckets[0] == home &&
		    i-- == 0)
			return key;
}

uint64_t
shm_pattern_crowd_key(const struct memory_cache *t, unsigned i)
{
	return i % 4 == 0 ? i : shm_pattern_neighbour(t, i / 2);
}

static void
ask(const struct memory_cache *t, struct shm_pattern_crowd *crowd, uint64_t key,
    uint64_t generation, int64_t now)
{
	struct memory_cache_name name = shm_pattern_name(t, key);
	struct memory_cache_entry e;

	if (!memory_cache_get(t, &name, generation, now, &e))
		return;
	(void)atomic_fetch_add(&crowd->hits, 1);
	if (!shm_pattern_is_true(t, key, &e) ||
	    (generation != MEMORY_CACHE_ANY_GENERATION &&
		generation != e.generation))
		(void)atomic_fetch_add(&crowd->lies, 1);
}

void
shm_pattern_crowd_join(const struct memory_cache *t,
    struct shm_pattern_crowd *crowd, unsigned seed)
{
	uint64_t keys[SHM_PATTERN_CROWD_KEYS], number = (uint64_t)seed << 16;

	for (unsigned i = 0; i < SHM_PATTERN_CROWD_KEYS; i++)
		keys[i] = shm_pattern_crowd_key(t, i);
	while (atomic_load(&crowd->stop) == 0) {
		int64_t now = atomic_load(&crowd->now);
		uint64_t key = keys[rand_r(&seed) % SHM_PATTERN_CROWD_KEYS];
		uint64_t generation = 2 * ((uint64_t)rand_r(&seed) % 3);
		int what = rand_r(&seed) % 16;

		if (what == 0) {
			struct memory_cache_name name =
			    shm_pattern_name(t, key);

			memory_cache_drop(t, &name, now);
		} else if (what < 5) {
			struct memory_cache_entry e;

			if (what < 3)
				shm_pattern_make(
				    t, key, generation, number++, &e);
			else
				shm_pattern_make_len(
				    t, key, generation, 100, &e);
			memory_cache_put(t, &e, now);
			(void)atomic_fetch_add(&crowd->puts, 1);
		} else {
			ask(t, crowd, key,
			    what < 8 ? MEMORY_CACHE_ANY_GENERATION : generation,
			    now);
		}
	}
}
