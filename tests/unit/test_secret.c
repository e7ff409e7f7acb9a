/* SPDX-License-Identifier: ISC */
#include "base/secret.h"

#include "base/kdf.h"
#include "base/random.h"
#include "base/str.h"
#include "support/test.h"

static void
wiping_leaves_zeros(void **state)
{
	char text[] = "correct horse\0battery", same[sizeof(text)] = { 0 };

	(void)state;
	secret_wipe_text(text);
	assert_memory_equal(text, same, strlen("correct horse"));
	assert_string_equal(text + 14, "battery");
	secret_wipe(text, sizeof(text));
	assert_memory_equal(text, same, sizeof(text));
	secret_wipe(NULL, 0);
	secret_wipe_text(NULL);
}

static void
equality_is_of_every_byte(void **state)
{
	(void)state;
	assert_true(secret_equal("abc", "abc", 3));
	assert_false(secret_equal("abc", "abd", 3));
	assert_false(secret_equal("bbc", "abc", 3));
	assert_true(secret_equal("abc", "abd", 2));
	assert_true(secret_equal("a", "b", 0));
}

static void
uuids_are_version_four_and_differ(void **state)
{
	char a[RANDOM_UUID_SIZE], b[RANDOM_UUID_SIZE];
	bool variants[4] = { false };

	(void)state;
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

static void
only_lower_case_version_four_is_a_uuid(void **state)
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

	(void)state;
	for (size_t i = 0; i < NELEMS(cases); i++)
		assert_int_equal(
		    random_is_uuid(cases[i].text), cases[i].expect);
}

static void
the_hash_is_blake2b(void **state)
{
	unsigned char hash[64];
	char hex[129];

	(void)state;
	/* RFC 7693 appendix A */
	kdf_hash(hash, 64, "abc", 3);
	str_hex(hex, hash, 64);
	assert_string_equal(hex,
	    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
	/* The short hash is its own function, not the long one cut. */
	kdf_hash(hash, 16, "", 0);
	str_hex(hex, hash, 16);
	assert_string_equal(hex, "cae66941d9efbd404e4d88758ea67670");
}

static void
derived_keys_depend_on_all_of_it(void **state)
{
	unsigned char master[100], a[SECRET_KEY_BYTES], b[SECRET_KEY_BYTES];

	(void)state;
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

static void
random_bytes_fill_all(void **state)
{
	unsigned char seen[40] = { 0 }, draw[40];

	(void)state;
	/* Each byte stays zero in all of 64 draws once in 2^512. */
	for (int i = 0; i < 64; i++) {
		random_fill(draw, sizeof(draw));
		for (size_t j = 0; j < sizeof(draw); j++)
			seen[j] |= draw[j];
	}
	for (size_t j = 0; j < sizeof(seen); j++)
		assert_int_not_equal(seen[j], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wiping_leaves_zeros),
		cmocka_unit_test(equality_is_of_every_byte),
		cmocka_unit_test(uuids_are_version_four_and_differ),
		cmocka_unit_test(only_lower_case_version_four_is_a_uuid),
		cmocka_unit_test(the_hash_is_blake2b),
		cmocka_unit_test(derived_keys_depend_on_all_of_it),
		cmocka_unit_test(random_bytes_fill_all),
	};

	if (secret_init() != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
