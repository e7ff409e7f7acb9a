/* SPDX-License-Identifier: ISC */
#include "http/params.h"

#include <string.h>

enum param
params_find(const void *name, size_t len)
{
	switch (len) {
#define LENGTH(n, rows)                                                        \
	case n:                                                                \
		rows break; /* NOLINT(bugprone-macro-parentheses) */
#define PARAM(row)                                                             \
	if (memcmp(name, #row, sizeof(#row) - 1) == 0)                         \
		return PARAM_##row;
#include "http/params.def"
#undef PARAM
#undef LENGTH
	default: break;
	}
	return PARAMS;
}
