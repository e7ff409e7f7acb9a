/* SPDX-License-Identifier: ISC */
#include "base/unicode.h"

#include "base/secret.h"
#include "support/test.h"

TEST(normal_forms_are_those_of_unicode)
{
	static const struct {
		const char *text, *nfkc, *folded;
	} cases[] = {
		{ "", "", "" },
		{ "Plain", "Plain", "plain" },
		{ "e\xcc\x81", "\xc3\xa9", "\xc3\xa9" }, /* e, acute */
		{ "\xc3\x89", "\xc3\x89", "\xc3\xa9" },
		{ "\xef\xbc\xa1", "A", "a" },             /* full width */
		{ "\xef\xac\x81", "fi", "fi" },           /* ligature */
		{ "\xc3\x9f", "\xc3\x9f", "ss" },         /* sharp s */
		{ "\xe1\xba\x9e", "\xe1\xba\x9e", "ss" }, /* capital one */
		{ "\xe2\x84\xaa", "K", "k" },             /* kelvin */
		{ "a\xc2\xad"
		  "b",
		    "a\xc2\xad"
		    "b",
		    "ab" },                   /* soft hyphen */
		{ "\xc2\xa0", " ", " " },     /* no-break */
		{ "\xef\xbc\xa0", "@", "@" }, /* full width */
		{ "\xe2\x85\xa7", "VIII", "viii" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char dst[32];

		assert_int_equal(
		    unicode_nfkc(dst, sizeof(dst), cases[i].text), ERR_OK);
		assert_string_equal(dst, cases[i].nfkc);
		assert_int_equal(
		    unicode_nfkc_casefold(dst, sizeof(dst), cases[i].text),
		    ERR_OK);
		assert_string_equal(dst, cases[i].folded);
	}
}

TEST(invalid_utf8_is_refused)
{
	static const char *const cases[] = { "\xff", "a\xc3", "\xed\xa0\x80",
		"\xc0\xaf", "\xf4\x90\x80\x80" };

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char dst[32] = "left over";
		const char *p = cases[i];
		enum unicode_kind kind;

		assert_int_equal(
		    unicode_nfkc(dst, sizeof(dst), cases[i]), ERR_INVALID);
		assert_string_equal(dst, "");
		while ((kind = unicode_next(&p)) == UNICODE_PLAIN)
			;
		assert_int_equal(kind, UNICODE_INVALID);
	}
}

TEST(values_that_do_not_fit_are_refused)
{
	char dst[4];

	assert_int_equal(unicode_nfkc(dst, 4, "abc"), ERR_OK);
	assert_string_equal(dst, "abc");
	assert_int_equal(unicode_nfkc(dst, 4, "abcd"), ERR_INVALID);
	assert_string_equal(dst, "");
	/* Three bytes in, four out. */
	assert_int_equal(unicode_nfkc(dst, 4, "\xe2\x85\xa7"), ERR_INVALID);
	/* One character of three bytes that becomes eighteen. */
	assert_int_equal(unicode_nfkc(dst, 4, "\xef\xb7\xba"), ERR_INVALID);
	assert_int_equal(unicode_nfkc(dst, 1, ""), ERR_OK);
}

/*
 * Two addresses are one account if their normal forms are equal, so normalising
 * must be idempotent.
 */
TEST(normal_forms_are_idempotent)
{
	for (uint32_t c = 1; c < 0x30000; c++) {
		char text[8] = { 0 }, once[128], twice[128];

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c < 0x80) {
			text[0] = (char)c;
		} else if (c < 0x800) {
			text[0] = (char)(0xc0 | c >> 6);
			text[1] = (char)(0x80 | (c & 63));
		} else if (c < 0x10000) {
			text[0] = (char)(0xe0 | c >> 12);
			text[1] = (char)(0x80 | (c >> 6 & 63));
			text[2] = (char)(0x80 | (c & 63));
		} else {
			text[0] = (char)(0xf0 | c >> 18);
			text[1] = (char)(0x80 | (c >> 12 & 63));
			text[2] = (char)(0x80 | (c >> 6 & 63));
			text[3] = (char)(0x80 | (c & 63));
		}
		assert_int_equal(
		    unicode_nfkc_casefold(once, sizeof(once), text), ERR_OK);
		assert_int_equal(
		    unicode_nfkc_casefold(twice, sizeof(twice), once), ERR_OK);
		if (strcmp(once, twice) != 0)
			fail_msg("U+%04X does not stay", c);
	}
}

TEST(characters_have_a_kind)
{
	static const struct {
		const char *text;
		enum unicode_kind kind;
	} cases[] = {
		{ "", UNICODE_END },
		{ "a", UNICODE_PLAIN },
		{ "\xf0\x9f\x98\x80", UNICODE_PLAIN },
		{ " ", UNICODE_SPACE },
		{ "\xc2\xa0", UNICODE_SPACE },
		{ "\xe3\x80\x80", UNICODE_SPACE },
		{ "\xc2\xad", UNICODE_INVISIBLE },     /* soft hyphen */
		{ "\xe2\x80\x8b", UNICODE_INVISIBLE }, /* zero width space */
		{ "\xe2\x80\x8d", UNICODE_INVISIBLE }, /* joiner */
		{ "\xef\xbb\xbf", UNICODE_INVISIBLE }, /* byte order mark */
		{ "\xe3\x85\xa4", UNICODE_INVISIBLE }, /* Hangul filler */
		{ "\xef\xb8\x8f", UNICODE_INVISIBLE }, /* variation selector */
		{ "\xf3\xa0\x81\x81", UNICODE_INVISIBLE }, /* tag */
		{ "\xe2\xa0\x80", UNICODE_INVISIBLE },     /* braille blank */
		{ "\xe2\xa0\x81", UNICODE_PLAIN },         /* braille */
		{ "\xcc\x81", UNICODE_PLAIN },             /* an accent alone */
		{ "\n", UNICODE_CONTROL },
		{ "\x7f", UNICODE_CONTROL },
		{ "\xc2\x85", UNICODE_CONTROL },
		{ "\xe2\x80\xa8", UNICODE_CONTROL }, /* line separator */
		{ "\xe2\x80\xae", UNICODE_CONTROL }, /* override */
		{ "\xe2\x81\xa6", UNICODE_CONTROL }, /* isolate */
		{ "\x80", UNICODE_INVALID },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		const char *p = cases[i].text;

		assert_int_equal(unicode_next(&p), cases[i].kind);
		if (cases[i].kind == UNICODE_INVALID)
			assert_ptr_equal(p, cases[i].text);
		else
			assert_int_equal(*p, '\0');
	}
}
