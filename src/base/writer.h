/* SPDX-License-Identifier: ISC */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

/*
 * Writes a JSON document (RFC 8259) from its first character to its last,
 * without white space, into a buffer.  What goes wrong on the way is
 * remembered, so that a chain of members needs one check: writer_end().
 */
struct writer {
	struct buf *out;
	uint64_t arrays; /* bit n: what is open at depth n is an array */
	unsigned depth;
	bool more; /* something stands before: a comma is due */
	bool failed;
};

#define WRITER_DEPTH_MAX 64

/**
 * writer_begin(w, out):
 * Begin a document behind what ${out} holds; borrowed until writer_end().
 *
 * writer_end(w):
 * ERR_INTERNAL, with a part of the document in the buffer, if memory ran out,
 * something is still open, or something could not be written.
 */
void writer_begin(struct writer *w, struct buf *out);
enum err writer_end(struct writer *w) MUST_CHECK;

/**
 * writer_object(w, name), writer_array(w, name), writer_close(w):
 * Open one, close the one opened last.  ${name} is the member's, which must be
 * new in its object; NULL in an array and for the document itself.
 */
void writer_object(struct writer *w, const char *name);
void writer_array(struct writer *w, const char *name);
void writer_close(struct writer *w);

/**
 * writer_string(w, name, value), ...:
 * Add a value, called ${name} as above.  What is not UTF-8 in a string is
 * written as U+FFFD.  An int lies within DOCUMENT_INT_MAX, a real is finite
 * (and written without a point if it has no fraction); a string is not NULL.
 */
void writer_string(struct writer *w, const char *name, const char *value);
void writer_int(struct writer *w, const char *name, int64_t value);
void writer_real(struct writer *w, const char *name, double value);
void writer_bool(struct writer *w, const char *name, bool value);
void writer_null(struct writer *w, const char *name);

#endif
