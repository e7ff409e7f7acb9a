/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

/* Call every accessor on ${v} and its members. */
static void
walk(const struct json_value *v, int depth)
{
	int64_t number;
	bool yes;
	size_t chars;
	const char *text = json_value_string(v);
	size_t size = json_value_size(v);
	int kinds = 0;

	must(v != NULL);
	must(depth <= JSON_VALUE_DEPTH_MAX);
	if (text != NULL) {
		must(str_utf8_chars(text, strlen(text), &chars) == ERR_OK);
		kinds++;
	}
	if (json_value_int(v, &number) == ERR_OK) {
		must(number >= -JSON_VALUE_INT_MAX &&
		    number <= JSON_VALUE_INT_MAX);
		kinds++;
	}
	if (json_value_bool(v, &yes) == ERR_OK)
		kinds++;
	if (json_value_is_object(v)) {
		(void)json_value_member(v, "a");
		(void)json_value_member(v, "");
		kinds++;
	}
	if (json_value_is_array(v)) {
		/* json_value_at() walks from the start each time. */
		for (size_t i = 0; i < size && i < 64; i++)
			walk(json_value_at(v, i), depth + 1);
		must(json_value_at(v, size) == NULL);
		kinds++;
	}
	must(kinds <= 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_value *v;
	enum err err;

	must(secret_init() == ERR_OK);
	err = json_value_parse((const char *)data, size, &v);
	if (err != ERR_OK) {
		/* ERR_INTERNAL here means that the two parsers disagree. */
		must(err == ERR_INVALID && v == NULL);
		return 0;
	}
	walk(v, 0);
	json_value_free(v);
	return 0;
}
