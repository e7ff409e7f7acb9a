/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

/*
 * cmocka.h uses types that it does not include, so the order is fixed here,
 * once, and no test includes it itself.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

/*
 * A test registers itself, and tests/support/test_main.c runs what is
 * registered, in the order of the source file:
 *
 *	TEST(a_new_key_is_published_before_it_signs, struct fixture *f)
 *	{
 *		...
 *	}
 *
 * The parameter is what the set-up left in *state; a test without a fixture
 * has none.  The program runs all tests; arguments select them by name.
 *
 * TEST_FIXTURE(struct fixture, set_up, tear_down); gives each test of the file
 * a struct of its own, zeroed, which set_up(f) fills and tear_down(f) clears.
 * TEST_FIXTURE(set_up, tear_down); leaves the memory to cmocka's functions, of
 * which either may be NULL.  TEST_GROUP_FIXTURE(...); is one for all tests
 * together.
 *
 * Where not every test runs everywhere, TEST_IN(groups, name, ...) says in
 * which groups, an or of bits of an enum in that file.  TEST_FIXTURE_IN(groups,
 * title, set_up, tear_down); is the fixture in those groups: a test runs once
 * with each fixture whose groups include one of its own, as "title: name".
 * A file with more than one group fixture defines TEST_RUN() { ... }, which
 * returns the sum of test_run(), site_run() or the like: the number of tests
 * that failed.
 */
typedef int test_fixture_fn(void **state);

struct test {
	const char *name;
	void (*run)(void **state);
	unsigned groups;
	const char *file;
	int line;
	struct test *next;
};

struct test_fixture {
	const char *title; /* may be NULL */
	unsigned groups;
	test_fixture_fn *set_up, *tear_down;
	int order;
	struct test_fixture *next;
};

#define TEST_ALL (~0U)
#define TEST(...) TEST_IN(TEST_ALL, __VA_ARGS__)
#define TEST_IN(in, ...)                                                       \
	TEST_PICK(__VA_ARGS__, TEST_TYPED, TEST_PLAIN, )(in, __VA_ARGS__)
#define TEST_PICK(first, second, third, ...) third
#define TEST_PLAIN(in, title)                                                  \
	static void title(void **state);                                       \
	TEST_REGISTER(in, title, title)                                        \
	static void title(__attribute__((unused)) void **state)
#define TEST_TYPED(in, title, fixture)                                         \
	static void title(fixture);                                            \
	static void test_call_##title(void **state)                            \
	{                                                                      \
		title(*state);                                                 \
	}                                                                      \
	TEST_REGISTER(in, title, test_call_##title)                            \
	static void title(fixture)
#define TEST_REGISTER(in, title, run)                                          \
	TEST_CONSTRUCTOR(test_add_##title)                                     \
	{                                                                      \
		static struct test self = { #title, run, in, __FILE__,         \
			__LINE__, NULL };                                      \
                                                                               \
		test_add(&self);                                               \
	}

#define TEST_FIXTURE(...)                                                      \
	TEST_PICK4(__VA_ARGS__, TEST_FIXTURE_TYPED, TEST_FIXTURE_PLAIN, )      \
	(__COUNTER__, __VA_ARGS__)
#define TEST_FIXTURE_PLAIN(n, set_up, tear_down)                               \
	TEST_FIXTURE_NUMBERED(n, TEST_ALL, NULL, set_up, tear_down)
#define TEST_FIXTURE_TYPED(n, type, set_up, tear_down)                         \
	TEST_ALLOCATED(n, type, set_up, tear_down)                             \
	TEST_FIXTURE_NUMBERED(n, TEST_ALL, NULL, TEST_NAME(test_set_up_, n),   \
	    TEST_NAME(test_tear_down_, n))
#define TEST_FIXTURE_IN(in, title, set_up, tear_down)                          \
	TEST_FIXTURE_NUMBERED(__COUNTER__, in, title, set_up, tear_down)
#define TEST_FIXTURE_NUMBERED(n, in, title, set_up, tear_down)                 \
	TEST_CONSTRUCTOR(TEST_NAME(test_add_fixture_, n))                      \
	{                                                                      \
		static struct test_fixture self = { title, in, set_up,         \
			tear_down, n, NULL };                                  \
                                                                               \
		test_add_fixture(&self);                                       \
	}                                                                      \
	struct test
#define TEST_GROUP_FIXTURE(...)                                                \
	TEST_PICK4(__VA_ARGS__, TEST_GROUP_TYPED, TEST_GROUP_PLAIN, )          \
	(__COUNTER__, __VA_ARGS__)
#define TEST_GROUP_TYPED(n, type, set_up, tear_down)                           \
	TEST_ALLOCATED(n, type, set_up, tear_down)                             \
	TEST_GROUP_PLAIN(                                                      \
	    n, TEST_NAME(test_set_up_, n), TEST_NAME(test_tear_down_, n))
#define TEST_GROUP_PLAIN(n, set_up, tear_down)                                 \
	TEST_RUN()                                                             \
	{                                                                      \
		return test_run("tests", TEST_ALL, set_up, tear_down);         \
	}                                                                      \
	struct test
#define TEST_PICK4(first, second, third, fourth, ...) fourth
/* The fixture's memory around functions that fill and clear it. */
#define TEST_ALLOCATED(n, type, set_up, tear_down)                             \
	static int TEST_NAME(test_set_up_, n)(void **state)                    \
	{                                                                      \
		void *fixture = test_allocate(sizeof(type));                   \
                                                                               \
		*state = fixture;                                              \
		set_up(fixture);                                               \
		return 0;                                                      \
	}                                                                      \
	static int TEST_NAME(test_tear_down_, n)(void **state)                 \
	{                                                                      \
		tear_down(*state);                                             \
		free(*state);                                                  \
		return 0;                                                      \
	}
#define TEST_RUN()                                                             \
	static int test_run_file(void);                                        \
	TEST_CONSTRUCTOR(test_set_run_file)                                    \
	{                                                                      \
		test_set_run(test_run_file);                                   \
	}                                                                      \
	static int test_run_file(void)

#define TEST_CONSTRUCTOR(name)                                                 \
	__attribute__((constructor)) static void name(void)
#define TEST_NAME(name, n) TEST_NAME_JOINED(name, n)
#define TEST_NAME_JOINED(name, n) name##n

/**
 * test_run(title, groups, set_up, tear_down):
 * Run the tests of ${groups} that are selected as one group of cmocka's, with
 * ${set_up} before and ${tear_down} after all of them, unless NULL; without
 * any, do neither.  Return how many failed.
 */
int test_run(const char *title, unsigned groups, test_fixture_fn *set_up,
    test_fixture_fn *tear_down);

/**
 * test_select(name):
 * Run only tests called ${name}, and others that were selected.  Return false
 * if there is none.  ${name} is borrowed.
 */
bool test_select(const char *name);

/**
 * test_main(argc, argv):
 * Select the tests that ${argv} names, if any, and run the file's.  Return the
 * exit status.
 */
int test_main(int argc, char **argv);

/* test_allocate(size): zeroed memory; the test fails if there is none. */
void *test_allocate(size_t size);

/* What the macros above register. */
void test_add(struct test *test);
void test_add_fixture(struct test_fixture *fixture);
void test_set_run(int (*run)(void));

#endif
