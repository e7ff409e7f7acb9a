/* SPDX-License-Identifier: ISC */
#include "token/access_token.h"

#include "support/test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "base/str.h"
#include "support/token_forger.h"
#include "token/jws.h"
#include "token/keypair.h"
#include "token/master_secret.h"
#include "token/signing_keys.h"

/*
 * Known attacks on token verifiers, against a site with a key of each
 * algorithm. Where possible the signature is valid, so that it is not what is
 * refused.
 */
#define NOW 1700000000
#define PAYLOAD_OF(more)                                                       \
	"{\"iss\":\"latchkey\",\"aud\":\"site\",\"sub\":\"42\","               \
	"\"sid\":\"00112233445566778899aabbccddeeff\",\"epoch\":7,"            \
	"\"jti\":\"2f1e7f0a-3c4d-4b5e-8f60-718293a4b5c6\","                    \
	"\"iat\":1700000000,\"nbf\":1700000000,\"exp\":1700000900" more "}"

static const char payload[] = PAYLOAD_OF("");
static struct signing_keys keys; /* index: enum signing_keys_alg */
static struct signing_keys foreign;
static const struct access_tokens tokens = {
	.keys = &keys,
	.issuer = "latchkey",
	.audience = "site",
	.lifetime = 900,
	.clock = &clock_system,
};

static void
fill(struct signing_keys *k, const char *secret)
{
	struct master_secret master;
	struct signing_key_row row;

	assert_int_equal(master_secret_load(secret, "", &master), ERR_OK);
	for (size_t i = 0; i < SIGNING_KEYS_ALGS; i++) {
		assert_int_equal(signing_keys_row_make(
				     (enum signing_keys_alg)i, &master, &row),
		    ERR_OK);
		row.lifetime = 900;
		row.signs_at = NOW - 10;
		assert_int_equal(
		    signing_keys_row_open(&row, &master, &k->list[i]), ERR_OK);
		k->count++;
	}
	master_secret_clear(&master);
}

static int
set_up(void **state)
{
	(void)state;
	fill(&keys, "the secret of this test, 32 bytes+");
	fill(&foreign, "the secret of another site, 32 bytes+");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	signing_keys_close(&keys);
	signing_keys_close(&foreign);
	return 0;
}

static enum err
verify(const char *text)
{
	struct claims c;
	enum err err = access_token_verify(&tokens, text, NOW, &c);

	if (err != ERR_OK)
		assert_int_equal(c.user_id, 0);
	return err;
}

/* Write header and payload in base64url, joined by a dot. */
static void
begin(char dst[TOKEN_FORGER_SIZE], const char *header, const char *claims)
{
	dst[0] = '\0';
	token_forger_part(dst, header);
	dst[strlen(dst) + 1] = '\0';
	dst[strlen(dst)] = '.';
	token_forger_part(dst, claims);
}

static void
finish(char dst[TOKEN_FORGER_SIZE], const unsigned char *signature, size_t len)
{
	struct buf text = { 0 };

	buf_puts(&text, dst);
	buf_puts(&text, ".");
	jws_encode(&text, signature, len);
	assert_int_equal(str_copy(dst, TOKEN_FORGER_SIZE, text.data), ERR_OK);
	buf_clear(&text);
}

static void
sign_hmac(char dst[TOKEN_FORGER_SIZE], const void *secret, size_t len)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, secret, len);
	crypto_auth_hmacsha256_update(
	    &state, (const unsigned char *)dst, strlen(dst));
	crypto_auth_hmacsha256_final(&state, mac);
	finish(dst, mac, sizeof(mac));
}

/* Append the signature of ${dst} by the key. */
static void
sign_with(char dst[TOKEN_FORGER_SIZE], const struct signing_key *key)
{
	unsigned char signature[KEYPAIR_SIGNATURE_MAX];

	if (key->alg == SIGNING_KEYS_HS256) {
		sign_hmac(dst, key->secret.data, key->secret.len);
		return;
	}
	assert_int_equal(
	    keypair_sign(key->pair, dst, strlen(dst), signature), ERR_OK);
	finish(dst, signature, keypair_signature_len(key->pair));
}

/* ${fmt} has one %s, for the kid. */
static enum err
verify_header(const struct signing_key *key, const char *start, const char *end)
{
	char header[TOKEN_FORGER_SIZE / 2], text[TOKEN_FORGER_SIZE];

	(void)snprintf(header, sizeof(header), "{%s\"kid\":\"%s\"%s}", start,
	    key->kid, end);
	begin(text, header, payload);
	sign_with(text, key);
	return verify(text);
}

static void
good_token(char text[TOKEN_FORGER_SIZE], const struct signing_key *key)
{
	char header[256];

	(void)snprintf(header, sizeof(header),
	    "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
	    signing_keys_alg_name(key->alg), key->kid);
	begin(text, header, payload);
	sign_with(text, key);
}

/* Otherwise the other tests would prove nothing. */
TEST(a_good_token_passes)
{
	char text[TOKEN_FORGER_SIZE], start[32];

	for (size_t i = 0; i < SIGNING_KEYS_ALGS; i++) {
		good_token(text, &keys.list[i]);
		assert_int_equal(verify(text), ERR_OK);
		(void)snprintf(start, sizeof(start), "\"alg\":\"%s\",",
		    signing_keys_alg_name((enum signing_keys_alg)i));
		assert_int_equal(
		    verify_header(&keys.list[i], start, ",\"typ\":\"JWT\""),
		    ERR_OK);
		assert_int_equal(
		    verify_header(&keys.list[i], "\"typ\":\"JWT\",", ""),
		    ERR_DENIED);
	}
}

TEST(the_key_decides_the_algorithm)
{
	static const char *const algs[] = { "none", "None", "NONE", "nOnE",
		"none ", "", "HS256", "HS384", "HS512", "RS256", "RS384",
		"RS512", "PS256", "ES256", "ES384", "ES512", "ES256K", "EdDSA",
		"hs256", "rs256", "es256", "RS256 ", "RSA-OAEP", "dir" };
	char start[64], text[TOKEN_FORGER_SIZE], header[256];

	for (size_t k = 0; k < SIGNING_KEYS_ALGS; k++) {
		const struct signing_key *key = &keys.list[k];

		for (size_t i = 0; i < NELEMS(algs); i++) {
			bool own = strcmp(algs[i],
				       signing_keys_alg_name(key->alg)) == 0;

			(void)snprintf(
			    start, sizeof(start), "\"alg\":\"%s\",", algs[i]);
			assert_int_equal(
			    verify_header(key, start, ",\"typ\":\"JWT\""),
			    own ? ERR_OK : ERR_DENIED);
			/* never without a signature */
			(void)snprintf(header, sizeof(header),
			    "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
			    algs[i], key->kid);
			begin(text, header, payload);
			assert_int_equal(verify(text), ERR_DENIED);
			text[strlen(text) + 1] = '\0';
			text[strlen(text)] = '.';
			assert_int_equal(verify(text), ERR_DENIED);
		}
	}
}

/* Members that name a key or change the meaning. */
TEST(other_header_members_are_refused)
{
	static const char *const more[] = {
		",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}",
		",\"jku\":\"https://127.0.0.1:1/jwks.json\"",
		",\"x5u\":\"https://127.0.0.1:1/chain.pem\"",
		",\"x5c\":[\"MIIB\"]", ",\"x5t\":\"AAAA\"",
		",\"crit\":[\"exp\"]", ",\"crit\":[]", ",\"crit\":null",
		",\"b64\":false", ",\"zip\":\"DEF\"", ",\"cty\":\"JWT\"",
		",\"enc\":\"A256GCM\"", ",\"kid\":\"another\"",
		",\"k\\u0069d\":\"another\"", ",\"alg\":\"none\"",
		",\"typ\":\"JWT\"", ",\"\":\"\""
	};
	char start[64], end[128];

	for (size_t k = 0; k < SIGNING_KEYS_ALGS; k++) {
		(void)snprintf(start, sizeof(start), "\"alg\":\"%s\",",
		    signing_keys_alg_name((enum signing_keys_alg)k));
		for (size_t i = 0; i < NELEMS(more); i++) {
			(void)snprintf(
			    end, sizeof(end), ",\"typ\":\"JWT\"%s", more[i]);
			if (verify_header(&keys.list[k], start, end) !=
			    ERR_DENIED)
				fail_msg("taken: %s", end);
		}
		assert_int_equal(
		    verify_header(&keys.list[k], start, ",\"typ\":\"at+jwt\""),
		    ERR_DENIED);
	}
}

TEST(a_kid_is_only_compared)
{
	static const char *const kids[] = { "", "../../../../dev/null",
		"/dev/null", "file:///etc/passwd", "' OR '1'='1",
		"x' UNION SELECT 'AAAA", "1; DROP TABLE signing_keys", "%s%n",
		"kid\\u0000", "*", "{\\\"$gt\\\":\\\"\\\"}" };
	char text[TOKEN_FORGER_SIZE], header[256];

	for (size_t k = 0; k < SIGNING_KEYS_ALGS; k++) {
		for (size_t i = 0; i < NELEMS(kids); i++) {
			(void)snprintf(header, sizeof(header),
			    "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
			    signing_keys_alg_name((enum signing_keys_alg)k),
			    kids[i]);
			begin(text, header, payload);
			sign_with(text, &keys.list[k]);
			assert_int_equal(verify(text), ERR_DENIED);
			/* a path to an empty file as the key */
			begin(text, header, payload);
			sign_hmac(text, "", 0);
			assert_int_equal(verify(text), ERR_DENIED);
		}
	}
}

TEST(another_key_under_our_kid_is_refused)
{
	char text[TOKEN_FORGER_SIZE], header[256];

	for (size_t k = 0; k < SIGNING_KEYS_ALGS; k++) {
		for (size_t other = 0; other < SIGNING_KEYS_ALGS; other++) {
			(void)snprintf(header, sizeof(header),
			    "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
			    signing_keys_alg_name((enum signing_keys_alg)k),
			    keys.list[k].kid);
			begin(text, header, payload);
			sign_with(text, &foreign.list[other]);
			assert_int_equal(verify(text), ERR_DENIED);
			if (other == k)
				continue;
			begin(text, header, payload);
			sign_with(text, &keys.list[other]);
			assert_int_equal(verify(text), ERR_DENIED);
		}
		good_token(text, &foreign.list[k]);
		assert_int_equal(verify(text), ERR_DENIED);
	}
}

/* ---- a public key as an HMAC secret ---- */

static void
try_secret(const struct signing_key *key, const void *secret, size_t len)
{
	static const char *const algs[] = { "HS256", "RS256", "ES256" };
	char text[TOKEN_FORGER_SIZE], header[256];

	for (size_t i = 0; i < NELEMS(algs); i++) {
		(void)snprintf(header, sizeof(header),
		    "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}", algs[i],
		    key->kid);
		begin(text, header, payload);
		sign_hmac(text, secret, len);
		assert_int_equal(verify(text), ERR_DENIED);
	}
}

/* Unchanged, without its last line break, with CR LF. */
static void
try_text(const struct signing_key *key, const char *text, size_t len)
{
	struct buf other = { 0 };

	try_secret(key, text, len);
	if (len > 0)
		try_secret(key, text, len - 1);
	for (size_t i = 0; i < len; i++)
		buf_append(&other, text[i] == '\n' ? "\r\n" : &text[i],
		    text[i] == '\n' ? 2 : 1);
	try_secret(key, other.data, other.len);
	buf_clear(&other);
}

static void
try_forms(const struct signing_key *key, EVP_PKEY *evp)
{
	typedef int write_fn(BIO *, const EVP_PKEY *);
	static write_fn *const writers[] = { PEM_write_bio_PUBKEY,
		i2d_PUBKEY_bio };
	unsigned char *der = NULL;
	char *data;
	int len;

	for (size_t i = 0; i < NELEMS(writers); i++) {
		BIO *bio = BIO_new(BIO_s_mem());

		assert_int_equal(writers[i](bio, evp), 1);
		len = (int)BIO_get_mem_data(bio, &data);
		try_text(key, data, (size_t)len);
		BIO_free(bio);
	}
	/* PKCS #1, or the point */
	len = i2d_PublicKey(evp, &der);
	assert_true(len > 0);
	try_secret(key, der, (size_t)len);
	try_secret(key, der + 1, (size_t)len - 1);
	OPENSSL_free(der);
}

TEST(a_public_key_is_not_an_hmac_secret)
{
	static const int ids[] = { 0, EVP_PKEY_RSA, EVP_PKEY_EC };

	for (size_t k = SIGNING_KEYS_RS256; k <= SIGNING_KEYS_ES256; k++) {
		const struct signing_key *key = &keys.list[k];
		struct buf der = { 0 }, jwk = { 0 };
		const unsigned char *at;
		struct json_writer w;
		EVP_PKEY *evp;

		assert_int_equal(keypair_write(key->pair, &der), ERR_OK);
		at = (const unsigned char *)der.data;
		evp = d2i_PrivateKey(ids[k], NULL, &at, (long)der.len);
		assert_non_null(evp);
		try_forms(key, evp);
		EVP_PKEY_free(evp);
		buf_clear(&der);

		json_write_begin(&w, &jwk);
		json_write_object(&w, NULL);
		assert_int_equal(keypair_jwk(key->pair, &w), ERR_OK);
		json_write_close(&w);
		assert_int_equal(json_write_end(&w), ERR_OK);
		try_text(key, jwk.data, jwk.len);
		try_secret(key, key->kid, strlen(key->kid));
		try_secret(key, "", 0);
		buf_clear(&jwk);
	}
}

/* ---- signatures ---- */

TEST(a_signature_has_one_length)
{
	unsigned char signature[KEYPAIR_SIGNATURE_MAX + 1] = { 0 };
	char start[TOKEN_FORGER_SIZE], text[TOKEN_FORGER_SIZE];

	for (size_t k = SIGNING_KEYS_RS256; k <= SIGNING_KEYS_ES256; k++) {
		const struct signing_key *key = &keys.list[k];
		size_t len = keypair_signature_len(key->pair);

		good_token(start, key);
		*strrchr(start, '.') = '\0';
		assert_int_equal(keypair_sign(key->pair, start, strlen(start),
				     signature + 1),
		    ERR_OK);
		for (size_t n = 0; n <= len + 1; n++) {
			/* truncated, and with a zero before or after */
			memcpy(text, start, strlen(start) + 1);
			finish(text, signature + 1, n);
			assert_int_equal(
			    verify(text), n == len ? ERR_OK : ERR_DENIED);
		}
		memcpy(text, start, strlen(start) + 1);
		finish(text, signature, len + 1);
		assert_int_equal(verify(text), ERR_DENIED);
		memset(signature + 1, 0, len);
		memcpy(text, start, strlen(start) + 1);
		finish(text, signature + 1, len);
		assert_int_equal(verify(text), ERR_DENIED);
		memset(signature, 0, sizeof(signature));
	}
}

/* Three parts of canonical base64url. */
TEST(a_token_has_one_spelling)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[TOKEN_FORGER_SIZE], bad[2 * TOKEN_FORGER_SIZE];

	for (size_t k = 0; k < SIGNING_KEYS_ALGS; k++) {
		size_t len;

		good_token(text, &keys.list[k]);
		len = strlen(text);
		for (size_t i = 0; i < sizeof(letters) - 1; i++) {
			memcpy(bad, text, len + 1);
			bad[len - 1] = letters[i];
			assert_int_equal(verify(bad),
			    letters[i] == text[len - 1] ? ERR_OK : ERR_DENIED);
		}
		(void)snprintf(bad, sizeof(bad), "%s=", text);
		assert_int_equal(verify(bad), ERR_DENIED);
		(void)snprintf(bad, sizeof(bad), "%s==", text);
		assert_int_equal(verify(bad), ERR_DENIED);
		/* a JWE has five */
		(void)snprintf(bad, sizeof(bad), "%s.AAAA.AAAA", text);
		assert_int_equal(verify(bad), ERR_DENIED);
		(void)snprintf(bad, sizeof(bad), "{\"payload\":\"%s\"}", text);
		assert_int_equal(verify(bad), ERR_DENIED);
	}
}

TEST(claims_of_wrong_type_are_refused)
{
	static const char *const bad[] = { PAYLOAD_OF(",\"exp\":1700000900"),
		PAYLOAD_OF(",\"sub\":\"1\""),
		"{\"iss\":\"latchkey\",\"aud\":[\"site\"],\"sub\":42}", "[]",
		"\"\"", "" };
	char text[TOKEN_FORGER_SIZE], header[256];

	for (size_t k = 0; k < SIGNING_KEYS_ALGS; k++) {
		(void)snprintf(header, sizeof(header),
		    "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
		    signing_keys_alg_name((enum signing_keys_alg)k),
		    keys.list[k].kid);
		for (size_t i = 0; i < NELEMS(bad); i++) {
			begin(text, header, bad[i]);
			sign_with(text, &keys.list[k]);
			assert_int_equal(verify(text), ERR_DENIED);
		}
	}
}

TEST(long_tokens_are_not_parsed)
{
	char claims[12000], text[TOKEN_FORGER_SIZE], header[256];
	const struct signing_key *key = &keys.list[SIGNING_KEYS_ES256];

	(void)snprintf(header, sizeof(header),
	    "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", key->kid);
	(void)snprintf(claims, sizeof(claims), "%.*s,\"pad\":\"%06500d\"}",
	    (int)strlen(payload) - 1, payload, 0);
	begin(text, header, claims);
	sign_with(text, key);
	assert_true(strlen(text) > 8192);
	assert_int_equal(verify(text), ERR_DENIED);
}

TEST_GROUP_FIXTURE(set_up, tear_down);
