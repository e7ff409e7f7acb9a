/* SPDX-License-Identifier: ISC */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/json_writer.h"

/* Columns for people, JSON for programs, out of the same rows. */

struct output_column {
	const char *title;
	const char *member; /* of a row; NULL at the end */
};

/* Zero-initialised; whichever of the two prints it, frees it. */
struct output {
	struct buf rows; /* a line of JSON each */
	struct json_writer w;
	bool failed;
};

/**
 * output_begin(s), output_end(s):
 * A row: an object whose members are written to what output_begin() returns.
 */
struct json_writer *output_begin(struct output *s);
void output_end(struct output *s);

/**
 * output_list(s, columns, json), output_one(s, columns, json):
 * Print a line for each row, under the titles; a line for each column of the
 * one row there is.  With ${json}, an array of the rows; the row.  Return the
 * exit status.  output_clear(s): print nothing.
 */
int output_list(
    struct output *s, const struct output_column *columns, bool json);
int output_one(
    struct output *s, const struct output_column *columns, bool json);
void output_clear(struct output *s);

#endif
