/* SPDX-License-Identifier: ISC */
#include "http/params.h"

#include <limits.h>
#include <string.h>

static const char *const names[PARAMS] = {
#define PARAM(name) #name,
#include "http/params.def"
#undef PARAM
};

static const unsigned char lengths[PARAMS] = {
#define PARAM(name) sizeof(#name) - 1,
#include "http/params.def"
#undef PARAM
};

enum param
params_find(const void *name, size_t len)
{
	const unsigned char *first;

	if (len > UCHAR_MAX)
		return PARAMS;
	/* Names of one length stand together, five at most. */
	first = memchr(lengths, (int)len, PARAMS);
	if (first == NULL)
		return PARAMS;
	for (size_t i = (size_t)(first - lengths);
	     i < PARAMS && lengths[i] == len; i++) {
		if (memcmp(names[i], name, len) == 0)
			return (enum param)i;
	}
	return PARAMS;
}
