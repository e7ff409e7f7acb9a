/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_VECTORS_H
#define SUPPORT_VECTORS_H

struct document;

/**
 * vectors_load(name):
 * Read tests/unit/vectors/${name} below $top_srcdir (without that, below the
 * current folder); the test fails if it cannot be had.  document_free() it.
 */
struct document *vectors_load(const char *name);

#endif
