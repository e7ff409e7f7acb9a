/* SPDX-License-Identifier: ISC */
#include "base/secret.h"

#include "base/kdf.h"
#include "base/random.h"
#include "base/str.h"
#include "support/test.h"

TEST(wiping_leaves_zeros)
{
	char text[] = "correct horse\0battery", same[sizeof(text)] = { 0 };

	secret_wipe_text(text);
	assert_memory_equal(text, same, strlen("correct horse"));
	assert_string_equal(text + 14, "battery");
	secret_wipe(text, sizeof(text));
	assert_memory_equal(text, same, sizeof(text));
	secret_wipe(NULL, 0);
	secret_wipe_text(NULL);
}

TEST(every_byte_is_compared)
{
	assert_true(secret_equal("abc", "abc", 3));
	assert_false(secret_equal("abc", "abd", 3));
	assert_false(secret_equal("bbc", "abc", 3));
	assert_true(secret_equal("abc", "abd", 2));
	assert_true(secret_equal("a", "b", 0));
}

TEST(uuids_are_version_four_and_differ)
{
	char a[RANDOM_UUID_SIZE], b[RANDOM_UUID_SIZE];
	bool variants[4] = { false };

	for (int i = 0; i < 1000; i++) {
		random_uuid(a);
		random_uuid(b);
		assert_int_equal(strlen(a), 36);
		assert_true(random_is_uuid(a));
		assert_string_not_equal(a, b);
		variants[strchr("89ab", a[19]) - (char *)"89ab"] = true;
	}
	for (size_t i = 0; i < NELEMS(variants); i++)
		assert_true(variants[i]);
}

TEST(only_lower_case_version_four_is_a_uuid)
{
	static const struct {
		const char *text;
		bool expect;
	} cases[] = {
		{ "f47ac10b-58cc-4372-a567-0e02b2c3d479", true },
		{ "00000000-0000-4000-8000-000000000000", true },
		{ "F47AC10B-58CC-4372-A567-0E02B2C3D479", false },
		{ "f47ac10b-58cc-1372-a567-0e02b2c3d479", false },
		{ "f47ac10b-58cc-4372-c567-0e02b2c3d479", false },
		{ "f47ac10b-58cc-4372-7567-0e02b2c3d479", false },
		{ "f47ac10b-58cc-4372-a567-0e02b2c3d47", false },
		{ "f47ac10b-58cc-4372-a567-0e02b2c3d4799", false },
		{ "f47ac10b058cc-4372-a567-0e02b2c3d479", false },
		{ "f47ac10b-58cc-4372-a567-0e02b2c3d47g", false },
		{ "{47ac10b-58cc-4372-a567-0e02b2c3d47}", false },
		{ "f47ac10b", false },
		{ "", false },
	};

	for (size_t i = 0; i < NELEMS(cases); i++)
		assert_int_equal(
		    random_is_uuid(cases[i].text), cases[i].expect);
}

TEST(the_hash_is_blake2b)
{
	unsigned char hash[64];
	char hex[129];

	/* RFC 7693 appendix A */
	kdf_hash(hash, 64, "abc", 3);
	str_hex(hex, hash, 64);
	assert_string_equal(hex,
	    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
	/* The short hash is not a prefix of the long one. */
	kdf_hash(hash, 16, "", 0);
	str_hex(hex, hash, 16);
	assert_string_equal(hex, "cae66941d9efbd404e4d88758ea67670");
}

TEST(derived_keys_depend_on_every_input)
{
	unsigned char master[100], a[SECRET_KEY_BYTES], b[SECRET_KEY_BYTES];

	random_fill(master, sizeof(master));
	for (size_t len = SECRET_KEY_BYTES; len <= sizeof(master); len++) {
		kdf_derive(a, master, len, "token");
		kdf_derive(b, master, len, "token");
		assert_memory_equal(a, b, sizeof(a));
		kdf_derive(b, master, len, "seal");
		assert_memory_not_equal(a, b, sizeof(a));
		master[len - 1] ^= 1;
		kdf_derive(b, master, len, "token");
		assert_memory_not_equal(a, b, sizeof(a));
	}
}

TEST(random_bytes_fill_all)
{
	unsigned char seen[40] = { 0 }, draw[40];

	/* A byte stays zero in all of 64 draws with probability 2^-512. */
	for (int i = 0; i < 64; i++) {
		random_fill(draw, sizeof(draw));
		for (size_t j = 0; j < sizeof(draw); j++)
			seen[j] |= draw[j];
	}
	for (size_t j = 0; j < sizeof(seen); j++)
		assert_int_not_equal(seen[j], 0);
}
