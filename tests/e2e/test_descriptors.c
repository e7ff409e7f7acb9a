/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/fcgi_client.h"
#include "support/process.h"

/* What becomes of descriptors that we were not given. */
#define WAIT_MS 15000
#define CLIENTS 3

struct fixture {
	char dir[32];
	char socket[64];
	char db[80];
	pid_t pool;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->socket, sizeof(f->socket), "%s/fcgi.sock", f->dir);
	snprintf(
	    f->db, sizeof(f->db), "DATABASE_URL=sqlite:%s/latchkey.db", f->dir);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->pool > 0)
		(void)process_stop(f->pool, SIGTERM, WAIT_MS);
	process_remove_tree(f->dir);
	free(f);
	return 0;
}

static bool
is_serving(void *ctx)
{
	const struct fixture *f = ctx;

	return fcgi_get(f->socket, "/healthz", 1000) == 200;
}

/* One worker, born without descriptors 0, 1 and 2. */
static void
start_without_standard_descriptors(struct fixture *f)
{
	char script[] = "exec \"$0\" serve --listen \"unix:$1\" --workers 1 "
			"0<&- 1>&- 2>&-";
	const char *argv[] = { "/bin/sh", "-c", script,
		getenv("LATCHKEY_PROGRAM"), f->socket, NULL };
	const char *env[] = { f->db, "REDIS_ENABLED=false", NULL };
	const struct process_options o = {
		.argv = argv, .env = env, .log = "/dev/null", .stdin_fd = -1
	};

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
 * A refused login is logged.  Were descriptor 2 one of the connections, the
 * line would stand before the answer, or in somebody else's.
 */
static void
no_log_line_goes_into_a_connection(void **state)
{
	static const char body[] =
	    "{\"email\":\"nobody@example.org\",\"password\":\"wrong horse\"}";
	const struct fcgi_ask ask = { .keep = true,
		.method = "POST",
		.uri = "/api/v1/auth/login",
		.content_type = "application/json",
		.body = body };
	struct fixture *f = *state;
	int clients[CLIENTS];
	pid_t workers[2];

	start_without_standard_descriptors(f);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    no_log_line_goes_into_a_connection, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
