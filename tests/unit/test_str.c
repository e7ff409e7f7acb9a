/* SPDX-License-Identifier: ISC */
#include "base/str.h"

#include "support/test.h"

TEST(copy_fits_or_refuses)
{
	char dst[4] = "zzz";

	assert_int_equal(str_copy(dst, sizeof(dst), "abc"), ERR_OK);
	assert_string_equal(dst, "abc");
	assert_int_equal(str_copy(dst, sizeof(dst), "abcd"), ERR_INVALID);
	assert_string_equal(dst, "");
	assert_int_equal(str_copy(dst, 0, "a"), ERR_INVALID);
}

TEST(hex_is_written_and_read)
{
	static const unsigned char raw[] = { 0x00, 0x9f, 0xa0, 0xff };
	unsigned char read[4];
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
	assert_int_equal(str_from_hex(read, sizeof(read), dst), ERR_OK);
	assert_memory_equal(read, raw, sizeof(raw));
	assert_int_equal(str_from_hex(read, 3, dst), ERR_INVALID);
	assert_int_equal(
	    str_from_hex(read, sizeof(read), "009FA0FF"), ERR_INVALID);
	assert_int_equal(str_hex_digit('F'), 15);
	assert_int_equal(str_hex_digit('f'), 15);
	assert_int_equal(str_hex_digit('g'), -1);
	assert_int_equal(str_hex_digit('/'), -1);
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

TEST(numbers_are_written_as_read)
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

TEST(joined_text_is_cut_to_fit)
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

TEST(white_space_is_trimmed_at_both_ends)
{
	char text[] = " \t a b \r\n", blank[] = "  ", empty[] = "";

	assert_string_equal(str_trim(text), "a b");
	assert_string_equal(str_trim(blank), "");
	assert_string_equal(str_trim(empty), "");
}

TEST(only_printable_ascii_is_visible)
{
	assert_true(str_is_visible("!~az09"));
	assert_true(str_is_visible(""));
	assert_false(str_is_visible("a b"));
	assert_false(str_is_visible("a\x7f"));
	assert_false(str_is_visible("\xc3\xa9"));
}
