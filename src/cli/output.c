/* SPDX-License-Identifier: ISC */
#include "cli/output.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json_value.h"
#include "base/str.h"
#include "cli/exit.h"

#define COLUMNS_MAX 16
#define NUMBER_SIZE 24
#define GAP 2

/* ---- rows ---- */

struct json_writer *
output_begin(struct output *s)
{
	json_write_begin(&s->w, &s->rows);
	json_write_object(&s->w, NULL);
	return &s->w;
}

void
output_end(struct output *s)
{
	json_write_close(&s->w);
	if (json_write_end(&s->w) != ERR_OK)
		s->failed = true;
	buf_puts(&s->rows, "\n");
}

void
output_clear(struct output *s)
{
	buf_clear(&s->rows);
	*s = (struct output){ 0 };
}

/* Parse the row at *${at} and advance *${at}.  NULL after the last row. */
static struct json_value *
next_row(struct output *s, const char **at)
{
	struct json_value *row = NULL;
	size_t len = *at != NULL ? strcspn(*at, "\n") : 0;

	if (len == 0)
		return NULL;
	if (json_value_parse(*at, len, &row) != ERR_OK)
		s->failed = true;
	*at += len + 1;
	return row;
}

/* ---- text ---- */

/* Format a value; a number is written to ${number}. */
static const char *
format_value(
    const struct json_value *row, const char *member, char number[NUMBER_SIZE])
{
	const struct json_value *value = json_value_member(row, member);
	const char *text = json_value_string(value);
	int64_t n;
	bool truth;

	if (text != NULL)
		return text[0] != '\0' ? text : "-";
	if (json_value_bool(value, &truth) == ERR_OK)
		return truth ? "yes" : "no";
	if (json_value_int(value, &n) != ERR_OK)
		return "-";
	(void)snprintf(number, NUMBER_SIZE, "%" PRId64, n);
	return number;
}

/* Count characters, not bytes: names need not be ASCII. */
static size_t
display_width(const char *text)
{
	size_t len = strlen(text), chars;

	return str_utf8_chars(text, len, &chars) == ERR_OK ? chars : len;
}

static void
update_widths(const struct json_value *row, const struct output_column *columns,
    size_t widths[COLUMNS_MAX])
{
	char number[NUMBER_SIZE];

	for (size_t i = 0; columns[i].member != NULL; i++) {
		const char *text = row != NULL
		    ? format_value(row, columns[i].member, number)
		    : columns[i].title;
		size_t width = display_width(text);

		if (width > widths[i])
			widths[i] = width;
	}
}

static void
print_row(const struct json_value *row, const struct output_column *columns,
    const size_t widths[COLUMNS_MAX])
{
	char number[NUMBER_SIZE];
	size_t blanks = 0; /* none after the last column */

	for (size_t i = 0; columns[i].member != NULL; i++) {
		const char *text = row != NULL
		    ? format_value(row, columns[i].member, number)
		    : columns[i].title;

		printf("%*s%s", (int)blanks, "", text);
		blanks = widths[i] + GAP - display_width(text);
	}
	putchar('\n');
}

static void
print_table(struct output *s, const struct output_column *columns)
{
	size_t widths[COLUMNS_MAX] = { 0 };
	const char *at = s->rows.data;
	struct json_value *row;

	update_widths(NULL, columns, widths);
	while ((row = next_row(s, &at)) != NULL) {
		update_widths(row, columns, widths);
		json_value_free(row);
	}
	print_row(NULL, columns, widths);
	at = s->rows.data;
	while ((row = next_row(s, &at)) != NULL) {
		print_row(row, columns, widths);
		json_value_free(row);
	}
}

static void
print_fields(struct output *s, const struct output_column *columns)
{
	const char *at = s->rows.data;
	struct json_value *row = next_row(s, &at);
	char number[NUMBER_SIZE];
	size_t width = 0;

	for (size_t i = 0; columns[i].member != NULL; i++)
		if (strlen(columns[i].title) > width)
			width = strlen(columns[i].title);
	for (size_t i = 0; row != NULL && columns[i].member != NULL; i++)
		printf("%-*s%s\n", (int)(width + GAP), columns[i].title,
		    format_value(row, columns[i].member, number));
	json_value_free(row);
}

/* ---- both ---- */

/* Print nothing rather than a part: missing rows would mislead. */
static int
end_output(struct output *s)
{
	bool failed = s->failed || s->rows.failed;

	output_clear(s);
	if (!failed)
		return exit_finish();
	fputs("latchkey: out of memory\n", stderr);
	return EXIT_FAILED;
}

int
output_list(struct output *s, const struct output_column *columns, bool json)
{
	const char *at = s->rows.data;

	if (s->failed || s->rows.failed)
		return end_output(s);
	if (!json) {
		print_table(s, columns);
		return end_output(s);
	}
	putchar('[');
	while (at != NULL && *at != '\0') {
		int len = (int)strcspn(at, "\n");

		printf("%s%.*s", at != s->rows.data ? "," : "", len, at);
		at += len + 1;
	}
	puts("]");
	return end_output(s);
}

int
output_one(struct output *s, const struct output_column *columns, bool json)
{
	if (s->failed || s->rows.failed)
		return end_output(s);
	if (json)
		fputs(s->rows.data, stdout);
	else
		print_fields(s, columns);
	return end_output(s);
}
