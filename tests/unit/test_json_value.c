/* SPDX-License-Identifier: ISC */
#include "base/json_value.h"

#include "base/secret.h"
#include "support/test.h"

/* Parse a copy without a byte behind it, for the sanitizers. */
static enum err
parse(const char *text, size_t len, struct json_value **root_out)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum err err;

	assert_non_null(copy);
	memcpy(copy, text, len);
	err = json_value_parse(copy, len, root_out);
	free(copy);
	if (err != ERR_OK)
		assert_null(*root_out);
	return err;
}

static struct json_value *
parsed(const char *text)
{
	struct json_value *v;

	assert_int_equal(parse(text, strlen(text), &v), ERR_OK);
	assert_non_null(v);
	return v;
}

TEST(what_json_allows_is_read)
{
	static const struct {
		const char *text;
		const char *string; /* NULL: not a string */
		int64_t number;     /* 0 for what is not an int */
	} cases[] = {
		{ "{}", NULL, 0 },
		{ " \t\r\n[ ] \n", NULL, 0 },
		{ "{\"\":[{},null,[true]]}", NULL, 0 },
		{ "[1,2 , 3]", NULL, 0 },
		{ "true", NULL, 0 },
		{ "false", NULL, 0 },
		{ "null", NULL, 0 },
		{ "0", NULL, 0 },
		{ "-0", NULL, 0 },
		{ "12", NULL, 12 },
		{ "1e3", NULL, 1000 },
		{ "1E+2", NULL, 100 },
		{ "1.5", NULL, 0 },
		{ "9007199254740991", NULL, JSON_VALUE_INT_MAX },
		{ "-9007199254740991", NULL, -JSON_VALUE_INT_MAX },
		{ "\"x\"", "x", 0 },
		{ "\"\\u00e9\\ud83d\\ude00\"", "\xc3\xa9\xf0\x9f\x98\x80", 0 },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 0 },
		{ "\"\x7f\"", "\x7f", 0 },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct json_value *v = parsed(cases[i].text);
		const char *string = json_value_string(v);
		int64_t number;

		(void)!json_value_int(v, &number);
		assert_int_equal(number, cases[i].number);
		assert_int_equal(string != NULL, cases[i].string != NULL);
		if (string != NULL)
			assert_string_equal(string, cases[i].string);
		json_value_free(v);
	}
}

TEST(what_json_forbids_is_refused)
{
	static const char *const cases[] = {
		"", " ", "{", "}", "[", "{}x", "{} {}", "[1]]", "[1,]", "[,1]",
		"{\"a\":1,}", "{\"a\"}", "{a:1}", "{'a':1}", "\"", "\"\\",
		"\"\\x\"", "\"\\u12\"", "nul", "True", "NaN", "Infinity",
		"-Infinity", "-", "+1", "01", "-01", "1.", ".5", "1e", "0x10",
		"1e999", "99999999999999999999999", "// c\n1", "/* c */1",
		"\xef\xbb\xbf{}",                 /* byte order mark */
		"{\"a\":1,\"a\":2}",              /* duplicate */
		"{\"a\":1,\"\\u0061\":2}",        /* duplicate by escape */
		"{\"x\":{\"a\":1,\"a\":1}}",      /* nested duplicate */
		"\"\\u0000\"", "{\"\\u0000\":1}", /* NUL */
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"", /* surrogates */
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xc3\"",
		"{\"\xff\":1}", "\xa0{}", "\f1", "\v1", /* no white space */
		"\"a\nb\"", "\"a\tb\"", "\"\x01\"",     /* bare controls */
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct json_value *v = (struct json_value *)&v;

		if (parse(cases[i], strlen(cases[i]), &v) != ERR_INVALID)
			fail_msg("accepted: %s", cases[i]);
	}
}

TEST(nul_bytes_are_refused_at_every_position)
{
	static const char good[] = "{\"a\":[1,\"b\"]}";

	for (size_t at = 0; at < sizeof(good); at++) {
		char text[sizeof(good)];
		struct json_value *v;
		size_t len = sizeof(good) - 1;

		/* Inserted at ${at}; the last time at the end. */
		memcpy(text, good, at);
		text[at] = '\0';
		memcpy(text + at + 1, good + at, len - at);
		assert_int_equal(parse(text, len + 1, &v), ERR_INVALID);
	}
}

TEST(nesting_ends_at_sixteen)
{
	char text[64];
	struct json_value *v;

	for (size_t n = 1; n <= 20; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		assert_int_equal(parse(text, 2 * n, &v),
		    n <= JSON_VALUE_DEPTH_MAX ? ERR_OK : ERR_INVALID);
		json_value_free(v);
	}
	v = parsed("[\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\",{},{},{},{},{},{},{},"
		   "{},{},{},{},{},{},{},{},{},{},{},{}]");
	assert_int_equal(json_value_size(v), 20);
	json_value_free(v);
}

TEST(size_and_number_length_are_bounded)
{
	size_t len = JSON_VALUE_BYTES_MAX + 1;
	char *text = malloc(len + 1), number[80];
	struct json_value *v;

	assert_non_null(text);
	memset(text, ' ', len);
	text[0] = '1';
	assert_int_equal(parse(text, len, &v), ERR_INVALID);
	assert_int_equal(parse(text, len - 1, &v), ERR_OK);
	json_value_free(v);
	free(text);

	memset(number, '0', sizeof(number));
	number[1] = '.';
	assert_int_equal(parse(number, 63, &v), ERR_OK);
	json_value_free(v);
	assert_int_equal(parse(number, 64, &v), ERR_INVALID);
	/* A long run of digits in a string is not a number. */
	number[0] = number[sizeof(number) - 1] = '"';
	assert_int_equal(parse(number, sizeof(number), &v), ERR_OK);
	json_value_free(v);
}

TEST(members_are_found_by_exact_name)
{
	struct json_value *v = parsed("{\"Email\":\"x\",\"list\":[5,6]}");
	const struct json_value *list = json_value_member(v, "list");
	int64_t value;

	assert_true(json_value_is_object(v));
	assert_false(json_value_is_array(v));
	assert_null(json_value_member(v, "email"));
	assert_null(json_value_member(list, "0"));
	assert_null(json_value_member(NULL, "a"));
	assert_string_equal(
	    json_value_string(json_value_member(v, "Email")), "x");
	assert_true(json_value_is_array(list));
	assert_int_equal(json_value_size(v), 2);
	assert_int_equal(json_value_size(list), 2);
	assert_int_equal(json_value_size(NULL), 0);
	assert_int_equal(
	    json_value_int(json_value_at(list, 1), &value), ERR_OK);
	assert_int_equal(value, 6);
	assert_null(json_value_at(list, 2));
	assert_null(json_value_at(list, SIZE_MAX));
	assert_null(json_value_at(v, 0));
	json_value_free(v);
}

TEST(values_keep_their_type)
{
	static const struct {
		const char *text;
		enum err as_int, as_bool;
		bool as_string;
	} cases[] = {
		{ "1", ERR_OK, ERR_INVALID, false },
		{ "\"1\"", ERR_INVALID, ERR_INVALID, true },
		{ "true", ERR_INVALID, ERR_OK, false },
		{ "null", ERR_INVALID, ERR_INVALID, false },
		{ "[]", ERR_INVALID, ERR_INVALID, false },
		{ "{}", ERR_INVALID, ERR_INVALID, false },
		{ "1.5", ERR_INVALID, ERR_INVALID, false },
		{ "-1e300", ERR_INVALID, ERR_INVALID, false },
		{ "9007199254740991", ERR_OK, ERR_INVALID, false },
		{ "9007199254740992", ERR_INVALID, ERR_INVALID, false },
		{ "9007199254740993", ERR_INVALID, ERR_INVALID, false },
		{ "-9007199254740992", ERR_INVALID, ERR_INVALID, false },
		{ "9223372036854775807", ERR_INVALID, ERR_INVALID, false },
	};
	int64_t n = 7;
	bool yes = true;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct json_value *v = parsed(cases[i].text);

		assert_int_equal(json_value_int(v, &n), cases[i].as_int);
		assert_int_equal(json_value_bool(v, &yes), cases[i].as_bool);
		assert_int_equal(
		    json_value_string(v) != NULL, cases[i].as_string);
		assert_int_equal(
		    json_value_is_null(v), strcmp(cases[i].text, "null") == 0);
		json_value_free(v);
	}
	assert_int_equal(json_value_int(NULL, &n), ERR_INVALID);
	assert_int_equal(n, 0);
	assert_int_equal(json_value_bool(NULL, &yes), ERR_INVALID);
	assert_false(yes);
	assert_null(json_value_string(NULL));
	assert_false(json_value_is_null(NULL));
}

TEST(strings_are_copied_up_to_their_bound)
{
	struct json_value *v = parsed("{\"t\":\"four\",\"n\":4}");
	char text[5] = "zzzz", small[4] = "zzz";

	assert_int_equal(json_value_copy_string(v, "t", text, 5), ERR_OK);
	assert_string_equal(text, "four");
	assert_int_equal(json_value_copy_string(v, "t", small, 4), ERR_INVALID);
	assert_string_equal(small, "");
	assert_int_equal(json_value_copy_string(v, "n", text, 5), ERR_INVALID);
	assert_string_equal(text, "");
	assert_int_equal(json_value_copy_string(v, "x", text, 5), ERR_INVALID);
	json_value_free(v);
}

TEST(an_object_is_built)
{
	struct json_value *v = json_value_object();

	assert_true(json_value_put_string(v, "s", "q\"\n"));
	assert_true(json_value_put_string(v, "t", ""));
	assert_int_equal(json_value_size(v), 2);
	assert_string_equal(
	    json_value_string(json_value_member(v, "s")), "q\"\n");
	json_value_free(v);
	json_value_free(NULL);
}
