/* SPDX-License-Identifier: ISC */
#include "host/wish.h"

#include "support/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "host/mapped.h"
#include "support/child.h"
#include "support/table.h"

#define ONE "https://one.example"
#define NOW 1800000000
#define LONG_MS 60000

struct fixture {
	struct table table;
	struct mapped *m;
	atomic_int *waits; /* in a child: it is about to */
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	table_make(&f->table);
	f->m = table_open(&f->table);
	f->waits = child_shared(sizeof(*f->waits));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	child_unshare(f->waits, sizeof(*f->waits));
	mapped_close(f->m);
	table_remove(&f->table);
	free(f);
	return 0;
}

/* Names of issuers until one has another word than ${name}. */
static void
wish_beside(struct mapped *m, const char *name, int64_t at, char other[64])
{
	int64_t before;

	for (int i = 0;; i++) {
		before = wish_at(m, name);
		snprintf(other, 64, "https://%d.example", i);
		wish_issuer(m, other, at + i);
		assert_int_equal(wish_at(m, other), at + i);
		if (wish_at(m, name) == before)
			return;
	}
}

static void
the_latest_wish_counts(void **state)
{
	struct fixture *f = *state;
	uint32_t serial = wish_serial(f->m);
	char other[64];

	assert_int_equal(wish_at(f->m, ONE), 0);
	wish_issuer(f->m, ONE, NOW);
	assert_int_equal(wish_at(f->m, ONE), NOW);
	assert_int_equal(wish_serial(f->m), serial + 1);
	/* Nobody is woken for what has been wished for in the same second. */
	for (int i = 0; i < 1000; i++)
		wish_issuer(f->m, ONE, NOW);
	wish_issuer(f->m, ONE, NOW - 1);
	assert_int_equal(wish_at(f->m, ONE), NOW);
	assert_int_equal(wish_serial(f->m), serial + 1);
	wish_issuer(f->m, ONE, NOW + 1);
	assert_int_equal(wish_at(f->m, ONE), NOW + 1);
	assert_int_equal(wish_serial(f->m), serial + 2);

	wish_beside(f->m, ONE, NOW + 10, other);
	assert_true(wish_at(f->m, other) >= NOW + 10);
}

static void
waiting_ends(void **state)
{
	struct fixture *f = *state;
	int64_t start = clock_system.mono_us();

	wish_wait(f->m, wish_serial(f->m), 30);
	assert_true(clock_system.mono_us() - start >= 30 * 1000);
	/* It does not wait for what has come already. */
	start = clock_system.mono_us();
	wish_wait(f->m, wish_serial(f->m) - 1, LONG_MS);
	assert_true(clock_system.mono_us() - start < LONG_MS * 1000);
}

static void
wait_for_a_wish(void *ctx)
{
	struct fixture *f = ctx;
	int64_t start = clock_system.mono_us();
	struct mapped *m;
	uint32_t serial;

	child_check(mapped_open(f->table.db, TABLE_MB, &m) == ERR_OK);
	serial = wish_serial(m);
	atomic_store(f->waits, 1);
	while (wish_serial(m) == serial)
		wish_wait(m, serial, LONG_MS);
	child_check(clock_system.mono_us() - start < LONG_MS * 1000);
	child_check(wish_at(m, ONE) == NOW);
	mapped_close(m);
}

static void
a_wish_wakes_another_process(void **state)
{
	struct fixture *f = *state;
	const struct timespec ms = { .tv_nsec = 1000000 };
	pid_t pid = child_start(wait_for_a_wish, f);

	while (atomic_load(f->waits) == 0)
		(void)nanosleep(&ms, NULL);
	wish_issuer(f->m, ONE, NOW);
	child_passed(pid);
}

/* A wish in a file that is nobody's any more hurts nobody. */
static void
a_replaced_file_takes_its_wishes_with_it(void **state)
{
	struct fixture *f = *state;
	struct mapped *next;

	assert_int_equal(unlink(f->table.path), 0);
	next = table_open(&f->table);
	wish_issuer(f->m, ONE, NOW);
	assert_int_equal(wish_at(f->m, ONE), NOW);
	assert_int_equal(wish_at(next, ONE), 0);
	wish_wait(f->m, wish_serial(f->m), 10);
	assert_false(mapped_is_current(f->m));
	mapped_close(next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_latest_wish_counts),
		TEST(waiting_ends),
		TEST(a_wish_wakes_another_process),
		TEST(a_replaced_file_takes_its_wishes_with_it),
	};

	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
