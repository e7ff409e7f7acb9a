/* SPDX-License-Identifier: ISC */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;
struct json; /* one JSON value; the root owns everything below it */

/**
 * json_parse(text, len, json_out):
 * Read a JSON document (RFC 8259) strictly: valid UTF-8, no duplicate member
 * names, no \u0000, nothing after the value, nesting at most 16.  Return
 * ERR_INVALID if it is none of that, ERR_INTERNAL if memory ran out.  The
 * caller frees *${json_out} with json_free().
 */
enum err json_parse(
    const char *text, size_t len, struct json **json_out) MUST_CHECK;

/**
 * json_free(json):
 * Free the root ${json} and all below it, wiping strings.  NULL is fine.
 */
void json_free(struct json *json);

bool json_is_object(const struct json *json);
bool json_is_array(const struct json *json);

/**
 * json_member(json, name):
 * Return the member of the object ${json} called exactly ${name} (letter case
 * counts), borrowed, or NULL if there is none.
 */
const struct json *json_member(const struct json *json, const char *name);

/* json_size(json): members of an object or elements of an array, else 0. */
size_t json_size(const struct json *json);
/* json_at(json, i): element ${i} of the array ${json}, borrowed, or NULL. */
const struct json *json_at(const struct json *json, size_t i);

/**
 * json_string(json), json_int(json, out), json_bool(json, out):
 * The value of ${json} if it has that type.  json_string returns NULL, the
 * others ERR_INVALID, otherwise.  An int is a number without fraction whose
 * magnitude is at most 2^53.  ${json} may be NULL.
 */
const char *json_string(const struct json *json);
enum err json_int(const struct json *json, int64_t *value_out) MUST_CHECK;
enum err json_bool(const struct json *json, bool *value_out) MUST_CHECK;

/**
 * Building: json_object() and json_array() return NULL without memory; the
 * json_put family adds a member to the object ${json} and does nothing when
 * ${json} is NULL.  A failed put is remembered on the root passed to
 * json_print() no earlier than there: put returns false.  json_put takes
 * ownership of ${value} always, also when it fails.
 */
struct json *json_object(void);
struct json *json_array(void);
bool json_put(struct json *json, const char *name, struct json *value);
bool json_put_string(struct json *json, const char *name, const char *value);
bool json_put_int(struct json *json, const char *name, int64_t value);
bool json_put_bool(struct json *json, const char *name, bool value);
bool json_put_null(struct json *json, const char *name);
bool json_push(struct json *array, struct json *value);

/**
 * json_print(json, out):
 * Append ${json} to ${out} without white space.  Return ERR_INTERNAL without
 * memory.
 */
enum err json_print(const struct json *json, struct buf *out) MUST_CHECK;

#endif
