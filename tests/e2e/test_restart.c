/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "support/fcgi_client.h"
#include "support/fcgi_site.h"
#include "support/load_threads.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/web.h"

/*
 * No user is signed out by a restart of everything or of Redis alone, and no
 * request fails because Redis stops, dies or hangs.
 */
#define WAIT_MS 60000

/* The deadline is long, so that what has waited for it cannot be taken for mere
 * load. */
#define SLOW_MS 800

static int
validate(const struct fcgi_site *s, const char *session)
{
	struct fcgi_reply reply;
	char json[128];
	int status;

	snprintf(json, sizeof(json), "{\"session_id\":\"%s\"}", session);
	(void)fcgi_site_post(
	    s, "/auth/validate-session", json, WAIT_MS, &reply);
	status = reply.http_status;
	fcgi_reply_free(&reply);
	return status;
}

static int
by_cookie(const struct fcgi_site *s, const char *session)
{
	char cookie[128];
	const char *params[] = { cookie, NULL };
	const struct fcgi_ask ask = { .uri = "/auth/me", .params = params };
	struct fcgi_reply reply;
	int fd = fcgi_site_connect(s);
	int status;

	snprintf(cookie, sizeof(cookie), "HTTP_COOKIE=latchkey=%s", session);
	(void)fcgi_ask_on(fd, &ask, WAIT_MS, &reply);
	status = reply.http_status;
	fcgi_reply_free(&reply);
	close(fd);
	return status;
}

static void
log_out(const struct fcgi_site *s)
{
	const char *params[2];
	struct fcgi_ask ask = fcgi_site_me(s, false, params);
	struct fcgi_reply reply;
	int fd = fcgi_site_connect(s);

	ask.method = "POST";
	ask.uri = "/auth/logout";
	assert_true(fcgi_ask_on(fd, &ask, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 200);
	fcgi_reply_free(&reply);
	close(fd);
}

/* Session, cookie and token of ${s}: accepted all, or refused all. */
static void
assert_signed_in(const struct fcgi_site *s, bool in)
{
	int status = in ? 200 : 401;

	assert_int_equal(fcgi_site_check(s, -1, WAIT_MS), status);
	assert_int_equal(validate(s, s->session), status);
	assert_int_equal(by_cookie(s, s->session), status);
}

/* ---- everything ---- */

enum who { IN, IN_TOO, OUT, PEOPLE };

static void
assert_as_it_was(const struct fcgi_site people[PEOPLE])
{
	assert_signed_in(&people[IN], true);
	assert_signed_in(&people[IN_TOO], true);
	assert_signed_in(&people[OUT], false);
}

TEST(a_restart_of_everything_signs_no_user_out, struct fcgi_site *s)
{
	static const int signals[] = { SIGTERM, SIGKILL };
	struct redis_server *redis = stack_redis(s->stack);
	struct fcgi_site people[PEOPLE];

	for (int i = 0; i < PEOPLE; i++) {
		fcgi_site_account(s);
		people[i] = *s;
		assert_signed_in(&people[i], true);
	}
	log_out(&people[OUT]);
	assert_as_it_was(people);
	for (size_t i = 0; i < 2 * NELEMS(signals); i++) {
		stack_stop_pool(s->stack, signals[i / 2]);
		/* In turn: with an empty Redis, and with what it had. */
		if (i % 2 == 0) {
			redis_server_kill(redis);
			redis_server_start(redis);
		}
		stack_start_pool(s->stack);
		assert_as_it_was(people);
		assert_as_it_was(people);
	}
	fcgi_site_account(s);
	fcgi_site_note_workers(s);
	fcgi_site_serves(s);
}

/* ---- Redis alone ---- */

struct load {
	struct load_threads load;
	char session[128], login[192];
	const char *params[2];
	struct fcgi_ask asks[7];
};

/* All that needs neither a hash nor a row, and some logins if wanted. */
static struct load *
load_start(struct fcgi_site *s, bool with_logins)
{
	struct load *l = calloc(1, sizeof(*l));
	struct fcgi_ask me, check;

	assert_non_null(l);
	/* Of another account: a hundred logins end the oldest session. */
	snprintf(l->login, sizeof(l->login),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}", s->email);
	fcgi_site_account(s);
	snprintf(l->session, sizeof(l->session), "{\"session_id\":\"%s\"}",
	    s->session);
	me = fcgi_site_me(s, true, l->params);
	check = (struct fcgi_ask){
		.method = "POST",
		.uri = "/auth/validate-session",
		.content_type = "application/json",
		.body = l->session,
	};
	for (size_t i = 0; i < 6; i++) {
		l->asks[i] = i % 2 == 0 ? me : check;
		l->asks[i].keep = i < 4;
	}
	l->asks[6] = check;
	l->asks[6].uri = "/auth/login";
	l->asks[6].body = l->login;
	l->load.stack = s->stack;
	l->load.asks = l->asks;
	l->load.count = with_logins ? 7 : 6;
	l->load.slow_ms = SLOW_MS;
	load_threads_start(&l->load);
	load_threads_wait(&l->load, 100);
	return l;
}

static void
load_stop(struct load *l)
{
	load_threads_stop(&l->load);
	/* All of it on a socket that is there: nothing was turned away. */
	assert_int_equal(atomic_load(&l->load.refused), 0);
	free(l);
}

static bool
redis_is_used(void *ctx)
{
	struct fcgi_site *s = ctx;

	/* A new entry appears in Redis once it is used. */
	fcgi_site_account(s);
	assert_int_equal(fcgi_site_check(s, -1, WAIT_MS), 200);
	return redis_server_int(stack_redis(s->stack), "DBSIZE") > 0;
}

static void
wait_for_redis(struct fcgi_site *s)
{
	if (!process_until(redis_is_used, s, 3000))
		fail_msg("Redis is not used again");
}

TEST(redis_comes_and_goes_while_requests_run, struct fcgi_site *s)
{
	struct redis_server *redis = stack_redis(s->stack);
	struct load *l;

	fcgi_site_account(s);
	l = load_start(s, true);
	for (int i = 0; i < 2; i++) {
		redis_server_stop(redis);
		load_threads_wait(&l->load, 200);
		redis_server_start(redis);
		load_threads_wait(&l->load, 200);
		redis_server_kill(redis);
		load_threads_wait(&l->load, 200);
		redis_server_start(redis);
		load_threads_wait(&l->load, 200);
		redis_server_pause(redis);
		load_threads_wait(&l->load, 200);
		redis_server_resume(redis);
		load_threads_wait(&l->load, 200);
	}
	load_stop(l);
	wait_for_redis(s);
	fcgi_site_serves(s);
}

static bool
outage_is_noticed(void *ctx)
{
	const struct fcgi_site *s = ctx;

	return stack_file_contains(stack_log(s->stack), "event=redis_down") &&
	    stack_file_contains(stack_log(s->stack), "reason=\"timeout\"");
}

static bool
time_is_over(void *ctx)
{
	return clock_system.mono_us() >= *(int64_t *)ctx;
}

/*
 * Each thread has one request under way when Redis stops answering, and that
 * may have to wait for the deadline; no later one does, not even while the
 * host asks again whether Redis is back.
 */
TEST(a_hanging_redis_costs_one_deadline, struct fcgi_site *s)
{
	struct redis_server *redis = stack_redis(s->stack);
	struct fcgi_site fresh;
	struct load *l;
	int64_t until;
	int slow;

	fcgi_site_account(s);
	fresh = *s;
	wait_for_redis(s);
	l = load_start(s, false);
	slow = atomic_load(&l->load.slow);
	redis_server_pause(redis);
	/* This session was not cached before, so Redis is asked. */
	assert_int_equal(fcgi_site_check(&fresh, -1, WAIT_MS), 200);
	assert_true(process_until(outage_is_noticed, s, WAIT_MS));
	load_threads_wait(&l->load, 500);
	/* Probes after 1 and after 2 s more. */
	until = clock_system.mono_us() + 4000000;
	(void)process_until(time_is_over, &until, WAIT_MS);
	load_threads_wait(&l->load, 500);
	slow = atomic_load(&l->load.slow) - slow;
	print_message("%d of %d answers were slow\n", slow,
	    atomic_load(&l->load.answered));
	assert_in_range(slow, 0, l->load.count);
	redis_server_resume(redis);
	load_threads_wait(&l->load, 500);
	load_stop(l);
	redis_server_ask(redis, "FLUSHALL");
	wait_for_redis(s);
	fcgi_site_serves(s);
}

TEST(starting_without_redis, struct fcgi_site *s)
{
	struct redis_server *redis = stack_redis(s->stack);

	fcgi_site_account(s);
	stack_stop_pool(s->stack, SIGTERM);
	redis_server_stop(redis);
	stack_start_pool(s->stack);
	assert_signed_in(s, true);
	fcgi_site_account(s);
	assert_signed_in(s, true);
	redis_server_start(redis);
	wait_for_redis(s);
	fcgi_site_note_workers(s);
	fcgi_site_serves(s);
}

/* ---- the shared memory file ---- */

static bool
all_are_new(void *ctx)
{
	const struct fcgi_site *s = ctx;

	return !process_alive(s->workers[0]) && !process_alive(s->workers[1]);
}

/*
 * The shared memory file is removed.  Each worker notices, asks only the store,
 * makes no more changes, and is replaced by a worker with the new file.
 */
TEST(a_removed_shared_memory_file_is_recreated, struct fcgi_site *s)
{
	struct fcgi_site out;
	struct load *l;
	char path[160];

	fcgi_site_account(s);
	assert_signed_in(s, true);
	log_out(s);
	out = *s;
	fcgi_site_account(s);
	fcgi_site_note_workers(s);
	l = load_start(s, false);
	snprintf(path, sizeof(path), "%s/shared.mem", stack_dir(s->stack));
	assert_int_equal(unlink(path), 0);
	assert_true(process_until(all_are_new, s, WAIT_MS));
	load_threads_wait(&l->load, 200);
	load_threads_stop(&l->load);
	free(l);
	assert_int_equal(access(path, F_OK), 0);
	assert_signed_in(s, true);
	assert_signed_in(&out, false);
	fcgi_site_note_workers(s);
	fcgi_site_serves(s);
	/* And what happens from now on is known to all. */
	log_out(s);
	for (int i = 0; i < 10; i++)
		assert_signed_in(s, false);
	fcgi_site_account(s); /* for those that follow */
}

TEST_RUN()
{
	static const char *const env[] = { "LATCHKEY_REDIS_DEADLINE_MS=1000",
		NULL };
	const struct stack_options o = { .workers = 2, .env = env };

	return fcgi_site_run("restarts", TEST_ALL, &o);
}
