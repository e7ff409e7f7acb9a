/* SPDX-License-Identifier: ISC */
#include "cache/table.h"

#include "support/test.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/secret.h"
#include "host/mapped.h"
#include "support/child.h"
#include "support/lore.h"
#include "support/table.h"

#define NOW INT64_C(1800000000)
#define WAYS 8

struct fixture {
	struct table table;
	struct mapped *m;
	struct table_view t;
	struct table_entry e;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	table_make(&f->table);
	f->m = table_open(&f->table);
	table_init(&f->t, f->m);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	mapped_close(f->m);
	table_remove(&f->table);
	free(f);
	return 0;
}

/* Is the entry ${key} there under ${generation}?  Then it must be true. */
static bool
has(struct fixture *f, uint64_t key, uint64_t generation, int64_t now)
{
	struct table_name name = lore_name(&f->t, key);

	if (!table_get(&f->t, &name, generation, now, &f->e))
		return false;
	assert_true(lore_is_true(&f->t, key, &f->e));
	if (generation != TABLE_ANY_GENERATION)
		assert_int_equal(f->e.generation, generation);
	return true;
}

static void
put(struct fixture *f, uint64_t key, uint64_t generation, size_t len)
{
	lore_make_len(&f->t, key, generation, len, &f->e);
	table_put(&f->t, &f->e, NOW);
}

/* ---- what is there ---- */

static void
gives_back_what_was_put(void **state)
{
	static const size_t lens[] = { 8, 9, 15, 16, 255, 256, 257, 1000,
		TABLE_DATA_MAX - 1, TABLE_DATA_MAX };
	struct fixture *f = *state;
	struct mapped *other = table_open(&f->table);
	struct table_view view;

	for (size_t i = 0; i < NELEMS(lens); i++) {
		assert_false(has(f, i, 4, NOW));
		put(f, i, 4, lens[i]);
		assert_true(has(f, i, 4, NOW));
		assert_int_equal(f->e.len, lens[i]);
	}
	/* and by everybody on this host */
	table_init(&view, other);
	f->t = view;
	for (size_t i = 0; i < NELEMS(lens); i++)
		assert_true(has(f, i, 4, NOW));
	mapped_close(other);
}

static void
an_empty_entry_is_one(void **state)
{
	const struct table_name none = { { 0 } };
	struct fixture *f = *state;
	struct table_name name = lore_name(&f->t, 7);

	f->e = (struct table_entry){
		.name = name, .generation = 2, .expires_at = NOW + 1
	};
	table_put(&f->t, &f->e, NOW);
	memset(&f->e, 0x5a, sizeof(f->e));
	assert_true(table_get(&f->t, &name, 2, NOW, &f->e));
	assert_int_equal(f->e.len, 0);
	/* and an empty place is none */
	assert_false(table_get(&f->t, &none, TABLE_ANY_GENERATION, -1, &f->e));
}

static void
an_entry_counts_under_its_generation_only(void **state)
{
	struct fixture *f = *state;

	put(f, 1, 4, 100);
	assert_true(has(f, 1, 4, NOW));
	assert_false(has(f, 1, 2, NOW));
	assert_false(has(f, 1, 6, NOW));
	assert_false(has(f, 1, 5, NOW));
	assert_false(has(f, 2, 4, NOW));
	assert_true(has(f, 1, TABLE_ANY_GENERATION, NOW));
	assert_int_equal(f->e.generation, 4);
	/* the next one takes its place, whatever its size */
	put(f, 1, 6, 1000);
	assert_true(has(f, 1, 6, NOW));
	put(f, 1, 8, 50);
	assert_true(has(f, 1, 8, NOW));
	assert_false(has(f, 1, 4, NOW));
}

static void
an_entry_ends_with_its_time(void **state)
{
	struct fixture *f = *state;

	assert_true(NOW < LORE_END);
	put(f, 1, 4, 100);
	assert_true(has(f, 1, 4, LORE_END - 1));
	assert_false(has(f, 1, 4, LORE_END));
	assert_false(has(f, 1, 4, LORE_END + 1));
	/* and one that is over already is not put there */
	lore_make_len(&f->t, 2, 4, 100, &f->e);
	table_put(&f->t, &f->e, LORE_END);
	assert_false(has(f, 2, 4, NOW));
}

static void
what_is_dropped_is_gone(void **state)
{
	static const size_t lens[] = { 100, 1000 };
	struct fixture *f = *state;
	struct table_name one = lore_name(&f->t, 1);

	for (size_t i = 0; i < NELEMS(lens); i++) {
		put(f, 1, 4, lens[i]);
		put(f, 2, 4, lens[i]);
		table_drop(&f->t, &one, NOW);
		assert_false(has(f, 1, TABLE_ANY_GENERATION, NOW));
		assert_true(has(f, 2, 4, NOW));
		table_drop(&f->t, &one, NOW);
	}
}

/* Each bit that an entry consists of, the other way round. */
static void
what_was_altered_is_no_entry(void **state)
{
	struct fixture *f = *state;
	unsigned char *area, *first;
	size_t size, slot = 64 + 100;
	int still = 0;

	put(f, 1, 4, 100);
	area = mapped_area(f->m, &size);
	for (first = area; *first == 0; first++)
		;
	first = area + (size_t)(first - area) / 64 * 64;
	for (size_t bit = 0; bit < slot * 8; bit++) {
		first[bit / 8] ^= (unsigned char)(1 << bit % 8);
		still += has(f, 1, 4, NOW);
		first[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	/* its word, as long as that stays even, and the note of its use */
	assert_int_equal(still, 63 + 64);
	assert_true(has(f, 1, 4, NOW));
}

static void
another_life_of_the_file_knows_nothing(void **state)
{
	struct fixture *f = *state;
	size_t size;
	void *area = mapped_area(f->m, &size);
	void *kept = malloc(size);

	assert_non_null(kept);
	put(f, 1, 4, 100);
	memcpy(kept, area, size);
	mapped_close(f->m);
	f->m = table_open(&f->table);
	table_init(&f->t, f->m);
	assert_false(has(f, 1, 4, NOW));
	memcpy(mapped_area(f->m, &size), kept, size);
	assert_false(has(f, 1, TABLE_ANY_GENERATION, NOW));
	free(kept);
}

/* ---- what reading costs ---- */

/* Strict: all but read, write and exit kills. */
static void
read_without_the_kernel(void *ctx)
{
	struct fixture *f = ctx;
	struct table_name name = lore_name(&f->t, 1),
			  none = lore_name(&f->t, 2);
	bool ok = true;

	child_check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	for (int i = 0; i < 1000; i++)
		ok = ok && table_get(&f->t, &name, 4, NOW, &f->e) &&
		    !table_get(&f->t, &none, 4, NOW, &f->e);
	(void)syscall(SYS_exit, ok ? 0 : 1);
}

static void
reading_asks_the_kernel_nothing(void **state)
{
	struct fixture *f = *state;

	put(f, 1, 4, 1000);
	child_passed(child_start(read_without_the_kernel, f));
}

static void
reading_writes_nothing(void **state)
{
	struct fixture *f = *state;
	size_t size;
	void *area = mapped_area(f->m, &size);
	void *kept = malloc(size);

	assert_non_null(kept);
	put(f, 1, 4, 100);
	put(f, 2, 4, 1000);
	/* but that it was used, once */
	assert_true(has(f, 1, 4, NOW) && has(f, 2, 4, NOW));
	memcpy(kept, area, size);
	for (int i = 0; i < 10; i++)
		assert_true(has(f, 1, 4, NOW) && has(f, 2, 4, NOW) &&
		    !has(f, 1, 6, NOW) && !has(f, 3, 4, NOW) &&
		    !has(f, 1, 4, LORE_END));
	assert_memory_equal(area, kept, size);
	free(kept);
}

/* ---- who has to make room ---- */

static unsigned
present(struct fixture *f, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		struct table_name name =
		    lore_name(&f->t, lore_neighbour(&f->t, i));

		found += table_get(&f->t, &name, 4, NOW, &f->e);
	}
	return found;
}

static void
fill_bucket(struct fixture *f)
{
	for (unsigned i = 0; i < WAYS; i++)
		put(f, lore_neighbour(&f->t, i), 4, 100);
}

static void
what_was_used_outlives_what_was_not(void **state)
{
	struct fixture *f = *state;

	fill_bucket(f);
	for (unsigned i = 0; i < WAYS; i++)
		if (i != 5)
			assert_true(has(f, lore_neighbour(&f->t, i), 4, NOW));
	put(f, lore_neighbour(&f->t, WAYS), 4, 100);
	assert_true(has(f, lore_neighbour(&f->t, WAYS), 4, NOW));
	assert_false(has(f, lore_neighbour(&f->t, 5), 4, NOW));
	assert_int_equal(present(f, WAYS), WAYS - 1);
}

static void
where_all_were_used_one_makes_room(void **state)
{
	struct fixture *f = *state;

	fill_bucket(f);
	assert_int_equal(present(f, WAYS), WAYS);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t key = lore_neighbour(&f->t, WAYS + i);

		put(f, key, 4, 100);
		assert_true(has(f, key, 4, NOW));
		assert_int_equal(present(f, WAYS + i + 1), WAYS);
	}
}

static void
what_is_over_makes_room_first(void **state)
{
	struct fixture *f = *state;
	struct table_name name;

	fill_bucket(f);
	/* used, and of a later time than the others, but over */
	lore_make_len(&f->t, lore_neighbour(&f->t, 3), 4, 100, &f->e);
	f->e.expires_at = NOW + 1;
	table_put(&f->t, &f->e, NOW);
	name = lore_name(&f->t, lore_neighbour(&f->t, 3));
	assert_true(table_get(&f->t, &name, 4, NOW, &f->e));
	lore_make_len(&f->t, lore_neighbour(&f->t, WAYS), 4, 100, &f->e);
	table_put(&f->t, &f->e, NOW + 1);
	assert_true(has(f, lore_neighbour(&f->t, WAYS), 4, NOW));
	assert_false(table_get(&f->t, &name, 4, NOW, &f->e));
	assert_int_equal(present(f, WAYS), WAYS - 1);

	/* and so does what was dropped */
	name = lore_name(&f->t, lore_neighbour(&f->t, 6));
	table_drop(&f->t, &name, NOW);
	put(f, lore_neighbour(&f->t, 3), 4, 100);
	assert_true(has(f, lore_neighbour(&f->t, 3), 4, NOW));
	assert_int_equal(present(f, WAYS), WAYS - 1);
}

/* Far more than fit: what is there is true, and most places are taken. */
static void
is_full_and_goes_on(void **state)
{
	struct fixture *f = *state;
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

/* Short and long ones lie apart; under one name the last is the one. */
static void
the_last_one_counts_whatever_its_length(void **state)
{
	static const size_t lens[] = { 8, 1000, 16, TABLE_DATA_MAX, 9 };
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEMS(lens); i++) {
		put(f, 7, 2, lens[i]);
		assert_true(has(f, 7, 2, NOW));
		assert_int_equal(f->e.len, lens[i]);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(gives_back_what_was_put),
		TEST(the_last_one_counts_whatever_its_length),
		TEST(an_empty_entry_is_one),
		TEST(an_entry_counts_under_its_generation_only),
		TEST(an_entry_ends_with_its_time),
		TEST(what_is_dropped_is_gone),
		TEST(what_was_altered_is_no_entry),
		TEST(another_life_of_the_file_knows_nothing),
		TEST(reading_asks_the_kernel_nothing),
		TEST(reading_writes_nothing),
		TEST(what_was_used_outlives_what_was_not),
		TEST(where_all_were_used_one_makes_room),
		TEST(what_is_over_makes_room_first),
		TEST(is_full_and_goes_on),
	};

	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
