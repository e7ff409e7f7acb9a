/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_WRITER_H
#define BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

/*
 * Writes a JSON document (RFC 8259) from its first character to its last,
 * without white space, into a buffer.  What goes wrong on the way is
 * remembered, so that a chain of members needs one check: json_write_end().
 */
struct json_writer {
	struct buf *out;
	uint64_t arrays; /* bit n: what is open at depth n is an array */
	unsigned depth;
	bool more; /* something stands before: a comma is due */
	bool failed;
};

#define JSON_WRITER_DEPTH_MAX 64

/**
 * json_write_begin(w, out):
 * Begin a document behind what ${out} holds; borrowed until json_write_end().
 *
 * json_write_end(w):
 * ERR_INTERNAL, with a part of the document in the buffer, if memory ran out,
 * something is still open, or something could not be written.
 */
void json_write_begin(struct json_writer *w, struct buf *out);
enum err json_write_end(struct json_writer *w) MUST_CHECK;

/**
 * json_write_object(w, name), json_write_array(w, name), json_write_close(w):
 * Open one, close the one opened last.  ${name} is the member's, which must be
 * new in its object; NULL in an array and for the document itself.
 */
void json_write_object(struct json_writer *w, const char *name);
void json_write_array(struct json_writer *w, const char *name);
void json_write_close(struct json_writer *w);

/**
 * json_write_string(w, name, value), ...:
 * Add a value, called ${name} as above.  What is not UTF-8 in a string is
 * written as U+FFFD.  An int lies within JSON_VALUE_INT_MAX, a real is finite
 * (and written without a point if it has no fraction); a string is not NULL.
 */
void json_write_string(
    struct json_writer *w, const char *name, const char *value);
void json_write_int(struct json_writer *w, const char *name, int64_t value);
void json_write_real(struct json_writer *w, const char *name, double value);
void json_write_bool(struct json_writer *w, const char *name, bool value);
void json_write_null(struct json_writer *w, const char *name);

#endif
