/* SPDX-License-Identifier: ISC */
#ifndef BASE_DOCUMENT_H
#define BASE_DOCUMENT_H

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
struct document;

#define DOCUMENT_DEPTH_MAX 16
#define DOCUMENT_BYTES_MAX ((size_t)1024 * 1024)
#define DOCUMENT_INT_MAX ((INT64_C(1) << 53) - 1) /* RFC 8259 section 6 */

/**
 * document_parse(text, len, doc_out):
 * Read a JSON document (RFC 8259) strictly: valid UTF-8, no duplicate member
 * names, no \u0000, nothing after the value, nesting at most 16, at most
 * 1 MiB, numbers of at most 63 characters that an int64_t or a finite double
 * can hold.  Any value may stand at the top.  Return ERR_INVALID if it is not
 * that, ERR_INTERNAL if memory ran out; *${doc_out} is NULL then.  The caller
 * frees *${doc_out} with document_free().
 */
enum err document_parse(
    const char *text, size_t len, struct document **doc_out) MUST_CHECK;

/**
 * document_free(doc):
 * Free the root ${doc} and all below it, wiping strings.  NULL is fine.
 */
void document_free(struct document *doc);

bool document_is_object(const struct document *doc);
bool document_is_array(const struct document *doc);
bool document_is_null(const struct document *doc); /* there, and null */

/**
 * document_member(doc, name):
 * Return the member of the object ${doc} called exactly ${name} (letter case
 * counts), borrowed, or NULL if there is none.
 */
const struct document *document_member(
    const struct document *doc, const char *name);

/* document_size(doc): members of an object or elements of an array, else 0. */
size_t document_size(const struct document *doc);
/* document_at(doc, i): element ${i} of the array ${doc}, borrowed, or NULL. */
const struct document *document_at(const struct document *doc, size_t i);

/**
 * document_string(doc), document_int(doc, out), document_bool(doc, out):
 * The value of ${doc} if it has that type.  document_string returns NULL, the
 * others ERR_INVALID, otherwise.  An int is a number without fraction whose
 * magnitude is at most DOCUMENT_INT_MAX (a larger one has lost digits).  ${doc}
 * may be NULL.
 */
const char *document_string(const struct document *doc);
enum err document_int(
    const struct document *doc, int64_t *value_out) MUST_CHECK;
enum err document_bool(const struct document *doc, bool *value_out) MUST_CHECK;

/**
 * document_read_text(doc, name, dst, size), document_read_int(doc, name, out):
 * Copy the member ${name} of ${doc} out; ERR_INVALID, with nothing copied, if
 * it is missing, of another type, or too long.
 */
enum err document_read_text(const struct document *doc, const char *name,
    char *dst, size_t size) MUST_CHECK;
enum err document_read_int(const struct document *doc, const char *name,
    int64_t *value_out) MUST_CHECK;

/**
 * document_object(), document_put_string(doc, name, value), document_put_int:
 * Build what is kept elsewhere (answers are written, see base/writer.h).  An
 * object, or NULL without memory; add the member ${name}, which must be new,
 * to it.  The put family returns false if ${doc} or ${value} is NULL, or
 * without memory; a failure is remembered, so that a chain of puts needs one
 * check: document_print().  Integers lie within DOCUMENT_INT_MAX.
 */
struct document *document_object(void);
bool document_put_string(
    struct document *doc, const char *name, const char *value);
bool document_put_int(struct document *doc, const char *name, int64_t value);

/**
 * document_print(doc, out):
 * Append ${doc} to ${out} without white space; what is not UTF-8 in a string
 * as U+FFFD.  Return ERR_INTERNAL if ${doc} is NULL, a put had failed, or
 * memory ran out.
 */
enum err document_print(const struct document *doc, struct buf *out) MUST_CHECK;

#endif
