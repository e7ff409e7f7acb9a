/* SPDX-License-Identifier: ISC */
#include "support/vectors.h"

#include "support/test.h"

#include <limits.h>
#include <stdio.h>

#include "base/json_value.h"

struct json_value *
vectors_load(const char *name)
{
	const char *top = getenv("top_srcdir");
	struct json_value *doc = NULL;
	char path[PATH_MAX], *text;
	size_t size = 65536, len;
	FILE *file;
	int n;

	n = snprintf(path, sizeof(path), "%s/tests/unit/vectors/%s",
	    top != NULL ? top : ".", name);
	assert_true(n > 0 && n < (int)sizeof(path));
	file = fopen(path, "re");
	if (file == NULL)
		fail_msg("no vectors at %s", path);
	text = malloc(size);
	assert_non_null(text);
	len = fread(text, 1, size, file);
	fclose(file);
	assert_true(len > 0 && len < size);
	assert_int_equal(json_value_parse(text, len, &doc), ERR_OK);
	free(text);
	return doc;
}
