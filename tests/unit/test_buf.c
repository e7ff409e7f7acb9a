/* SPDX-License-Identifier: ISC */
#include "base/buf.h"

#include "support/test.h"

TEST(buf_grows_and_stays_terminated)
{
	struct buf b = { 0 };

	for (int i = 0; i < 1000; i++) {
		buf_append(&b, "ab", 2);
		assert_int_equal(b.data[b.len], '\0');
	}
	buf_puts(&b, "");
	buf_printf(&b, "%d-%s", 42, "x");
	assert_int_equal(b.len, 2004);
	assert_string_equal(b.data + 2000, "42-x");
	assert_memory_equal(b.data, "abab", 4);
	assert_false(b.failed);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_printf(&b, "%0600d", 7);
	assert_int_equal(b.len, 600);
	buf_clear(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	buf_clear(&b); /* again: does nothing */
}

TEST(buf_fits_exactly_at_its_edges)
{
	char block[600];

	memset(block, 'z', sizeof(block));
	for (size_t n = 250; n < 262; n++) {
		struct buf b = { 0 };

		buf_append(&b, block, n);
		buf_append(&b, block, 1);
		assert_int_equal(strlen(b.data), n + 1);
		buf_clear(&b);
	}
}

TEST(inline_storage_is_used_first_and_wiped)
{
	static const char zero[16];
	char storage[16], *p;
	struct buf b = { 0 };

	memset(storage, 'x', sizeof(storage));
	buf_use_inline(&b, storage, sizeof(storage));
	assert_string_equal(b.data, "");
	buf_puts(&b, "fifteen, and no");
	assert_ptr_equal(b.data, storage);
	buf_reset(&b);
	buf_puts(&b, "again");
	assert_ptr_equal(b.data, storage);
	p = buf_extend(&b, 11);
	assert_ptr_not_equal(b.data, storage);
	assert_memory_equal(storage, zero, sizeof(storage));
	memcpy(p, " and longer", 11);
	assert_string_equal(b.data, "again and longer");
	buf_clear(&b);
	assert_null(b.data);

	buf_use_inline(&b, storage, sizeof(storage));
	buf_puts(&b, "secret");
	buf_clear(&b);
	assert_memory_equal(storage, zero, sizeof(storage));
	buf_puts(&b, "own");
	assert_ptr_not_equal(b.data, storage);
	buf_clear(&b);
}

TEST(buf_failure_is_sticky_and_harmless)
{
	struct buf b = { 0 };

	buf_puts(&b, "kept");
	buf_append(&b, "x", SIZE_MAX / 2);
	assert_true(b.failed);
	buf_puts(&b, "more");
	assert_string_equal(b.data, "kept");
	buf_clear(&b);
	assert_false(b.failed);
}
