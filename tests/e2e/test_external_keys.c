/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>
#include <time.h>

#include "base/secret.h"
#include "support/external_issuer_keys.h"
#include "support/external_issuer_site.h"
#include "support/load_threads.h"
#include "support/process.h"

/*
 * Keys of an issuer appear, change and disappear, and some are unusable; the
 * issuer is not contacted more often than allowed.
 */
#define WAIT_MS 60000
#define WORKERS 4
#define FLOOD 150
#define SLOW_MS 1000

/* ---- frequency of fetches ---- */

struct flood {
	struct external_site *f;
	long count; /* expected number of fetches */
	int next;   /* no kid is used twice */
};

static void
pour(struct flood *fl)
{
	char token[TEST_ISSUER_TOKEN_SIZE];

	for (int i = 0; i < FLOOD; i++) {
		test_issuer_token(fl->f->first, token,
		    "'ec', header={'kid': 'no%d'}", fl->next++);
		external_site_ask(fl->f, EXTERNAL_SITE_ME, token);
		web_expect(&fl->f->site.reply, 401, "invalid_token");
	}
}

static bool
is_fetched(void *ctx)
{
	struct flood *fl = ctx;

	pour(fl);
	return test_issuer_count(fl->f->first, TEST_ISSUER_JWKS) >= fl->count;
}

/* Fetches are 30 s apart, even if this machine is slow. */
static void
assert_no_more(struct flood *fl, long since)
{
	long count = test_issuer_count(fl->f->first, TEST_ISSUER_JWKS);

	assert_in_range(
	    count, fl->count, fl->count + (time(NULL) - since) / 30);
}

TEST(many_requests_cause_one_fetch, struct external_site *f)
{
	struct flood fl = { .f = f };
	struct external_site_fetch http_client;
	long begun = time(NULL);

	external_site_fetch_allow(f, f->first, &http_client);
	fl.count = test_issuer_count(f->first, TEST_ISSUER_JWKS) + 1;
	assert_true(process_until(is_fetched, &fl, WAIT_MS));
	external_site_fetch_end(&http_client, true);
	pour(&fl);
	pour(&fl);
	assert_no_more(&fl, begun);

	/* also when the last fetch failed */
	test_issuer_tell(
	    f->first, "answer('" TEST_ISSUER_JWKS "', status=500)");
	begun = time(NULL);
	external_site_fetch(f, f->first, false);
	fl.count = test_issuer_count(f->first, TEST_ISSUER_JWKS);
	pour(&fl);
	pour(&fl);
	assert_no_more(&fl, begun);
	test_issuer_tell(f->first, "answer('" TEST_ISSUER_JWKS "')");
}

/* ---- keys that appear and disappear ---- */

TEST(a_new_key_is_accepted_and_a_removed_one_refused, struct external_site *f)
{
	char old[TEST_ISSUER_TOKEN_SIZE], new[TEST_ISSUER_TOKEN_SIZE],
	    kept[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_token(f->first, old, "'ec'");
	test_issuer_token(f->first, kept, "'rsa'");
	test_issuer_tell(f->first, "key('next', 'EC')");
	test_issuer_token(f->first, new, "'next'");
	external_site_expect_everywhere(f, old, 200);
	external_site_expect_everywhere(f, kept, 200);
	external_site_expect_everywhere(f, new, 401);
	test_issuer_tell(f->first, "publish('rsa', 'next')");
	external_site_fetch(f, f->first, true);
	external_site_expect_everywhere(f, new, 200);
	external_site_expect_everywhere(f, kept, 200);
	/* even if it was cached */
	external_site_expect_everywhere(f, old, 401);
	test_issuer_tell(f->first, "publish('rsa', 'ec')");
	external_site_fetch(f, f->first, true);
	external_site_expect_everywhere(f, old, 200);
	external_site_expect_everywhere(f, new, 401);
}

/* Another key under the same kid is another key. */
TEST(a_replaced_key_verifies_nothing, struct external_site *f)
{
	char old[TEST_ISSUER_TOKEN_SIZE], new[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_token(f->first, old, "'ec'");
	external_site_expect_everywhere(f, old, 200);
	test_issuer_tell(f->first, "key('ec', 'EC')");
	test_issuer_token(f->first, new, "'ec'");
	external_site_fetch(f, f->first, true);
	external_site_expect_everywhere(f, old, 401);
	external_site_expect_everywhere(f, new, 200);
}

/* Even if its tokens are cached. */
TEST(tokens_of_a_removed_issuer_are_refused, struct external_site *f)
{
	char one[TEST_ISSUER_TOKEN_SIZE], two[TEST_ISSUER_TOKEN_SIZE],
	    other[TEST_ISSUER_TOKEN_SIZE];
	char block[256];

	test_issuer_token(f->first, one, "'rsa', claims={'jti': 'one'}");
	test_issuer_token(f->second, two, "'rsa', claims={'jti': 'two'}");
	test_issuer_token(f->second, other, "'rsa', claims={'aud': 'other'}");
	external_site_expect_everywhere(f, one, 200);
	external_site_expect_everywhere(f, two, 200);
	external_site_expect_everywhere(f, other, 401);
	snprintf(block, sizeof(block), "[%s]\naudience = other\n",
	    test_issuer_url(f->second));
	external_site_reload(f, block);
	external_site_expect_everywhere(f, one, 401);
	external_site_expect_everywhere(f, two, 401);
	external_site_expect_everywhere(f, other, 200);
	external_site_reload(f, NULL);
	external_site_wait(f, f->first);
	external_site_expect_everywhere(f, one, 200);
	external_site_expect_everywhere(f, two, 200);
	external_site_expect_everywhere(f, other, 401);
}

/* ---- while checks run at full speed ---- */

#define ASKS 6
#define TURNS 5

TEST(no_good_token_is_refused_while_keys_change, struct external_site *f)
{
	/* Its threads go on if this fails. */
	static char bearer[ASKS][TEST_ISSUER_TOKEN_SIZE + 32];
	static const char *params[ASKS][2];
	static struct fcgi_ask asks[ASKS];
	static struct load_threads h;

	h.stack = f->site.stack;
	h.asks = asks;
	h.count = ASKS;
	h.slow_ms = SLOW_MS;
	for (int i = 0; i < ASKS; i++) {
		char token[TEST_ISSUER_TOKEN_SIZE];

		test_issuer_token(
		    f->first, token, "'rsa', claims={'sub': 'h%d'}", i);
		snprintf(bearer[i], sizeof(bearer[i]),
		    "HTTP_AUTHORIZATION=Bearer %s", token);
		params[i][0] = bearer[i];
		asks[i] =
		    (struct fcgi_ask){ .uri = "/auth/me", .params = params[i] };
	}
	load_threads_start(&h);
	for (int i = 0; i < TURNS; i++) {
		char token[TEST_ISSUER_TOKEN_SIZE];

		load_threads_wait(&h, 50);
		test_issuer_tell(f->first, "key('turn%d', 'EC')", i);
		test_issuer_tell(f->first, "publish('rsa', 'turn%d')", i);
		external_site_fetch(f, f->first, true);
		test_issuer_token(f->first, token, "'turn%d'", i);
		external_site_expect(f, token, 200);
	}
	load_threads_stop(&h);
	print_message("%d checks, %d slow\n", h.answered, h.slow);
	test_issuer_tell(f->first, "publish('rsa', 'ec')");
	external_site_fetch(f, f->first, true);
}

/* ---- unusable keys ---- */

TEST(bad_keys_are_skipped_and_good_ones_work, struct external_site *f)
{
	static const struct {
		const char *name, *how, *token;
	} keys[] = {
		{ "short", "'RSA', bits=1024", "" },
		{ "one", "'RSA', e=1", "" },
		{ "enc", "'RSA', jwk={'use': 'enc'}", "" },
		{ "enc-ec", "'EC', jwk={'use': 'enc'}", "" },
		{ "wrap", "'EC', jwk={'use': None, 'key_ops': ['wrapKey']}",
		    "" },
		{ "oct", "'oct', k='a secret that anyone can read'", "" },
		{ "oct-as-ec", "'oct', k='k', jwk={'alg': 'ES256'}", "" },
		{ "off",
		    "'EC', jwk={'y': 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AAAAAAAAAAE'}",
		    "" },
		{ "p384", "'EC', crv='P-384'", ", alg='ES384'" },
		{ "p384-as-p256", "'EC', crv='P-384', jwk={'alg': 'ES256'}",
		    ", alg='ES384', header={'alg': 'ES256'}" },
		{ "ps", "'RSA', jwk={'alg': 'PS256'}", "" },
		{ "private", "'RSA', private=True", "" },
		{ "private-ec", "'EC', private=True", "" },
		{ "twin", "'EC', kid='twin'", "" },
		{ "twin2", "'EC', kid='twin'", "" },
		{ "cut", "'EC', jwk={'x': 'AAAA'}", "" },
		{ "none", "'EC', jwk={'x': None}", "" },
	};
	char token[TEST_ISSUER_TOKEN_SIZE], names[512] = "'rsa', 'ec'";
	size_t len = strlen(names);

	for (size_t i = 0; i < NELEMS(keys); i++) {
		test_issuer_tell(
		    f->first, "key('%s', %s)", keys[i].name, keys[i].how);
		len += (size_t)snprintf(
		    names + len, sizeof(names) - len, ", '%s'", keys[i].name);
		assert_true(len < sizeof(names));
	}
	test_issuer_tell(f->first, "publish(%s)", names);
	external_site_fetch(f, f->first, true);
	for (size_t i = 0; i < NELEMS(keys); i++) {
		test_issuer_token(
		    f->first, token, "'%s'%s", keys[i].name, keys[i].token);
		if (external_site_ask(f, EXTERNAL_SITE_ME, token) != 401)
			fail_msg(
			    "%s: %s", keys[i].name, f->site.reply.body.data);
	}
	test_issuer_token(f->first, token, "'rsa', claims={'sub': 'beside'}");
	external_site_expect(f, token, 200);
	test_issuer_token(f->first, token, "'ec', claims={'sub': 'beside'}");
	external_site_expect(f, token, 200);
	test_issuer_tell(f->first, "publish('rsa', 'ec')");
	external_site_fetch(f, f->first, true);
}

TEST_RUN()
{
	static const struct external_site_options o = {
		.stack = { .workers = WORKERS, .no_redis = true }
	};

	return external_site_run("keys", TEST_ALL, &o);
}
