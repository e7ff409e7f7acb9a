/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>
#include <time.h>

#include "support/external_issuer_site.h"

/*
 * Tokens made by an attacker who has seen good tokens and public keys and has
 * keys and a server: 401 on every route, and no request is sent anywhere
 * because a token says so.
 */
#define TEXT_MAX (2 * TEST_ISSUER_TOKEN_SIZE)

/* More than web servers pass on by default. */
static const char lighttpd[] = "server.max-request-field-size = 32768\n";

/* Copy ${text}: @1 is the first issuer, @2 the second, @3 the attacker's. */
static void
fill(const struct external_site *f, const struct test_issuer *own,
    const char *text, char dst[TEXT_MAX])
{
	const char *const names[] = { test_issuer_url(f->first),
		test_issuer_url(f->second),
		own != NULL ? test_issuer_url(own) : "" };
	size_t len = 0;

	for (; *text != '\0'; text++) {
		size_t i = (size_t)(text[1] - '1');

		assert_true(len + 128 < TEXT_MAX);
		if (*text != '@' || i >= NELEMS(names)) {
			dst[len++] = *text;
			continue;
		}
		len +=
		    (size_t)snprintf(dst + len, TEXT_MAX - len, "%s", names[i]);
		text++;
	}
	dst[len] = '\0';
}

/* ---- good tokens, so that refusals have the reason tested ---- */

static void
expect_good_tokens(struct external_site *f)
{
	static const char *const good[] = {
		"'rsa'",
		"'ec'",
		"'rsa', by='pyjwt'",
		"'ec', by='pyjwt'",
		"'rsa', header={'typ': None}",
		"'rsa', header={'typ': 'at+jwt'}",
		"'rsa', header={'typ': 'application/AT+JWT'}",
		"'rsa', header={'typ': 'jwt', 'cat': 'x', 'x5t': 'abc'}",
		"'ec', header={'kid': None}",
		"'ec', claims={'aud': ['other', 'latchkey']}",
		"'ec', claims={'nbf': 1700000000, 'jti': 'one'}",
		"'ec', claims={'scope': {'a': [1, None, True]}}",
		"'ec', pad=3000",
	};
	char token[TEST_ISSUER_TOKEN_SIZE];

	for (size_t i = 0; i < NELEMS(good); i++) {
		test_issuer_token(f->first, token, "%s", good[i]);
		external_site_expect(f, token, 200);
	}
}

TEST(good_tokens_are_accepted)
{
	expect_good_tokens(*state);
}

/* ---- validly signed, but wrong otherwise ---- */

static const char *const by_their_keys[] = {
	/* none or unknown */
	"'rsa', alg='none'",
	"'rsa', alg='none', header={'alg': 'None'}",
	"'rsa', alg='none', header={'alg': 'NONE'}",
	"'rsa', alg='none', header={'alg': 'nOnE'}",
	"'rsa', alg='none', header={'alg': 'none '}",
	"'rsa', alg='none', header={'alg': ''}",
	"'rsa', alg='none', header={'alg': None}",
	"'rsa', alg='none', header={'alg': None, 'kid': None}",
	"'rsa', header={'alg': 'none'}",
	"'rsa', header={'alg': None}",
	"'rsa', header_text='{\"alg\":null,\"kid\":\"rsa\"}'",
	"'rsa', header={'alg': ['RS256']}",
	"'rsa', header={'alg': 'rs256'}",
	"'rsa', header={'alg': 'RS256 '}",
	/* not the key's, or not accepted by the site */
	"'rsa', alg='RS384'",
	"'rsa', alg='RS512'",
	"'rsa', alg='PS256'",
	"'rsa', header={'alg': 'PS256'}",
	"'rsa', header={'alg': 'ES256'}",
	"'ec', header={'alg': 'RS256'}",
	"'ec', header={'kid': 'rsa'}",
	"'rsa', header={'kid': 'ec'}",
	"'rsa', header={'kid': 'ec', 'alg': 'ES256'}",
	/* not a signature */
	"'ec', signature='zero'",
	"'ec', signature='der'",
	"'rsa', signature='zero'",
	"'ec', signature=''",
	"'rsa', signature=''",
	"'ec', signature='00'",
	/* kid */
	"'rsa', header={'kid': 'another'}",
	"'rsa', header={'kid': ''}",
	"'rsa', header={'kid': 7}",
	"'rsa', header={'kid': ['rsa']}",
	"'rsa', header={'kid': 'RSA'}",
	"'rsa', header={'kid': '../../../../../../dev/null'}",
	"'rsa', header={'kid': '/etc/passwd'}",
	"'rsa', header={'kid': \"' OR '1'='1\"}",
	"'rsa', header={'kid': \"rsa'; DROP TABLE users; --\"}",
	"'rsa', header={'kid': 'rsa|id'}",
	"'rsa', header_text='{\"alg\":\"RS256\",\"kid\":\"rsa\\\\u0000\"}'",
	/* other header members */
	"'rsa', header={'crit': ['exp']}",
	"'rsa', header={'crit': ['exp'], 'exp': 4000000000}",
	"'rsa', header={'crit': []}",
	"'rsa', header={'crit': ['b64'], 'b64': False}",
	"'rsa', header={'b64': True}",
	"'rsa', header={'zip': 'DEF'}",
	"'rsa', header={'enc': 'A128GCM'}",
	"'rsa', header={'typ': 'JWE'}",
	"'rsa', header={'typ': 'logout+jwt'}",
	"'rsa', header={'typ': 1}",
	"'rsa', header_text='{\"alg\":\"RS256\",\"kid\":\"rsa\","
	"\"alg\":\"RS256\"}'",
	"'rsa', header_text='{\"kid\":\"rsa\",\"alg\":\"RS256\","
	"\"kid\":\"rsa\"}'",
	"'rsa', header_text='[\"RS256\"]'",
	"'rsa', header_text='{\"alg\":\"RS256\",\"kid\":\"rsa\"}{}'",
	"'rsa', header_text=''",
	/* issuer, subject and audience */
	"'rsa', claims={'iss': None}",
	"'rsa', claims={'iss': '@1/'}",
	"'rsa', claims={'iss': '@2'}",
	"'rsa', claims={'iss': 'latchkey'}",
	"'rsa', claims={'iss': ['@1']}",
	"'rsa', claims={'iss': 1}",
	"'rsa', claims={'iss': 'http://127.0.0.1:1'}",
	"'rsa', claims={'aud': None}",
	"'rsa', claims={'aud': 'other'}",
	"'rsa', claims={'aud': 'Latchkey'}",
	"'rsa', claims={'aud': []}",
	"'rsa', claims={'aud': ['latchkey', 1]}",
	"'rsa', claims={'aud': {'latchkey': 1}}",
	"'rsa', claims={'aud': 1}",
	"'rsa', claims={'sub': None}",
	"'rsa', claims={'sub': ''}",
	"'rsa', claims={'sub': 1}",
	"'rsa', claims={'sub': ['user-1']}",
	"'rsa', claims={'jti': 1}",
	"'rsa', claims={'jti': ['a']}",
	/* times */
	"'rsa', at=-400",
	"'rsa', at=60",
	"'rsa', claims={'nbf': 4000000000}",
	"'rsa', claims={'exp': None}",
	"'rsa', claims={'iat': None}",
	"'rsa', claims={'exp': '4000000000'}",
	"'rsa', claims={'exp': True}",
	"'rsa', claims={'exp': [4000000000]}",
	"'rsa', claims={'exp': -1}",
	"'rsa', claims={'exp': 9007199254740992}",
	"'rsa', claims={'exp': 9223372036854775807}",
	"'rsa', claims={'exp': 18446744073709551616}",
	"'rsa', claims={'exp': 1e300}",
	"'rsa', claims={'exp': 4000000000}", /* longer than deleted accounts are
						kept */
	"'rsa', claims={'iat': '1'}",
	"'rsa', claims={'iat': -1}",
	"'rsa', claims={'nbf': '1'}",
	"'rsa', claims={'nbf': 9007199254740992}",
	"'rsa', payload_text='[]'",
	"'rsa', payload_text='{\"iss\":\"@1\"}'",
	"'rsa', payload_text=''",
};

static void
expect_refused(struct external_site *f, const char *how, const char *token)
{
	for (int credential_source = 0; credential_source < EXTERNAL_SITE_WAYS;
	     credential_source++) {
		long status = external_site_ask(
		    f, (enum external_site_way)credential_source, token);
		const char *code = web_text(&f->site.reply, "code");

		if (status != 401 || code == NULL ||
		    strcmp(code, "invalid_token") != 0)
			fail_msg("%s, asked in way %d: %ld %s", how,
			    credential_source, status, f->site.reply.body.data);
	}
}

TEST(wrongly_signed_tokens_are_refused, struct external_site *f)
{
	char how[TEXT_MAX], token[TEST_ISSUER_TOKEN_SIZE];

	for (size_t i = 0; i < NELEMS(by_their_keys); i++) {
		fill(f, NULL, by_their_keys[i], how);
		test_issuer_token(f->first, token, "%s", how);
		expect_refused(f, how, token);
	}
}

/* With a duplicate it is not known which counts. */
TEST(a_duplicate_claim_is_refused, struct external_site *f)
{
	static const char *const twice[] = { "\"sub\":\"user-2\"",
		"\"exp\":4000000000", "\"iss\":\"http://127.0.0.1:1\"",
		"\"aud\":\"latchkey\"", "\"x\":1,\"x\":1" };
	char token[TEST_ISSUER_TOKEN_SIZE];
	long long now = time(NULL);

	for (size_t i = 0; i < NELEMS(twice); i++) {
		test_issuer_token(f->first, token,
		    "'ec', payload_text='{\"iss\":\"%s\",\"sub\":\"user-1\","
		    "\"aud\":\"latchkey\",\"iat\":%lld,\"exp\":%lld,%s}'",
		    test_issuer_url(f->first), now, now + 300, twice[i]);
		expect_refused(f, twice[i], token);
	}
}

/* Public keys in any form used as HMAC secrets. */
TEST(a_public_key_is_not_an_hmac_secret, struct external_site *f)
{
	static const struct {
		const char *key;
		const char *forms[10];
	} keys[] = {
		{ "rsa",
		    { "PEM SubjectPublicKeyInfo", "PEM SubjectPublicKeyInfo-",
			"DER SubjectPublicKeyInfo", "PEM PKCS1", "PEM PKCS1-",
			"DER PKCS1", "jwk", "n", "e", "kid" } },
		{ "ec",
		    { "PEM SubjectPublicKeyInfo", "PEM SubjectPublicKeyInfo-",
			"DER SubjectPublicKeyInfo", "X962 UncompressedPoint",
			"X962 CompressedPoint", "jwk", "x", "y", "crv",
			"kid" } },
	};
	char token[TEST_ISSUER_TOKEN_SIZE];

	for (size_t i = 0; i < NELEMS(keys) * NELEMS(keys->forms); i++) {
		const char *key = keys[i / NELEMS(keys->forms)].key;
		const char *form = keys[i / NELEMS(keys->forms)]
				       .forms[i % NELEMS(keys->forms)];

		test_issuer_token(f->first, token,
		    "'%s', header={'alg': 'HS256'},"
		    " secret={'of': '%s', 'as': '%s'}",
		    key, key, form);
		expect_refused(f, form, token);
	}
}

/* ---- keys that are not the issuer's ---- */

TEST(keys_of_another_issuer_are_refused, struct external_site *f)
{
	/* by the attacker's server, whose name is @3 */
	static const char *const own[] = {
		"'rsa'",
		"'rsa', claims={'iss': '@1'}",
		"'ec', claims={'iss': '@1'}",
		"'ec', claims={'iss': '@1'}, header={'kid': None}",
		"'rsa', claims={'iss': '@1'}, header={'jku': '@3/jwks.json'}",
		"'rsa', claims={'iss': '@1'}, header={'x5u': '@3/x5u.pem'}",
		"'rsa', claims={'iss': '@1'}, header={'kid': '@3/jwks.json'}",
		"'rsa', claims={'iss': '@1'}, own='jwk'",
		"'ec', claims={'iss': '@1'}, own='jwk'",
		"'ec', claims={'iss': '@1'}, own='jwk', header={'kid': None}",
		"'rsa', claims={'iss': '@1'}, own='x5c'",
		"'ec', claims={'iss': '@1'}, own='x5c', header={'kid': None}",
		"'rsa', claims={'iss': '@3'}, header={'jku': '@3/jwks.json'}",
	};
	/* by another issuer */
	static const char *const second[] = {
		"'rsa', claims={'iss': '@1'}",
		"'ec', claims={'iss': '@1'}",
		"'ec', claims={'iss': '@1'}, header={'kid': None}",
		"'ec', claims={'iss': ['@1', '@2']}",
		"'ec', claims={'iss': '@1', 'azp': '@2'}",
	};
	/* with a header that the right issuer must not send */
	static const char *const first[] = { "'rsa', own='jwk'" };
	/* with addresses of keys, which nothing reads */
	static const char *const ignored[] = {
		"'rsa', own='x5c'",
		"'rsa', header={'jku': '@3/jwks.json'}",
		"'rsa', header={'x5u': '@3/x5u.pem'}",
	};
	struct test_issuer *stranger = test_issuer_new(false);
	long fetched = test_issuer_count(f->second, "connections");
	char how[TEXT_MAX], token[TEST_ISSUER_TOKEN_SIZE];
	const struct {
		struct test_issuer *p;
		const char *const *hows;
		size_t n;
	} all[] = {
		{ stranger, own, NELEMS(own) },
		{ f->second, second, NELEMS(second) },
		{ f->first, first, NELEMS(first) },
	};

	for (size_t i = 0; i < NELEMS(all); i++) {
		for (size_t j = 0; j < all[i].n; j++) {
			fill(f, stranger, all[i].hows[j], how);
			test_issuer_token(all[i].p, token, "%s", how);
			expect_refused(f, how, token);
		}
	}
	for (size_t i = 0; i < NELEMS(ignored); i++) {
		fill(f, stranger, ignored[i], how);
		test_issuer_token(f->first, token, "%s", how);
		external_site_expect(f, token, 200);
	}
	assert_int_equal(test_issuer_count(stranger, "connections"), 0);
	assert_int_equal(test_issuer_count(f->second, "connections"), fetched);
	test_issuer_free(stranger);
}

/* ---- spelling ---- */

TEST(another_spelling_of_a_token_is_refused, struct external_site *f)
{
	static const char *const pieces[] = { "=", "==", ".", "..", "A", "+",
		"/", "%3D", "\t", " ", ",", "\\", "\"", "\xc3\xa4", "." };
	char token[TEST_ISSUER_TOKEN_SIZE], text[TEXT_MAX];
	size_t at[5];

	test_issuer_token(f->first, token, "'ec', claims={'jti': 'spelled'}");
	external_site_expect(f, token, 200);
	at[0] = 0;
	at[1] = strcspn(token, ".");
	at[2] = at[1] + 1;
	at[3] = at[2] + strcspn(token + at[2], ".");
	at[4] = strlen(token);
	for (size_t i = 0; i < NELEMS(at) * NELEMS(pieces); i++) {
		size_t to = at[i / NELEMS(pieces)];
		const char *piece = pieces[i % NELEMS(pieces)];

		/* HTTP strips white space around a value. */
		if ((to == 0 || to == at[4]) && strchr(" \t", *piece) != NULL)
			continue;
		snprintf(text, sizeof(text), "%.*s%s%s", (int)to, token, piece,
		    token + to);
		expect_refused(f, text, text);
	}
	external_site_expect(f, token, 200);
}

/* The last character of a P-256 signature has four unused bits. */
TEST(any_changed_character_is_refused, struct external_site *f)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_";
	char token[TEST_ISSUER_TOKEN_SIZE];
	size_t len;
	char last;

	test_issuer_token(f->first, token, "'ec', claims={'jti': 'lettered'}");
	external_site_expect(f, token, 200);
	len = strlen(token);
	last = token[len - 1];
	for (const char *letter = letters; *letter != '\0'; letter++) {
		token[len - 1] = *letter;
		if (*letter != last)
			expect_refused(f, token, token);
	}
}

TEST(long_tokens_and_other_forms_are_refused, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE], text[TEXT_MAX];

	test_issuer_token(f->first, token, "'rsa', pad=5000");
	external_site_expect(f, token, 200);
	test_issuer_token(f->first, token, "'rsa', pad=6500");
	assert_true(strlen(token) > 8192);
	expect_refused(f, "over 8 KiB", token);
	/* JWE, as a whole and as a header */
	test_issuer_token(f->first, token,
	    "'rsa', header={'alg': 'RSA-OAEP', 'enc': 'A256GCM'}");
	expect_refused(f, token, token);
	snprintf(text, sizeof(text), "%s.AAAA.AAAA", token);
	expect_refused(f, text, text);
	/* nested, detached, or no token at all */
	test_issuer_token(f->first, token,
	    "'rsa', header={'cty': 'JWT'},"
	    " payload_text='eyJhbGciOiJub25lIn0.e30.'");
	expect_refused(f, token, token);
	test_issuer_token(f->first, token, "'rsa'");
	snprintf(text, sizeof(text), "%.*s.%s", (int)strcspn(token, "."), token,
	    strrchr(token, '.'));
	expect_refused(f, text, text);
	expect_refused(f, "dots", "..");
	expect_refused(f, "dots", "...");
}

/* Nothing sent in between has an effect. */
TEST(good_tokens_are_still_accepted)
{
	expect_good_tokens(*state);
}

TEST_RUN()
{
	static const struct external_site_options o = {
		.stack = { .no_redis = true, .lighttpd = lighttpd },
		.second = "algorithms = ES256\n",
	};

	return external_site_run("attacks", TEST_ALL, &o);
}
