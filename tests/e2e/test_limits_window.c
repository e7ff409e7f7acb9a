/* SPDX-License-Identifier: ISC */
/*
 * Rate limits at the edges of their windows, as clients see them: never more
 * than N answers in any window, and a client that obeys Retry-After is allowed.
 */
#include "support/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "support/login_guesser.h"
#include "support/process.h"

#define LIMIT 3
#define WINDOW_US ((int64_t)2 * 1000 * 1000)
#define ROUNDS 4 /* windows that are waited for */
#define ANSWERS_MAX 200

struct answer {
	int64_t asked_us, got_us;
};

/* Each request is counted between its start and its answer. */
static void
assert_never_too_many(const struct answer *a, int n)
{
	for (int i = 0; i + LIMIT < n; i++)
		if (a[i + LIMIT].got_us - a[i].asked_us < WINDOW_US)
			fail_msg("answers %d to %d within %lld us", i,
			    i + LIMIT,
			    (long long)(a[i + LIMIT].got_us - a[i].asked_us));
}

TEST(constant_requests_get_no_more_than_the_limit, struct site *s)
{
	struct answer answers[ANSWERS_MAX];
	int64_t begin = clock_system.mono_us();
	struct guesser g;
	int n = 0, refused = 0;

	login_guesser_begin(s, &g);
	while (n < ROUNDS * LIMIT && n < ANSWERS_MAX) {
		int64_t asked = clock_system.mono_us();
		long status = login_guesser_wrong(s, &g);

		if (status == 401)
			answers[n++] =
			    (struct answer){ asked, clock_system.mono_us() };
		else
			web_expect(&s->reply, 429, "rate_limited");
		refused += status == 429;
		assert_true(n >= LIMIT || refused == 0);
		assert_true(asked - begin < 30 * WINDOW_US);
	}
	assert_never_too_many(answers, n);
	assert_true(refused > 0);
}

/* Sends just before and just after each announced edge. */
TEST(waiting_for_retry_after_is_enough, struct site *s)
{
	struct answer answers[ANSWERS_MAX];
	struct guesser g;
	int n = 0;

	login_guesser_begin(s, &g);
	for (int round = 0; round < ROUNDS; round++) {
		for (;;) {
			int64_t asked = clock_system.mono_us();

			if (login_guesser_wrong(s, &g) != 401)
				break;
			assert_true(n < ANSWERS_MAX);
			answers[n++] =
			    (struct answer){ asked, clock_system.mono_us() };
		}
		web_expect(&s->reply, 429, "rate_limited");
		assert_in_range(login_guesser_wait(s), 1, 2);
		answers[n].asked_us = clock_system.mono_us();
		assert_int_equal(login_guesser_wrong(s, &g), 401);
		answers[n++].got_us = clock_system.mono_us();
	}
	assert_true(n > LIMIT);
	assert_never_too_many(answers, n);
}

/* The owner of a flooded account can sign in after the flood. */
TEST(a_flooded_account_opens_again, struct site *s)
{
	struct guesser list[8], owner;

	site_account(s);
	login_guesser_begin(s, &owner);
	memcpy(owner.email, s->email, sizeof(owner.email));
	for (size_t i = 0; i < NELEMS(list); i++) {
		login_guesser_begin(s, &list[i]);
		memcpy(list[i].email, s->email, sizeof(list[i].email));
	}
	assert_in_range(
	    login_guesser_crowd(s, list, NELEMS(list), 4), LIMIT, 30);
	while (login_guesser_wrong(s, &owner) == 401)
		continue;
	web_expect(&s->reply, 429, "rate_limited");
	(void)login_guesser_wait(s);
	assert_int_equal(login_guesser_password(s, &owner, WEB_PASSWORD), 200);
}

TEST_RUN()
{
	static const char *const env[] = { "LATCHKEY_LIMIT_LOGIN=3/2",
		"LATCHKEY_REDIS_DEADLINE_MS=500", NULL };
	struct stack_options o = { .workers = 2, .env = env };
	int failed;

	failed = site_run("with Redis", TEST_ALL, &o);
	o.no_redis = true;
	return failed + site_run("without Redis", TEST_ALL, &o);
}
