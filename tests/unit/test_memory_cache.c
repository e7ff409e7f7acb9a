/* SPDX-License-Identifier: ISC */
#include "cache/memory_cache.h"

#include "support/test.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/secret.h"
#include "shm/shm.h"
#include "support/child.h"
#include "support/shm_fixture.h"
#include "support/shm_pattern.h"

#define NOW INT64_C(1800000000)
#define WAYS 8

struct fixture {
	struct table table;
	struct shm *m;
	struct memory_cache t;
	struct memory_cache_entry e;
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	memory_cache_init(&f->t, f->m);
}

static void
tear_down(struct fixture *f)
{
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

/* Return whether ${key} is found under ${generation}; its data must match. */
static bool
has(struct fixture *f, uint64_t key, uint64_t generation, int64_t now)
{
	struct memory_cache_name name = shm_pattern_name(&f->t, key);

	if (!memory_cache_get(&f->t, &name, generation, now, &f->e))
		return false;
	assert_true(shm_pattern_is_true(&f->t, key, &f->e));
	if (generation != MEMORY_CACHE_ANY_GENERATION)
		assert_int_equal(f->e.generation, generation);
	return true;
}

static void
put(struct fixture *f, uint64_t key, uint64_t generation, size_t len)
{
	shm_pattern_make_len(&f->t, key, generation, len, &f->e);
	memory_cache_put(&f->t, &f->e, NOW);
}

/* ---- entries ---- */

TEST(an_entry_is_found_as_it_was_put, struct fixture *f)
{
	static const size_t lens[] = { 8, 9, 15, 16, 255, 256, 257, 1000,
		MEMORY_CACHE_DATA_MAX - 1, MEMORY_CACHE_DATA_MAX };
	struct shm *other = shm_fixture_open(&f->table);
	struct memory_cache view;

	for (size_t i = 0; i < NELEMS(lens); i++) {
		assert_false(has(f, i, 4, NOW));
		put(f, i, 4, lens[i]);
		assert_true(has(f, i, 4, NOW));
		assert_int_equal(f->e.len, lens[i]);
	}
	/* by other processes of the host, too */
	memory_cache_init(&view, other);
	f->t = view;
	for (size_t i = 0; i < NELEMS(lens); i++)
		assert_true(has(f, i, 4, NOW));
	shm_detach(other);
}

TEST(an_empty_entry_is_an_entry, struct fixture *f)
{
	const struct memory_cache_name none = { { 0 } };
	struct memory_cache_name name = shm_pattern_name(&f->t, 7);

	f->e = (struct memory_cache_entry){
		.name = name, .generation = 2, .expires_at = NOW + 1
	};
	memory_cache_put(&f->t, &f->e, NOW);
	memset(&f->e, 0x5a, sizeof(f->e));
	assert_true(memory_cache_get(&f->t, &name, 2, NOW, &f->e));
	assert_int_equal(f->e.len, 0);
	/* but an empty slot is not */
	assert_false(memory_cache_get(
	    &f->t, &none, MEMORY_CACHE_ANY_GENERATION, -1, &f->e));
}

TEST(an_entry_counts_under_its_generation_only, struct fixture *f)
{
	put(f, 1, 4, 100);
	assert_true(has(f, 1, 4, NOW));
	assert_false(has(f, 1, 2, NOW));
	assert_false(has(f, 1, 6, NOW));
	assert_false(has(f, 1, 5, NOW));
	assert_false(has(f, 2, 4, NOW));
	assert_true(has(f, 1, MEMORY_CACHE_ANY_GENERATION, NOW));
	assert_int_equal(f->e.generation, 4);
	/* the next entry replaces it, whatever its size */
	put(f, 1, 6, 1000);
	assert_true(has(f, 1, 6, NOW));
	put(f, 1, 8, 50);
	assert_true(has(f, 1, 8, NOW));
	assert_false(has(f, 1, 4, NOW));
}

TEST(an_entry_expires, struct fixture *f)
{
	assert_true(NOW < SHM_PATTERN_END);
	put(f, 1, 4, 100);
	assert_true(has(f, 1, 4, SHM_PATTERN_END - 1));
	assert_false(has(f, 1, 4, SHM_PATTERN_END));
	assert_false(has(f, 1, 4, SHM_PATTERN_END + 1));
	/* and is not stored if it has expired already */
	shm_pattern_make_len(&f->t, 2, 4, 100, &f->e);
	memory_cache_put(&f->t, &f->e, SHM_PATTERN_END);
	assert_false(has(f, 2, 4, NOW));
}

TEST(a_dropped_entry_is_gone, struct fixture *f)
{
	static const size_t lens[] = { 100, 1000 };
	struct memory_cache_name one = shm_pattern_name(&f->t, 1);

	for (size_t i = 0; i < NELEMS(lens); i++) {
		put(f, 1, 4, lens[i]);
		put(f, 2, 4, lens[i]);
		memory_cache_drop(&f->t, &one, NOW);
		assert_false(has(f, 1, MEMORY_CACHE_ANY_GENERATION, NOW));
		assert_true(has(f, 2, 4, NOW));
		memory_cache_drop(&f->t, &one, NOW);
	}
}

/* Flips each bit of an entry. */
TEST(an_altered_entry_is_not_found, struct fixture *f)
{
	unsigned char *area, *first;
	size_t size, slot = 64 + 100;
	int still = 0;

	put(f, 1, 4, 100);
	area = shm_region(f->m, &size);
	for (first = area; *first == 0; first++)
		;
	first = area + (size_t)(first - area) / 64 * 64;
	for (size_t bit = 0; bit < slot * 8; bit++) {
		first[bit / 8] ^= (unsigned char)(1 << bit % 8);
		still += has(f, 1, 4, NOW);
		first[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	/* except in the word, while that stays even, and in the used mark */
	assert_int_equal(still, 63 + 64);
	assert_true(has(f, 1, 4, NOW));
}

TEST(a_reset_file_has_no_entries, struct fixture *f)
{
	size_t size;
	void *area = shm_region(f->m, &size);
	void *kept = malloc(size);

	assert_non_null(kept);
	put(f, 1, 4, 100);
	memcpy(kept, area, size);
	shm_detach(f->m);
	f->m = shm_fixture_open(&f->table);
	memory_cache_init(&f->t, f->m);
	assert_false(has(f, 1, 4, NOW));
	memcpy(shm_region(f->m, &size), kept, size);
	assert_false(has(f, 1, MEMORY_CACHE_ANY_GENERATION, NOW));
	free(kept);
}

/* ---- cost of reading ---- */

/* Seccomp strict mode kills on anything but read, write and exit. */
static void
read_without_the_kernel(void *ctx)
{
	struct fixture *f = ctx;
	struct memory_cache_name name = shm_pattern_name(&f->t, 1),
				 none = shm_pattern_name(&f->t, 2);
	bool ok = true;

	child_check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	for (int i = 0; i < 1000; i++)
		ok = ok && memory_cache_get(&f->t, &name, 4, NOW, &f->e) &&
		    !memory_cache_get(&f->t, &none, 4, NOW, &f->e);
	(void)syscall(SYS_exit, ok ? 0 : 1);
}

TEST(reading_makes_no_system_call, struct fixture *f)
{
	put(f, 1, 4, 1000);
	child_passed(child_start(read_without_the_kernel, f));
}

TEST(reading_writes_nothing, struct fixture *f)
{
	size_t size;
	void *area = shm_region(f->m, &size);
	void *kept = malloc(size);

	assert_non_null(kept);
	put(f, 1, 4, 100);
	put(f, 2, 4, 1000);
	/* but the used mark, once */
	assert_true(has(f, 1, 4, NOW) && has(f, 2, 4, NOW));
	memcpy(kept, area, size);
	for (int i = 0; i < 10; i++)
		assert_true(has(f, 1, 4, NOW) && has(f, 2, 4, NOW) &&
		    !has(f, 1, 6, NOW) && !has(f, 3, 4, NOW) &&
		    !has(f, 1, 4, SHM_PATTERN_END));
	assert_memory_equal(area, kept, size);
	free(kept);
}

/* ---- eviction ---- */

static unsigned
present(struct fixture *f, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		struct memory_cache_name name =
		    shm_pattern_name(&f->t, shm_pattern_neighbour(&f->t, i));

		found += memory_cache_get(&f->t, &name, 4, NOW, &f->e);
	}
	return found;
}

static void
fill_bucket(struct fixture *f)
{
	for (unsigned i = 0; i < WAYS; i++)
		put(f, shm_pattern_neighbour(&f->t, i), 4, 100);
}

TEST(used_entries_outlive_unused_ones, struct fixture *f)
{
	fill_bucket(f);
	for (unsigned i = 0; i < WAYS; i++)
		if (i != 5)
			assert_true(
			    has(f, shm_pattern_neighbour(&f->t, i), 4, NOW));
	put(f, shm_pattern_neighbour(&f->t, WAYS), 4, 100);
	assert_true(has(f, shm_pattern_neighbour(&f->t, WAYS), 4, NOW));
	assert_false(has(f, shm_pattern_neighbour(&f->t, 5), 4, NOW));
	assert_int_equal(present(f, WAYS), WAYS - 1);
}

TEST(if_all_were_used_one_is_evicted, struct fixture *f)
{
	fill_bucket(f);
	assert_int_equal(present(f, WAYS), WAYS);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t key = shm_pattern_neighbour(&f->t, WAYS + i);

		put(f, key, 4, 100);
		assert_true(has(f, key, 4, NOW));
		assert_int_equal(present(f, WAYS + i + 1), WAYS);
	}
}

TEST(expired_entries_are_evicted_first, struct fixture *f)
{
	struct memory_cache_name name;

	fill_bucket(f);
	/* used, and more recently than the others, but expired */
	shm_pattern_make_len(
	    &f->t, shm_pattern_neighbour(&f->t, 3), 4, 100, &f->e);
	f->e.expires_at = NOW + 1;
	memory_cache_put(&f->t, &f->e, NOW);
	name = shm_pattern_name(&f->t, shm_pattern_neighbour(&f->t, 3));
	assert_true(memory_cache_get(&f->t, &name, 4, NOW, &f->e));
	shm_pattern_make_len(
	    &f->t, shm_pattern_neighbour(&f->t, WAYS), 4, 100, &f->e);
	memory_cache_put(&f->t, &f->e, NOW + 1);
	assert_true(has(f, shm_pattern_neighbour(&f->t, WAYS), 4, NOW));
	assert_false(memory_cache_get(&f->t, &name, 4, NOW, &f->e));
	assert_int_equal(present(f, WAYS), WAYS - 1);

	/* so is a dropped entry */
	name = shm_pattern_name(&f->t, shm_pattern_neighbour(&f->t, 6));
	memory_cache_drop(&f->t, &name, NOW);
	put(f, shm_pattern_neighbour(&f->t, 3), 4, 100);
	assert_true(has(f, shm_pattern_neighbour(&f->t, 3), 4, NOW));
	assert_int_equal(present(f, WAYS), WAYS - 1);
}

/* Puts far more than fit: entries are right, and most slots are used. */
TEST(a_full_cache_goes_on, struct fixture *f)
{
	const uint64_t n = 20000;
	uint64_t found[2] = { 0, 0 };

	for (uint64_t key = 0; key < n; key++) {
		put(f, key, 4, key % 4 == 0 ? 700 : 200);
		assert_true(has(f, key, 4, NOW));
	}
	for (uint64_t key = 0; key < n; key++)
		found[key % 4 == 0] += has(f, key, 4, NOW);
	for (int kind = 0; kind < 2; kind++) {
		assert_true(found[kind] <= WAYS * f->t.buckets[kind]);
		assert_true(found[kind] > WAYS * f->t.buckets[kind] * 9 / 10);
	}
}

/* Small and large slots lie apart, but a name has one entry. */
TEST(the_last_put_counts_whatever_its_length, struct fixture *f)
{
	static const size_t lens[] = { 8, 1000, 16, MEMORY_CACHE_DATA_MAX, 9 };

	for (size_t i = 0; i < NELEMS(lens); i++) {
		put(f, 7, 2, lens[i]);
		assert_true(has(f, 7, 2, NOW));
		assert_int_equal(f->e.len, lens[i]);
	}
}
