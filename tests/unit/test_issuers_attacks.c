/* SPDX-License-Identifier: ISC */
#include "issuers/issuers.h"

#include "support/test.h"

#include <sodium.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "issuers/external_account.h"
#include "support/external_issuers.h"
#include "token/jws.h"

#define P256_BYTES 32

static enum err
verify(struct external_issuers *o, const char *text)
{
	return external_issuers_verify(o, text, NULL);
}

static enum err
verify_made(struct external_issuers *o, const struct keypair *key,
    const char *header, const char *payload)
{
	char text[EXTERNAL_ISSUERS_TEXT_SIZE];

	external_issuers_sign(text, key, header, payload);
	return verify(o, text);
}

/* The good payload under a bad header, with a valid signature. */
static void
refuse_header(struct external_issuers *o, const char *header)
{
	if (verify_made(o, o->ec[0], header, EXTERNAL_ISSUERS_PAYLOAD) !=
	    ERR_DENIED)
		fail_msg("taken: %s", header);
}

static void
refuse_headers(struct external_issuers *o, const char *const *headers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		refuse_header(o, headers[i]);
}

TEST(the_good_token_is_accepted, struct external_issuers *o)
{
	assert_int_equal(verify(o, o->good), ERR_OK);
	assert_int_equal(verify_made(o, o->ec[0], EXTERNAL_ISSUERS_HEADER,
			     EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_OK);
}

TEST(the_token_does_not_choose_the_algorithm, struct external_issuers *o)
{
	static const char *const algs[] = { "\"none\"", "\"None\"", "\"NONE\"",
		"\"nOnE\"", "\"\"", "\"es256\"", "\"ES256 \"", "\"ES384\"",
		"\"ES512\"", "\"ES256K\"", "\"RS384\"", "\"PS256\"",
		"\"HS256\"", "\"HS384\"", "\"EdDSA\"", "\"dir\"",
		"\"RSA-OAEP\"", "null", "0", "256", "[\"ES256\"]",
		"{\"ES256\":1}" };
	static const char *const headers[] = {
		"{\"kid\":\"ec\",\"typ\":\"JWT\"}",
		"{\"Alg\":\"ES256\",\"kid\":\"ec\"}",
	};
	char header[128], text[EXTERNAL_ISSUERS_TEXT_SIZE];

	for (size_t i = 0; i < NELEMS(algs); i++) {
		(void)snprintf(header, sizeof(header),
		    "{\"alg\":%s,\"kid\":\"ec\",\"typ\":\"JWT\"}", algs[i]);
		refuse_header(o, header);
		/* the same without a signature and with an empty one */
		external_issuers_sign(
		    text, NULL, header, EXTERNAL_ISSUERS_PAYLOAD);
		assert_int_equal(verify(o, text), ERR_DENIED);
		*(strrchr(text, '.') + 1) = '\0';
		assert_int_equal(verify(o, text), ERR_DENIED);
		*strrchr(text, '.') = '\0';
		assert_int_equal(verify(o, text), ERR_DENIED);
	}
	refuse_headers(o, headers, NELEMS(headers));
}

/* The public key of ${key}, as a JWK. */
static void
jwk_of(const struct keypair *key, struct buf *out)
{
	struct json_writer w;

	json_write_begin(&w, out);
	json_write_object(&w, NULL);
	assert_int_equal(keypair_jwk(key, &w), ERR_OK);
	json_write_close(&w);
	assert_int_equal(json_write_end(&w), ERR_OK);
}

/* Signed with HS256 under ${len} bytes that are public. */
static void
refuse_secret(struct external_issuers *o, const void *secret, size_t len)
{
	static const char *const kids[] = { "ec", "rsa" };

	for (size_t i = 0; i < NELEMS(kids); i++) {
		unsigned char mac[crypto_auth_hmacsha256_BYTES];
		crypto_auth_hmacsha256_state hmac;
		struct buf text = { 0 };
		char header[64];

		(void)snprintf(header, sizeof(header),
		    "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kids[i]);
		jws_encode(&text, header, strlen(header));
		buf_puts(&text, ".");
		jws_encode(&text, EXTERNAL_ISSUERS_PAYLOAD,
		    strlen(EXTERNAL_ISSUERS_PAYLOAD));
		crypto_auth_hmacsha256_init(&hmac, secret, len);
		crypto_auth_hmacsha256_update(
		    &hmac, (const unsigned char *)text.data, text.len);
		crypto_auth_hmacsha256_final(&hmac, mac);
		buf_puts(&text, ".");
		jws_encode(&text, mac, sizeof(mac));
		assert_int_equal(verify(o, text.data), ERR_DENIED);
		buf_clear(&text);
	}
}

static void
put_pem(struct buf *out, const unsigned char *der, size_t len)
{
	char base64[512];

	sodium_bin2base64(
	    base64, sizeof(base64), der, len, sodium_base64_VARIANT_ORIGINAL);
	buf_printf(out,
	    "-----BEGIN PUBLIC KEY-----\n%.64s\n%s\n"
	    "-----END PUBLIC KEY-----\n",
	    base64, base64 + 64);
}

/* The known attack on verifiers that take the algorithm from the token. */
TEST(a_public_key_is_not_an_hmac_secret, struct external_issuers *o)
{
	/* SubjectPublicKeyInfo of P-256, up to the point (RFC 5480). */
	static const unsigned char prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06,
		0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
		0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42,
		0x00, 0x04 };
	unsigned char der[sizeof(prefix) + 2 * P256_BYTES], n[512];
	struct buf ec = { 0 }, rsa = { 0 }, set = { 0 }, pem = { 0 };
	struct json_value *doc;
	const char *text;
	size_t len;

	jwk_of(o->ec[0], &ec);
	jwk_of(o->rsa[0], &rsa);
	buf_printf(&set, "{\"keys\":[%s,%s]}", rsa.data, ec.data);
	refuse_secret(o, ec.data, ec.len);
	refuse_secret(o, rsa.data, rsa.len);
	refuse_secret(o, set.data, set.len);
	refuse_secret(o, "", 0);

	memcpy(der, prefix, sizeof(prefix));
	assert_int_equal(json_value_parse(ec.data, ec.len, &doc), ERR_OK);
	text = json_value_string(json_value_member(doc, "x"));
	assert_int_equal(
	    jws_decode(der + sizeof(prefix), P256_BYTES, text, &len), ERR_OK);
	refuse_secret(o, text, strlen(text));
	text = json_value_string(json_value_member(doc, "y"));
	assert_int_equal(jws_decode(der + sizeof(prefix) + P256_BYTES,
			     P256_BYTES, text, &len),
	    ERR_OK);
	json_value_free(doc);
	refuse_secret(o, der, sizeof(der));
	refuse_secret(o, der + sizeof(prefix) - 1, 1 + 2 * P256_BYTES);
	refuse_secret(o, der + sizeof(prefix), 2 * P256_BYTES);
	put_pem(&pem, der, sizeof(der));
	refuse_secret(o, pem.data, pem.len);
	refuse_secret(o, pem.data, pem.len - 1);

	assert_int_equal(json_value_parse(rsa.data, rsa.len, &doc), ERR_OK);
	text = json_value_string(json_value_member(doc, "n"));
	refuse_secret(o, text, strlen(text));
	assert_int_equal(jws_decode(n, sizeof(n), text, &len), ERR_OK);
	refuse_secret(o, n, len);
	json_value_free(doc);
	buf_clear(&ec);
	buf_clear(&rsa);
	buf_clear(&set);
	buf_clear(&pem);
}

TEST(keys_and_extensions_in_the_header_are_refused, struct external_issuers *o)
{
	static const char *const names[] = { "crit", "jwk", "b64", "zip",
		"enc" };
	static const char *const values[] = { "null", "[]", "[\"exp\"]", "{}",
		"\"https://evil.example/keys\"", "\"DEF\"", "true", "false" };
	struct buf jwk = { 0 }, header = { 0 };

	for (size_t i = 0; i < NELEMS(names); i++) {
		for (size_t j = 0; j < NELEMS(values); j++) {
			buf_reset(&header);
			buf_printf(&header,
			    "{\"alg\":\"ES256\",\"kid\":\"ec\",\"%s\":%s}",
			    names[i], values[j]);
			refuse_header(o, header.data);
		}
	}
	/* A key that verifies the signature, with and without a kid. */
	jwk_of(o->ec[1], &jwk);
	buf_reset(&header);
	buf_printf(
	    &header, "{\"alg\":\"ES256\",\"kid\":\"ec\",\"jwk\":%s}", jwk.data);
	assert_int_equal(
	    verify_made(o, o->ec[1], header.data, EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
	buf_reset(&header);
	buf_printf(&header, "{\"alg\":\"ES256\",\"jwk\":%s}", jwk.data);
	assert_int_equal(
	    verify_made(o, o->ec[1], header.data, EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
	buf_clear(&jwk);
	buf_clear(&header);
}

TEST(other_header_members_are_ignored, struct external_issuers *o)
{
	assert_int_equal(
	    verify_made(o, o->ec[0],
		"{\"x5t\":\"abc\",\"jku\":\"https://a.example/keys\","
		"\"x5u\":\"https://evil.example/"
		"k\",\"x5c\":[\"AA\"],\"typ\":\"JWT\",\"cat\":\"cl_"
		"B7d4PD111AAA\","
		"\"kid\":\"ec\",\"org\":{\"a\":[1]},\"alg\":\"ES256\"}",
		EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_OK);
}

TEST(a_kid_is_only_a_name, struct external_issuers *o)
{
	static const char *const kids[] = { "\"\"", "\"EC\"", "\"ec \"",
		"\"ec/../ec\"", "\"../../../../etc/passwd\"", "\"/dev/null\"",
		"\"' OR '1'='1\"", "\"ec'; DROP TABLE users; --\"",
		"\"ec\\u0000\"", "\"%65c\"", "\"rsa\"", "\"ec,rsa\"", "null",
		"0", "true", "[\"ec\"]", "{\"ec\":\"ec\"}" };
	struct buf header = { 0 };
	char kid[5001];

	for (size_t i = 0; i < NELEMS(kids); i++) {
		buf_reset(&header);
		buf_printf(&header, "{\"alg\":\"ES256\",\"kid\":%s}", kids[i]);
		refuse_header(o, header.data);
	}
	memset(kid, 'e', sizeof(kid));
	kid[sizeof(kid) - 1] = '\0';
	buf_reset(&header);
	buf_printf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
	assert_int_equal(
	    verify_made(o, o->ec[0], header.data, EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
	buf_clear(&header);
	/* Without a kid it is the only key of its algorithm, and no other. */
	assert_int_equal(verify_made(o, o->ec[0], "{\"alg\":\"ES256\"}",
			     EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_OK);
	assert_int_equal(verify_made(o, o->ec[1], "{\"alg\":\"ES256\"}",
			     EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
}

TEST(typ_must_be_known, struct external_issuers *o)
{
	static const char *const good[] = { "\"JWT\"", "\"jwt\"", "\"at+jwt\"",
		"\"AT+JWT\"", "\"application/jwt\"", "\"Application/at+jwt\"" };
	static const char *const bad[] = { "\"\"", "\"JOSE\"", "\"JWE\"",
		"\"logout+jwt\"", "\"dpop+jwt\"", "\"secevent+jwt\"",
		"\"application/\"", "\"text/jwt\"", "\"JWT \"", "null", "1",
		"[\"JWT\"]" };
	char header[128];

	for (size_t i = 0; i < NELEMS(good) + NELEMS(bad); i++) {
		bool is_good = i < NELEMS(good);

		(void)snprintf(header, sizeof(header),
		    "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":%s}",
		    is_good ? good[i] : bad[i - NELEMS(good)]);
		if (verify_made(
			o, o->ec[0], header, EXTERNAL_ISSUERS_PAYLOAD) !=
		    (is_good ? ERR_OK : ERR_DENIED))
			fail_msg("%s", header);
	}
}

TEST(a_token_has_one_meaning, struct external_issuers *o)
{
	static const char *const headers[] = {
		"",
		"null",
		"[]",
		"\"ES256\"",
		"{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"ec\"}",
		"{\"alg\":\"ES256\",\"kid\":\"no\",\"kid\":\"ec\"}",
		"{\"alg\":\"ES256\",\"kid\":\"ec\",\"a\":{\"b\":1,\"b\":2}}",
		"{\"alg\":\"ES256\",\"kid\":\"ec\"}{}",
		"{\"alg\":\"ES256\",\"kid\":\"ec\",}",
		"{\"alg\":\"ES256\",\"kid\":\"ec\",\"a\":\"\xc3\"}",
	};
	static const char *const payloads[] = {
		"",
		"null",
		"[]",
		"\"\"",
		"7",
		"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
		",\"sub\":\"user_2\"}",
		"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
		",\"exp\":1800000600}",
		"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
		",\"a\":[{\"b\":1,\"b\":2}]}",
		"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES "}{}",
		"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
		",\"a\":\"\xff\"}",
		"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
		",\"a\":\"\\u0000\"}",
		"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
		",\"a\":1e999}",
		"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES
		",\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}",
		"\xef\xbb\xbf" EXTERNAL_ISSUERS_PAYLOAD,
	};

	refuse_headers(o, headers, NELEMS(headers));
	for (size_t i = 0; i < NELEMS(payloads); i++)
		if (verify_made(o, o->ec[0], EXTERNAL_ISSUERS_HEADER,
			payloads[i]) != ERR_DENIED)
			fail_msg("taken: %s", payloads[i]);
}

TEST(an_issuer_cannot_sign_for_another, struct external_issuers *o)
{
	static const char two[] =
	    "{\"iss\":\"" EXTERNAL_ISSUERS_TWO
	    "\",\"azp\":\"https://app.example\","
	    "\"aud\":\"latchkey\",\"sub\":\"1\"," EXTERNAL_ISSUERS_TIMES "}";
	static const char es256[] = "{\"alg\":\"ES256\",\"kid\":\"ec\"}";
	static const char rs256[] = "{\"alg\":\"RS256\",\"kid\":\"rsa\"}";

	assert_int_equal(
	    verify_made(o, o->ec[1], es256, EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
	assert_int_equal(
	    verify_made(o, o->rsa[1], rs256, EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
	assert_int_equal(verify_made(o, o->ec[0], es256, two), ERR_DENIED);
	assert_int_equal(verify_made(o, o->ec[1], es256, two), ERR_OK);
	/* its own key, for an algorithm that its block does not allow */
	assert_int_equal(verify_made(o, o->rsa[1], rs256, two), ERR_DENIED);
	/* a key under the kid, or the algorithm, of the other issuer */
	assert_int_equal(
	    verify_made(o, o->rsa[0], "{\"alg\":\"RS256\",\"kid\":\"ec\"}",
		EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
	assert_int_equal(
	    verify_made(o, o->rsa[0], "{\"alg\":\"ES256\",\"kid\":\"rsa\"}",
		EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
	assert_int_equal(
	    verify_made(o, o->rsa[0], "{\"alg\":\"ES256\",\"kid\":\"ec\"}",
		EXTERNAL_ISSUERS_PAYLOAD),
	    ERR_DENIED);
}

TEST(iss_must_be_configured, struct external_issuers *o)
{
	static const char *const bad[] = { "\"https://one.example/\"",
		"\"https://ONE.example\"", "\"http://one.example\"",
		"\"https://one.example \"", "\"https://two.example\"",
		"\"one.example\"", "\"\"", "null", "1",
		"[\"https://one.example\"]", "{}" };
	char payload[512];

	for (size_t i = 0; i < NELEMS(bad); i++) {
		(void)snprintf(payload, sizeof(payload),
		    "{\"iss\":%s,\"aud\":\"latchkey\",\"sub\":\"user_1\","
		    "\"azp\":\"https://app.example\"," EXTERNAL_ISSUERS_TIMES
		    "}",
		    bad[i]);
		if (verify_made(o, o->ec[0], EXTERNAL_ISSUERS_HEADER,
			payload) != ERR_DENIED)
			fail_msg("taken: %s", payload);
	}
	assert_int_equal(verify_made(o, o->ec[0], EXTERNAL_ISSUERS_HEADER,
			     "{\"aud\":\"latchkey\",\"sub\":\"user_"
			     "1\"," EXTERNAL_ISSUERS_TIMES "}"),
	    ERR_DENIED);
}

TEST_GROUP_FIXTURE(external_issuers_set_up, external_issuers_tear_down);
