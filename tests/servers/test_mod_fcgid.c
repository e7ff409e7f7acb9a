/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#include "servers/server.h"
#include "servers/server_site.h"
#include "support/async_request.h"
#include "support/process.h"
#include "support/write_stress.h"

/*
 * mod_fcgid starts a process when all are busy, and ends idle ones.  The tests
 * make it do both all the time.
 */

#define ROUNDS 3
#define CROWD 32
#define PROCESSES 16
#define SEEN_MAX 512

static const char whims[] = "FcgidMinProcessesPerClass 0\n"
			    "FcgidMaxProcessesPerClass 16\n"
			    "FcgidIdleTimeout 1\n"
			    "FcgidProcessLifeTime 2\n"
			    "FcgidIdleScanInterval 1\n"
			    "FcgidErrorScanInterval 1\n"
			    "FcgidZombieScanInterval 1\n";

/* All processes seen so far. */
struct seen {
	struct server_site *server_site;
	pid_t pids[SEEN_MAX];
	size_t count;
	size_t most; /* at the same time */
};

static size_t
lookup(struct seen *seen)
{
	pid_t now[64];
	size_t n = server_site_latchkeys(seen->server_site, now, NELEMS(now));

	for (size_t i = 0; i < n; i++) {
		size_t at = 0;

		while (at < seen->count && seen->pids[at] != now[i])
			at++;
		if (at == seen->count && at < SEEN_MAX)
			seen->pids[seen->count++] = now[i];
	}
	if (n > seen->most)
		seen->most = n;
	return n;
}

static bool
all_gone(void *ctx)
{
	return lookup(ctx) == 0;
}

/* Send ${n} requests at once; each must be answered with ${status}. */
static void
crowd(
    struct server_site *g, struct seen *seen, const char *session, long status)
{
	const struct web_call call = { .path = "/guarded/page.txt",
		.wait_ms = 60000 };
	struct async_request *errands[CROWD];

	for (size_t i = 0; i < CROWD; i++)
		errands[i] = async_request_start(g->base, &call, session);
	lookup(seen);
	for (size_t i = 0; i < CROWD; i++) {
		long got = async_request_end(errands[i], NULL);

		if (got != status) {
			server_site_print_log(g);
			fail_msg("%ld, not %ld", got, status);
		}
		lookup(seen);
	}
}

/* An ended session is refused by every process that had cached it. */
static void
sign_out(struct server_site *g, struct seen *seen)
{
	crowd(g, seen, g->session, 200);
	web_post(g->web, "/api/v1/auth/logout", "{}", &g->reply);
	web_expect(&g->reply, 200, NULL);
	crowd(g, seen, g->session, 401);
}

/* Every change was answered, and the database holds what was answered. */
static void
check_people(struct server_site *g, struct write_stress *b)
{
	struct write_stress_person *people;
	size_t n = write_stress_people(b, &people);

	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(
		    people[i].registered, WRITE_STRESS_UNKNOWN);
		assert_int_not_equal(people[i].signed_in, WRITE_STRESS_UNKNOWN);
		assert_int_not_equal(people[i].renamed, WRITE_STRESS_UNKNOWN);
		assert_int_not_equal(
		    people[i].signed_out, WRITE_STRESS_UNKNOWN);
	}
	write_stress_check(people, n, g->web);
	free(people);
}

TEST(processes_come_and_go, struct server_site *g)
{
	struct seen seen = { .server_site = g };
	char kept[64];

	server_site_account(g);
	snprintf(kept, sizeof(kept), "%s", g->session);
	for (int round = 0; round < ROUNDS; round++) {
		char tag[16];
		struct write_stress *b;

		snprintf(tag, sizeof(tag), "round%d", round);
		server_site_account(g);
		b = write_stress_start(g->base, tag);
		write_stress_wait(b, 20);
		sign_out(g, &seen);
		write_stress_wait(b, 20);
		write_stress_stop(b);
		check_people(g, b);
		write_stress_free(b);
		/* Without requests all processes end, and shared memory with
		 * them. */
		if (!process_until(all_gone, &seen, 60000))
			fail_msg("%zu stay", lookup(&seen));
	}
	print_message(
	    "%zu processes, at most %zu at a time\n", seen.count, seen.most);
	assert_true(seen.most <= PROCESSES);
	assert_true(seen.most >= 4);
	assert_true(seen.count >= seen.most + 2);
	/* Sessions survive the end of all processes. */
	crowd(g, &seen, kept, 200);
}

/* A process that mod_fcgid is ending may still accept connections. */
static bool
is_dead(void *ctx)
{
	const pid_t *pid = ctx;

	return !process_alive(*pid);
}

/* After kill -9 of all processes their successors know all sessions. */
TEST(killed_processes_lose_nothing, struct server_site *g)
{
	struct seen seen = { .server_site = g };

	for (int round = 0; round < 4; round++) {
		struct write_stress_person *people;
		char tag[16];
		struct write_stress *b;
		pid_t pids[64];
		size_t n;

		snprintf(tag, sizeof(tag), "killed%d", round);
		b = write_stress_start(g->base, tag);
		write_stress_wait(b, 10);
		n = server_site_latchkeys(g, pids, NELEMS(pids));
		for (size_t i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
		for (size_t i = 0; i < n; i++)
			assert_true(process_until(is_dead, &pids[i], 15000));
		write_stress_stop(b);
		n = write_stress_people(b, &people);
		write_stress_check(people, n, g->web);
		free(people);
		write_stress_free(b);
	}
	server_site_account(g);
	sign_out(g, &seen);
}

static int
set_up(void **state)
{
	*state = server_site_new(&server_apache_mod_fcgid, whims);
	return 0;
}

static int
tear_down(void **state)
{
	server_site_free(*state);
	return 0;
}

TEST_GROUP_FIXTURE(set_up, tear_down);

int
main(int argc, char **argv)
{
	server_site_drop_root(argv);
	return test_main(argc, argv);
}
