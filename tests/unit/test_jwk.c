/* SPDX-License-Identifier: ISC */
#include "token/jwk.h"

#include "support/test.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "token/jws.h"
#include "token/keypair.h"

/* The keys of RFC 7515 appendix A.3 and RFC 7517 appendix A.1. */
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RSA_N                                                                  \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1R" \
	"K7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9" \
	"yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZg" \
	"nYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6We" \
	"Zu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK" \
	"gw"

#define EC                                                                     \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""

static enum err
parse(const char *keys, unsigned algorithms, struct jwk_set **set)
{
	struct buf text = { 0 };
	enum err err;

	buf_printf(&text, "{\"keys\":[%s]}", keys);
	err = jwk_set_parse(text.data, text.len, algorithms, set);
	if (err != ERR_OK) {
		assert_int_equal(err, ERR_INVALID);
		assert_null(*set);
	}
	buf_clear(&text);
	return err;
}

/* Is this key usable in a set of its own? */
static bool
usable(const char *members)
{
	struct jwk_set *set;
	struct buf key = { 0 };
	bool is;

	buf_printf(&key, "{%s}", members);
	is = parse(key.data, JWK_ALGS_ALL, &set) == ERR_OK;
	jwk_set_free(set);
	buf_clear(&key);
	return is;
}

TEST(finds_keys_by_name_and_algorithm)
{
	struct jwk_set *set;

	assert_int_equal(
	    parse("{\"kid\":\"one\"," RSA "},{\"kid\":\"one\"," EC "},"
		  "{\"use\":\"sig\",\"kid\":\"../two\",\"alg\":\"ES256\","
		  "\"key_ops\":[\"verify\"],\"x5t\":\"abc\"," EC "}",
		JWK_ALGS_ALL, &set),
	    ERR_OK);
	assert_int_equal(jwk_set_count(set), 3);
	assert_non_null(jwk_set_find(set, "one", JWK_RS256));
	assert_non_null(jwk_set_find(set, "one", JWK_ES256));
	assert_non_null(jwk_set_find(set, "../two", JWK_ES256));
	assert_null(jwk_set_find(set, "../two", JWK_RS256));
	assert_null(jwk_set_find(set, "One", JWK_RS256));
	assert_null(jwk_set_find(set, "", JWK_RS256));
	assert_int_equal(
	    keypair_signature_len(jwk_set_find(set, "one", JWK_RS256)), 256);
	assert_int_equal(
	    keypair_signature_len(jwk_set_find(set, "one", JWK_ES256)), 64);
	/* Without a kid it is the only key, or none. */
	assert_ptr_equal(jwk_set_find(set, NULL, JWK_RS256),
	    jwk_set_find(set, "one", JWK_RS256));
	assert_null(jwk_set_find(set, NULL, JWK_ES256));
	jwk_set_free(set);
	assert_int_equal(jwk_set_count(NULL), 0);
}

TEST(reads_only_keys_of_allowed_algorithms)
{
	struct jwk_set *set;

	assert_int_equal(parse("{" RSA "},{" EC "}", JWK_ES256, &set), ERR_OK);
	assert_int_equal(jwk_set_count(set), 1);
	assert_non_null(jwk_set_find(set, NULL, JWK_ES256));
	jwk_set_free(set);
	assert_int_equal(parse("{" RSA "}", JWK_ES256, &set), ERR_INVALID);
	assert_int_equal(parse("{" EC "}", JWK_RS256, &set), ERR_INVALID);
}

TEST(skips_keys_for_other_purposes)
{
	static const char *const bad[] = {
		"\"use\":\"enc\"," RSA,
		"\"use\":\"\"," RSA,
		"\"use\":null," RSA,
		"\"use\":[\"sig\"]," RSA,
		"\"key_ops\":[]," RSA,
		"\"key_ops\":[\"sign\",\"encrypt\"]," RSA,
		"\"key_ops\":\"verify\"," RSA,
		"\"key_ops\":[[\"verify\"]]," RSA,
		"\"key_ops\":null," RSA,
		"\"alg\":\"RS512\"," RSA,
		"\"alg\":\"PS256\"," RSA,
		"\"alg\":\"RSA-OAEP\"," RSA,
		"\"alg\":\"HS256\"," RSA,
		"\"alg\":\"none\"," RSA,
		"\"alg\":\"ES256\"," RSA,
		"\"alg\":256," RSA,
		"\"alg\":\"RS256\"," EC,
		"\"alg\":\"ES384\"," EC,
		"\"d\":\"AQAB\"," RSA,
		"\"d\":\"" EC_X "\"," EC,
		"\"kid\":\"\"," RSA,
		"\"kid\":1," RSA,
		"\"kid\":null," RSA,
		/* symmetric, or of a type that is not supported */
		"\"kty\":\"oct\",\"k\":\"" EC_X "\"",
		"\"kty\":\"oct\",\"alg\":\"RS256\",\"n\":\"" RSA_N
		"\",\"e\":\"AQAB\"",
		"\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" EC_X "\"",
		"\"kty\":\"rsa\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"",
		"\"n\":\"" RSA_N "\",\"e\":\"AQAB\"",
		"\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X
		"\",\"y\":\"" EC_Y "\"",
		"\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" EC_X
		"\",\"y\":\"" EC_Y "\"",
		"\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"",
	};

	assert_true(usable(RSA));
	assert_true(usable(EC));
	assert_true(usable("\"use\":\"sig\",\"alg\":\"RS256\",\"key_ops\":["
			   "\"sign\",\"verify\"]," RSA));
	for (size_t i = 0; i < NELEMS(bad); i++)
		if (usable(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

/* An RSA key whose n has ${bits} bits and ends with ${last}. */
static bool
rsa_usable(size_t bits, unsigned char last, const char *e)
{
	unsigned char n[1024] = { 0 };
	size_t len = (bits + 7) / 8;
	struct buf text = { 0 };
	bool is;

	memset(n + 1, 0x5a, len - 1);
	n[0] = (unsigned char)(1u << (bits - 1) % 8);
	n[len - 1] = last;
	buf_puts(&text, "\"kty\":\"RSA\",\"n\":\"");
	jws_encode(&text, n, len);
	buf_printf(&text, "\",\"e\":\"%s\"", e);
	is = usable(text.data);
	buf_clear(&text);
	return is;
}

TEST(skips_weak_and_costly_rsa_keys)
{
	static const struct {
		size_t bits;
		bool expect;
	} sizes[] = { { 512, false }, { 1024, false }, { 2040, false },
		{ 2047, false }, { 2048, true }, { 2049, true }, { 3072, true },
		{ 4096, true }, { 4097, false }, { 8192, false } };
	static const struct {
		const char *e;
		bool expect;
	} exponents[] = {
		{ "Aw", true },            /* 3 */
		{ "AQAB", true },          /* 65537 */
		{ "__________8", true },   /* of 64 bits */
		{ "Af__________", false }, /* of 65 and more */
		{ "AQ", false },           /* 1 */
		{ "AA", false },           /* 0 */
		{ "Ag", false },           /* 2 */
		{ "AQAA", false },         /* even */
		{ "AAM", true },           /* 3, with a zero before it */
		{ "", false },
		{ "A", false },
		{ "AQAC=", false },
		{ "AQAB\\n", false },
	};

	for (size_t i = 0; i < NELEMS(sizes); i++)
		if (rsa_usable(sizes[i].bits, 0x5b, "AQAB") != sizes[i].expect)
			fail_msg("%zu bits", sizes[i].bits);
	for (size_t i = 0; i < NELEMS(exponents); i++)
		if (rsa_usable(2048, 0x5b, exponents[i].e) !=
		    exponents[i].expect)
			fail_msg("e %s", exponents[i].e);
	assert_false(rsa_usable(2048, 0x5a, "AQAB"));
	assert_false(
	    usable("\"kty\":\"RSA\",\"n\":\"AA" RSA_N "\",\"e\":\"AQAB\""));
	assert_false(usable("\"kty\":\"RSA\",\"n\":\"" RSA_N "\""));
	assert_false(usable("\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":65537"));
	assert_false(usable("\"kty\":\"RSA\",\"e\":\"AQAB\""));
}

TEST(skips_points_not_on_the_curve)
{
	static const struct {
		const char *x, *y;
	} bad[] = {
		{ EC_X, EC_X },
		{ EC_Y, EC_X },
		/* (0, 0), and (p, p), which is not in the field */
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		{ "_____wAAAAEAAAAAAAAAAAAAAAD_______________8",
		    "_____wAAAAEAAAAAAAAAAAAAAAD_______________8" },
		/* 31 and 33 bytes, and none */
		{ EC_X, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		{ "AH_NziduxF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEVA", EC_Y },
		{ "", EC_Y },
		{ EC_X, "" },
		{ EC_X "=", EC_Y },
	};
	char members[256];

	for (size_t i = 0; i < NELEMS(bad); i++) {
		(void)snprintf(members, sizeof(members),
		    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%"
		    "s\"",
		    bad[i].x, bad[i].y);
		if (usable(members))
			fail_msg("taken: %s", members);
	}
	assert_false(
	    usable("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\""));
}

TEST(keeps_good_keys_among_bad_ones)
{
	struct jwk_set *set;

	assert_int_equal(
	    parse(
		"null,7,[],{},{\"kid\":\"a\",\"kty\":\"oct\",\"k\":\"AQAB\"},"
		"{\"kid\":\"a\",\"use\":\"enc\"," RSA "},"
		"{\"kid\":\"a\"," RSA "},"
		"{\"kid\":\"a\",\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
		JWK_ALGS_ALL, &set),
	    ERR_OK);
	assert_int_equal(jwk_set_count(set), 1);
	assert_non_null(jwk_set_find(set, "a", JWK_RS256));
	jwk_set_free(set);
}

/* Neither is known to be the right one. */
TEST(drops_keys_that_share_a_name)
{
	static const char other[] =
	    "{\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
	    "\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","
	    "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}";
	struct jwk_set *set;
	struct buf keys = { 0 };

	buf_printf(&keys, "{\"kid\":\"a\"," EC "},%s", other);
	assert_int_equal(parse(keys.data, JWK_ALGS_ALL, &set), ERR_INVALID);
	/* other kids and other algorithms are not affected */
	buf_puts(&keys, ",{\"kid\":\"b\"," EC "},{\"kid\":\"a\"," RSA "}");
	assert_int_equal(parse(keys.data, JWK_ALGS_ALL, &set), ERR_OK);
	assert_int_equal(jwk_set_count(set), 2);
	assert_null(jwk_set_find(set, "a", JWK_ES256));
	assert_non_null(jwk_set_find(set, "b", JWK_ES256));
	assert_non_null(jwk_set_find(set, "a", JWK_RS256));
	jwk_set_free(set);
	/* an equal key counts once; keys without a kid share no name */
	buf_reset(&keys);
	buf_puts(&keys, "{\"kid\":\"a\"," EC "},{\"kid\":\"a\"," EC "}");
	assert_int_equal(parse(keys.data, JWK_ALGS_ALL, &set), ERR_OK);
	assert_int_equal(jwk_set_count(set), 1);
	jwk_set_free(set);
	buf_reset(&keys);
	buf_printf(&keys, "{" EC "},%s,{" EC "}", other);
	assert_int_equal(parse(keys.data, JWK_ALGS_ALL, &set), ERR_OK);
	assert_int_equal(jwk_set_count(set), 3);
	assert_null(jwk_set_find(set, NULL, JWK_ES256));
	jwk_set_free(set);
	buf_clear(&keys);
}

TEST(refuses_text_that_is_not_a_set)
{
	static const char *const bad[] = { "", "null", "[]", "{}", "\"keys\"",
		"{\"keys\":[]}", "{\"keys\":{}}", "{\"keys\":null}",
		"{\"Keys\":[{" EC "}]}", "[{" EC "}]", "{" EC "}",
		"{\"keys\":{\"0\":{" EC "}}}", "{\"keys\":[[{" EC "}]]}",
		"{\"keys\":[{" EC "}]}x", "{\"keys\":[{" EC "}]",
		"{\"keys\":[{" EC "}],\"keys\":[{" EC "}]}",
		"{\"keys\":[{" EC ",\"kty\":\"EC\"}]}",
		"<html>The issuer is down</html>" };
	struct jwk_set *set;

	for (size_t i = 0; i < NELEMS(bad); i++)
		if (jwk_set_parse(bad[i], strlen(bad[i]), JWK_ALGS_ALL, &set) !=
		    ERR_INVALID)
			fail_msg("taken: %s", bad[i]);
}

/* Reading all of them would take a second. */
TEST(reads_at_most_the_maximum_of_keys)
{
	struct buf keys = { 0 };
	struct jwk_set *set;

	for (int i = 0; i < JWK_KEYS_MAX - 1; i++)
		buf_puts(&keys, "0,");
	buf_puts(&keys, "{\"kid\":\"a\"," EC "},{\"kid\":\"b\"," EC "}");
	assert_int_equal(parse(keys.data, JWK_ALGS_ALL, &set), ERR_OK);
	assert_int_equal(jwk_set_count(set), 1);
	jwk_set_free(set);
	buf_reset(&keys);
	buf_puts(&keys, "{" EC "}");
	while (keys.len + strlen("{\"keys\":[]}") < ISSUER_JWKS_MAX)
		buf_puts(&keys, " ");
	assert_int_equal(parse(keys.data, JWK_ALGS_ALL, &set), ERR_OK);
	jwk_set_free(set);
	buf_puts(&keys, " ");
	assert_int_equal(parse(keys.data, JWK_ALGS_ALL, &set), ERR_INVALID);
	buf_clear(&keys);
}

/* A set that this site publishes can be parsed. */
TEST(reads_the_set_this_site_publishes)
{
	static const enum keypair_type types[] = { KEYPAIR_RSA, KEYPAIR_P256 };
	static const enum jwk_alg algs[] = { JWK_RS256, JWK_ES256 };

	for (size_t i = 0; i < NELEMS(types); i++) {
		unsigned char signature[KEYPAIR_SIGNATURE_MAX];
		struct keypair *pair;
		struct buf text = { 0 };
		struct jwk_set *set;
		struct json_writer w;

		assert_int_equal(keypair_make(types[i], &pair), ERR_OK);
		json_write_begin(&w, &text);
		json_write_object(&w, NULL);
		json_write_array(&w, "keys");
		json_write_object(&w, NULL);
		assert_int_equal(keypair_jwk(pair, &w), ERR_OK);
		json_write_close(&w);
		json_write_close(&w);
		json_write_close(&w);
		assert_int_equal(json_write_end(&w), ERR_OK);
		assert_int_equal(
		    jwk_set_parse(text.data, text.len, algs[i], &set), ERR_OK);
		assert_int_equal(
		    keypair_sign(pair, "text", 4, signature), ERR_OK);
		assert_int_equal(
		    keypair_verify(
			jwk_set_find(set, NULL, algs[i]), "text", 4, signature),
		    ERR_OK);
		assert_int_equal(
		    keypair_verify(
			jwk_set_find(set, NULL, algs[i]), "Text", 4, signature),
		    ERR_DENIED);
		jwk_set_free(set);
		keypair_free(pair);
		buf_clear(&text);
	}
}
