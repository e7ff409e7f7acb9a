/* SPDX-License-Identifier: ISC */
#include "base/timefmt.h"

#include "support/test.h"

#include <stdio.h>
#include <time.h>

#include "base/err.h"

TEST(times_are_rfc3339_and_clamped)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 4102444799, "2099-12-31T23:59:59Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
		{ 253402300800, "9999-12-31T23:59:59Z" },
		{ INT64_MAX, "9999-12-31T23:59:59Z" },
		{ INT64_MIN, "0000-01-01T00:00:00Z" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char text[TIMEFMT_SIZE];

		timefmt_utc(text, cases[i].seconds);
		assert_string_equal(text, cases[i].text);
	}
}

static void
assert_equals_gmtime(int64_t seconds)
{
	char text[TIMEFMT_SIZE], expect[64];
	time_t t = (time_t)seconds;
	struct tm tm;

	memset(text, 'x', sizeof(text));
	timefmt_utc(text, seconds);
	assert_non_null(gmtime_r(&t, &tm));
	snprintf(expect, sizeof(expect), "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
	assert_string_equal(text, expect);
}

/* Each day of ten thousand years, at both ends and at a random second. */
TEST(dates_equal_those_of_gmtime)
{
	static const int64_t first = INT64_C(-62167219200);
	static const int64_t last = INT64_C(253402300799);
	unsigned seed = 1;

	for (int64_t day = first; day < last; day += 86400) {
		seed = seed * 1664525 + 1013904223;
		assert_equals_gmtime(day);
		assert_equals_gmtime(day + (seed >> 8) % 86400);
		assert_equals_gmtime(day + 86399);
	}
	/* Each second of one day. */
	for (int64_t second = 0; second < 86400; second++)
		assert_equals_gmtime(951782400 + second);
}
