/* SPDX-License-Identifier: ISC */
#include "base/digest.h"

#include "base/str.h"
#include "support/test.h"

static void
expect(const char *const *texts, size_t n, const char *hex)
{
	unsigned char digest[DIGEST_BYTES];
	char shown[2 * DIGEST_BYTES + 1];

	digest_texts(digest, texts, n);
	str_hex(shown, digest, sizeof(digest));
	assert_string_equal(shown, hex);
}

/* Results of sha256sum for the same bytes. */
TEST(digest_is_sha256_of_strings_with_nul)
{
	static const char *const abc[] = { "abc" };
	static const char *const two[] = { "ab", "c" };
	static const char *const empty[] = { "" };

	expect(abc, 1,
	    "dc1114cd074914bd872cc1f9a23ec910ea2203bc79779ab2e17da25782a624fc");
	expect(two, 2,
	    "629c2f14f654f026086f2aefe1855533d0897f49df86a19073be17b237361b09");
	expect(empty, 1,
	    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	expect(NULL, 0,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
