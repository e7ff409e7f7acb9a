/* SPDX-License-Identifier: ISC */
#include "cache/memory_cache.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/kdf.h"
#include "base/testpoint.h"
#include "shm/shm.h"

/*
 * The area holds slots of two sizes, in buckets of WAYS.  A reader never gets a
 * mixture of two entries, whichever process is killed, stopped or overtaken:
 *
 *  - The word of a slot is even, or odd while it is written.  A writer claims
 * the slot by one compare-and-swap; a reader discards its copy unless the word
 *    was the same even number before and after.
 *  - A writer that is killed leaves the word odd.  The word holds the time of
 * the claim, and a few seconds later another writer may claim the slot.
 *  - If the first writer was only stopped, it goes on to write into a slot that
 *    is not its own any more.  So each entry has a keyed hash of its name,
 *    generation and data, which no mixture of two matches.
 *
 * All of it is atomic words, copied relaxed, so the C standard sees no data
 * race.
 */
#define WAYS 8
#define HEAD_CELLS 5 /* of struct memory_cache_entry, before the data */

/* Leaves 168 bytes for the texts of a session: most user agents fit. */
#define SMALL_DATA 256
#define LARGE_SHARE 8 /* an eighth of the area */

struct slot {
	_Atomic uint64_t word;
	_Atomic uint64_t used; /* since all of the bucket were last evictable */
	_Atomic uint64_t check;
	_Atomic uint64_t cells[HEAD_CELLS]; /* and on: the entry */
};

_Static_assert(sizeof(struct slot) == 64 &&
	sizeof(struct memory_cache_entry) ==
	    8 * HEAD_CELLS + MEMORY_CACHE_DATA_MAX,
    "an entry consists of its cells, without gaps");

enum slot_kind { SMALL, LARGE, KINDS };
static const size_t data_room[KINDS] = { SMALL_DATA, MEMORY_CACHE_DATA_MAX };

static size_t
slot_size(enum slot_kind kind)
{
	return sizeof(struct slot) + data_room[kind];
}

/* ---- layout ---- */

void
memory_cache_init(struct memory_cache *t, const struct shm *m)
{
	static const char purpose[] = "latchkey memory cache";
	unsigned char id[SHM_ID_BYTES + sizeof(purpose)];
	size_t size, large;

	t->area = shm_region(m, &size);
	large = size / LARGE_SHARE;
	t->buckets[LARGE] = large / (WAYS * slot_size(LARGE));
	t->buckets[SMALL] = (size - large) / (WAYS * slot_size(SMALL));

	/* After the file is reset, no entry from before matches these keys. */
	memcpy(id, shm_id(m), SHM_ID_BYTES);
	memcpy(id + SHM_ID_BYTES, purpose, sizeof(purpose));
	kdf_hash((unsigned char *)t->keys, sizeof(t->keys), id, sizeof(id));
}

struct memory_cache_name
memory_cache_name(const struct memory_cache *t, const void *key, size_t len)
{
	struct memory_cache_name name = { 0 };

	siphash_128(t->keys[0], key, len, name.hash);
	return name;
}

static uint64_t
check_of(const struct memory_cache *t, const struct memory_cache_entry *e)
{
	return siphash_bytes(
	    t->keys[1], e, offsetof(struct memory_cache_entry, data) + e->len);
}

/* Return the ${i}th slot for ${name}; names differ in where they start. */
static struct slot *
nth_slot(const struct memory_cache *t, enum slot_kind kind,
    const struct memory_cache_name *name, size_t i)
{
	size_t size = slot_size(kind);
	size_t bucket = (size_t)(name->hash[0] % t->buckets[kind]);
	size_t way = (size_t)(name->hash[1] + i) % WAYS;
	unsigned char *at = t->area + (bucket * WAYS + way) * size;

	/* The large slots come last. */
	if (kind == LARGE)
		at += t->buckets[SMALL] * WAYS * slot_size(SMALL);
	return (struct slot *)(void *)at;
}

static uint64_t
cell(const struct slot *s, size_t i)
{
	return atomic_load_explicit(&s->cells[i], memory_order_relaxed);
}

static bool
has_name(const struct slot *s, const struct memory_cache_name *name)
{
	return cell(s, 0) == name->hash[0] && cell(s, 1) == name->hash[1];
}

/* ---- reading ---- */

static void
copy_cells(const struct slot *s, size_t first, size_t end, void *entry)
{
	for (size_t i = first; i < end; i++) {
		uint64_t value = cell(s, i);

		memcpy((unsigned char *)entry + i * sizeof(value), &value,
		    sizeof(value));
	}
}

static size_t
cells_of(const struct memory_cache_entry *e)
{
	return HEAD_CELLS + (size_t)(e->len + 7) / 8;
}

/* Write only the first time, so that readers do not share a dirty line. */
static void
note_used(struct slot *s)
{
	if (atomic_load_explicit(&s->used, memory_order_relaxed) == 0)
		atomic_store_explicit(&s->used, 1, memory_order_relaxed);
}

static bool
read_slot(const struct memory_cache *t, struct slot *s, size_t room,
    const struct memory_cache_name *name, struct memory_cache_entry *e)
{
	uint64_t word = atomic_load_explicit(&s->word, memory_order_acquire);
	uint64_t check;

	if ((word & 1) != 0 || !has_name(s, name))
		return false;
	copy_cells(s, 0, HEAD_CELLS, e);
	if (e->len > room)
		return false;
	copy_cells(s, HEAD_CELLS, cells_of(e), e);
	check = atomic_load_explicit(&s->check, memory_order_relaxed);
	/* Finish the copy before loading the word again. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->word, memory_order_relaxed) == word &&
	    check == check_of(t, e);
}

bool
memory_cache_get(const struct memory_cache *t,
    const struct memory_cache_name *name, uint64_t generation, int64_t now,
    struct memory_cache_entry *entry_out)
{
	const struct memory_cache_entry *e = entry_out;

	for (enum slot_kind kind = SMALL; kind < KINDS; kind++) {
		for (size_t i = 0; i < WAYS; i++) {
			struct slot *s = nth_slot(t, kind, name, i);

			if (!read_slot(
				t, s, data_room[kind], name, entry_out) ||
			    now >= e->expires_at ||
			    (generation != MEMORY_CACHE_ANY_GENERATION &&
				generation != e->generation))
				continue;
			note_used(s);
			return true;
		}
	}
	return false;
}

/* ---- claiming a slot ---- */

/*
 * A claimed word: the number of writes to the slot, the second of the claim, 1.
 * Writing takes microseconds; a writer that has not finished after this many
 * seconds was killed or stopped.
 */
#define CLAIM_SECONDS 3
#define CLAIM_TIME_BITS 31

static uint64_t
claim_word(uint64_t count, int64_t now)
{
	return count << 32 | ((uint64_t)now << 1 & 0xfffffffe) | 1;
}

static bool
is_abandoned(uint64_t word, int64_t now)
{
	const int64_t all = (int64_t)1 << CLAIM_TIME_BITS;
	int64_t age = (now - (int64_t)(word >> 1)) & (all - 1);

	/* A claim from the future cannot be alive either. */
	return age >= CLAIM_SECONDS && all - age >= CLAIM_SECONDS;
}

static bool
is_free(uint64_t word, int64_t now)
{
	return (word & 1) == 0 || is_abandoned(word, now);
}

/* Set *${word_out} to the word that releases the slot. */
static bool
claim(struct slot *s, int64_t now, uint64_t *word_out)
{
	uint64_t word = atomic_load_explicit(&s->word, memory_order_relaxed);

	if (!is_free(word, now))
		return false;
	*word_out = claim_word((word >> 32) + 1, now);
	if (!atomic_compare_exchange_strong_explicit(&s->word, &word, *word_out,
		memory_order_acquire, memory_order_relaxed))
		return false;
	/* A reader that sees any of the writes that follow sees the claim. */
	atomic_thread_fence(memory_order_release);
	TESTPOINT("table:claimed");
	return true;
}

/* Do nothing if another writer has claimed the slot meanwhile. */
static void
release(struct slot *s, uint64_t word)
{
	(void)atomic_compare_exchange_strong_explicit(&s->word, &word,
	    word >> 32 << 32, memory_order_release, memory_order_relaxed);
}

/* ---- writing ---- */

static void
write_cell(struct slot *s, size_t i, uint64_t value)
{
	atomic_store_explicit(&s->cells[i], value, memory_order_relaxed);
}

static void
write_slot(const struct memory_cache *t, struct slot *s,
    const struct memory_cache_entry *e)
{
	size_t end = cells_of(e);

	atomic_store_explicit(&s->used, 0, memory_order_relaxed);
	for (size_t i = 0; i < end; i++) {
		size_t left = offsetof(struct memory_cache_entry, data) +
		    (size_t)e->len - i * sizeof(uint64_t);
		uint64_t value = 0;

		if (i == (HEAD_CELLS + end) / 2)
			TESTPOINT("table:half");
		memcpy(&value, (const unsigned char *)e + i * sizeof(value),
		    left < sizeof(value) ? left : sizeof(value));
		write_cell(s, i, value);
	}
	atomic_store_explicit(&s->check, check_of(t, e), memory_order_relaxed);
	TESTPOINT("table:written");
}

/*
 * Choose the slot that has ${name}, else an expired or abandoned one, else one
 * that was not used lately (CLOCK).  If all were used, take the first and clear
 * the marks of all.
 */
static struct slot *
choose(const struct memory_cache *t, enum slot_kind kind,
    const struct memory_cache_name *name, int64_t now)
{
	struct slot *spare = NULL, *idle = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct slot *s = nth_slot(t, kind, name, i);
		uint64_t word =
		    atomic_load_explicit(&s->word, memory_order_relaxed);

		if (!is_free(word, now))
			continue;
		if (has_name(s, name))
			return s;
		if (spare == NULL &&
		    ((word & 1) != 0 || now >= (int64_t)cell(s, 3)))
			spare = s;
		if (idle == NULL &&
		    atomic_load_explicit(&s->used, memory_order_relaxed) == 0)
			idle = s;
	}
	if (spare != NULL || idle != NULL)
		return spare != NULL ? spare : idle;
	for (size_t i = 0; i < WAYS; i++)
		atomic_store_explicit(
		    &nth_slot(t, kind, name, i)->used, 0, memory_order_relaxed);
	return nth_slot(t, kind, name, 0);
}

/* Zero all of it: it may hold a name and an e-mail address. */
static void
clear_slot(struct slot *s, enum slot_kind kind)
{
	for (size_t i = 0; i < HEAD_CELLS + data_room[kind] / 8; i++)
		write_cell(s, i, 0);
}

static void
drop_kind(const struct memory_cache *t, enum slot_kind kind,
    const struct memory_cache_name *name, int64_t now)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct slot *s = nth_slot(t, kind, name, i);
		uint64_t word;

		if (!has_name(s, name) || !claim(s, now, &word))
			continue;
		clear_slot(s, kind);
		release(s, word);
	}
}

void
memory_cache_put(const struct memory_cache *t,
    const struct memory_cache_entry *entry, int64_t now)
{
	enum slot_kind kind = entry->len <= SMALL_DATA ? SMALL : LARGE;
	struct slot *s;
	uint64_t word;

	assert(entry->len <= MEMORY_CACHE_DATA_MAX);
	if (now >= entry->expires_at)
		return;
	/* memory_cache_get() would find a small entry of that name first. */
	if (kind == LARGE)
		drop_kind(t, SMALL, &entry->name, now);
	s = choose(t, kind, &entry->name, now);
	if (!claim(s, now, &word))
		return;
	write_slot(t, s, entry);
	release(s, word);
}

void
memory_cache_drop(const struct memory_cache *t,
    const struct memory_cache_name *name, int64_t now)
{
	for (enum slot_kind kind = SMALL; kind < KINDS; kind++)
		drop_kind(t, kind, name, now);
}

/* ---- the whole cache ---- */

static struct slot *
slot_at(const struct memory_cache *t, enum slot_kind kind, size_t bucket,
    size_t way)
{
	const struct memory_cache_name any = { .hash = { bucket, 0 } };

	return nth_slot(t, kind, &any, way);
}

static bool
is_live(const struct slot *s, int64_t now)
{
	uint64_t word = atomic_load_explicit(&s->word, memory_order_relaxed);

	return (word & 1) == 0 && now < (int64_t)cell(s, 3);
}

void
memory_cache_size(const struct memory_cache *t, int64_t now, size_t step,
    int64_t *entries_out, int64_t *bytes_out)
{
	*entries_out = *bytes_out = 0;
	for (enum slot_kind kind = SMALL; kind < KINDS; kind++) {
		size_t live = 0;

		for (size_t b = 0; b < t->buckets[kind]; b += step)
			for (size_t i = 0; i < WAYS; i++)
				live += is_live(slot_at(t, kind, b, i), now);
		*entries_out += (int64_t)(live * step);
		*bytes_out += (int64_t)(live * step * slot_size(kind));
	}
}

int64_t
memory_cache_sweep(const struct memory_cache *t, int64_t now)
{
	int64_t removed = 0;

	for (enum slot_kind kind = SMALL; kind < KINDS; kind++) {
		for (size_t i = 0; i < t->buckets[kind] * WAYS; i++) {
			struct slot *s = slot_at(t, kind, i / WAYS, i % WAYS);
			uint64_t word;

			if (cell(s, 3) == 0 || is_live(s, now) ||
			    !claim(s, now, &word))
				continue;
			/* Check again: the entry may be a new one. */
			if (now >= (int64_t)cell(s, 3)) {
				clear_slot(s, kind);
				removed++;
			}
			release(s, word);
		}
	}
	return removed;
}
