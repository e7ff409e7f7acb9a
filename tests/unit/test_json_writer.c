/* SPDX-License-Identifier: ISC */
#include "base/json_writer.h"

#include "base/buf.h"
#include "base/json_value.h"
#include "base/secret.h"
#include "support/test.h"

#include <math.h>

static void
assert_written(struct json_writer *w, const char *expect)
{
	assert_int_equal(json_write_end(w), ERR_OK);
	assert_string_equal(w->out->data, expect);
	buf_clear(w->out);
}

TEST(values_and_commas_are_in_their_places)
{
	struct buf out = { 0 };
	struct json_writer w;

	json_write_begin(&w, &out);
	json_write_object(&w, NULL);
	json_write_string(&w, "s", "x");
	json_write_object(&w, "empty");
	json_write_close(&w);
	json_write_array(&w, "list");
	json_write_array(&w, NULL);
	json_write_close(&w);
	json_write_object(&w, NULL);
	json_write_int(&w, "a", 0);
	json_write_null(&w, "b");
	json_write_close(&w);
	json_write_bool(&w, NULL, true);
	json_write_string(&w, NULL, "");
	json_write_close(&w);
	json_write_bool(&w, "no", false);
	json_write_close(&w);
	assert_written(&w,
	    "{\"s\":\"x\",\"empty\":{},"
	    "\"list\":[[],{\"a\":0,\"b\":null},true,\"\"],\"no\":false}");
}

TEST(numbers_have_one_form)
{
	struct buf out = { 0 };
	struct json_writer w;

	json_write_begin(&w, &out);
	json_write_array(&w, NULL);
	json_write_int(&w, NULL, JSON_VALUE_INT_MAX);
	json_write_int(&w, NULL, -JSON_VALUE_INT_MAX);
	json_write_int(&w, NULL, INT64_C(1000000000000000));
	json_write_int(&w, NULL, -10);
	json_write_real(&w, NULL, 0.125);
	json_write_real(&w, NULL, 100);
	json_write_real(&w, NULL, -0.0);
	json_write_real(&w, NULL, 1e300);
	json_write_close(&w);
	assert_written(&w,
	    "[9007199254740991,-9007199254740991,1000000000000000,-10,"
	    "0.125,100,0,1.0000000000000001e+300]");
}

/* The document is appended; its root may be any value. */
TEST(a_document_begins_where_the_buffer_ends)
{
	struct buf out = { 0 };
	struct json_writer w;

	buf_puts(&out, "before ");
	json_write_begin(&w, &out);
	json_write_string(&w, NULL, "a");
	assert_written(&w, "before \"a\"");
}

TEST(text_that_is_not_utf8_is_replaced)
{
	struct buf out = { 0 };
	struct json_writer w;

	json_write_begin(&w, &out);
	json_write_object(&w, NULL);
	json_write_string(&w, "s", "a\xff\xc3z\xe2\x82");
	json_write_string(&w, "t", "\xed\xa0\x80|\xc0\x80|\xf4\x90\x80\x80");
	json_write_string(&w, "\xc3", "\xc3\xa9");
	json_write_close(&w);
#define R "\xef\xbf\xbd"
	assert_written(&w,
	    "{\"s\":\"a" R R "z" R R "\",\"t\":\"" R R R "|" R R "|" R R R R
	    "\",\"" R "\":\"\xc3\xa9\"}");
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void
random_text(uint32_t *seed, char *text, size_t size)
{
	static const char *const pieces[] = { "\"", "\\", "\n", "\r", "\t",
		"\b", "\f", "\x01", "\x1f", "\x7f", "/", "a", " ", "<",
		"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "plain text " };
	size_t len = 0;

	for (;;) {
		const char *piece = pieces[next_random(seed) % NELEMS(pieces)];
		size_t n = strlen(piece);

		if (len + n >= size || next_random(seed) % 16 == 0)
			break;
		memcpy(text + len, piece, n);
		len += n;
	}
	text[len] = '\0';
}

/* jansson reads back what was written. */
TEST(written_text_is_read_back_unchanged)
{
	uint32_t seed = 20260101;

	for (int round = 0; round < 2000; round++) {
		struct json_value *doc;
		struct buf out = { 0 };
		struct json_writer w;
		char name[40], text[200];
		int64_t number, back;
		bool yes;

		random_text(&seed, name, sizeof(name));
		random_text(&seed, text, sizeof(text));
		number = (int64_t)next_random(&seed) << (round % 29);
		number = round % 2 == 0 ? number : -number;

		json_write_begin(&w, &out);
		json_write_array(&w, NULL);
		json_write_int(&w, NULL, number);
		json_write_object(&w, NULL);
		json_write_string(&w, name, text);
		json_write_close(&w);
		json_write_bool(&w, NULL, round % 3 == 0);
		json_write_close(&w);
		assert_int_equal(json_write_end(&w), ERR_OK);
		assert_int_equal(
		    json_value_parse(out.data, out.len, &doc), ERR_OK);
		assert_int_equal(json_value_size(doc), 3);
		assert_int_equal(
		    json_value_int(json_value_at(doc, 0), &back), ERR_OK);
		assert_true(back == number);
		assert_string_equal(json_value_string(json_value_member(
					json_value_at(doc, 1), name)),
		    text);
		assert_int_equal(
		    json_value_bool(json_value_at(doc, 2), &yes), ERR_OK);
		assert_int_equal(yes, round % 3 == 0);
		json_value_free(doc);
		buf_clear(&out);
	}
}

/* ---- errors ---- */

static void
no_string(struct json_writer *w)
{
	json_write_string(w, "a", NULL);
}

static void
too_large(struct json_writer *w)
{
	json_write_int(w, "a", JSON_VALUE_INT_MAX + 1);
}

static void
too_small(struct json_writer *w)
{
	json_write_int(w, "a", -JSON_VALUE_INT_MAX - 1);
}

static void
infinite(struct json_writer *w)
{
	json_write_real(w, "a", (double)INFINITY);
}

static void
no_number(struct json_writer *w)
{
	json_write_real(w, "a", (double)NAN);
}

static void
nameless(struct json_writer *w)
{
	json_write_null(w, NULL);
}

static void
named_in_an_array(struct json_writer *w)
{
	json_write_array(w, "a");
	json_write_null(w, "b");
	json_write_close(w);
}

static void
left_open(struct json_writer *w)
{
	json_write_array(w, "a");
}

static void
closed_once_more(struct json_writer *w)
{
	json_write_close(w);
	json_write_close(w);
	json_write_object(w, NULL);
}

static void
two_documents(struct json_writer *w)
{
	json_write_close(w);
	json_write_object(w, NULL);
}

static void
no_memory(struct json_writer *w)
{
	w->out->failed = true;
}

TEST(errors_show_at_the_end)
{
	static void (*const wrongs[])(struct json_writer *) = { no_string,
		too_large, too_small, infinite, no_number, nameless,
		named_in_an_array, left_open, closed_once_more, two_documents,
		no_memory };

	for (size_t i = 0; i < NELEMS(wrongs); i++) {
		struct buf out = { 0 };
		struct json_writer w;

		json_write_begin(&w, &out);
		json_write_object(&w, NULL);
		wrongs[i](&w);
		json_write_string(&w, "good", "again");
		json_write_close(&w);
		if (json_write_end(&w) != ERR_INTERNAL)
			fail_msg("the %zuth went unseen", i);
		buf_clear(&out);
	}
}

TEST(an_empty_document_is_an_error)
{
	struct buf out = { 0 };
	struct json_writer w;

	json_write_begin(&w, &out);
	assert_int_equal(json_write_end(&w), ERR_INTERNAL);
	buf_clear(&out);
}

TEST(nesting_is_bounded)
{
	for (unsigned deep = JSON_WRITER_DEPTH_MAX - 1;
	     deep <= JSON_WRITER_DEPTH_MAX + 1; deep++) {
		struct buf out = { 0 };
		struct json_writer w;

		json_write_begin(&w, &out);
		for (unsigned i = 0; i < deep; i++)
			json_write_array(&w, NULL);
		for (unsigned i = 0; i < deep; i++)
			json_write_close(&w);
		assert_int_equal(json_write_end(&w),
		    deep <= JSON_WRITER_DEPTH_MAX ? ERR_OK : ERR_INTERNAL);
		buf_clear(&out);
	}
}
