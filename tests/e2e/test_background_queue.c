/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "support/fcgi_client.h"
#include "support/fcgi_site.h"
#include "support/process.h"
#include "support/web.h"

/*
 * Logins cannot starve checks: a worker answers checks while its background
 * thread hashes, refuses at once when the queue is full, and the number of
 * hashes of a host is bounded by locks that the kernel releases when a process
 * dies.
 */
#define WAIT_MS 30000
#define QUEUE 4
#define TURN_WORKERS 4

/* A connection kept to the one worker there is. */
static int
kept_connection(const struct fcgi_site *s)
{
	int fd = fcgi_site_connect(s);

	assert_int_equal(fcgi_site_check(s, fd, WAIT_MS), 200);
	return fd;
}

static int
start_login(const struct fcgi_site *s)
{
	struct fcgi_bytes b = { 0 };
	char json[256];
	const struct fcgi_ask ask = { .method = "POST",
		.uri = "/auth/login",
		.content_type = "application/json",
		.body = json };
	int fd = fcgi_site_connect(s);

	snprintf(json, sizeof(json),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}", s->email);
	fcgi_put_request(&b, &ask);
	assert_true(fcgi_send(fd, b.data, b.len, WAIT_MS));
	fcgi_bytes_free(&b);
	return fd;
}

static void
end_login(int fd, int status)
{
	struct fcgi_reply reply;

	assert_true(fcgi_receive(fd, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, status);
	if (status == 503)
		assert_non_null(strstr(reply.text, "Retry-After: 1\r\n"));
	fcgi_reply_free(&reply);
	close(fd);
}

static bool
has_answer(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* where a test runs */
enum { ONE_WORKER = 1, TWO_WORKERS = 2, FOUR_WORKERS = 4 };

TEST_IN(ONE_WORKER, checks_pass_a_held_login, struct fcgi_site *s)
{
	int kept = kept_connection(s);
	int login;

	stack_point(s->stack, "background:job", "once-hold");
	login = start_login(s);
	(void)stack_point_wait(s->stack, "background:job");
	for (int i = 0; i < 100; i++) {
		assert_int_equal(fcgi_site_check(s, kept, WAIT_MS), 200);
		assert_int_equal(fcgi_site_check(s, -1, WAIT_MS), 200);
	}
	assert_false(has_answer(login));
	stack_point_release(s->stack, "background:job");
	end_login(login, 200);
	assert_int_equal(fcgi_site_check(s, kept, WAIT_MS), 200);
	fcgi_site_serves(s);
	close(kept);
}

static bool
rest_is_answered(void *ctx)
{
	const int *logins = ctx;
	int answered = 0;

	for (int i = 0; i < 2 * QUEUE; i++)
		answered += has_answer(logins[i]);
	return answered == QUEUE;
}

/* One job runs, the queue is full, and the other requests are refused. */
TEST_IN(ONE_WORKER, a_full_queue_refuses_at_once, struct fcgi_site *s)
{
	int kept = kept_connection(s);
	int logins[2 * QUEUE], first, waiting = 0;

	stack_point(s->stack, "background:job", "once-hold");
	first = start_login(s);
	(void)stack_point_wait(s->stack, "background:job");
	for (size_t i = 0; i < NELEMS(logins); i++)
		logins[i] = start_login(s);
	assert_true(process_until(rest_is_answered, logins, WAIT_MS));
	assert_int_equal(fcgi_site_check(s, kept, WAIT_MS), 200);
	assert_false(has_answer(first));
	for (size_t i = 0; i < NELEMS(logins); i++) {
		if (has_answer(logins[i])) {
			end_login(logins[i], 503);
			logins[i] = -1;
		} else {
			waiting++;
		}
	}
	assert_int_equal(waiting, QUEUE);
	stack_point_release(s->stack, "background:job");
	end_login(first, 200);
	for (size_t i = 0; i < NELEMS(logins); i++) {
		if (logins[i] >= 0)
			end_login(logins[i], 200);
	}
	fcgi_site_serves(s);
	close(kept);
}

/* ---- many at once ---- */

struct crowd {
	const struct fcgi_site *site;
	atomic_bool over;
	atomic_int logins; /* answered with 200 */
	atomic_int busy;   /* with 503 */
	atomic_int wrong;  /* with anything else */
};

static void *
log_in_without_pause(void *arg)
{
	struct crowd *c = arg;

	while (!atomic_load(&c->over)) {
		struct fcgi_reply reply;

		(void)fcgi_site_login(c->site, 30000, &reply);
		if (reply.http_status == 200)
			atomic_fetch_add(&c->logins, 1);
		else if (reply.http_status == 503)
			atomic_fetch_add(&c->busy, 1);
		else
			atomic_fetch_add(&c->wrong, 1);
		fcgi_reply_free(&reply);
	}
	return NULL;
}

/*
 * Eight clients log in without pause, at the real cost of a hash.  In one
 * thread each check would wait behind several hashes.
 */
TEST_IN(ONE_WORKER, logins_without_pause, struct fcgi_site *s)
{
	struct crowd c = { .site = s };
	int kept = kept_connection(s);
	pthread_t threads[8];
	int checks = 0;

	for (size_t i = 0; i < NELEMS(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, log_in_without_pause, &c),
		    0);
	while (atomic_load(&c.logins) < 20) {
		assert_int_equal(fcgi_site_check(s, kept, WAIT_MS), 200);
		assert_int_equal(fcgi_site_check(s, -1, WAIT_MS), 200);
		checks += 2;
	}
	atomic_store(&c.over, true);
	for (size_t i = 0; i < NELEMS(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	print_message(
	    "%d checks beside %d logins\n", checks, atomic_load(&c.logins));
	assert_int_equal(atomic_load(&c.wrong), 0);
	assert_true(checks > 2 * 20);
	fcgi_site_serves(s);
	close(kept);
}

/* ---- the gate ---- */

static bool
is_gone(void *ctx)
{
	return !process_alive(*(pid_t *)ctx);
}

/*
 * The one place is taken by a worker that has been stopped inside: the other
 * cannot hash, says so after its wait, and goes on with all else.  Killing the
 * first frees the place.
 */
TEST_IN(TWO_WORKERS, a_dead_worker_frees_its_place, struct fcgi_site *s)
{
	struct fcgi_reply reply;
	pid_t holder;
	int login;

	stack_point(s->stack, "semaphore:entered", "once-hold");
	login = start_login(s);
	holder = stack_point_wait(s->stack, "semaphore:entered");
	/* So that the other one must take what comes now. */
	process_pause(holder);
	for (int i = 0; i < 3; i++) {
		assert_true(fcgi_site_login(s, WAIT_MS, &reply));
		assert_int_equal(reply.http_status, 503);
		assert_non_null(strstr(reply.text, "Retry-After: 1\r\n"));
		assert_non_null(strstr(reply.text, "\"code\":\"busy\""));
		fcgi_reply_free(&reply);
		assert_int_equal(fcgi_site_check(s, -1, WAIT_MS), 200);
	}
	assert_false(has_answer(login));
	assert_int_equal(kill(holder, SIGKILL), 0);
	assert_true(process_until(is_gone, &holder, WAIT_MS));
	assert_true(fcgi_site_login(s, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 200);
	fcgi_reply_free(&reply);
	assert_true(fcgi_is_closed(login, WAIT_MS));
	close(login);
	stack_point_release(s->stack, "semaphore:entered");
	fcgi_site_note_workers(s);
	fcgi_site_serves(s);
}

/*
 * While one worker hashes, the next logins go to the others in turn, though
 * its loop waits for connections as theirs do.
 */
TEST_IN(FOUR_WORKERS, logins_go_to_the_workers_in_turn, struct fcgi_site *s)
{
	int held;

	stack_point(s->stack, "background:job", "once-hold");
	held = start_login(s);
	(void)stack_point_wait(s->stack, "background:job");
	for (int i = 1; i < TURN_WORKERS; i++)
		end_login(start_login(s), 200);
	assert_false(has_answer(held));
	stack_point_release(s->stack, "background:job");
	end_login(held, 200);
}

TEST_RUN()
{
	/* One background thread, at the cost that the product has. */
	static const char *const queue_env[] = { "LATCHKEY_ARGON2_KIB=19456",
		"LATCHKEY_ARGON2_PASSES=2", "LATCHKEY_SLOW_QUEUE=4",
		"LATCHKEY_HASH_WAIT_MS=30000", NULL };
	static const char *const semaphore_env[] = { "LATCHKEY_HASHES=1",
		"LATCHKEY_HASH_WAIT_MS=50", NULL };
	const struct stack_options four = { .workers = TURN_WORKERS };
	const struct stack_options one = { .workers = 1, .env = queue_env };
	const struct stack_options two = { .workers = 2, .env = semaphore_env };

	return fcgi_site_run("the background queue", ONE_WORKER, &one) +
	    fcgi_site_run("the hash semaphore", TWO_WORKERS, &two) +
	    fcgi_site_run("turns", FOUR_WORKERS, &four);
}
