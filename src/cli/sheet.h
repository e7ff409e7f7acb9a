/* SPDX-License-Identifier: ISC */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include <stdbool.h>

#include "base/text.h"
#include "base/writer.h"

/* Columns for people, JSON for programs, out of the same rows. */

struct sheet_column {
	const char *title;
	const char *member; /* of a row; NULL at the end */
};

/* Zero-initialised; whichever of the two prints it, frees it. */
struct sheet {
	struct buf rows; /* a line of JSON each */
	struct writer w;
	bool failed;
};

/**
 * sheet_begin(s), sheet_end(s):
 * A row: an object whose members are written to what sheet_begin() returns.
 */
struct writer *sheet_begin(struct sheet *s);
void sheet_end(struct sheet *s);

/**
 * sheet_list(s, columns, json), sheet_one(s, columns, json):
 * Print a line for each row, under the titles; a line for each column of the
 * one row there is.  With ${json}, an array of the rows; the row.  Return the
 * exit status.  sheet_clear(s): print nothing.
 */
int sheet_list(struct sheet *s, const struct sheet_column *columns, bool json);
int sheet_one(struct sheet *s, const struct sheet_column *columns, bool json);
void sheet_clear(struct sheet *s);

#endif
