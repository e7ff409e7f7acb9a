/* SPDX-License-Identifier: ISC */
#include "model/record.h"

#include <string.h>

const char *
record_enum_name(const struct enum_names *names, unsigned value)
{
	return names->names[value < names->n ? value : 0];
}

unsigned
record_enum_value(const struct enum_names *names, const char *name)
{
	for (unsigned i = 1; i < names->n; i++) {
		if (strcmp(names->names[i], name) == 0)
			return i;
	}
	return 0;
}
