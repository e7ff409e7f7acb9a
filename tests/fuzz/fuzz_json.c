/* SPDX-License-Identifier: ISC */
#include "fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "base/secret.h"
#include "base/text.h"

/* Not assert(): it must hold in every build. */
static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Ask every question of ${doc} and of what lies in it. */
static void
walk(const struct document *doc, int depth)
{
	int64_t number;
	bool yes;
	size_t chars;
	const char *text = document_string(doc);
	size_t size = document_size(doc);
	int kinds = 0;

	must(doc != NULL);
	must(depth <= DOCUMENT_DEPTH_MAX);
	if (text != NULL) {
		must(text_utf8_chars(text, strlen(text), &chars) == ERR_OK);
		kinds++;
	}
	if (document_int(doc, &number) == ERR_OK) {
		must(number >= -DOCUMENT_INT_MAX && number <= DOCUMENT_INT_MAX);
		kinds++;
	}
	if (document_bool(doc, &yes) == ERR_OK)
		kinds++;
	if (document_is_object(doc)) {
		(void)document_member(doc, "a");
		(void)document_member(doc, "");
		kinds++;
	}
	if (document_is_array(doc)) {
		/* document_at() counts from the start each time. */
		for (size_t i = 0; i < size && i < 64; i++)
			walk(document_at(doc, i), depth + 1);
		must(document_at(doc, size) == NULL);
		kinds++;
	}
	must(kinds <= 1);
}

/* What was read prints as something that reads and prints the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document *doc, *again;
	struct buf first = { 0 }, second = { 0 };
	enum err err;

	must(secret_init() == ERR_OK);
	err = document_parse((const char *)data, size, &doc);
	if (err != ERR_OK) {
		/* Memory there is, so ERR_INTERNAL: the loaders differ. */
		must(err == ERR_INVALID && doc == NULL);
		return 0;
	}
	walk(doc, 0);
	must(document_print(doc, &first) == ERR_OK);
	must(first.len == strlen(first.data));
	if (first.len <= DOCUMENT_BYTES_MAX) {
		must(document_parse(first.data, first.len, &again) == ERR_OK);
		must(document_print(again, &second) == ERR_OK);
		must(strcmp(first.data, second.data) == 0);
		document_free(again);
	}
	document_free(doc);
	buf_clear(&first);
	buf_clear(&second);
	return 0;
}
