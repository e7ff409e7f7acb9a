/* SPDX-License-Identifier: ISC */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/json_writer.h"

/* Prints the same rows as columns for people or as JSON for programs. */

struct output_column {
	const char *title;
	const char *member; /* of a row; NULL at the end */
};

/* Zero-initialised before use; output_list() and output_one() free it. */
struct output {
	struct buf rows; /* one line of JSON for each */
	struct json_writer w;
	bool failed;
};

/**
 * output_begin(s), output_end(s):
 * Begin and end a row, an object.  Its members are written with the writer that
 * output_begin() returns.
 */
struct json_writer *output_begin(struct output *s);
void output_end(struct output *s);

/**
 * output_list(s, columns, json):
 * Print the titles and a line for each row or, with ${json}, an array of the
 * rows.  Return the exit status.
 *
 * output_one(s, columns, json):
 * Print a line for each column of the only row or, with ${json}, the row.
 * Return the exit status.
 *
 * output_clear(s): discard the rows.
 */
int output_list(
    struct output *s, const struct output_column *columns, bool json);
int output_one(
    struct output *s, const struct output_column *columns, bool json);
void output_clear(struct output *s);

#endif
