/* SPDX-License-Identifier: ISC */
#include "token/access_token.h"

#include "support/test.h"

#include <inttypes.h>
#include <jwt.h>
#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json_value.h"
#include "support/keyring.h"
#include "support/token_forger.h"
#include "support/vectors.h"
#include "token/jws.h"
#include "token/signing_keys.h"

#define NOW 1700000000
#define HANDLE "00112233445566778899aabbccddeeff"
#define JTI "2f1e7f0a-3c4d-4b5e-8f60-718293a4b5c6"
#define KEY_MAX 128
#define KID "0123456789abcdef" /* replaced by the real kid */

/* The wall clock, which a test may set. */
static int64_t wall = NOW;

static int64_t
get_wall(void)
{
	return wall;
}

static const struct clock clock_here = { .wall = get_wall };
static struct signing_keys keys;
static const struct access_tokens tokens = {
	.keys = &keys,
	.issuer = "latchkey",
	.audience = "site",
	.lifetime = 900,
	.clock = &clock_here,
};
static const struct session session = {
	.handle = HANDLE,
	.user_id = 42,
	.epoch = 7,
	.created_at = NOW - 10,
	.expires_at = NOW + 604790,
};

static enum err
verify(const char *text)
{
	static const struct claims none;
	struct claims c;
	enum err err;

	memset(&c, 0xaa, sizeof(c));
	err = access_token_verify(&tokens, text, NOW, &c);
	if (err != ERR_OK)
		assert_memory_equal(&c, &none, sizeof(c));
	return err;
}

/* Copy ${text} with KID replaced by the kid of the key. */
static void
with_kid(char dst[TOKEN_FORGER_SIZE], const char *text)
{
	char *at;

	assert_true(strlen(text) < TOKEN_FORGER_SIZE);
	strncpy(dst, text, TOKEN_FORGER_SIZE - 1);
	dst[TOKEN_FORGER_SIZE - 1] = '\0';
	at = strstr(dst, KID);
	if (at != NULL)
		memcpy(at, keys.list[0].kid, strlen(KID));
}

static const char good_header[] =
    "{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}";
static const char good_payload[] =
    "{\"iss\":\"latchkey\",\"aud\":\"site\",\"sub\":\"42\","
    "\"sid\":\"" HANDLE "\",\"epoch\":7,\"jti\":\"" JTI "\","
    "\"iat\":1700000000,\"nbf\":1700000000,\"exp\":1700000900}";

static enum err
verify_made(const char *header, const char *payload)
{
	char head[TOKEN_FORGER_SIZE], text[TOKEN_FORGER_SIZE];

	with_kid(head, header);
	token_forger_token(text, &keys, head, payload);
	return verify(text);
}

/* Verify good_payload with the first ${what} replaced by ${by}. */
static enum err
verify_altered(const char *what, const char *by)
{
	char payload[2048];
	const char *at = strstr(good_payload, what);

	assert_non_null(at);
	(void)snprintf(payload, sizeof(payload), "%.*s%s%s",
	    (int)(at - good_payload), good_payload, by, at + strlen(what));
	return verify_made(good_header, payload);
}

TEST(verifies_what_it_issued)
{
	struct token a, b;
	struct claims made, read;

	assert_int_equal(
	    access_token_issue(&tokens, &session, 8, NOW, &a, &made), ERR_OK);
	assert_int_equal(
	    access_token_issue(&tokens, &session, 8, NOW, &b, NULL), ERR_OK);
	assert_string_not_equal(a.text, b.text); /* a fresh jti */
	assert_int_equal(
	    access_token_verify(&tokens, a.text, NOW, &read), ERR_OK);
	assert_string_equal(read.jti, made.jti);
	assert_int_equal(made.expires_at, NOW + 900);
	assert_int_equal(read.user_id, 42);
	assert_int_equal(read.epoch, 8);
	assert_int_equal(read.issued_at, NOW);
	assert_int_equal(read.not_before, NOW);
	assert_int_equal(read.expires_at, NOW + 900);
	assert_string_equal(read.handle, HANDLE);
	assert_true(random_is_uuid(read.jti));
}

TEST(is_restored_from_its_compact_form)
{
	static const struct {
		const char *issuer, *audience;
		enum err expect;
	} cases[] = {
		{ "latchkey", "site", ERR_OK },
		{ "https://login.example.org/", "a \"quoted\" \\ one", ERR_OK },
		{ "tab\tand\nline", "\xc3\xa9\xf0\x9f\x98\x80", ERR_OK },
		/*
		 * libjwt spells this differently: refused instead of restored
		 * wrongly.
		 */
		{ "\x7f", "site", ERR_INVALID },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		static const struct token_compact none;
		struct access_tokens t = tokens;
		struct token token, again;
		struct token_compact core;
		struct claims c;

		t.issuer = cases[i].issuer;
		t.audience = cases[i].audience;
		assert_int_equal(
		    access_token_issue(&t, &session, 8, NOW, &token, &c),
		    ERR_OK);
		assert_int_equal(
		    access_token_compact(&t, &session, &c, &token, &core),
		    cases[i].expect);
		if (cases[i].expect != ERR_OK) {
			assert_memory_equal(&core, &none, sizeof(core));
			continue;
		}
		memset(&again, 0xaa, sizeof(again));
		assert_int_equal(
		    access_token_restore(&t, &session, &core, NOW, &again),
		    ERR_OK);
		assert_string_equal(again.text, token.text);
		assert_int_equal(again.epoch, 8);
		assert_int_equal(again.issued_at, NOW);
		assert_int_equal(again.expires_at, NOW + 900);
		assert_int_equal(
		    access_token_verify(&t, again.text, NOW, &c), ERR_OK);
	}
}

TEST(is_not_restored_from_anything_else)
{
	static char long_name[TOKEN_TEXT_SIZE];
	struct session other = session;
	struct access_tokens t = tokens;
	struct token token, again;
	struct token_compact core;
	struct claims c;

	assert_int_equal(
	    access_token_issue(&tokens, &session, 8, NOW, &token, &c), ERR_OK);
	assert_int_equal(
	    access_token_compact(&tokens, &session, &c, &token, &core), ERR_OK);
	/* Restored for another user's session, the token is refused. */
	other.user_id++;
	assert_int_equal(
	    access_token_restore(&tokens, &other, &core, NOW, &again), ERR_OK);
	assert_int_equal(verify(again.text), ERR_DENIED);
	core.kid[0] ^= 1;
	assert_int_equal(
	    access_token_restore(&tokens, &session, &core, NOW, &again),
	    ERR_INVALID);
	assert_string_equal(again.text, "");
	core.kid[0] ^= 1;
	core.jti[0] = core.jti[0] == 'a' ? 'b' : 'a';
	assert_int_equal(
	    access_token_restore(&tokens, &session, &core, NOW, &again),
	    ERR_OK);
	assert_int_equal(verify(again.text), ERR_DENIED);

	c.expires_at++;
	assert_int_equal(
	    access_token_compact(&tokens, &session, &c, &token, &core),
	    ERR_INVALID);
	token.text[0] = '\0';
	assert_int_equal(
	    access_token_compact(&tokens, &session, &c, &token, &core),
	    ERR_DENIED);
	memset(long_name, 'x', sizeof(long_name) - 1);
	t.issuer = long_name;
	assert_int_equal(access_token_restore(&t, &session, &core, NOW, &again),
	    ERR_INVALID);
	assert_string_equal(again.text, "");
}

/* Signed by libjwt and checked with another library, and the reverse. */
TEST(signs_as_other_libraries_do)
{
	char head[TOKEN_FORGER_SIZE], text[TOKEN_FORGER_SIZE] = "", *dot;
	unsigned char room[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct token token;
	struct jws jws;

	assert_int_equal(
	    access_token_issue(&tokens, &session, 7, NOW, &token, NULL),
	    ERR_OK);
	strncpy(text, token.text, sizeof(text) - 1);
	dot = strrchr(text, '.');
	assert_non_null(dot);
	*dot = '\0';
	token_forger_sign(text, &keys);
	assert_string_equal(text, token.text);

	assert_int_equal(
	    jws_split(token.text, JWS_OURS_MAX, room, &jws), ERR_OK);
	with_kid(head, good_header);
	assert_int_equal(jws.header_len, strlen(head));
	assert_memory_equal(jws.header, head, strlen(head));

	assert_int_equal(verify_made(good_header, good_payload), ERR_OK);
}

TEST(never_outlives_its_session)
{
	struct session s = session;
	struct claims c;
	struct token token;

	s.expires_at = NOW + 5;
	assert_int_equal(
	    access_token_issue(&tokens, &s, 7, NOW, &token, &c), ERR_OK);
	assert_int_equal(c.expires_at, NOW + 5);
	s.expires_at = NOW;
	assert_int_equal(
	    access_token_issue(&tokens, &s, 7, NOW, &token, &c), ERR_DENIED);
	assert_string_equal(token.text, "");
	assert_int_equal(c.user_id, 0);
}

TEST(is_valid_from_nbf_until_exp)
{
	struct token token;
	struct claims c;

	assert_int_equal(
	    access_token_issue(&tokens, &session, 7, NOW, &token, NULL),
	    ERR_OK);
	assert_int_equal(
	    access_token_verify(&tokens, token.text, NOW - 1, &c), ERR_DENIED);
	assert_int_equal(
	    access_token_verify(&tokens, token.text, NOW, &c), ERR_OK);
	assert_int_equal(
	    access_token_verify(&tokens, token.text, NOW + 899, &c), ERR_OK);
	assert_int_equal(
	    access_token_verify(&tokens, token.text, NOW + 900, &c),
	    ERR_DENIED);
}

TEST(belongs_to_one_issuer_audience_and_key)
{
	struct access_tokens other = tokens;
	struct signing_keys foreign;
	struct token token;
	struct claims c;

	assert_int_equal(
	    access_token_issue(&tokens, &session, 7, NOW, &token, NULL),
	    ERR_OK);
	other.issuer = "latchke";
	assert_int_equal(
	    access_token_verify(&other, token.text, NOW, &c), ERR_DENIED);
	other = tokens;
	other.audience = "Site";
	assert_int_equal(
	    access_token_verify(&other, token.text, NOW, &c), ERR_DENIED);

	/* another key, and another key under our kid */
	keyring_open("another secret, of at least 32 bytes", &foreign);
	other = tokens;
	other.keys = &foreign;
	assert_int_equal(
	    access_token_verify(&other, token.text, NOW, &c), ERR_DENIED);
	memcpy(foreign.list[0].kid, keys.list[0].kid, SIGNING_KEY_KID_SIZE);
	assert_int_equal(
	    access_token_verify(&other, token.text, NOW, &c), ERR_DENIED);
	signing_keys_close(&foreign);
}

TEST(refuses_any_other_header)
{
	static const char *const bad[] = {
		/* algorithms */
		"{\"alg\":\"none\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"None\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"NONE\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"nOnE\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":null,\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":[\"HS256\"],\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"hs256\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS384\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS512\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"RS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256 \",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		"{\"ALG\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
		/* kid */
		"{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"kid\":\"\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"kid\":\"../key\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "0\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"kid\":1,\"typ\":\"JWT\"}",
		/* typ */
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"jwt\"}",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":true}",
		/* additional members */
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\","
		"\"crit\":[\"exp\"]}",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\","
		"\"jku\":\"https://example.org/\"}",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\","
		"\"b64\":false}",
		/* twice */
		"{\"alg\":\"none\",\"alg\":\"HS256\",\"kid\":\"" KID
		"\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"alg\":\"none\",\"kid\":\"" KID
		"\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"\\u0061lg\":\"none\",\"kid\":\"" KID
		"\",\"typ\":\"JWT\"}",
		/* not an object, or more than one */
		"[]",
		"null",
		"{}",
		" ",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}{}",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\"",
	};

	assert_int_equal(verify_made(good_header, good_payload), ERR_OK);
	for (size_t i = 0; i < NELEMS(bad); i++)
		if (verify_made(bad[i], good_payload) != ERR_DENIED)
			fail_msg("taken: %s", bad[i]);
}

TEST(refuses_any_wrong_claim)
{
	static const struct {
		const char *what, *by;
	} bad[] = {
		{ "\"iss\":\"latchkey\"", "\"iss\":\"other\"" },
		{ "\"iss\":\"latchkey\"", "\"iss\":[\"latchkey\"]" },
		{ "\"iss\":\"latchkey\"", "\"iss\":\"latchkey\\u0000\"" },
		{ "\"iss\":\"latchkey\",", "" },
		{ "\"iss\"", "\"Iss\"" },
		{ "\"aud\":\"site\"", "\"aud\":\"other\"" },
		{ "\"aud\":\"site\"", "\"aud\":[\"site\"]" },
		{ "\"aud\":\"site\",", "" },
		{ "\"sub\":\"42\"", "\"sub\":42" },
		{ "\"sub\":\"42\"", "\"sub\":\"042\"" },
		{ "\"sub\":\"42\"", "\"sub\":\"+42\"" },
		{ "\"sub\":\"42\"", "\"sub\":\"42 \"" },
		{ "\"sub\":\"42\"", "\"sub\":\"0\"" },
		{ "\"sub\":\"42\"", "\"sub\":\"-42\"" },
		{ "\"sub\":\"42\"", "\"sub\":\"9223372036854775808\"" },
		{ "\"sub\":\"42\"", "\"sub\":\"\"" },
		{ "\"sub\":\"42\",", "" },
		{ HANDLE, "00112233445566778899AABBCCDDEEFF" },
		{ HANDLE, "00112233445566778899aabbccddeef" },
		{ HANDLE, "00112233445566778899aabbccddeeff0" },
		{ HANDLE, "" },
		{ "\"sid\":\"" HANDLE "\",", "" },
		{ "\"epoch\":7", "\"epoch\":-1" },
		{ "\"epoch\":7", "\"epoch\":\"7\"" },
		{ "\"epoch\":7", "\"epoch\":7.5" },
		{ "\"epoch\":7", "\"epoch\":null" },
		{ "\"epoch\":7,", "" },
		{ JTI, "2f1e7f0a-3c4d-1b5e-8f60-718293a4b5c6" },
		{ JTI, "2F1E7F0A-3C4D-4B5E-8F60-718293A4B5C6" },
		{ JTI, "" },
		{ "\"jti\":\"" JTI "\",", "" },
		{ "\"iat\":1700000000", "\"iat\":1700000001" },
		{ "\"iat\":1700000000", "\"iat\":\"1700000000\"" },
		{ "\"iat\":1700000000", "\"iat\":-1" },
		{ "\"iat\":1700000000,", "" },
		{ "\"nbf\":1700000000", "\"nbf\":1700000001" },
		{ "\"nbf\":1700000000", "\"nbf\":true" },
		{ "\"nbf\":1700000000,", "" },
		{ "\"exp\":1700000900", "\"exp\":1700000000" },
		{ "\"exp\":1700000900", "\"exp\":0" },
		{ "\"exp\":1700000900", "\"exp\":\"1700000900\"" },
		{ "\"exp\":1700000900", "\"exp\":9007199254740993" },
		{ "\"exp\":1700000900", "\"exp\":1e300" },
		{ "\"exp\":1700000900", "\"exp\":99999999999999999999" },
		{ "\"exp\":1700000900", "\"exp\":null" },
		{ ",\"exp\":1700000900", "" },
		{ "\"epoch\":7", "\"epoch\":7,\"clock_behind\":-1" },
		{ "\"epoch\":7", "\"epoch\":7,\"clock_behind\":0" },
		{ "\"epoch\":7", "\"epoch\":7,\"clock_behind\":1" },
		{ "\"epoch\":7", "\"epoch\":7,\"clock_behind\":\"0\"" },
		{ "\"epoch\":7", "\"epoch\":7,\"clock_behind\":null" },
		{ "\"epoch\":7", "\"epoch\":7,\"clock_behind\":1e15" },
		/* duplicates in either order */
		{ "\"exp\":1700000900",
		    "\"exp\":1700000900,\"exp\":1700000901" },
		{ "\"sub\":\"42\"", "\"sub\":\"42\",\"sub\":\"1\"" },
		{ "\"sub\":\"42\"", "\"sub\":\"42\",\"s\\u0075b\":\"1\"" },
		/* malformed */
		{ "\"epoch\":7,", "\"epoch\":7" },
		{ "\"sub\":\"42\"", "\"sub\":\"42\xff\"" },
	};

	for (size_t i = 0; i < NELEMS(bad); i++)
		if (verify_altered(bad[i].what, bad[i].by) != ERR_DENIED)
			fail_msg("taken: %s", bad[i].by);
	assert_int_equal(verify_made(good_header, "[]"), ERR_DENIED);
	assert_int_equal(verify_made(good_header, "{}"), ERR_DENIED);
	assert_int_equal(verify_made(good_header, "null"), ERR_DENIED);
	assert_int_equal(
	    verify_altered("\"epoch\":7", "\"epoch\":7,\"scope\":\"x\""),
	    ERR_OK);
}

/* A token has one spelling; these decode to the same bytes, or to none. */
TEST(refuses_any_other_spelling)
{
	char text[TOKEN_FORGER_SIZE], head[TOKEN_FORGER_SIZE],
	    bad[2 * TOKEN_FORGER_SIZE];
	static const char tail[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789-_";
	static const struct {
		const char *before, *after;
	} around[] = { { " ", "" }, { "", " " }, { "", "\n" }, { "", "=" },
		{ "", "." }, { ".", "" }, { "", "%3d" }, { "\"", "\"" },
		{ "Bearer ", "" }, { "", ".." }, { "", ".AA" } };
	size_t len, dot, last;

	with_kid(head, good_header);
	token_forger_token(text, &keys, head, good_payload);
	assert_int_equal(verify(text), ERR_OK);
	len = strlen(text);
	for (size_t i = 0; i < NELEMS(around); i++) {
		(void)snprintf(bad, sizeof(bad), "%s%s%s", around[i].before,
		    text, around[i].after);
		assert_int_equal(verify(bad), ERR_DENIED);
	}

	/*
	 * the 43rd character of a signature carries 4 bits, so 3 others decode
	 * alike
	 */
	for (size_t i = 0; i < 64; i++) {
		memcpy(bad, text, len + 1);
		bad[len - 1] = tail[i];
		assert_int_equal(verify(bad),
		    tail[i] == text[len - 1] ? ERR_OK : ERR_DENIED);
	}

	/* truncated anywhere; white space, padding or NUL inside */
	for (size_t i = 0; i < len; i++) {
		memcpy(bad, text, len + 1);
		bad[i] = '\0';
		assert_int_equal(verify(bad), ERR_DENIED);
		memcpy(bad, text, i);
		bad[i] = i % 2 == 0 ? '\n' : '=';
		memcpy(bad + i + 1, text + i, len - i + 1);
		assert_int_equal(verify(bad), ERR_DENIED);
	}

	/* parts exchanged, duplicated, omitted */
	dot = (size_t)(strchr(text, '.') - text);
	last = (size_t)(strrchr(text, '.') - text);
	(void)snprintf(bad, sizeof(bad), "%.*s.%.*s.%s", (int)(last - dot - 1),
	    text + dot + 1, (int)dot, text, text + last + 1);
	assert_int_equal(verify(bad), ERR_DENIED);
	(void)snprintf(
	    bad, sizeof(bad), "%.*s..%s", (int)dot, text, text + last + 1);
	assert_int_equal(verify(bad), ERR_DENIED);
	(void)snprintf(bad, sizeof(bad), "%.*s.", (int)last, text);
	assert_int_equal(verify(bad), ERR_DENIED);
	(void)snprintf(bad, sizeof(bad), "%.*s", (int)last, text);
	assert_int_equal(verify(bad), ERR_DENIED);
	(void)snprintf(bad, sizeof(bad), "%s.%s", text, text + dot + 1);
	assert_int_equal(verify(bad), ERR_DENIED);
	assert_int_equal(verify(""), ERR_DENIED);
	assert_int_equal(verify("."), ERR_DENIED);
	assert_int_equal(verify(".."), ERR_DENIED);
	assert_int_equal(verify("..."), ERR_DENIED);
}

/* Every single bit counts. */
TEST(refuses_any_flipped_bit)
{
	struct token token;
	size_t len;

	assert_int_equal(
	    access_token_issue(&tokens, &session, 7, NOW, &token, NULL),
	    ERR_OK);
	len = strlen(token.text);
	for (size_t i = 0; i < len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			token.text[i] = (char)(token.text[i] ^ (1 << bit));
			assert_int_equal(verify(token.text), ERR_DENIED);
			token.text[i] = (char)(token.text[i] ^ (1 << bit));
		}
	}
	assert_int_equal(verify(token.text), ERR_OK);
}

TEST(refuses_what_is_too_long)
{
	static const int pads[] = { 600, 1100, 1500, 6700 };
	char payload[TOKEN_FORGER_SIZE / 2], head[TOKEN_FORGER_SIZE],
	    text[TOKEN_FORGER_SIZE];

	with_kid(head, good_header);
	for (size_t i = 0; i < NELEMS(pads); i++) {
		(void)snprintf(payload, sizeof(payload),
		    "%.*s,\"pad\":\"%0*d\"}", (int)strlen(good_payload) - 1,
		    good_payload, pads[i], 0);
		token_forger_token(text, &keys, head, payload);
		assert_int_equal(verify(text),
		    strlen(text) < TOKEN_TEXT_SIZE ? ERR_OK : ERR_DENIED);
		/* the first fits, so the length is what decides */
		assert_int_equal(i > 0, strlen(text) >= TOKEN_TEXT_SIZE);
	}
	assert_true(strlen(text) > 9 * 1024);
}

TEST(refuses_to_issue_what_does_not_fit)
{
	struct access_tokens wordy = tokens;
	char name[1200];
	struct token token;
	struct claims c;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	wordy.issuer = name;
	assert_int_equal(
	    access_token_issue(&wordy, &session, 7, NOW, &token, &c),
	    ERR_INTERNAL);
	assert_string_equal(token.text, "");
	name[128] = '\0';
	wordy.audience = name;
	assert_int_equal(
	    access_token_issue(&wordy, &session, 7, NOW, &token, &c), ERR_OK);
	assert_int_equal(
	    access_token_verify(&wordy, token.text, NOW, &c), ERR_OK);
}

/* Numbers beyond 32 bits pass through libjwt unchanged. */
TEST(is_valid_after_2038)
{
	const int64_t late = (int64_t)1 << 40;
	struct session s = session;
	struct token token;
	struct claims c;

	wall = late;
	s.user_id = INT64_MAX;
	s.expires_at = late + 1000;
	assert_int_equal(
	    access_token_issue(&tokens, &s, late, late, &token, NULL), ERR_OK);
	assert_int_equal(
	    access_token_verify(&tokens, token.text, late, &c), ERR_OK);
	assert_int_equal(c.user_id, INT64_MAX);
	assert_int_equal(c.epoch, late);
	assert_int_equal(c.expires_at, late + 900);
	wall = NOW;
}

/* ---- a wall clock that is behind the latest time ---- */

/* The member ${name} of the payload of ${text}; 0 if there is none. */
static int64_t
printed(const char *text, const char *name)
{
	unsigned char room[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct json_value *doc = NULL;
	int64_t value = 0;
	struct jws jws;

	assert_int_equal(jws_split(text, JWS_OURS_MAX, room, &jws), ERR_OK);
	assert_int_equal(
	    json_value_parse((const char *)jws.payload, jws.payload_len, &doc),
	    ERR_OK);
	if (json_value_member(doc, name) != NULL)
		assert_int_equal(
		    json_value_int(json_value_member(doc, name), &value),
		    ERR_OK);
	json_value_free(doc);
	return value;
}

/* Other verifiers know the wall clock only. */
TEST(no_exp_is_far_beyond_the_wall_clock)
{
	static const int64_t behind[] = { -100, 0, 60, 61, 7200, 315576000 };

	for (size_t i = 0; i < NELEMS(behind); i++) {
		struct token token;
		struct claims c;

		wall = NOW - behind[i];
		assert_int_equal(
		    access_token_issue(&tokens, &session, 8, NOW, &token, &c),
		    ERR_OK);
		assert_true(printed(token.text, "exp") <= wall + 900 + 60);
		assert_true(printed(token.text, "iat") <= wall + 60);
		assert_true(printed(token.text, "nbf") <= wall + 60);
		assert_int_equal(
		    printed(token.text, "exp") - printed(token.text, "iat"),
		    900);
		assert_int_equal(printed(token.text, "clock_behind"),
		    behind[i] > 60 ? behind[i] : 0);
		/* All else here is by the latest time. */
		assert_int_equal(c.expires_at, NOW + 900);
		assert_int_equal(token.expires_at, NOW + 900);
		assert_int_equal(
		    access_token_verify(&tokens, token.text, NOW, &c), ERR_OK);
		assert_int_equal(c.expires_at, NOW + 900);
		assert_int_equal(
		    c.clock_behind, behind[i] > 60 ? behind[i] : 0);
	}
	wall = NOW;
}

TEST(a_token_holds_by_the_wall_clock_and_by_the_latest_time)
{
	const int64_t behind = 7200;
	struct token token;
	struct claims c;

	wall = NOW - behind;
	assert_int_equal(
	    access_token_issue(&tokens, &session, 8, NOW, &token, &c), ERR_OK);
	wall += 899;
	assert_int_equal(verify(token.text), ERR_OK);
	assert_int_equal(access_token_expiry(&tokens, &c, NOW), NOW + 1);
	wall++; /* the latest time stands still */
	assert_int_equal(verify(token.text), ERR_DENIED);
	wall -= 900;
	assert_int_equal(
	    access_token_verify(&tokens, token.text, NOW + 899, &c), ERR_OK);
	assert_int_equal(
	    access_token_verify(&tokens, token.text, NOW + 900, &c),
	    ERR_DENIED);
	assert_int_equal(
	    access_token_verify(&tokens, token.text, NOW - 1, &c), ERR_DENIED);
	wall = NOW;
}

/* Of a token from before the clock was set back, only the latest time counts.
 */
TEST(a_clock_set_back_revives_no_token)
{
	struct token token;
	struct claims c;

	assert_int_equal(
	    access_token_issue(&tokens, &session, 8, NOW - 900, &token, &c),
	    ERR_OK);
	wall = NOW - 7200;
	assert_int_equal(verify(token.text), ERR_DENIED);
	wall = NOW;
}

TEST(a_token_that_may_end_early_is_not_cached)
{
	struct token_compact compact;
	struct token token;
	struct claims c;

	wall = NOW - 7200;
	assert_int_equal(
	    access_token_issue(&tokens, &session, 8, NOW, &token, &c), ERR_OK);
	assert_int_equal(
	    access_token_compact(&tokens, &session, &c, &token, &compact),
	    ERR_INVALID);
	wall = NOW;
}

/* The examples of the RFCs are valid tokens, but not of this site. */
TEST(refuses_the_examples_of_the_rfcs)
{
	struct json_value *doc = vectors_load("jws.json");
	const struct json_value *list = json_value_member(doc, "vectors");
	struct access_tokens t = tokens;
	unsigned char key[KEY_MAX];
	struct claims c;
	jwt_t *jwt = NULL;
	size_t key_len;
	const char *hex = json_value_string(json_value_member(doc, "key_hex"));
	const char *first = json_value_string(
	    json_value_member(json_value_at(list, 0), "token"));
	char bad[1024];

	assert_int_equal(sodium_hex2bin(key, sizeof(key), hex, strlen(hex),
			     NULL, &key_len, NULL),
	    0);
	t.issuer = "joe";
	assert_int_equal(json_value_size(list), 4);
	for (size_t i = 0; i < json_value_size(list); i++) {
		const char *text = json_value_string(
		    json_value_member(json_value_at(list, i), "token"));

		assert_int_equal(
		    access_token_verify(&t, text, 1300819000, &c), ERR_DENIED);
	}

	/* libjwt accepts that signature and no other */
	assert_int_equal(jwt_decode(&jwt, first, key, (int)key_len), 0);
	jwt_free(jwt);
	(void)snprintf(bad, sizeof(bad), "%s", first);
	bad[strlen(bad) - 5] = bad[strlen(bad) - 5] == 'A' ? 'B' : 'A';
	assert_int_not_equal(jwt_decode(&jwt, bad, key, (int)key_len), 0);
	json_value_free(doc);
}

TEST_RUN()
{
	keyring_open("the secret of this test, 32 bytes+", &keys);
	return test_run("tests", TEST_ALL, NULL, NULL);
}
