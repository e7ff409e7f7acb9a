/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_VECTORS_H
#define SUPPORT_VECTORS_H

struct json_value;

/**
 * vectors_load(name):
 * Read tests/unit/vectors/${name} below $top_srcdir (without that, below the
 * current folder); the test fails if it cannot be had.  json_value_free() it.
 */
struct json_value *vectors_load(const char *name);

#endif
