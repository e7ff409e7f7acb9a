/* SPDX-License-Identifier: ISC */
#include "issuers/issuers.h"

#include "support/test.h"

#include <stdio.h>

#include "base/buf.h"
#include "issuers/external_account.h"
#include "support/external_issuers.h"
#include "token/jws.h"

/* Spelling and signatures of tokens of other issuers. */

#define P256_BYTES 32

static enum err
verify(struct external_issuers *o, const char *text)
{
	return external_issuers_verify(o, text, NULL);
}

/* The order of P-256 (SEC 2). */
static const unsigned char order[P256_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0x00,
	0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
	0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc,
	0x63, 0x25, 0x51 };

/* The positions of the dots in ${good}. */
static size_t
end_of_part(const char *good, int part)
{
	const char *at = good;

	while (part-- > 0)
		at = strchr(at, '.') + 1;
	return strcspn(at, ".") + (size_t)(at - good);
}

/* Insert ${insert} after ${len} characters of the good token. */
static enum err
verify_with(struct external_issuers *o, size_t len, const char *insert,
    const char *rest)
{
	struct buf text = { 0 };
	enum err err;

	buf_append(&text, o->good, len);
	buf_puts(&text, insert);
	buf_puts(&text, rest);
	err = verify(o, text.data);
	buf_clear(&text);
	return err;
}

TEST(a_token_has_one_spelling, struct external_issuers *o)
{
	static const char *const inserts[] = { "=", "==", " ", "\n", "\t", "A",
		"AAAA", "+", "/", "%3d", "\xc2\xa0", "." };

	for (int part = 0; part < 3; part++) {
		size_t end = end_of_part(o->good, part);

		for (size_t i = 0; i < NELEMS(inserts); i++)
			if (verify_with(o, end, inserts[i], o->good + end) !=
			    ERR_DENIED)
				fail_msg(
				    "part %d taken with %s", part, inserts[i]);
		assert_int_equal(
		    verify_with(o, end - 1, "", o->good + end), ERR_DENIED);
	}
	assert_int_equal(verify_with(o, 0, " ", o->good), ERR_DENIED);
	assert_int_equal(verify_with(o, 0, "Bearer ", o->good), ERR_DENIED);
	assert_int_equal(verify_with(o, 0, "", o->good), ERR_OK);
}

/* 86 characters are 64 bytes and four bits, which must be zero. */
TEST(left_over_bits_are_refused, struct external_issuers *o)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
				     "ghijklmnopqrstuvwxyz0123456789-_";
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];
	size_t last;

	memcpy(text, o->good, sizeof(text));
	last = strlen(text) - 1;
	for (size_t i = 1; i < 16; i++) {
		size_t digit = (size_t)(strchr(digits, o->good[last]) - digits);

		assert_int_equal(digit % 16, 0);
		text[last] = digits[digit + i];
		assert_int_equal(verify(o, text), ERR_DENIED);
	}
	text[last] = o->good[last];
	assert_int_equal(verify(o, text), ERR_OK);
}

TEST(other_serializations_are_refused, struct external_issuers *o)
{
	const char *const bad[] = {
		"",
		".",
		"..",
		"...",
		"null",
		"{\"payload\":\"e30\",\"signatures\":[]}",
		/* RFC 7516 appendix A.1, shortened: five parts */
		"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2."
		"48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4."
		"XFBoMYUZodetZdvTiFvSkQ",
		/* its header, and four parts of a good token */
		"eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..e30.e30.e30",
	};
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];

	for (size_t i = 0; i < NELEMS(bad); i++)
		assert_int_equal(verify(o, bad[i]), ERR_DENIED);
	memcpy(text, o->good, sizeof(text));
	for (int i = 0; i < 4; i++) {
		memcpy(text + strlen(text), ".e30", sizeof(".e30"));
		assert_int_equal(verify(o, text), ERR_DENIED);
	}
}

/* The first of these is CVE-2022-21449. */
TEST(trivial_signatures_are_refused, struct external_issuers *o)
{
	size_t end = end_of_part(o->good, 1) + 1;

	for (int r = 0; r < 4; r++) {
		for (int s = 0; s < 4; s++) {
			unsigned char signature[2 * P256_BYTES] = { 0 };
			struct buf text = { 0 };
			int kinds[2] = { r, s };

			for (int i = 0; i < 2; i++) {
				unsigned char *at = signature + i * P256_BYTES;

				if (kinds[i] == 1)
					at[P256_BYTES - 1] = 1;
				else if (kinds[i] == 2)
					memcpy(at, order, sizeof(order));
				else if (kinds[i] == 3)
					memset(at, 0xff, P256_BYTES);
			}
			buf_append(&text, o->good, end);
			jws_encode(&text, signature, sizeof(signature));
			assert_int_equal(verify(o, text.data), ERR_DENIED);
			buf_clear(&text);
		}
	}
}

TEST(a_signature_has_the_length_of_its_key, struct external_issuers *o)
{
	size_t end = end_of_part(o->good, 1) + 1;
	unsigned char zero[JWS_SIGNATURE_MAX] = { 0 };
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];

	for (size_t len = 1; len <= sizeof(zero); len++) {
		struct buf made = { 0 };

		buf_append(&made, o->good, end);
		jws_encode(&made, zero, len);
		assert_int_equal(verify(o, made.data), ERR_DENIED);
		buf_clear(&made);
	}
	external_issuers_sign(text, o->rsa[0],
	    "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", EXTERNAL_ISSUERS_PAYLOAD);
	assert_int_equal(verify(o, text), ERR_OK);
	text[strlen(text) - 4] = '\0';
	assert_int_equal(verify(o, text), ERR_DENIED);
}

/*
 * (r, s) and (r, n - s) are both valid, and anyone can compute one from the
 * other; the name on the blacklist must not differ.
 */
TEST(the_second_signature_has_the_same_name, struct external_issuers *o)
{
	unsigned char signature[2 * P256_BYTES];
	size_t len, end = end_of_part(o->good, 1) + 1;
	struct buf text = { 0 };
	struct claims one, two;
	int borrow = 0;

	assert_int_equal(
	    jws_decode(signature, sizeof(signature), o->good + end, &len),
	    ERR_OK);
	for (int i = P256_BYTES - 1; i >= 0; i--) {
		int digit = order[i] - signature[P256_BYTES + i] - borrow;

		borrow = digit < 0;
		signature[P256_BYTES + i] = (unsigned char)(digit & 0xff);
	}
	buf_append(&text, o->good, end);
	jws_encode(&text, signature, sizeof(signature));
	assert_string_not_equal(text.data, o->good);
	assert_int_equal(external_issuers_verify(o, o->good, &one), ERR_OK);
	assert_int_equal(external_issuers_verify(o, text.data, &two), ERR_OK);
	assert_int_equal(strlen(one.jti), TOKEN_JTI_SIZE - 1);
	assert_string_equal(one.jti, two.jti);
	buf_clear(&text);
}

TEST(any_flipped_bit_is_refused, struct external_issuers *o)
{
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];

	for (size_t i = 0; o->good[i] != '\0'; i++) {
		memcpy(text, o->good, sizeof(text));
		text[i] = text[i] == 'A' ? 'B' : 'A';
		assert_int_equal(verify(o, text), ERR_DENIED);
	}
}

/* At most 8192 characters are read. */
TEST(the_length_of_a_token_is_bounded, struct external_issuers *o)
{
	char text[EXTERNAL_ISSUERS_TEXT_SIZE], payload[8192];
	size_t longest = 0, shortest = SIZE_MAX;

	for (int pad = 5750; pad < 5950; pad++) {
		size_t len;

		(void)snprintf(payload, sizeof(payload),
		    "{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
		    ",\"a\":\"%0*d\"}",
		    pad, 0);
		external_issuers_sign(
		    text, o->ec[0], EXTERNAL_ISSUERS_HEADER, payload);
		len = strlen(text);
		if (verify(o, text) == ERR_OK && len > longest)
			longest = len;
		else if (verify(o, text) == ERR_DENIED && len < shortest)
			shortest = len;
	}
	assert_in_range(longest, 8191, 8192);
	assert_in_range(shortest, 8193, 8194);
}

TEST_GROUP_FIXTURE(external_issuers_set_up, external_issuers_tear_down);
