/* SPDX-License-Identifier: ISC */
#include "token/jws.h"

#include "support/test.h"

#include "base/buf.h"
#include "base/secret.h"

#define HEADER "{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"JWT\"}"
/* 32 bytes of zero, in base64url */
#define SIGNATURE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct jws nothing;
static const unsigned char zero[32];

static unsigned char room[JWS_DECODED_MAX(JWS_EXTERNAL_MAX)];
static size_t longest = JWS_OURS_MAX;

static enum err
split(const char *text, struct jws *jws)
{
	enum err err;

	memset(jws, 0xaa, sizeof(*jws));
	err = jws_split(text, longest, room, jws);
	if (err != ERR_OK) {
		assert_int_equal(err, ERR_DENIED);
		assert_memory_equal(jws, &nothing, sizeof(*jws));
	}
	return err;
}

TEST(decodes_three_parts)
{
	struct jws jws;

	assert_int_equal(split("YWI.-_8." SIGNATURE, &jws), ERR_OK);
	assert_int_equal(jws.header_len, 2);
	assert_memory_equal(jws.header, "ab", 2);
	assert_int_equal(jws.payload_len, 2);
	assert_memory_equal(jws.payload, "\xfb\xff", 2);
	assert_int_equal(jws.signature_len, 32);
	assert_memory_equal(jws.signature, zero, 32);
}

TEST(refuses_other_forms)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"YWI",
		"YWI.YWI",
		"YWI.YWI.",
		".YWI." SIGNATURE,
		"YWI.." SIGNATURE,
		"YWI.YWI." SIGNATURE ".",
		"YWI.YWI." SIGNATURE ".YWI",
		/* padding, the other alphabet, white space, left-over bits */
		"YWI=.YWI." SIGNATURE,
		"YWI.+/8." SIGNATURE,
		"YWI .YWI." SIGNATURE,
		"YWI.YW\nI." SIGNATURE,
		"YWJ.YWI." SIGNATURE,
		"YWI.YR." SIGNATURE,
		"YWI.YWI.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
		/* a length that no bytes encode to */
		"Y.YWI." SIGNATURE,
		"YWI.YWIYW.YWI",
	};
	struct jws jws;

	for (size_t i = 0; i < NELEMS(bad); i++)
		if (split(bad[i], &jws) != ERR_DENIED)
			fail_msg("taken: %s", bad[i]);
}

static void
accepts_up_to(size_t max)
{
	static const size_t rest = sizeof("YWI.") + sizeof(SIGNATURE) - 1;
	static char text[JWS_EXTERNAL_MAX + 9];
	struct jws jws;

	longest = max;
	for (size_t len = longest - 8; len <= longest + 8; len++) {
		size_t middle = len - rest;

		memcpy(text, "YWI.", 4);
		memset(text + 4, 'A', middle);
		text[4 + middle] = '.';
		memcpy(text + 5 + middle, SIGNATURE, sizeof(SIGNATURE));
		assert_int_equal(strlen(text), len);
		assert_int_equal(split(text, &jws),
		    len <= longest && middle % 4 != 1 ? ERR_OK : ERR_DENIED);
	}
}

TEST(accepts_what_fits_and_no_more)
{
	accepts_up_to(JWS_EXTERNAL_MAX);
	accepts_up_to(JWS_OURS_MAX);
}

/* RSA with 4096 bits has the longest. */
TEST(refuses_longer_signatures_than_exist)
{
	unsigned char signature[JWS_SIGNATURE_MAX + 1] = { 0 };

	longest = JWS_EXTERNAL_MAX;
	for (size_t len = JWS_SIGNATURE_MAX; len <= sizeof(signature); len++) {
		struct buf text = { 0 };
		struct jws jws;

		buf_puts(&text, "YWI.YWI.");
		jws_encode(&text, signature, len);
		assert_int_equal(split(text.data, &jws),
		    len == JWS_SIGNATURE_MAX ? ERR_OK : ERR_DENIED);
		buf_clear(&text);
	}
	longest = JWS_OURS_MAX;
}

TEST(encodes_what_it_decodes)
{
	unsigned char data[300];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 151 + i / 7);
	for (size_t len = 1; len <= sizeof(data); len++) {
		struct buf text = { 0 };
		struct jws jws;

		buf_puts(&text, "YWI.");
		jws_encode(&text, data, len);
		buf_puts(&text, ".");
		jws_encode(&text, data, 32);
		assert_int_equal(split(text.data, &jws), ERR_OK);
		assert_int_equal(jws.payload_len, len);
		assert_memory_equal(jws.payload, data, len);
		assert_memory_equal(jws.signature, data, 32);
		buf_clear(&text);
	}
}

static enum err
check(const char *header)
{
	struct jws jws = { .header = (const unsigned char *)header,
		.header_len = strlen(header) };

	return jws_header_check(&jws, "HS256", "k", "JWT");
}

TEST(accepts_one_header_only)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"null",
		"\"HS256\"",
		"{\"alg\":\"HS256\",\"kid\":\"k\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"Typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"kid\":\"K\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS512\",\"kid\":\"k\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"typ\":\"JWT\",\"crit\":[]}",
		"{\"alg\":\"HS256\",\"kid\":\"k\",\"kid\":\"k\"}",
		HEADER "x",
	};

	assert_int_equal(check(HEADER), ERR_OK);
	/* the order of members does not matter */
	assert_int_equal(
	    check("{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"k\"}"), ERR_OK);
	for (size_t i = 0; i < NELEMS(bad); i++)
		if (check(bad[i]) != ERR_DENIED)
			fail_msg("taken: %s", bad[i]);
}
