/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "cache/seal.h"

static const unsigned char key[SECRET_KEY_BYTES] = "0123456789abcdef";
static const char plain[] = "{\"email\":\"ann@example.org\"}";

static const struct seal_binding bound = { .key = "user:1",
	.version = "host 1, version 42" };

TEST(a_sealed_value_opens)
{
	struct buf sealed = { 0 }, out = { 0 };

	buf_puts(&sealed, "before");
	buf_puts(&out, "before");
	assert_int_equal(
	    seal_close(key, &bound, plain, sizeof(plain), &sealed), ERR_OK);
	assert_memory_equal(sealed.data, "before", 6);
	assert_null(memmem(sealed.data, sealed.len, "example", 7));
	assert_int_equal(
	    seal_open(key, &bound, sealed.data + 6, sealed.len - 6, &out),
	    ERR_OK);
	assert_int_equal(out.len, 6 + sizeof(plain));
	assert_memory_equal(out.data, "before", 6);
	assert_memory_equal(out.data + 6, plain, sizeof(plain));
	buf_clear(&sealed);
	buf_clear(&out);
}

TEST(an_empty_value_opens_as_empty)
{
	struct buf sealed = { 0 }, out = { 0 };

	assert_int_equal(seal_close(key, &bound, "", 0, &sealed), ERR_OK);
	assert_int_equal(
	    seal_open(key, &bound, sealed.data, sealed.len, &out), ERR_OK);
	assert_int_equal(out.len, 0);
	buf_clear(&sealed);
	buf_clear(&out);
}

TEST(sealing_twice_gives_different_bytes)
{
	struct buf a = { 0 }, b = { 0 };

	assert_int_equal(
	    seal_close(key, &bound, plain, sizeof(plain), &a), ERR_OK);
	assert_int_equal(
	    seal_close(key, &bound, plain, sizeof(plain), &b), ERR_OK);
	assert_int_equal(a.len, b.len);
	assert_memory_not_equal(a.data, b.data, 24); /* the nonce */
	assert_memory_not_equal(a.data + 24, b.data + 24, a.len - 24);
	buf_clear(&a);
	buf_clear(&b);
}

TEST(a_value_opens_under_its_binding_only)
{
	static const unsigned char key2[SECRET_KEY_BYTES] = "0123456789abcdeg";
	static const struct {
		const unsigned char *key;
		struct seal_binding binding;
	} cases[] = {
		{ key2, { "user:1", "host 1, version 42" } },
		{ key, { "user:2", "host 1, version 42" } },
		{ key, { "user:11", "host 1, version 42" } },
		{ key, { "user:", "host 1, version 42" } },
		{ key, { "other:user:1", "host 1, version 42" } },
		{ key, { "user:1", "host 2, version 42" } },
		{ key, { "user:1", "host 1, version 43" } },
		{ key, { "user:1", "host 1, version 44" } },
		/* the last byte */
		{ key, { "user:1", "host 1, version 42\0\0\0\0\0\1" } },
	};
	struct buf sealed = { 0 }, out = { 0 };

	assert_int_equal(
	    seal_close(key, &bound, plain, sizeof(plain), &sealed), ERR_OK);
	buf_puts(&out, "before");
	for (size_t i = 0; i < NELEMS(cases); i++) {
		assert_int_equal(seal_open(cases[i].key, &cases[i].binding,
				     sealed.data, sealed.len, &out),
		    ERR_DENIED);
		assert_int_equal(out.len, 6);
	}
	assert_memory_equal(out.data, "before", 6);
	buf_clear(&sealed);
	buf_clear(&out);
}

/* Flipping any bit or cutting at any length makes it fail, with no output. */
TEST(altered_values_are_refused)
{
	struct buf sealed = { 0 }, out = { 0 };
	char *exact;

	assert_int_equal(
	    seal_close(key, &bound, plain, sizeof(plain), &sealed), ERR_OK);
	for (size_t bit = 0; bit < sealed.len * 8; bit++) {
		sealed.data[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(
		    seal_open(key, &bound, sealed.data, sealed.len, &out),
		    ERR_DENIED);
		assert_int_equal(out.len, 0);
		sealed.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < sealed.len; len++) {
		exact = malloc(len + 1); /* so that ASan detects an overread */
		assert_non_null(exact);
		memcpy(exact + 1, sealed.data, len);
		assert_int_equal(
		    seal_open(key, &bound, exact + 1, len, &out), ERR_DENIED);
		assert_int_equal(out.len, 0);
		free(exact);
	}
	buf_append(&sealed, "", 1);
	assert_int_equal(
	    seal_open(key, &bound, sealed.data, sealed.len, &out), ERR_DENIED);
	buf_clear(&sealed);
	buf_clear(&out);
}
