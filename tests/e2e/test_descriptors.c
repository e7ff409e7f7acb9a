/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/fcgi_client.h"
#include "support/process.h"

/* Descriptors that are missing, closed meanwhile, or scarce. */
#define WAIT_MS 60000
#define CLIENTS 3
#define FEW_FILES 128

struct fixture {
	char dir[32];
	char socket[64];
	char pipe[64];
	char db[80];
	pid_t pool;
};

static void
set_up(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->socket, sizeof(f->socket), "%s/fcgi.sock", f->dir);
	snprintf(f->pipe, sizeof(f->pipe), "%s/log", f->dir);
	snprintf(
	    f->db, sizeof(f->db), "DATABASE_URL=sqlite:%s/latchkey.db", f->dir);
}

static void
tear_down(struct fixture *f)
{
	if (f->pool > 0)
		(void)process_stop(f->pool, SIGTERM, WAIT_MS);
	process_remove_tree(f->dir);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static bool
is_serving(void *ctx)
{
	const struct fixture *f = ctx;

	return fcgi_get(f->socket, "/healthz", 1000) == 200;
}

/* Start a pool of one worker by a shell that runs ${first} before. */
static void
start(struct fixture *f, const char *first, const char *redirections)
{
	char script[192];
	const char *argv[] = { "/bin/sh", "-c", script,
		getenv("LATCHKEY_PROGRAM"), f->socket, f->pipe, NULL };
	const char *env[] = { f->db, "REDIS_ENABLED=false", NULL };
	const struct process_options o = {
		.argv = argv, .env = env, .log = "/dev/null", .stdin_fd = -1
	};

	snprintf(script, sizeof(script),
	    "%s; exec \"$0\" serve --listen \"unix:$1\" --workers 1 %s", first,
	    redirections);
	assert_non_null(argv[3]);
	f->pool = process_start(&o);
	assert_true(process_until(is_serving, f, WAIT_MS));
}

static void
assert_is_null_device(pid_t pid, int fd)
{
	char name[64], target[PATH_MAX] = "";

	snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)pid, fd);
	assert_true(readlink(name, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/dev/null");
}

/*
 * A refused login is logged.  If descriptor 2 were a connection, the log line
 * would be sent to a client.
 */
TEST(no_log_line_is_sent_to_a_client, struct fixture *f)
{
	static const char body[] =
	    "{\"email\":\"nobody@example.org\",\"password\":\"wrong horse\"}";
	const struct fcgi_ask ask = { .keep = true,
		.method = "POST",
		.uri = "/api/v1/auth/login",
		.content_type = "application/json",
		.body = body };
	int clients[CLIENTS];
	pid_t workers[2];

	start(f, ":", "0<&- 1>&- 2>&-");
	for (size_t i = 0; i < CLIENTS; i++) {
		struct fcgi_reply reply;

		clients[i] = fcgi_connect_unix(f->socket);
		assert_true(clients[i] >= 0);
		assert_true(fcgi_ask_on(clients[i], &ask, WAIT_MS, &reply));
		assert_int_equal(reply.http_status, 401);
		fcgi_reply_free(&reply);
	}
	assert_int_equal(process_children(f->pool, workers, 2), 1);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		assert_is_null_device(f->pool, fd);
		assert_is_null_device(workers[0], fd);
	}
	for (size_t i = 0; i < CLIENTS; i++)
		close(clients[i]);
}

struct place {
	pid_t pool;
	pid_t first; /* the worker before the reload */
};

static bool
is_replaced(void *ctx)
{
	const struct place *p = ctx;
	pid_t pids[3];

	return process_children(p->pool, pids, 3) == 1 && pids[0] != p->first;
}

/* The reload is logged to a pipe whose reading end is closed. */
TEST(a_log_without_a_reader_ends_no_process, struct fixture *f)
{
	struct place place;
	int reader;

	assert_int_equal(mkfifo(f->pipe, 0600), 0);
	reader = open(f->pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	start(f, ":", "2>\"$2\"");
	place.pool = f->pool;
	assert_int_equal(process_children(f->pool, &place.first, 1), 1);

	close(reader);
	assert_int_equal(kill(f->pool, SIGHUP), 0);
	assert_true(process_until(is_replaced, &place, WAIT_MS));
	assert_true(process_alive(f->pool));
	assert_true(is_serving(f));
}

/*
 * A large request needs a descriptor for a file in memory, so kept connections
 * must leave one.
 */
TEST(connections_leave_descriptors_for_requests, struct fixture *f)
{
	static char body[65536]; /* the largest body allowed */
	const struct fcgi_ask small = { .keep = true, .uri = "/healthz" };
	const struct fcgi_ask large = { .method = "POST",
		.uri = "/api/v1/auth/login",
		.content_type = "application/json",
		.body = body,
		.body_len = sizeof(body) };
	struct fcgi_reply reply;
	int kept[FEW_FILES], last;

	memset(body, ' ', sizeof(body));
	start(f, "ulimit -n 128", "");
	for (size_t i = 0; i < FEW_FILES; i++) {
		kept[i] = fcgi_connect_unix(f->socket);
		assert_true(kept[i] >= 0);
		assert_true(fcgi_ask_on(kept[i], &small, WAIT_MS, &reply));
		fcgi_reply_free(&reply);
	}
	last = kept[FEW_FILES - 1];
	assert_true(fcgi_ask_on(last, &large, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 400);
	fcgi_reply_free(&reply);
	for (size_t i = 0; i < FEW_FILES; i++)
		close(kept[i]);
}
