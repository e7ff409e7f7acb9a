/* SPDX-License-Identifier: ISC */
#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"

#include "support/test.h"

#include <stdio.h>
#include <time.h>

TEST(buf_grows_and_stays_terminated)
{
	struct buf b = { 0 };

	for (int i = 0; i < 1000; i++) {
		buf_append(&b, "ab", 2);
		assert_int_equal(b.data[b.len], '\0');
	}
	buf_puts(&b, "");
	buf_printf(&b, "%d-%s", 42, "x");
	assert_int_equal(b.len, 2004);
	assert_string_equal(b.data + 2000, "42-x");
	assert_memory_equal(b.data, "abab", 4);
	assert_false(b.failed);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_printf(&b, "%0600d", 7);
	assert_int_equal(b.len, 600);
	buf_clear(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	buf_clear(&b); /* of nothing is nothing */
}

TEST(buf_fits_exactly_at_its_edges)
{
	char block[600];

	memset(block, 'z', sizeof(block));
	for (size_t n = 250; n < 262; n++) {
		struct buf b = { 0 };

		buf_append(&b, block, n);
		buf_append(&b, block, 1);
		assert_int_equal(strlen(b.data), n + 1);
		buf_clear(&b);
	}
}

TEST(what_is_lent_is_used_first_and_wiped)
{
	static const char zero[16];
	char room[16], *p;
	struct buf b = { 0 };

	memset(room, 'x', sizeof(room));
	buf_use_inline(&b, room, sizeof(room));
	assert_string_equal(b.data, "");
	buf_puts(&b, "fifteen, and no");
	assert_ptr_equal(b.data, room);
	buf_reset(&b);
	buf_puts(&b, "again");
	assert_ptr_equal(b.data, room);
	p = buf_extend(&b, 11);
	assert_ptr_not_equal(b.data, room);
	assert_memory_equal(room, zero, sizeof(room));
	memcpy(p, " and longer", 11);
	assert_string_equal(b.data, "again and longer");
	buf_clear(&b);
	assert_null(b.data);

	buf_use_inline(&b, room, sizeof(room));
	buf_puts(&b, "secret");
	buf_clear(&b);
	assert_memory_equal(room, zero, sizeof(room));
	buf_puts(&b, "own");
	assert_ptr_not_equal(b.data, room);
	buf_clear(&b);
}

TEST(buf_failure_is_sticky_and_harmless)
{
	struct buf b = { 0 };

	buf_puts(&b, "kept");
	buf_append(&b, "x", SIZE_MAX / 2);
	assert_true(b.failed);
	buf_puts(&b, "more");
	assert_string_equal(b.data, "kept");
	buf_clear(&b);
	assert_false(b.failed);
}

TEST(copy_fits_or_refuses)
{
	char dst[4] = "zzz";

	assert_int_equal(str_copy(dst, sizeof(dst), "abc"), ERR_OK);
	assert_string_equal(dst, "abc");
	assert_int_equal(str_copy(dst, sizeof(dst), "abcd"), ERR_INVALID);
	assert_string_equal(dst, "");
	assert_int_equal(str_copy(dst, 0, "a"), ERR_INVALID);
}

TEST(hex_both_ways)
{
	static const unsigned char raw[] = { 0x00, 0x9f, 0xa0, 0xff };
	char dst[9];

	str_hex(dst, raw, sizeof(raw));
	assert_string_equal(dst, "009fa0ff");
	assert_true(str_is_hex(dst, 8));
	assert_false(str_is_hex(dst, 7));
	assert_false(str_is_hex(dst, 9));
	assert_false(str_is_hex("009FA0FF", 8));
	assert_false(str_is_hex("009fa0fg", 8));
	assert_false(str_is_hex("", 1));
	assert_true(str_is_hex("", 0));
}

TEST(numbers_are_read_strictly)
{
	static const struct {
		const char *text;
		int64_t min, max;
		enum err expect;
		int64_t value;
	} cases[] = {
		{ "0", 0, 9, ERR_OK, 0 },
		{ "9", 0, 9, ERR_OK, 9 },
		{ "-7", -9, 9, ERR_OK, -7 },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, ERR_OK,
		    INT64_MAX },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, ERR_OK,
		    INT64_MIN },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, ERR_INVALID, 0 },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, ERR_INVALID,
		    0 },
		{ "99999999999999999999999", INT64_MIN, INT64_MAX, ERR_INVALID,
		    0 },
		{ "10", 0, 9, ERR_INVALID, 0 },
		{ "-1", 0, 9, ERR_INVALID, 0 },
		{ "", 0, 9, ERR_INVALID, 0 },
		{ "-", -9, 9, ERR_INVALID, 0 },
		{ "-0", -9, 9, ERR_INVALID, 0 },
		{ "+1", -9, 9, ERR_INVALID, 0 },
		{ "01", 0, 9, ERR_INVALID, 0 },
		{ " 1", 0, 9, ERR_INVALID, 0 },
		{ "1 ", 0, 9, ERR_INVALID, 0 },
		{ "0x1", 0, 9, ERR_INVALID, 0 },
		{ "1.0", 0, 9, ERR_INVALID, 0 },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		int64_t value = 77;

		assert_int_equal(str_to_int64(cases[i].text, cases[i].min,
				     cases[i].max, &value),
		    cases[i].expect);
		assert_int_equal(value, cases[i].value);
	}
}

TEST(numbers_are_written_as_they_are_read)
{
	static const struct {
		int64_t value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -1, "-1" },
		{ 9, "9" },
		{ 10, "10" },
		{ -1000, "-1000" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char text[STR_INT_SIZE];
		int64_t back;

		memset(text, 'x', sizeof(text));
		assert_int_equal(
		    str_int(text, cases[i].value), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(
		    str_to_int64(text, INT64_MIN, INT64_MAX, &back), ERR_OK);
		assert_true(back == cases[i].value);
	}
}

TEST(utf8_is_counted_and_checked)
{
	static const struct {
		const char *text;
		size_t len;
		enum err expect;
		size_t chars;
	} cases[] = {
		{ "", 0, ERR_OK, 0 },
		{ "abc", 3, ERR_OK, 3 },
		{ "a\0c", 3, ERR_OK, 3 },
		{ "\x7f", 1, ERR_OK, 1 },
		{ "\xc2\x80", 2, ERR_OK, 1 },
		{ "\xdf\xbf", 2, ERR_OK, 1 },
		{ "\xe0\xa0\x80", 3, ERR_OK, 1 },
		{ "\xed\x9f\xbf", 3, ERR_OK, 1 },
		{ "\xee\x80\x80", 3, ERR_OK, 1 },
		{ "\xf0\x90\x80\x80", 4, ERR_OK, 1 },
		{ "\xf4\x8f\xbf\xbf", 4, ERR_OK, 1 },
		{ "\x80", 1, ERR_INVALID, 0 },
		{ "\xc0\x80", 2, ERR_INVALID, 0 },         /* overlong */
		{ "\xc1\xbf", 2, ERR_INVALID, 0 },         /* overlong */
		{ "\xe0\x9f\xbf", 3, ERR_INVALID, 0 },     /* overlong */
		{ "\xf0\x8f\xbf\xbf", 4, ERR_INVALID, 0 }, /* overlong */
		{ "\xed\xa0\x80", 3, ERR_INVALID, 0 },     /* surrogate */
		{ "\xf4\x90\x80\x80", 4, ERR_INVALID, 0 }, /* > U+10FFFF */
		{ "\xf5\x80\x80\x80", 4, ERR_INVALID, 0 },
		{ "\xff", 1, ERR_INVALID, 0 },
		{ "\xc3", 1, ERR_INVALID, 0 }, /* cut short */
		{ "\xe2\x82", 2, ERR_INVALID, 0 },
		{ "\xf0\x9f\x98", 3, ERR_INVALID, 0 },
		{ "\xe2\x82z", 3, ERR_INVALID, 0 },
		{ "a\xc3(", 3, ERR_INVALID, 0 },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		size_t chars = 77;

		assert_int_equal(
		    str_utf8_chars(cases[i].text, cases[i].len, &chars),
		    cases[i].expect);
		assert_int_equal(chars, cases[i].chars);
	}
}

TEST(time_is_rfc3339)
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
assert_as_gmtime_says(int64_t seconds)
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

/* Each day of ten thousand years, at its ends and somewhere in it. */
TEST(time_is_what_gmtime_says)
{
	static const int64_t first = INT64_C(-62167219200);
	static const int64_t last = INT64_C(253402300799);
	unsigned seed = 1;

	for (int64_t day = first; day < last; day += 86400) {
		seed = seed * 1664525 + 1013904223;
		assert_as_gmtime_says(day);
		assert_as_gmtime_says(day + (seed >> 8) % 86400);
		assert_as_gmtime_says(day + 86399);
	}
	/* Each second of one of them. */
	for (int64_t second = 0; second < 86400; second++)
		assert_as_gmtime_says(951782400 + second);
}

TEST(what_is_joined_fits_or_is_cut)
{
	static const struct {
		const char *first, *second, *expect;
	} cases[] = {
		{ "", "", "" },
		{ "a", "", "a" },
		{ "", "b", "b" },
		{ "ab", "cde", "abcde" },
		{ "ab", "cdef", "abcde" },
		{ "abcde", "f", "abcde" },
		{ "abcdef", "g", "abcde" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char text[7] = "zzzzzz";

		str_join(text, 6, cases[i].first, cases[i].second);
		assert_string_equal(text, cases[i].expect);
		assert_int_equal(text[6], '\0');
	}
}

TEST(errors_have_names)
{
	assert_string_equal(err_name(ERR_OK), "ok");
	assert_string_equal(err_name(ERR_NOT_FOUND), "not_found");
	assert_string_equal(err_name(ERR_DENIED), "denied");
	assert_string_equal(err_name(ERR_LIMITED), "limited");
	assert_string_equal(err_name(ERR_INVALID), "invalid");
	assert_string_equal(err_name(ERR_CONFLICT), "conflict");
	assert_string_equal(err_name(ERR_UNAVAILABLE), "unavailable");
	assert_string_equal(err_name(ERR_INTERNAL), "internal");
}
