/* SPDX-License-Identifier: ISC */
#include "base/json_value.h"

#include "base/buf.h"
#include "base/secret.h"
#include "support/test.h"

/* The first ${len} bytes of ${text}, at the edge of their own allocation. */
static enum err
parse(const char *text, size_t len, struct json_value **doc_out)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum err err;

	assert_non_null(copy);
	memcpy(copy, text, len);
	err = json_value_parse(copy, len, doc_out);
	free(copy);
	if (err != ERR_OK)
		assert_null(*doc_out);
	return err;
}

static struct json_value *
parsed(const char *text)
{
	struct json_value *doc;

	assert_int_equal(parse(text, strlen(text), &doc), ERR_OK);
	assert_non_null(doc);
	return doc;
}

static void
assert_prints(const struct json_value *doc, const char *expect)
{
	struct buf out = { 0 };

	assert_int_equal(json_value_print(doc, &out), ERR_OK);
	assert_string_equal(out.data, expect);
	buf_clear(&out);
}

TEST(what_json_allows_is_read)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{ "{}", "{}" },
		{ " \t\r\n[ ] \n", "[]" },
		{ "\"x\"", "\"x\"" },
		{ "true", "true" },
		{ "false", "false" },
		{ "null", "null" },
		{ "0", "0" },
		{ "-0", "0" },
		{ "12", "12" },
		{ "1e3", "1000" },
		{ "1E+2", "100" },
		{ "1.5", "1.5" },
		{ "9007199254740991", "9007199254740991" },
		{ "-9007199254740991", "-9007199254740991" },
		{ "{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}" },
		{ "{\"\":[{},null,[true]]}", "{\"\":[{},null,[true]]}" },
		{ "\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		    "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"" },
		{ "\"\x7f\"", "\"\\u007f\"" },
		{ "[1,2 , 3]", "[1,2,3]" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct json_value *doc = parsed(cases[i].text);

		assert_prints(doc, cases[i].printed);
		json_value_free(doc);
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
		"{\"a\":1,\"\\u0061\":2}",        /* duplicate, in disguise */
		"{\"x\":{\"a\":1,\"a\":1}}",      /* duplicate below */
		"\"\\u0000\"", "{\"\\u0000\":1}", /* NUL */
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"", /* surrogates */
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xc3\"",
		"{\"\xff\":1}", "\xa0{}", "\f1", "\v1", /* no white space */
		"\"a\nb\"", "\"a\tb\"", "\"\x01\"",     /* bare controls */
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct json_value *doc = (struct json_value *)&doc;

		if (parse(cases[i], strlen(cases[i]), &doc) != ERR_INVALID)
			fail_msg("taken: %s", cases[i]);
	}
}

TEST(nul_bytes_are_refused_wherever_they_stand)
{
	static const char good[] = "{\"a\":[1,\"b\"]}";

	for (size_t at = 0; at < sizeof(good); at++) {
		char text[sizeof(good)];
		struct json_value *doc;
		size_t len = sizeof(good) - 1;

		/* Put in between, and last of all at the end. */
		memcpy(text, good, at);
		text[at] = '\0';
		memcpy(text + at + 1, good + at, len - at);
		assert_int_equal(parse(text, len + 1, &doc), ERR_INVALID);
	}
}

TEST(nesting_ends_at_sixteen)
{
	char text[64];
	struct json_value *doc;

	for (size_t n = 1; n <= 20; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		assert_int_equal(parse(text, 2 * n, &doc),
		    n <= JSON_VALUE_DEPTH_MAX ? ERR_OK : ERR_INVALID);
		json_value_free(doc);
	}
	doc = parsed("[\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\",{},{},{},{},{},{},{},"
		     "{},{},{},{},{},{},{},{},{},{},{},{}]");
	assert_int_equal(json_value_size(doc), 20);
	json_value_free(doc);
}

TEST(size_and_number_length_are_bounded)
{
	size_t len = JSON_VALUE_BYTES_MAX + 1;
	char *text = malloc(len + 1), number[80];
	struct json_value *doc;

	assert_non_null(text);
	memset(text, ' ', len);
	text[0] = '1';
	assert_int_equal(parse(text, len, &doc), ERR_INVALID);
	assert_int_equal(parse(text, len - 1, &doc), ERR_OK);
	json_value_free(doc);
	free(text);

	memset(number, '0', sizeof(number));
	number[1] = '.';
	assert_int_equal(parse(number, 63, &doc), ERR_OK);
	json_value_free(doc);
	assert_int_equal(parse(number, 64, &doc), ERR_INVALID);
	/* A long run of digits in a string is no number. */
	number[0] = number[sizeof(number) - 1] = '"';
	assert_int_equal(parse(number, sizeof(number), &doc), ERR_OK);
	json_value_free(doc);
}

TEST(members_are_found_by_exact_name)
{
	struct json_value *doc = parsed("{\"Email\":\"x\",\"list\":[5,6]}");
	const struct json_value *list = json_value_member(doc, "list");
	int64_t value;

	assert_true(json_value_is_object(doc));
	assert_false(json_value_is_array(doc));
	assert_null(json_value_member(doc, "email"));
	assert_null(json_value_member(list, "0"));
	assert_null(json_value_member(NULL, "a"));
	assert_string_equal(
	    json_value_string(json_value_member(doc, "Email")), "x");
	assert_true(json_value_is_array(list));
	assert_int_equal(json_value_size(doc), 2);
	assert_int_equal(json_value_size(list), 2);
	assert_int_equal(json_value_size(NULL), 0);
	assert_int_equal(
	    json_value_int(json_value_at(list, 1), &value), ERR_OK);
	assert_int_equal(value, 6);
	assert_null(json_value_at(list, 2));
	assert_null(json_value_at(list, SIZE_MAX));
	assert_null(json_value_at(doc, 0));
	json_value_free(doc);
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
		struct json_value *doc = parsed(cases[i].text);

		assert_int_equal(json_value_int(doc, &n), cases[i].as_int);
		assert_int_equal(json_value_bool(doc, &yes), cases[i].as_bool);
		assert_int_equal(
		    json_value_string(doc) != NULL, cases[i].as_string);
		assert_int_equal(json_value_is_null(doc),
		    strcmp(cases[i].text, "null") == 0);
		json_value_free(doc);
	}
	assert_int_equal(json_value_int(NULL, &n), ERR_INVALID);
	assert_int_equal(n, 0);
	assert_int_equal(json_value_bool(NULL, &yes), ERR_INVALID);
	assert_false(yes);
	assert_null(json_value_string(NULL));
	assert_false(json_value_is_null(NULL));
}

TEST(members_are_copied_out_bounded)
{
	struct json_value *doc = parsed("{\"t\":\"four\",\"n\":4}");
	char text[5] = "zzzz", small[4] = "zzz";
	int64_t n = 7;

	assert_int_equal(json_value_copy_string(doc, "t", text, 5), ERR_OK);
	assert_string_equal(text, "four");
	assert_int_equal(
	    json_value_copy_string(doc, "t", small, 4), ERR_INVALID);
	assert_string_equal(small, "");
	assert_int_equal(
	    json_value_copy_string(doc, "n", text, 5), ERR_INVALID);
	assert_string_equal(text, "");
	assert_int_equal(json_value_read_int(doc, "n", &n), ERR_OK);
	assert_int_equal(n, 4);
	assert_int_equal(json_value_read_int(doc, "x", &n), ERR_INVALID);
	assert_int_equal(n, 0);
	json_value_free(doc);
}

TEST(a_document_is_built_and_printed)
{
	struct json_value *doc = json_value_object();

	assert_true(json_value_put_string(doc, "s", "q\"\\\n\x1f\xc3\xa9"));
	assert_true(json_value_put_int(doc, "i", JSON_VALUE_INT_MAX));
	assert_true(json_value_put_int(doc, "m", -JSON_VALUE_INT_MAX));
	assert_true(json_value_put_int(doc, "k", INT64_C(1000000000000000)));
	assert_prints(doc,
	    "{\"s\":\"q\\\"\\\\\\n\\u001f\xc3\xa9\",\"i\":9007199254740991,"
	    "\"m\":-9007199254740991,\"k\":1000000000000000}");
	json_value_free(doc);
}

TEST(text_that_is_not_utf8_is_printed_as_replaced)
{
	struct json_value *doc = json_value_object();

	assert_true(json_value_put_string(doc, "s", "a\xff\xc3z\xe2\x82"));
	assert_prints(doc,
	    "{\"s\":\"a\xef\xbf\xbd\xef\xbf\xbdz"
	    "\xef\xbf\xbd\xef\xbf\xbd\"}");
	json_value_free(doc);
}

TEST(a_failed_put_shows_when_printing)
{
	struct json_value *doc = json_value_object();
	struct buf out = { 0 };

	assert_false(json_value_put_int(doc, "i", JSON_VALUE_INT_MAX + 1));
	assert_int_equal(json_value_print(doc, &out), ERR_INTERNAL);
	json_value_free(doc);

	doc = json_value_object();
	assert_false(json_value_put_string(doc, "s", NULL));
	assert_true(json_value_put_string(doc, "t", ""));
	assert_int_equal(json_value_print(doc, &out), ERR_INTERNAL);
	json_value_free(doc);

	/* Without memory for the root, all else is quietly let go. */
	assert_false(json_value_put_string(NULL, "a", "b"));
	assert_false(json_value_put_int(NULL, "a", 1));
	assert_int_equal(json_value_print(NULL, &out), ERR_INTERNAL);
	json_value_free(NULL);
	buf_clear(&out);
}
