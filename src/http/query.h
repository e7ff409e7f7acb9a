/* SPDX-License-Identifier: ISC */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include <stddef.h>

#include "base/err.h"

/* Queries and forms (WHATWG URL, section 5). */

/**
 * query_decode(text, len, size, dst):
 * Decode ${len} bytes ("+" is a space) into ${dst}, which has room for ${size}
 * with the NUL.  Return ERR_INVALID if it is badly encoded, holds a NUL, or
 * does not fit.
 */
enum err query_decode(
    const char *text, size_t len, size_t size, char *dst) MUST_CHECK;

/**
 * query_value(query, name, size, value_out):
 * Copy the decoded value of the parameter ${name} of ${query}, "a=b&c=d", to
 * ${value_out}.  Return ERR_NOT_FOUND if there is none; ERR_INVALID if it is
 * there twice, is badly encoded, holds a NUL, or does not fit ${size} bytes.
 */
enum err query_value(const char *query, const char *name, size_t size,
    char *value_out) MUST_CHECK;

#endif
