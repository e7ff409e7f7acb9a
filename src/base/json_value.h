/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_VALUE_H
#define BASE_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

/*
 * One JSON value; the root owns everything below it.  The module is not called
 * json because jansson, which libjwt links, exports json_object(),
 * json_string() and their kin: functions of ours by those names would take
 * their place.
 */
struct json_value;

#define JSON_VALUE_DEPTH_MAX 16
#define JSON_VALUE_BYTES_MAX ((size_t)1024 * 1024)
#define JSON_VALUE_INT_MAX ((INT64_C(1) << 53) - 1) /* RFC 8259 section 6 */

/**
 * json_value_parse(text, len, doc_out):
 * Read a JSON document (RFC 8259) strictly: valid UTF-8, no duplicate member
 * names, no \u0000, nothing after the value, nesting at most 16, at most
 * 1 MiB, numbers of at most 63 characters that an int64_t or a finite double
 * can hold.  Any value may stand at the top.  Return ERR_INVALID if it is not
 * that, ERR_INTERNAL if memory ran out; *${doc_out} is NULL then.  The caller
 * frees *${doc_out} with json_value_free().
 */
enum err json_value_parse(
    const char *text, size_t len, struct json_value **doc_out) MUST_CHECK;

/**
 * json_value_free(doc):
 * Free the root ${doc} and all below it, wiping strings.  NULL is fine.
 */
void json_value_free(struct json_value *doc);

bool json_value_is_object(const struct json_value *doc);
bool json_value_is_array(const struct json_value *doc);
bool json_value_is_null(const struct json_value *doc); /* there, and null */

/**
 * json_value_member(doc, name):
 * Return the member of the object ${doc} called exactly ${name} (letter case
 * counts), borrowed, or NULL if there is none.
 */
const struct json_value *json_value_member(
    const struct json_value *doc, const char *name);

/* json_value_size(doc): members of an object or elements of an array, else 0.
 */
size_t json_value_size(const struct json_value *doc);
/* json_value_at(doc, i): element ${i} of the array ${doc}, borrowed, or NULL.
 */
const struct json_value *json_value_at(const struct json_value *doc, size_t i);

/**
 * json_value_string(doc), json_value_int(doc, out), json_value_bool(doc, out):
 * The value of ${doc} if it has that type.  json_value_string returns NULL, the
 * others ERR_INVALID, otherwise.  An int is a number without fraction whose
 * magnitude is at most JSON_VALUE_INT_MAX (a larger one has lost digits).
 * ${doc} may be NULL.
 */
const char *json_value_string(const struct json_value *doc);
enum err json_value_int(
    const struct json_value *doc, int64_t *value_out) MUST_CHECK;
enum err json_value_bool(
    const struct json_value *doc, bool *value_out) MUST_CHECK;

/**
 * json_value_read_text(doc, name, dst, size), json_value_read_int(doc, name,
 * out): Copy the member ${name} of ${doc} out; ERR_INVALID, with nothing
 * copied, if it is missing, of another type, or too long.
 */
enum err json_value_read_text(const struct json_value *doc, const char *name,
    char *dst, size_t size) MUST_CHECK;
enum err json_value_read_int(const struct json_value *doc, const char *name,
    int64_t *value_out) MUST_CHECK;

/**
 * json_value_object(), json_value_put_string(doc, name, value),
 * json_value_put_int: Build what is kept elsewhere (answers are written, see
 * base/json_writer.h).  An object, or NULL without memory; add the member
 * ${name}, which must be new, to it.  The put family returns false if ${doc} or
 * ${value} is NULL, or without memory; a failure is remembered, so that a chain
 * of puts needs one check: json_value_print().  Integers lie within
 * JSON_VALUE_INT_MAX.
 */
struct json_value *json_value_object(void);
bool json_value_put_string(
    struct json_value *doc, const char *name, const char *value);
bool json_value_put_int(
    struct json_value *doc, const char *name, int64_t value);

/**
 * json_value_print(doc, out):
 * Append ${doc} to ${out} without white space; what is not UTF-8 in a string
 * as U+FFFD.  Return ERR_INTERNAL if ${doc} is NULL, a put had failed, or
 * memory ran out.
 */
enum err json_value_print(
    const struct json_value *doc, struct buf *out) MUST_CHECK;

#endif
