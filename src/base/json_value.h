/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_VALUE_H
#define BASE_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A JSON value; the root owns everything below it.  The module is not called
 * json because jansson, which libjwt links, exports json_object(),
 * json_string() and others, which functions of ours would replace.
 */
struct json_value;

#define JSON_VALUE_DEPTH_MAX 16
#define JSON_VALUE_BYTES_MAX ((size_t)1024 * 1024)
#define JSON_VALUE_INT_MAX ((INT64_C(1) << 53) - 1) /* RFC 8259 section 6 */

/**
 * json_value_parse(text, len, root_out):
 * Parse a JSON document (RFC 8259) strictly: valid UTF-8, no duplicate member
 * names, no \u0000, nothing after the value, nesting at most 16, at most
 * 1 MiB, numbers of at most 63 characters that an int64_t or a finite double
 * can hold.  The root may be of any type.  Return ERR_INVALID for any other
 * text, ERR_INTERNAL without memory; *${root_out} is NULL then.  The caller
 * frees *${root_out} with json_value_free().
 */
enum err json_value_parse(
    const char *text, size_t len, struct json_value **root_out) MUST_CHECK;

/**
 * json_value_free(root):
 * Wipe and free ${root} and everything below it; NULL is allowed.
 */
void json_value_free(struct json_value *root);

/* The kind of ${v}; false for NULL. */
bool json_value_is_object(const struct json_value *v);
bool json_value_is_array(const struct json_value *v);
bool json_value_is_null(const struct json_value *v);

/**
 * json_value_member(v, name):
 * Return the member ${name} of the object ${v}, borrowed, or NULL.  Letter case
 * counts.
 */
const struct json_value *json_value_member(
    const struct json_value *v, const char *name);

/* json_value_size(v): members of an object, elements of an array, else 0. */
size_t json_value_size(const struct json_value *v);
/* json_value_at(v, i): element ${i} of the array ${v}, borrowed, or NULL. */
const struct json_value *json_value_at(const struct json_value *v, size_t i);

/**
 * json_value_string(v), json_value_int(v, value_out),
 * json_value_floor(v, value_out), json_value_bool(v, value_out):
 * Return the value of ${v} if it has that type; otherwise, also if ${v} is
 * NULL, json_value_string returns NULL and the others ERR_INVALID.  An int is a
 * number without fraction of at most JSON_VALUE_INT_MAX, beyond which digits
 * are lost; json_value_floor() drops a fraction.
 */
const char *json_value_string(const struct json_value *v);
enum err json_value_int(
    const struct json_value *v, int64_t *value_out) MUST_CHECK;
enum err json_value_floor(
    const struct json_value *v, int64_t *value_out) MUST_CHECK;
enum err json_value_bool(
    const struct json_value *v, bool *value_out) MUST_CHECK;

/**
 * json_value_copy_string(v, name, dst, size):
 * Copy the member ${name} of the object ${v}.  ERR_INVALID, with ${dst} empty,
 * if it is missing, not a string or too long.
 */
enum err json_value_copy_string(const struct json_value *v, const char *name,
    char *dst, size_t size) MUST_CHECK;

/**
 * json_value_object():
 * Create an empty object; NULL without memory.  To write JSON text see
 * base/json_writer.h.
 *
 * json_value_put_string(v, name, value):
 * Add the new member ${name} to the object ${v}.  Return false without memory.
 */
struct json_value *json_value_object(void);
bool json_value_put_string(
    struct json_value *v, const char *name, const char *value) MUST_CHECK;

#endif
