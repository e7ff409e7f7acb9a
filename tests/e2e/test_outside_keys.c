/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>
#include <time.h>

#include "base/secret.h"
#include "support/hammer.h"
#include "support/process.h"
#include "support/visit.h"
#include "support/visit_keys.h"

/*
 * The keys of an issuer come and go, and some are none; it is not asked for
 * them more often than it may be.
 */
#define WAIT_MS 60000
#define WORKERS 4
#define FLOOD 150
#define SLOW_MS 1000

/* ---- how often it is asked ---- */

struct flood {
	struct visit *f;
	long count; /* of fetches that there are to be */
	int next;   /* no key is asked for twice */
};

static void
pour(struct flood *fl)
{
	char token[IDP_TOKEN_SIZE];

	for (int i = 0; i < FLOOD; i++) {
		idp_token(fl->f->first, token, "'ec', header={'kid': 'no%d'}",
		    fl->next++);
		visit_ask(fl->f, VISIT_ME, token);
		web_expect(&fl->f->site.reply, 401, "invalid_token");
	}
}

static bool
is_fetched(void *ctx)
{
	struct flood *fl = ctx;

	pour(fl);
	return idp_count(fl->f->first, IDP_JWKS) >= fl->count;
}

/* Half a minute apart, should this machine be that slow. */
static void
assert_no_more(struct flood *fl, long since)
{
	long count = idp_count(fl->f->first, IDP_JWKS);

	assert_in_range(
	    count, fl->count, fl->count + (time(NULL) - since) / 30);
}

static void
however_many_ask_it_is_fetched_once(void **state)
{
	struct visit *f = *state;
	struct flood fl = { .f = f };
	struct visit_fetch fetch;
	long begun = time(NULL);

	visit_fetch_allow(f, f->first, &fetch);
	fl.count = idp_count(f->first, IDP_JWKS) + 1;
	assert_true(process_until(is_fetched, &fl, WAIT_MS));
	visit_fetch_end(&fetch, true);
	pour(&fl);
	pour(&fl);
	assert_no_more(&fl, begun);

	/* also when the last one gave nothing */
	idp_tell(f->first, "answer('" IDP_JWKS "', status=500)");
	begun = time(NULL);
	visit_fetch(f, f->first, false);
	fl.count = idp_count(f->first, IDP_JWKS);
	pour(&fl);
	pour(&fl);
	assert_no_more(&fl, begun);
	idp_tell(f->first, "answer('" IDP_JWKS "')");
}

/* ---- keys that come and go ---- */

static void
a_new_key_is_known_and_one_that_left_is_not(void **state)
{
	struct visit *f = *state;
	char old[IDP_TOKEN_SIZE], new[IDP_TOKEN_SIZE], kept[IDP_TOKEN_SIZE];

	idp_token(f->first, old, "'ec'");
	idp_token(f->first, kept, "'rsa'");
	idp_tell(f->first, "key('next', 'EC')");
	idp_token(f->first, new, "'next'");
	visit_expect_everywhere(f, old, 200);
	visit_expect_everywhere(f, kept, 200);
	visit_expect_everywhere(f, new, 401);
	idp_tell(f->first, "publish('rsa', 'next')");
	visit_fetch(f, f->first, true);
	visit_expect_everywhere(f, new, 200);
	visit_expect_everywhere(f, kept, 200);
	/* however well it was remembered */
	visit_expect_everywhere(f, old, 401);
	idp_tell(f->first, "publish('rsa', 'ec')");
	visit_fetch(f, f->first, true);
	visit_expect_everywhere(f, old, 200);
	visit_expect_everywhere(f, new, 401);
}

/* Another key by the same name is another key. */
static void
a_key_that_was_replaced_verifies_nothing(void **state)
{
	struct visit *f = *state;
	char old[IDP_TOKEN_SIZE], new[IDP_TOKEN_SIZE];

	idp_token(f->first, old, "'ec'");
	visit_expect_everywhere(f, old, 200);
	idp_tell(f->first, "key('ec', 'EC')");
	idp_token(f->first, new, "'ec'");
	visit_fetch(f, f->first, true);
	visit_expect_everywhere(f, old, 401);
	visit_expect_everywhere(f, new, 200);
}

/* However well its tokens are remembered. */
static void
what_is_configured_no_more_speaks_for_nobody(void **state)
{
	struct visit *f = *state;
	char one[IDP_TOKEN_SIZE], two[IDP_TOKEN_SIZE], other[IDP_TOKEN_SIZE];
	char block[256];

	idp_token(f->first, one, "'rsa', claims={'jti': 'one'}");
	idp_token(f->second, two, "'rsa', claims={'jti': 'two'}");
	idp_token(f->second, other, "'rsa', claims={'aud': 'other'}");
	visit_expect_everywhere(f, one, 200);
	visit_expect_everywhere(f, two, 200);
	visit_expect_everywhere(f, other, 401);
	snprintf(block, sizeof(block), "[%s]\naudience = other\n",
	    idp_url(f->second));
	visit_reload(f, block);
	visit_expect_everywhere(f, one, 401);
	visit_expect_everywhere(f, two, 401);
	visit_expect_everywhere(f, other, 200);
	visit_reload(f, NULL);
	visit_wait(f, f->first);
	visit_expect_everywhere(f, one, 200);
	visit_expect_everywhere(f, two, 200);
	visit_expect_everywhere(f, other, 401);
}

/* ---- while checks run at full speed ---- */

#define ASKS 6
#define TURNS 5

static void
no_good_token_is_refused_while_keys_change(void **state)
{
	struct visit *f = *state;
	/* Its threads go on if this fails. */
	static char bearer[ASKS][IDP_TOKEN_SIZE + 32];
	static const char *params[ASKS][2];
	static struct fcgi_ask asks[ASKS];
	static struct hammer h;

	h.stack = f->site.stack;
	h.asks = asks;
	h.count = ASKS;
	h.slow_ms = SLOW_MS;
	for (int i = 0; i < ASKS; i++) {
		char token[IDP_TOKEN_SIZE];

		idp_token(f->first, token, "'rsa', claims={'sub': 'h%d'}", i);
		snprintf(bearer[i], sizeof(bearer[i]),
		    "HTTP_AUTHORIZATION=Bearer %s", token);
		params[i][0] = bearer[i];
		asks[i] =
		    (struct fcgi_ask){ .uri = "/auth/me", .params = params[i] };
	}
	hammer_start(&h);
	for (int i = 0; i < TURNS; i++) {
		char token[IDP_TOKEN_SIZE];

		hammer_wait(&h, 50);
		idp_tell(f->first, "key('turn%d', 'EC')", i);
		idp_tell(f->first, "publish('rsa', 'turn%d')", i);
		visit_fetch(f, f->first, true);
		idp_token(f->first, token, "'turn%d'", i);
		visit_expect(f, token, 200);
	}
	hammer_stop(&h);
	print_message("%d checks, %d slow\n", h.answered, h.slow);
	idp_tell(f->first, "publish('rsa', 'ec')");
	visit_fetch(f, f->first, true);
}

/* ---- keys that are none ---- */

static void
bad_keys_are_left_out_and_good_ones_beside_them_work(void **state)
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
		{ "oct", "'oct', k='a secret that everybody can read'", "" },
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
	struct visit *f = *state;
	char token[IDP_TOKEN_SIZE], names[512] = "'rsa', 'ec'";
	size_t len = strlen(names);

	for (size_t i = 0; i < NELEMS(keys); i++) {
		idp_tell(f->first, "key('%s', %s)", keys[i].name, keys[i].how);
		len += (size_t)snprintf(
		    names + len, sizeof(names) - len, ", '%s'", keys[i].name);
		assert_true(len < sizeof(names));
	}
	idp_tell(f->first, "publish(%s)", names);
	visit_fetch(f, f->first, true);
	for (size_t i = 0; i < NELEMS(keys); i++) {
		idp_token(
		    f->first, token, "'%s'%s", keys[i].name, keys[i].token);
		if (visit_ask(f, VISIT_ME, token) != 401)
			fail_msg(
			    "%s: %s", keys[i].name, f->site.reply.body.data);
	}
	idp_token(f->first, token, "'rsa', claims={'sub': 'beside'}");
	visit_expect(f, token, 200);
	idp_token(f->first, token, "'ec', claims={'sub': 'beside'}");
	visit_expect(f, token, 200);
	idp_tell(f->first, "publish('rsa', 'ec')");
	visit_fetch(f, f->first, true);
}

int
main(void)
{
	static const struct visit_options o = { .stack = { .workers = WORKERS,
						    .no_redis = true } };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(however_many_ask_it_is_fetched_once),
		cmocka_unit_test(a_new_key_is_known_and_one_that_left_is_not),
		cmocka_unit_test(a_key_that_was_replaced_verifies_nothing),
		cmocka_unit_test(what_is_configured_no_more_speaks_for_nobody),
		cmocka_unit_test(no_good_token_is_refused_while_keys_change),
		cmocka_unit_test(
		    bad_keys_are_left_out_and_good_ones_beside_them_work),
	};

	if (secret_init() != ERR_OK)
		return 1;
	return visit_run("keys", tests, NELEMS(tests), &o);
}
