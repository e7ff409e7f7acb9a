/* SPDX-License-Identifier: ISC */
#include "http/problem.h"

#include "support/test.h"

static void
every_row_makes_sense(void **state)
{
	(void)state;
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		const struct problem_info *info = problem_info((enum problem)p);

		assert_in_range(info->status, 400, 599);
		assert_true(info->title[0] != '\0');
		assert_int_equal(
		    strspn(info->code, "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(info->code));
		assert_int_not_equal(info->err, ERR_OK);
		/* "Cannot tell" is never an answer, and no answer is it. */
		assert_int_equal(
		    info->status >= 500, info->err >= ERR_UNAVAILABLE);
		for (int q = PROBLEM_NONE + 1; q < p; q++)
			assert_string_not_equal(
			    info->code, problem_info((enum problem)q)->code);
	}
}

static void
what_is_no_problem_is_an_internal_one(void **state)
{
	const struct problem_info *internal = problem_info(PROBLEM_INTERNAL);

	(void)state;
	assert_ptr_equal(problem_info(PROBLEM_NONE), internal);
	assert_ptr_equal(problem_info(PROBLEM_COUNT), internal);
	assert_ptr_equal(problem_info((enum problem) - 1), internal);
}

static void
every_error_has_a_problem_of_its_kind(void **state)
{
	(void)state;
	assert_int_equal(problem_of(ERR_OK), PROBLEM_NONE);
	for (int e = ERR_OK + 1; e <= ERR_INTERNAL; e++)
		assert_int_equal(problem_info(problem_of((enum err)e))->err, e);
	assert_int_equal(problem_of(ERR_DENIED), PROBLEM_NOT_SIGNED_IN);
	assert_int_equal(problem_of(ERR_UNAVAILABLE), PROBLEM_UNAVAILABLE);
	assert_int_equal(problem_of(ERR_BUSY), PROBLEM_BUSY);
	assert_int_equal(problem_of((enum err)99), PROBLEM_INTERNAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_makes_sense),
		cmocka_unit_test(what_is_no_problem_is_an_internal_one),
		cmocka_unit_test(every_error_has_a_problem_of_its_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
