/* SPDX-License-Identifier: ISC */
#include "base/siphash.h"

#include "support/test.h"

/* Appendix A of the SipHash paper, and the first line of its vectors. */
TEST(siphash_matches_the_published_vectors)
{
	unsigned char key[SIPHASH_KEY_BYTES], data[15];
	uint64_t hash[2];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	assert_true(
	    siphash_bytes(key, data, sizeof(data)) == 0xa129ca6149be45e5ULL);
	assert_true(siphash_bytes(key, data, 0) == 0x726fdb47dd0e0e31ULL);
	siphash_128(key, data, sizeof(data), hash);
	assert_true(hash[0] == 0x11a8b03399e99354ULL &&
	    hash[1] == 0xd9c3cf970fec087eULL);
}

TEST(siphash_depends_on_the_key)
{
	unsigned char one[SIPHASH_KEY_BYTES] = { 0 };
	unsigned char other[SIPHASH_KEY_BYTES] = { 0 };

	other[SIPHASH_KEY_BYTES - 1] = 1;
	assert_true(siphash_bytes(one, "user:1", 6) !=
	    siphash_bytes(other, "user:1", 6));
}
