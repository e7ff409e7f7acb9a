/* SPDX-License-Identifier: ISC */
#include "token/keypair.h"

#include "support/test.h"

#include "base/buf.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/secret.h"

static const char message[] = "what is signed";

struct pair {
	enum keypair_type type;
	struct keypair *key;
	unsigned char signature[KEYPAIR_SIGNATURE_MAX];
};

/* One pair of each type for all tests, because RSA is slow. */
static struct pair pairs[] = { { .type = KEYPAIR_RSA },
	{ .type = KEYPAIR_P256 } };

static int
make_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEMS(pairs); i++) {
		struct pair *p = &pairs[i];

		assert_int_equal(keypair_make(p->type, &p->key), ERR_OK);
		assert_int_equal(keypair_sign(p->key, message, sizeof(message),
				     p->signature),
		    ERR_OK);
	}
	return 0;
}

static int
free_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEMS(pairs); i++)
		keypair_free(pairs[i].key);
	return 0;
}

static enum err
verify(const struct pair *p, const unsigned char *signature)
{
	return keypair_verify(p->key, message, sizeof(message), signature);
}

TEST(verifies_what_it_signs)
{
	unsigned char bad[KEYPAIR_SIGNATURE_MAX];

	for (size_t i = 0; i < NELEMS(pairs); i++) {
		const struct pair *p = &pairs[i];
		size_t len = keypair_signature_len(p->key);

		assert_int_equal(len, p->type == KEYPAIR_RSA ? 256 : 64);
		assert_int_equal(verify(p, p->signature), ERR_OK);
		assert_int_equal(keypair_verify(p->key, message,
				     sizeof(message) - 1, p->signature),
		    ERR_DENIED);
		for (size_t at = 0; at < len; at++) {
			memcpy(bad, p->signature, sizeof(bad));
			bad[at] ^= 1;
			assert_int_equal(verify(p, bad), ERR_DENIED);
		}
	}
}

/* The first of these is CVE-2022-21449. */
TEST(trivial_signatures_verify_nothing)
{
	/* The order of P-256 (SEC 2). */
	static const unsigned char order[32] = { 0xff, 0xff, 0xff, 0xff, 0, 0,
		0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
		0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca,
		0xc2, 0xfc, 0x63, 0x25, 0x51 };
	unsigned char bad[KEYPAIR_SIGNATURE_MAX] = { 0 };
	const struct pair *ec = &pairs[1];

	assert_int_equal(verify(ec, bad), ERR_DENIED);
	assert_int_equal(verify(&pairs[0], bad), ERR_DENIED);
	bad[31] = 1;
	assert_int_equal(verify(ec, bad), ERR_DENIED);
	bad[63] = 1;
	assert_int_equal(verify(ec, bad), ERR_DENIED);
	memcpy(bad, order, sizeof(order));
	memcpy(bad + 32, order, sizeof(order));
	assert_int_equal(verify(ec, bad), ERR_DENIED);
	/* half of a good signature */
	memcpy(bad, ec->signature, 32);
	memset(bad + 32, 0, 32);
	assert_int_equal(verify(ec, bad), ERR_DENIED);
	memset(bad, 0xff, sizeof(bad));
	assert_int_equal(verify(ec, bad), ERR_DENIED);
	assert_int_equal(verify(&pairs[0], bad), ERR_DENIED);
}

TEST(is_the_same_after_writing_and_reading)
{
	for (size_t i = 0; i < NELEMS(pairs); i++) {
		const struct pair *p = &pairs[i];
		struct buf text = { 0 }, a = { 0 }, b = { 0 };
		struct keypair *key;

		assert_int_equal(keypair_write(p->key, &text), ERR_OK);
		assert_int_equal(
		    keypair_read(p->type, text.data, text.len, &key), ERR_OK);
		assert_int_equal(
		    keypair_verify(key, message, sizeof(message), p->signature),
		    ERR_OK);
		assert_int_equal(keypair_thumbprint(p->key, &a), ERR_OK);
		assert_int_equal(keypair_thumbprint(key, &b), ERR_OK);
		assert_string_equal(a.data, b.data);
		assert_int_equal(a.len, 43);
		keypair_free(key);

		/* truncated, with trailing bytes, of the other type */
		assert_int_equal(
		    keypair_read(p->type, text.data, text.len - 1, &key),
		    ERR_INVALID);
		assert_null(key);
		buf_append(&text, "", 1);
		assert_int_equal(
		    keypair_read(p->type, text.data, text.len, &key),
		    ERR_INVALID);
		assert_int_equal(keypair_read(pairs[1 - i].type, text.data,
				     text.len - 1, &key),
		    ERR_INVALID);
		buf_clear(&text);
		buf_clear(&a);
		buf_clear(&b);
	}
}

static size_t
string_len(const struct json_value *doc, const char *name)
{
	const char *text = json_value_string(json_value_member(doc, name));

	assert_non_null(text);
	return strlen(text);
}

TEST(publishes_only_the_public_part)
{
	static const char *const secret[] = { "d", "p", "q", "dp", "dq", "qi",
		"k" };

	for (size_t i = 0; i < NELEMS(pairs); i++) {
		struct buf text = { 0 };
		struct json_value *doc;
		struct json_writer w;

		json_write_begin(&w, &text);
		json_write_object(&w, NULL);
		assert_int_equal(keypair_jwk(pairs[i].key, &w), ERR_OK);
		json_write_close(&w);
		assert_int_equal(json_write_end(&w), ERR_OK);
		assert_int_equal(
		    json_value_parse(text.data, text.len, &doc), ERR_OK);
		for (size_t j = 0; j < NELEMS(secret); j++)
			assert_null(json_value_member(doc, secret[j]));
		if (pairs[i].type == KEYPAIR_RSA) {
			assert_string_equal(
			    json_value_string(json_value_member(doc, "e")),
			    "AQAB");
			assert_int_equal(string_len(doc, "n"), 342);
			assert_int_equal(json_value_size(doc), 3);
		} else {
			assert_int_equal(string_len(doc, "x"), 43);
			assert_int_equal(string_len(doc, "y"), 43);
			assert_int_equal(json_value_size(doc), 4);
		}
		json_value_free(doc);
		buf_clear(&text);
	}
}

TEST_GROUP_FIXTURE(make_pairs, free_pairs);
