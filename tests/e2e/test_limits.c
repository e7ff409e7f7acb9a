/* SPDX-License-Identifier: ISC */
/*
 * Rate limits through the web server: with and without Redis, with a Redis that
 * dies, loses its data and returns, and with killed workers.  The windows are
 * long, so that no count expires; tests/e2e/test_limits_window waits for short
 * ones.
 */
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "base/err.h"
#include "support/login_guesser.h"
#include "support/process.h"
#include "support/redis_server.h"

#define WAIT_MS 60000

static long
header_number(struct site *s, const char *name)
{
	const char *value = web_header(&s->reply, name);

	assert_non_null(value);
	return strtol(value, NULL, 10);
}

/* where a test runs */
enum { ANYWHERE = 1, REDIS = 2, ONE_WORKER = 4 };

TEST_IN(ANYWHERE, one_too_many_is_refused, struct site *s)
{
	struct guesser g;
	char line[160];
	long wait;

	login_guesser_begin(s, &g);
	login_guesser_times(s, &g, 5);
	login_guesser_refused(s, &g);
	assert_string_equal(web_text(&s->reply, "detail"),
	    "Rate limit exceeded. Max 5 requests per 3600 seconds.");
	wait = header_number(s, "Retry-After");
	assert_in_range(wait, 3000, 3600);
	snprintf(line, sizeof(line), "\"login\";r=0;t=%ld", wait);
	assert_string_equal(web_header(&s->reply, "RateLimit"), line);
	assert_string_equal(
	    web_header(&s->reply, "RateLimit-Policy"), "\"login\";q=5;w=3600");
	/* The line that log watchers match. */
	snprintf(line, sizeof(line), " address=%s\n", g.from);
	assert_true(stack_file_contains(stack_log(s->stack), line));
	assert_true(stack_file_contains(
	    stack_log(s->stack), " event=login_limited pid="));
}

TEST_IN(ANYWHERE, parallel_requests_get_exactly_the_limit, struct site *s)
{
	struct guesser list[24];

	/* One account from many addresses, many accounts from one address. */
	for (size_t i = 0; i < NELEMS(list); i++) {
		login_guesser_begin(s, &list[i]);
		memcpy(list[i].email, list[0].email, sizeof(list[i].email));
	}
	assert_int_equal(login_guesser_crowd(s, list, NELEMS(list), 3), 5);
	for (size_t i = 0; i < NELEMS(list); i++) {
		login_guesser_begin(s, &list[i]);
		memcpy(list[i].from, list[0].from, sizeof(list[i].from));
	}
	assert_int_equal(login_guesser_crowd(s, list, NELEMS(list), 3), 5);
}

TEST_IN(ANYWHERE, successful_logins_are_refunded, struct site *s)
{
	struct guesser g;

	site_account(s);
	login_guesser_begin(s, &g);
	memcpy(g.email, s->email, sizeof(g.email));
	login_guesser_times(s, &g, 4);
	for (int i = 0; i < 20; i++) {
		(void)login_guesser_password(s, &g, WEB_PASSWORD);
		web_expect(&s->reply, 200, NULL);
	}
	login_guesser_times(s, &g, 1);
	login_guesser_refused(s, &g);
	(void)login_guesser_password(s, &g, WEB_PASSWORD);
	web_expect(&s->reply, 429, "rate_limited");
}

/* A flood from many addresses limits logins but ends no session. */
TEST_IN(ANYWHERE, a_flooded_account_keeps_its_sessions, struct site *s)
{
	struct guesser list[16];
	char body[128];

	site_account(s);
	for (size_t i = 0; i < NELEMS(list); i++) {
		login_guesser_begin(s, &list[i]);
		memcpy(list[i].email, s->email, sizeof(list[i].email));
	}
	assert_int_equal(login_guesser_crowd(s, list, NELEMS(list), 4), 5);
	snprintf(body, sizeof(body), "{\"session_id\":\"%s\"}", s->session);
	for (int i = 0; i < 30; i++) {
		const struct web_call me = { .path = "/api/v1/auth/me",
			.bearer = s->token,
			.no_cookies = true };

		web_call(s->web, &me, &s->reply);
		web_expect(&s->reply, 200, NULL);
		web_get(s->web, "/api/v1/auth/me", &s->reply); /* cookie */
		web_expect(&s->reply, 200, NULL);
		web_post(
		    s->web, "/api/v1/auth/validate-session", body, &s->reply);
		web_expect(&s->reply, 200, NULL);
	}
	web_post(s->web, "/api/v1/auth/logout", "{}", &s->reply);
	web_expect(&s->reply, 200, NULL);
}

TEST_IN(ANYWHERE, other_secrets_are_limited_too, struct site *s)
{
	const char *body = "{\"current_password\":\"not this one\","
			   "\"new_password\":\"purple monkey dishwasher 7\"}";

	site_account(s);
	for (int i = 0; i < 7; i++) {
		web_post(
		    s->web, "/api/v1/auth/change-password", body, &s->reply);
		if (i < 5)
			web_expect(&s->reply, 403, "wrong_password");
	}
	web_expect(&s->reply, 429, "rate_limited");
	assert_string_equal(web_header(&s->reply, "RateLimit-Policy"),
	    "\"default\";q=5;w=3600");
}

/* ---- killed ---- */

struct expected {
	struct site *site;
	size_t workers;
};

static bool
is_gone(void *ctx)
{
	return !process_alive(*(pid_t *)ctx);
}

static bool
workers_are_back(void *ctx)
{
	const struct expected *e = ctx;
	pid_t pids[32];

	return stack_workers(e->site->stack, pids, NELEMS(pids)) == e->workers;
}

static void
kill_workers(struct site *s)
{
	pid_t pids[32];
	struct expected e = { s, stack_workers(s->stack, pids, NELEMS(pids)) };

	for (size_t i = 0; i < e.workers; i++) {
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		assert_true(process_until(is_gone, &pids[i], WAIT_MS));
	}
	assert_true(process_until(workers_are_back, &e, WAIT_MS));
	assert_true(stack_ready(s->stack, WAIT_MS));
}

TEST_IN(ANYWHERE, killed_workers_lose_no_counts, struct site *s)
{
	struct guesser g;

	login_guesser_begin(s, &g);
	login_guesser_times(s, &g, 3);
	kill_workers(s);
	login_guesser_times(s, &g, 2);
	kill_workers(s);
	login_guesser_refused(s, &g);
}

/* A worker that dies after its count leaves the count and no lock. */
TEST_IN(
    ANYWHERE, a_worker_killed_while_counting_blocks_no_other, struct site *s)
{
	static const struct {
		const char *point;
		int counted;
	} cases[] = {
		{ "rate_limit:locked", 0 },
		{ "rate_limit:counting", 0 },
		{ "rate_limit:counted", 1 },
		{ "ratelimit:mapped", 1 },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		struct guesser g;

		login_guesser_begin(s, &g);
		login_guesser_times(s, &g, 2);
		stack_point(s->stack, cases[i].point, "once-kill");
		assert_int_not_equal(login_guesser_wrong(s, &g), 200);
		assert_true(
		    stack_point_taken(s->stack, cases[i].point, WAIT_MS));
		stack_point_release(s->stack, cases[i].point);
		assert_true(stack_ready(s->stack, WAIT_MS));
		/* The web server may have retried with another worker. */
		if (s->reply.status == 401)
			login_guesser_times(s, &g, 2 - cases[i].counted);
		else
			login_guesser_times(s, &g, 3 - cases[i].counted);
		login_guesser_refused(s, &g);
	}
}

/* ---- Redis ---- */

TEST_IN(REDIS, redis_may_die_lose_its_data_and_return, struct site *s)
{
	struct redis_server *redis = stack_redis(s->stack);
	struct guesser g, h;

	login_guesser_begin(s, &g);
	login_guesser_begin(s, &h);
	login_guesser_times(s, &g, 1);
	(void)redis_server_ask(redis, "FLUSHALL");
	login_guesser_times(s, &g, 1);
	redis_server_kill(redis);
	login_guesser_times(s, &g, 2);
	login_guesser_times(s, &h, 2);
	redis_server_start(redis);
	login_guesser_times(s, &g, 1);
	login_guesser_refused(s, &g);
	redis_server_pause(redis);
	login_guesser_times(s, &h, 3);
	login_guesser_refused(s, &h);
	redis_server_resume(redis);
	login_guesser_refused(s, &g);
	login_guesser_refused(s, &h);
}

static bool
redis_counts(void *ctx)
{
	struct site *s = ctx;
	struct guesser g;

	login_guesser_begin(s, &g);
	(void)login_guesser_wrong(s, &g);
	return redis_server_int(stack_redis(s->stack),
		   "EXISTS rate_limit:login:%s", g.from) == 1;
}

/* The count in shared memory ends with the last process. */
TEST_IN(REDIS, redis_keeps_the_counts_over_a_restart, struct site *s)
{
	struct guesser g;

	assert_true(process_until(redis_counts, s, 60000));
	login_guesser_begin(s, &g);
	login_guesser_times(s, &g, 3);
	stack_stop_pool(s->stack, SIGTERM);
	stack_start_pool(s->stack);
	login_guesser_times(s, &g, 2);
	stack_stop_pool(s->stack, SIGKILL);
	stack_start_pool(s->stack);
	login_guesser_refused(s, &g);
	/* Redis holds neither an e-mail address nor a secret. */
	assert_false(redis_server_contains(stack_redis(s->stack), g.email));
}

/* ---- one background thread ---- */

static void *
log_in_once(void *arg)
{
	struct site *s = arg;
	struct web *web = web_new(stack_base(s->stack));
	struct web_reply reply = { 0 };

	web_login(web, s->email, &reply);
	web_reply_clear(&reply);
	web_free(web);
	return NULL;
}

/* A refusal does not wait for the busy background queue. */
TEST_IN(ONE_WORKER, a_refusal_does_not_wait_for_the_queue, struct site *s)
{
	struct guesser g;
	pthread_t thread;

	site_account(s);
	login_guesser_begin(s, &g);
	login_guesser_times(s, &g, 5);
	stack_point(s->stack, "background:job", "once-hold");
	assert_int_equal(pthread_create(&thread, NULL, log_in_once, s), 0);
	(void)stack_point_wait(s->stack, "background:job");
	for (int i = 0; i < 20; i++)
		login_guesser_refused(s, &g);
	/* Nor does a request with an invalid body. */
	web_post(s->web, "/api/v1/auth/login", "{}", &s->reply);
	web_expect(&s->reply, 400, "missing_field");
	stack_point_release(s->stack, "background:job");
	assert_int_equal(pthread_join(thread, NULL), 0);
}

TEST_RUN()
{
	static const char *const env[] = { "LATCHKEY_LIMIT_LOGIN=5/3600",
		"LATCHKEY_LIMIT_DEFAULT=5/3600",
		"LATCHKEY_REDIS_DEADLINE_MS=500", NULL };
	struct stack_options o = { .workers = 8, .env = env };
	int failed;

	failed = site_run("with Redis", ANYWHERE, &o);
	failed += site_run("Redis comes and goes", REDIS, &o);
	o.no_redis = true;
	failed += site_run("without Redis", ANYWHERE, &o);
	o.workers = 1;
	failed += site_run("one worker", ONE_WORKER, &o);
	return failed;
}
