/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "base/secret.h"
#include "base/str.h"

/* Unlike assert(), checked in every build. */
static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Call every accessor on ${doc} and its members. */
static void
walk(const struct json_value *doc, int depth)
{
	int64_t number;
	bool yes;
	size_t chars;
	const char *text = json_value_string(doc);
	size_t size = json_value_size(doc);
	int kinds = 0;

	must(doc != NULL);
	must(depth <= JSON_VALUE_DEPTH_MAX);
	if (text != NULL) {
		must(str_utf8_chars(text, strlen(text), &chars) == ERR_OK);
		kinds++;
	}
	if (json_value_int(doc, &number) == ERR_OK) {
		must(number >= -JSON_VALUE_INT_MAX &&
		    number <= JSON_VALUE_INT_MAX);
		kinds++;
	}
	if (json_value_bool(doc, &yes) == ERR_OK)
		kinds++;
	if (json_value_is_object(doc)) {
		(void)json_value_member(doc, "a");
		(void)json_value_member(doc, "");
		kinds++;
	}
	if (json_value_is_array(doc)) {
		/* json_value_at() walks from the start each time. */
		for (size_t i = 0; i < size && i < 64; i++)
			walk(json_value_at(doc, i), depth + 1);
		must(json_value_at(doc, size) == NULL);
		kinds++;
	}
	must(kinds <= 1);
}

/* Printing and parsing again gives the same text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_value *doc, *again;
	struct buf first = { 0 }, second = { 0 };
	enum err err;

	must(secret_init() == ERR_OK);
	err = json_value_parse((const char *)data, size, &doc);
	if (err != ERR_OK) {
		/* ERR_INTERNAL here means that the two parsers disagree. */
		must(err == ERR_INVALID && doc == NULL);
		return 0;
	}
	walk(doc, 0);
	must(json_value_print(doc, &first) == ERR_OK);
	must(first.len == strlen(first.data));
	if (first.len <= JSON_VALUE_BYTES_MAX) {
		must(json_value_parse(first.data, first.len, &again) == ERR_OK);
		must(json_value_print(again, &second) == ERR_OK);
		must(strcmp(first.data, second.data) == 0);
		json_value_free(again);
	}
	json_value_free(doc);
	buf_clear(&first);
	buf_clear(&second);
	return 0;
}
