/* SPDX-License-Identifier: ISC */
#include "http/params.h"

#include <string.h>

#include "support/test.h"

static const char *const names[PARAMS] = {
#define LENGTH(n, rows) rows
#define PARAM(name) #name,
#include "http/params.def"
#undef PARAM
#undef LENGTH
};

TEST(params_find_each_name_and_nothing_like_it)
{
	char name[64];

	for (size_t i = 0; i < PARAMS; i++) {
		size_t len = strlen(names[i]);

		assert_int_equal(params_find(names[i], len), i);
		assert_int_equal(params_find(names[i], len - 1), PARAMS);
		assert_true(len < sizeof(name));
		memcpy(name, names[i], len + 1);
		assert_int_equal(params_find(name, len + 1), PARAMS);
		for (size_t at = 0; at < len; at++) {
			name[at] ^= 0x20;
			assert_int_equal(params_find(name, len), PARAMS);
			name[at] ^= 0x20;
		}
	}
	assert_int_equal(params_find("", 0), PARAMS);
	assert_int_equal(params_find(names[0], strlen(names[0]) + 256), PARAMS);
	assert_int_equal(params_find(names[0], (size_t)1 << 31), PARAMS);
}
