/* SPDX-License-Identifier: ISC */
#include "cli/sheet.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/document.h"
#include "base/err.h"
#include "cli/usage.h"

#define COLUMNS_MAX 16
#define NUMBER_SIZE 24
#define GAP 2

/* ---- rows ---- */

struct writer *
sheet_begin(struct sheet *s)
{
	writer_begin(&s->w, &s->rows);
	writer_object(&s->w, NULL);
	return &s->w;
}

void
sheet_end(struct sheet *s)
{
	writer_close(&s->w);
	if (writer_end(&s->w) != ERR_OK)
		s->failed = true;
	buf_puts(&s->rows, "\n");
}

void
sheet_clear(struct sheet *s)
{
	buf_clear(&s->rows);
	*s = (struct sheet){ 0 };
}

/* The row that *${at} stands at, parsed; *${at} moves on.  NULL at the end. */
static struct document *
next_row(struct sheet *s, const char **at)
{
	struct document *row = NULL;
	size_t len = *at != NULL ? strcspn(*at, "\n") : 0;

	if (len == 0)
		return NULL;
	if (document_parse(*at, len, &row) != ERR_OK)
		s->failed = true;
	*at += len + 1;
	return row;
}

/* ---- text ---- */

/* How a value is shown; ${number} is where a number is written to. */
static const char *
shown(const struct document *row, const char *member, char number[NUMBER_SIZE])
{
	const struct document *value = document_member(row, member);
	const char *text = document_string(value);
	int64_t n;
	bool truth;

	if (text != NULL)
		return text[0] != '\0' ? text : "-";
	if (document_bool(value, &truth) == ERR_OK)
		return truth ? "yes" : "no";
	if (document_int(value, &n) != ERR_OK)
		return "-";
	(void)snprintf(number, NUMBER_SIZE, "%" PRId64, n);
	return number;
}

/* Characters, not bytes, or names that are not ASCII would shift the rest. */
static size_t
width_of(const char *text)
{
	size_t len = strlen(text), chars;

	return text_utf8_chars(text, len, &chars) == ERR_OK ? chars : len;
}

static void
measure(const struct document *row, const struct sheet_column *columns,
    size_t widths[COLUMNS_MAX])
{
	char number[NUMBER_SIZE];

	for (size_t i = 0; columns[i].member != NULL; i++) {
		const char *text = row != NULL
		    ? shown(row, columns[i].member, number)
		    : columns[i].title;
		size_t width = width_of(text);

		if (width > widths[i])
			widths[i] = width;
	}
}

static void
put_row(const struct document *row, const struct sheet_column *columns,
    const size_t widths[COLUMNS_MAX])
{
	char number[NUMBER_SIZE];
	size_t blanks = 0; /* none behind the last one */

	for (size_t i = 0; columns[i].member != NULL; i++) {
		const char *text = row != NULL
		    ? shown(row, columns[i].member, number)
		    : columns[i].title;

		printf("%*s%s", (int)blanks, "", text);
		blanks = widths[i] + GAP - width_of(text);
	}
	putchar('\n');
}

static void
put_table(struct sheet *s, const struct sheet_column *columns)
{
	size_t widths[COLUMNS_MAX] = { 0 };
	const char *at = s->rows.data;
	struct document *row;

	measure(NULL, columns, widths);
	while ((row = next_row(s, &at)) != NULL) {
		measure(row, columns, widths);
		document_free(row);
	}
	put_row(NULL, columns, widths);
	at = s->rows.data;
	while ((row = next_row(s, &at)) != NULL) {
		put_row(row, columns, widths);
		document_free(row);
	}
}

static void
put_fields(struct sheet *s, const struct sheet_column *columns)
{
	const char *at = s->rows.data;
	struct document *row = next_row(s, &at);
	char number[NUMBER_SIZE];
	size_t width = 0;

	for (size_t i = 0; columns[i].member != NULL; i++)
		if (strlen(columns[i].title) > width)
			width = strlen(columns[i].title);
	for (size_t i = 0; row != NULL && columns[i].member != NULL; i++)
		printf("%-*s%s\n", (int)(width + GAP), columns[i].title,
		    shown(row, columns[i].member, number));
	document_free(row);
}

/* ---- both ---- */

/* Whole, or not at all: what is missing for want of memory would mislead. */
static int
finish(struct sheet *s)
{
	bool failed = s->failed || s->rows.failed;

	sheet_clear(s);
	if (!failed)
		return usage_finish();
	fputs("latchkey: out of memory\n", stderr);
	return USAGE_FAILED;
}

int
sheet_list(struct sheet *s, const struct sheet_column *columns, bool json)
{
	const char *at = s->rows.data;

	if (s->failed || s->rows.failed)
		return finish(s);
	if (!json) {
		put_table(s, columns);
		return finish(s);
	}
	putchar('[');
	while (at != NULL && *at != '\0') {
		int len = (int)strcspn(at, "\n");

		printf("%s%.*s", at != s->rows.data ? "," : "", len, at);
		at += len + 1;
	}
	puts("]");
	return finish(s);
}

int
sheet_one(struct sheet *s, const struct sheet_column *columns, bool json)
{
	if (s->failed || s->rows.failed)
		return finish(s);
	if (json)
		fputs(s->rows.data, stdout);
	else
		put_fields(s, columns);
	return finish(s);
}
