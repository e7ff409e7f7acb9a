/* SPDX-License-Identifier: ISC */
#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

#include <stddef.h>

#include "base/err.h"

/**
 * query_value(query, name, size, value_out):
 * Copy the decoded value of the parameter ${name} of ${query}, "a=b&c=d", to
 * ${value_out}.  Return ERR_NOT_FOUND if it is not given; ERR_INVALID if it is
 * given twice, badly encoded, contains a NUL or does not fit ${size} bytes.
 */
enum err query_value(const char *query, const char *name, size_t size,
    char *value_out) MUST_CHECK;

#endif
