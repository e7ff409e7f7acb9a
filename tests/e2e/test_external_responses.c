/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/secret.h"
#include "support/external_issuer_keys.h"
#include "support/external_issuer_site.h"
#include "support/process.h"

/*
 * The issuer is slow, broken, hostile or gone: known keys go on working, and no
 * request waits for it.
 */
#define WAIT_MS 60000
#define WORKERS 4
#define SLOW_SECONDS 5.0 /* half of the time a fetch may take */

/* ---- bad answers ---- */

/* Tokens of known keys are accepted, cached or not; others are not. */
static void
assert_works(struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_token(f->first, token, "'ec', claims={'sub': 'user-1'}");
	assert_int_equal(external_site_ask(f, EXTERNAL_SITE_ME, token), 200);
	test_issuer_token(f->first, token, "'rsa', claims={'sub': 'sub%d'}",
	    ++f->site.serial);
	assert_int_equal(external_site_ask(f, EXTERNAL_SITE_ME, token), 200);
	test_issuer_token(f->first, token, "'stranger', header={'kid': 'ec'}");
	assert_int_equal(external_site_ask(f, EXTERNAL_SITE_ME, token), 401);
	test_issuer_token(f->first, token, "'stranger'");
	assert_int_equal(external_site_ask(f, EXTERNAL_SITE_ME, token), 401);
}

TEST(known_keys_work_whatever_is_answered, struct external_site *f)
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
	struct test_issuer *stranger = test_issuer_new(false);

	test_issuer_tell(f->first, "key('stranger', 'EC')");
	for (size_t i = 0; i < NELEMS(answers); i++) {
		char how[256];
		const char *mark = strstr(answers[i], "%s");

		if (mark == NULL)
			snprintf(how, sizeof(how), "%s", answers[i]);
		else
			snprintf(how, sizeof(how), "%.*s%s%s",
			    (int)(mark - answers[i]), answers[i],
			    test_issuer_url(stranger), mark + 2);
		test_issuer_tell(
		    f->first, "answer('" TEST_ISSUER_JWKS "', %s)", how);
		external_site_fetch(f, f->first, false);
		assert_works(f);
	}
	assert_int_equal(test_issuer_count(stranger, "connections"), 0);
	test_issuer_free(stranger);
	/* a redirect on the same host is followed */
	test_issuer_tell(f->first,
	    "answer('" TEST_ISSUER_JWKS "', status=302,"
	    " headers={'Location': '/keys/now'})");
	test_issuer_tell(f->first, "answer('/keys/now', status=200)");
	external_site_fetch(f, f->first, true);
	test_issuer_tell(f->first, "answer('" TEST_ISSUER_JWKS "')");
	assert_works(f);
}

/* A discovery document of another issuer is not used. */
TEST(discovery_must_be_of_the_issuer, struct external_site *f)
{
	struct test_issuer *stranger = test_issuer_new(false);
	char token[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_tell(f->second,
	    "answer('" TEST_ISSUER_DISCOVERY "', body={'issuer': '%s',"
	    " 'jwks_uri': '%s" TEST_ISSUER_JWKS "'})",
	    test_issuer_url(stranger), test_issuer_url(stranger));
	external_site_fetch(f, f->second, false);
	test_issuer_tell(f->second,
	    "answer('" TEST_ISSUER_DISCOVERY "', status=302,"
	    " headers={'Location': '%s" TEST_ISSUER_DISCOVERY "'})",
	    test_issuer_url(stranger));
	external_site_fetch(f, f->second, false);
	assert_int_equal(test_issuer_count(stranger, "connections"), 0);
	test_issuer_token(f->second, token, "'ec'");
	external_site_expect(f, token, 200);
	test_issuer_free(stranger);
	test_issuer_tell(f->second, "answer('" TEST_ISSUER_DISCOVERY "')");
	external_site_fetch(f, f->second, true);
}

/* ---- slow answers ---- */

/* Requests meanwhile are answered at once, also with unknown keys. */
static void
assert_no_request_waits(struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE];
	double slowest = 0;

	for (int i = 0; i < 50; i++) {
		test_issuer_token(f->first, token,
		    "'%s', claims={'sub': 'slow%d'}", i % 2 == 0 ? "ec" : "rsa",
		    i % 5);
		assert_int_equal(
		    external_site_ask(f, EXTERNAL_SITE_ME, token), 200);
		if (f->site.reply.seconds > slowest)
			slowest = f->site.reply.seconds;
		test_issuer_token(
		    f->first, token, "'ec', header={'kid': 'slow%d'}", i);
		assert_int_equal(
		    external_site_ask(f, EXTERNAL_SITE_ME, token), 401);
		if (f->site.reply.seconds > slowest)
			slowest = f->site.reply.seconds;
	}
	print_message("the slowest took %.1f ms\n", slowest * 1e3);
	assert_true(slowest < SLOW_SECONDS);
}

TEST(no_request_waits_for_a_silent_issuer, struct external_site *f)
{
	static const char *const paces[] = { "hang", "drip" };

	for (size_t i = 0; i < NELEMS(paces); i++) {
		long count = test_issuer_count(f->first, TEST_ISSUER_JWKS);
		struct external_site_fetch http_client;

		test_issuer_tell(f->first,
		    "answer('" TEST_ISSUER_JWKS "', pace='%s')", paces[i]);
		external_site_fetch_begin(f, f->first, &http_client);
		external_site_expect_count(
		    f->first, TEST_ISSUER_JWKS, count + 1);
		assert_no_request_waits(f);
		/* it answers again and is contacted when due */
		test_issuer_tell(f->first, "answer('" TEST_ISSUER_JWKS "')");
		external_site_fetch_end(&http_client, false);
		external_site_fetch(f, f->first, true);
	}
	assert_works(f);
}

/* ---- an issuer that is gone ---- */

/* A set from a day ago is no longer valid. */
TEST(keys_are_valid_for_a_day_without_their_issuer, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE], other[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_token(f->first, token, "'ec'");
	test_issuer_token(f->second, other, "'ec'");
	test_issuer_tell(f->first, "down()");
	external_site_time_goes_by(f, f->first, 20 * 3600);
	external_site_expect_everywhere(f, token, 200);
	stack_stop_pool(f->site.stack, SIGKILL);
	stack_start_pool(f->site.stack);
	external_site_expect_everywhere(f, token, 200);
	external_site_time_goes_by(f, f->first, 5 * 3600);
	for (int credential_source = 0; credential_source < EXTERNAL_SITE_WAYS;
	     credential_source++) {
		external_site_ask(
		    f, (enum external_site_way)credential_source, token);
		web_expect(&f->site.reply, 503, "unavailable");
	}
	/* the other issuer is not affected */
	external_site_expect_everywhere(f, other, 200);
	test_issuer_tell(f->first, "up()");
	external_site_time_goes_by(f, f->first, 60);
	external_site_wait(f, f->first);
	external_site_expect_everywhere(f, token, 200);
}

TEST(the_start_does_not_wait_for_issuers, struct external_site *f)
{
	const struct external_site_fetch first = { .f = f, .p = f->first };
	const struct external_site_fetch second = { .f = f, .p = f->second };
	long asked = test_issuer_count(f->first, TEST_ISSUER_JWKS);
	struct timespec from, to;
	char token[TEST_ISSUER_TOKEN_SIZE], other[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_token(f->first, token, "'ec', claims={'sub': 'early'}");
	test_issuer_token(f->second, other, "'ec', claims={'sub': 'early'}");
	test_issuer_tell(
	    f->first, "answer('" TEST_ISSUER_JWKS "', pace='hang')");
	test_issuer_tell(f->second, "down()");
	stack_stop_pool(f->site.stack, SIGTERM);
	external_site_forget(f, f->first);
	external_site_forget(f, f->second);
	clock_gettime(CLOCK_MONOTONIC, &from);
	stack_start_pool(f->site.stack);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true((double)(to.tv_sec - from.tv_sec) < SLOW_SECONDS);
	external_site_ask(f, EXTERNAL_SITE_ME, token);
	web_expect(&f->site.reply, 503, "unavailable");
	external_site_ask(f, EXTERNAL_SITE_ME, other);
	web_expect(&f->site.reply, 503, "unavailable");
	site_account(&f->site);
	external_site_expect(f, f->site.token, 200);
	/* the keys arrive later */
	external_site_expect_count(f->first, TEST_ISSUER_JWKS, asked + 1);
	test_issuer_tell(f->first, "answer('" TEST_ISSUER_JWKS "')");
	external_site_fetch_end(&first, false);
	external_site_fetch_end(&second, false);
	test_issuer_tell(f->second, "up()");
	external_site_fetch(f, f->first, true);
	external_site_fetch(f, f->second, true);
	external_site_expect_everywhere(f, token, 200);
	external_site_expect_everywhere(f, other, 200);
}

TEST_RUN()
{
	static const struct external_site_options o = {
		.stack = { .workers = WORKERS, .no_redis = true }
	};

	return external_site_run("answers", TEST_ALL, &o);
}
