/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_WRITER_H
#define BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

/*
 * Writes a JSON document (RFC 8259) without white space into a buffer.  Errors
 * are sticky, so that a chain of calls needs one check, at json_write_end().
 */
struct json_writer {
	struct buf *out;
	uint64_t arrays; /* bit n: depth n is an array, not an object */
	unsigned depth;
	bool more; /* the next value needs a comma before it */
	bool failed;
};

#define JSON_WRITER_DEPTH_MAX 64

/**
 * json_write_begin(w, out):
 * Begin to append a document to ${out}, borrowed until json_write_end().
 *
 * json_write_end(w):
 * Return ERR_INTERNAL, with an incomplete document in the buffer, if memory ran
 * out, an object or array is open, or a value was invalid.
 */
void json_write_begin(struct json_writer *w, struct buf *out);
enum err json_write_end(struct json_writer *w) MUST_CHECK;

/**
 * json_write_object(w, name), json_write_array(w, name), json_write_close(w):
 * Open an object or array; close the one opened last.  ${name} is that of the
 * new member of an object; NULL in an array and for the root.
 */
void json_write_object(struct json_writer *w, const char *name);
void json_write_array(struct json_writer *w, const char *name);
void json_write_close(struct json_writer *w);

/**
 * json_write_string(w, name, value), ...:
 * Add a value with ${name} as above.  Invalid UTF-8 becomes U+FFFD.  A NULL
 * string, an int beyond JSON_VALUE_INT_MAX or a real that is not finite is an
 * error.  A real without fraction is written as an int.
 */
void json_write_string(
    struct json_writer *w, const char *name, const char *value);
void json_write_int(struct json_writer *w, const char *name, int64_t value);
void json_write_real(struct json_writer *w, const char *name, double value);
void json_write_bool(struct json_writer *w, const char *name, bool value);
void json_write_null(struct json_writer *w, const char *name);

#endif
