/* SPDX-License-Identifier: ISC */
#include "http/problem.h"

#include "support/test.h"

TEST(every_row_is_consistent)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		const struct problem_info *info = problem_info((enum problem)p);

		assert_in_range(info->status, 400, 599);
		assert_true(info->title[0] != '\0');
		assert_int_equal(
		    strspn(info->code, "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(info->code));
		assert_int_not_equal(info->err, ERR_OK);
		/* 503 is never a denial, and no denial is a 503. */
		assert_int_equal(
		    info->status >= 500, info->err >= ERR_UNAVAILABLE);
		for (int q = PROBLEM_NONE + 1; q < p; q++)
			assert_string_not_equal(
			    info->code, problem_info((enum problem)q)->code);
	}
}

TEST(unknown_problems_are_internal)
{
	const struct problem_info *internal = problem_info(PROBLEM_INTERNAL);

	assert_ptr_equal(problem_info(PROBLEM_NONE), internal);
	assert_ptr_equal(problem_info(PROBLEM_COUNT), internal);
	assert_ptr_equal(problem_info((enum problem) - 1), internal);
}

TEST(every_error_has_a_matching_problem)
{
	assert_int_equal(problem_of(ERR_OK), PROBLEM_NONE);
	for (int e = ERR_OK + 1; e <= ERR_INTERNAL; e++)
		assert_int_equal(problem_info(problem_of((enum err)e))->err, e);
	assert_int_equal(problem_of(ERR_DENIED), PROBLEM_NOT_SIGNED_IN);
	assert_int_equal(problem_of(ERR_UNAVAILABLE), PROBLEM_UNAVAILABLE);
	assert_int_equal(problem_of(ERR_BUSY), PROBLEM_BUSY);
	assert_int_equal(problem_of((enum err)99), PROBLEM_INTERNAL);
}
