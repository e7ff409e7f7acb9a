/* SPDX-License-Identifier: ISC */
#include "base/clock.h"

#include "base/err.h"
#include "support/test.h"

static int64_t
get_wall(void)
{
	return 1000;
}

TEST(drift_is_not_behind)
{
	static const struct clock clock = { .wall = get_wall };
	static const struct {
		int64_t latest, behind;
	} cases[] = {
		{ 0, 0 },
		{ 1000, 0 },
		{ 1000 + CLOCK_DRIFT_SECONDS, 0 },
		{ 1001 + CLOCK_DRIFT_SECONDS, 1 + CLOCK_DRIFT_SECONDS },
		{ INT64_MAX, INT64_MAX - 1000 },
	};

	for (size_t i = 0; i < NELEMS(cases); i++)
		assert_int_equal(
		    clock_behind(&clock, cases[i].latest), cases[i].behind);
}
