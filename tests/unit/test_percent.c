/* SPDX-License-Identifier: ISC */
#include "base/percent.h"

#include "support/test.h"

TEST(percent_encoding_is_decoded)
{
	static const struct {
		const char *text, *plain;
	} cases[] = {
		{ "", "" },
		{ "abc", "abc" },
		{ "%41%7a%7A", "Azz" },
		{ "%25%2B%2b", "%++" },
		{ "%c3%A9", "\xc3\xa9" },
		{ "a%20b", "a b" },
		{ "%ff", "\xff" },
	};
	char out[32];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		assert_int_equal(
		    percent_decode(cases[i].text, strlen(cases[i].text), '+',
			sizeof(out), out),
		    ERR_OK);
		assert_string_equal(out, cases[i].plain);
	}
}

TEST(a_plus_is_what_the_caller_says)
{
	char out[8];

	assert_int_equal(percent_decode("a+b", 3, ' ', sizeof(out), out), 0);
	assert_string_equal(out, "a b");
	assert_int_equal(percent_decode("a+b", 3, '+', sizeof(out), out), 0);
	assert_string_equal(out, "a+b");
	assert_int_equal(percent_decode("%2b", 3, ' ', sizeof(out), out), 0);
	assert_string_equal(out, "+");
}

/* A NUL would cut the text short; what fails leaves no part of itself. */
TEST(what_is_not_encoded_so_is_refused)
{
	static const char *const cases[] = { "%", "%4", "a%4", "%4g", "%g4",
		"%%41", "% 41", "%-1", "%00", "a%00b" };
	static const char zero[32];
	char out[32];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		memset(out, 'x', sizeof(out));
		assert_int_equal(percent_decode(cases[i], strlen(cases[i]), '+',
				     sizeof(out), out),
		    ERR_INVALID);
		assert_memory_equal(out, zero, sizeof(zero));
	}
	assert_int_equal(
	    percent_decode("a\0b", 3, '+', sizeof(out), out), ERR_INVALID);
}

/* Digits behind the text are not read. */
TEST(the_text_ends_where_its_length_says)
{
	char out[8];

	assert_int_equal(percent_decode("ab%41", 2, '+', sizeof(out), out), 0);
	assert_string_equal(out, "ab");
	for (size_t len = 3; len < 5; len++)
		assert_int_equal(
		    percent_decode("ab%41", len, '+', sizeof(out), out),
		    ERR_INVALID);
}

TEST(text_must_fit_with_its_end)
{
	char out[4];

	assert_int_equal(percent_decode("%41%42%43", 9, '+', 4, out), ERR_OK);
	assert_string_equal(out, "ABC");
	assert_int_equal(percent_decode("abcd", 4, '+', 4, out), ERR_INVALID);
	assert_int_equal(percent_decode("", 0, '+', 1, out), ERR_OK);
}
