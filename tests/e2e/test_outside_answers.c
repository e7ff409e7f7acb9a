/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/secret.h"
#include "support/process.h"
#include "support/visit.h"
#include "support/visit_keys.h"

/*
 * The issuer is slow, broken, lying, or gone: the keys that are known go on
 * working, and nobody waits for it.
 */
#define WAIT_MS 60000
#define WORKERS 4
#define SLOW_SECONDS 5.0 /* half of what a fetch may take */

/* ---- answers that are none ---- */

/* Tokens of known keys, seen and never seen, are taken; others are not. */
static void
assert_works(struct visit *f)
{
	char token[IDP_TOKEN_SIZE];

	idp_token(f->first, token, "'ec', claims={'sub': 'somebody'}");
	assert_int_equal(visit_ask(f, VISIT_ME, token), 200);
	idp_token(f->first, token, "'rsa', claims={'sub': 'sub%d'}",
	    ++f->site.serial);
	assert_int_equal(visit_ask(f, VISIT_ME, token), 200);
	idp_token(f->first, token, "'stranger', header={'kid': 'ec'}");
	assert_int_equal(visit_ask(f, VISIT_ME, token), 401);
	idp_token(f->first, token, "'stranger'");
	assert_int_equal(visit_ask(f, VISIT_ME, token), 401);
}

static void
known_keys_work_on_whatever_is_answered(void **state)
{
	static const char *const answers[] = {
		"status=500",
		"status=503, headers={'Retry-After': '1'}",
		"status=404",
		"status=204, body=''",
		"body=''",
		"type='text/html', body='<html>Sign in to the network</html>'",
		"type='text/html'",
		"body='{\"keys\": [{\"kty\": \"EC\"'",
		"body='[]'",
		"body={}",
		"body={'keys': {}}",
		"body={'keys': []}",
		"body={'keys': [1, None, 'ec', []]}",
		"pad=4194304",
		"pad=4194304, unsized=True",
		"pace='half'",
		"status=302, headers={'Location': '%s/jwks.json'}",
		"status=301, headers={'Location': '%s/'}",
		"status=307, headers={'Location': 'https://127.0.0.1/'}",
		"status=302, headers={'Location': 'file:///etc/passwd'}",
		"status=302, headers={'Location': 'gopher://127.0.0.1/'}",
		"status=302, headers={'Location': '/jwks.json'}",
		"status=302",
	};
	struct visit *f = *state;
	struct idp *stranger = idp_new(false);

	idp_tell(f->first, "key('stranger', 'EC')");
	for (size_t i = 0; i < NELEMS(answers); i++) {
		char how[256];
		const char *mark = strstr(answers[i], "%s");

		if (mark == NULL)
			snprintf(how, sizeof(how), "%s", answers[i]);
		else
			snprintf(how, sizeof(how), "%.*s%s%s",
			    (int)(mark - answers[i]), answers[i],
			    idp_url(stranger), mark + 2);
		idp_tell(f->first, "answer('" IDP_JWKS "', %s)", how);
		visit_fetch(f, f->first, false);
		assert_works(f);
	}
	assert_int_equal(idp_count(stranger, "connections"), 0);
	idp_free(stranger);
	/* what is elsewhere on the same host is found */
	idp_tell(f->first,
	    "answer('" IDP_JWKS "', status=302,"
	    " headers={'Location': '/keys/now'})");
	idp_tell(f->first, "answer('/keys/now', status=200)");
	visit_fetch(f, f->first, true);
	idp_tell(f->first, "answer('" IDP_JWKS "')");
	assert_works(f);
}

/* A discovery document that is not the issuer's own leads nowhere. */
static void
discovery_has_to_be_the_issuers_own(void **state)
{
	struct visit *f = *state;
	struct idp *stranger = idp_new(false);
	char token[IDP_TOKEN_SIZE];

	idp_tell(f->second,
	    "answer('" IDP_DISCOVERY "', body={'issuer': '%s',"
	    " 'jwks_uri': '%s" IDP_JWKS "'})",
	    idp_url(stranger), idp_url(stranger));
	visit_fetch(f, f->second, false);
	idp_tell(f->second,
	    "answer('" IDP_DISCOVERY "', status=302,"
	    " headers={'Location': '%s" IDP_DISCOVERY "'})",
	    idp_url(stranger));
	visit_fetch(f, f->second, false);
	assert_int_equal(idp_count(stranger, "connections"), 0);
	idp_token(f->second, token, "'ec'");
	visit_expect(f, token, 200);
	idp_free(stranger);
	idp_tell(f->second, "answer('" IDP_DISCOVERY "')");
	visit_fetch(f, f->second, true);
}

/* ---- answers that take their time ---- */

/* What comes meanwhile is answered as if nothing were; unknown keys too. */
static void
assert_nobody_waits(struct visit *f)
{
	char token[IDP_TOKEN_SIZE];
	double slowest = 0;

	for (int i = 0; i < 50; i++) {
		idp_token(f->first, token, "'%s', claims={'sub': 'slow%d'}",
		    i % 2 == 0 ? "ec" : "rsa", i % 5);
		assert_int_equal(visit_ask(f, VISIT_ME, token), 200);
		if (f->site.reply.seconds > slowest)
			slowest = f->site.reply.seconds;
		idp_token(f->first, token, "'ec', header={'kid': 'slow%d'}", i);
		assert_int_equal(visit_ask(f, VISIT_ME, token), 401);
		if (f->site.reply.seconds > slowest)
			slowest = f->site.reply.seconds;
	}
	print_message("the slowest took %.1f ms\n", slowest * 1e3);
	assert_true(slowest < SLOW_SECONDS);
}

static void
nobody_waits_for_an_issuer_that_does_not_answer(void **state)
{
	static const char *const paces[] = { "hang", "drip" };
	struct visit *f = *state;

	for (size_t i = 0; i < NELEMS(paces); i++) {
		long count = idp_count(f->first, IDP_JWKS);
		struct visit_fetch fetch;

		idp_tell(
		    f->first, "answer('" IDP_JWKS "', pace='%s')", paces[i]);
		visit_fetch_begin(f, f->first, &fetch);
		visit_expect_count(f->first, IDP_JWKS, count + 1);
		assert_nobody_waits(f);
		/* it lets go, and is asked again in its time */
		idp_tell(f->first, "answer('" IDP_JWKS "')");
		visit_fetch_end(&fetch, false);
		visit_fetch(f, f->first, true);
	}
	assert_works(f);
}

/* ---- an issuer that is gone ---- */

/* The set of a day ago says nothing of today. */
static void
keys_are_good_for_a_day_without_their_issuer(void **state)
{
	struct visit *f = *state;
	char token[IDP_TOKEN_SIZE], other[IDP_TOKEN_SIZE];

	idp_token(f->first, token, "'ec'");
	idp_token(f->second, other, "'ec'");
	idp_tell(f->first, "down()");
	visit_time_goes_by(f, f->first, 20 * 3600);
	visit_expect_everywhere(f, token, 200);
	stack_stop_pool(f->site.stack, SIGKILL);
	stack_start_pool(f->site.stack);
	visit_expect_everywhere(f, token, 200);
	visit_time_goes_by(f, f->first, 5 * 3600);
	for (int way = 0; way < VISIT_WAYS; way++) {
		visit_ask(f, (enum visit_way)way, token);
		web_expect(&f->site.reply, 503, "unavailable");
	}
	/* which is nothing to the other */
	visit_expect_everywhere(f, other, 200);
	idp_tell(f->first, "up()");
	visit_time_goes_by(f, f->first, 60);
	visit_wait(f, f->first);
	visit_expect_everywhere(f, token, 200);
}

static void
the_start_waits_for_no_issuer(void **state)
{
	struct visit *f = *state;
	const struct visit_fetch first = { .f = f, .p = f->first };
	const struct visit_fetch second = { .f = f, .p = f->second };
	long asked = idp_count(f->first, IDP_JWKS);
	struct timespec from, to;
	char token[IDP_TOKEN_SIZE], other[IDP_TOKEN_SIZE];

	idp_token(f->first, token, "'ec', claims={'sub': 'early'}");
	idp_token(f->second, other, "'ec', claims={'sub': 'early'}");
	idp_tell(f->first, "answer('" IDP_JWKS "', pace='hang')");
	idp_tell(f->second, "down()");
	stack_stop_pool(f->site.stack, SIGTERM);
	visit_forget(f, f->first);
	visit_forget(f, f->second);
	clock_gettime(CLOCK_MONOTONIC, &from);
	stack_start_pool(f->site.stack);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true((double)(to.tv_sec - from.tv_sec) < SLOW_SECONDS);
	visit_ask(f, VISIT_ME, token);
	web_expect(&f->site.reply, 503, "unavailable");
	visit_ask(f, VISIT_ME, other);
	web_expect(&f->site.reply, 503, "unavailable");
	site_account(&f->site);
	visit_expect(f, f->site.token, 200);
	/* they come when they come */
	visit_expect_count(f->first, IDP_JWKS, asked + 1);
	idp_tell(f->first, "answer('" IDP_JWKS "')");
	visit_fetch_end(&first, false);
	visit_fetch_end(&second, false);
	idp_tell(f->second, "up()");
	visit_fetch(f, f->first, true);
	visit_fetch(f, f->second, true);
	visit_expect_everywhere(f, token, 200);
	visit_expect_everywhere(f, other, 200);
}

int
main(void)
{
	static const struct visit_options o = { .stack = { .workers = WORKERS,
						    .no_redis = true } };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_keys_work_on_whatever_is_answered),
		cmocka_unit_test(discovery_has_to_be_the_issuers_own),
		cmocka_unit_test(
		    nobody_waits_for_an_issuer_that_does_not_answer),
		cmocka_unit_test(keys_are_good_for_a_day_without_their_issuer),
		cmocka_unit_test(the_start_waits_for_no_issuer),
	};

	if (secret_init() != ERR_OK)
		return 1;
	return visit_run("answers", tests, NELEMS(tests), &o);
}
