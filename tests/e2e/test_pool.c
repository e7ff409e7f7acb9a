/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "support/fcgi_client.h"
#include "support/fcgi_site.h"
#include "support/load_threads.h"
#include "support/process.h"

/*
 * The pool's life, under its own supervisor and under spawn-fcgi: workers that
 * die are replaced, ending and reloading drop no request, and nothing is left
 * behind.
 */
#define WAIT_MS 60000

struct fixture {
	char dir[32];
	char conf[64];
	char pid_file[64];
	const char *args[8];
	struct fcgi_site site;
};

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int
set_up_kind(void **state, enum stack_kind kind, bool with_args)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct stack_options o = { .kind = kind, .no_redis = true };
	size_t n = 0;

	assert_non_null(f);
	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->conf, sizeof(f->conf), "%s/latchkey.conf", f->dir);
	snprintf(f->pid_file, sizeof(f->pid_file), "%s/pool.pid", f->dir);
	write_file(f->conf, "ACCESS_TOKEN_EXPIRE_MINUTES = 7\n");
	if (kind == STACK_SPAWN_FCGI) {
		f->args[n++] = "serve";
		o.workers = 3;
	} else {
		f->args[n++] = "--pid-file";
		f->args[n++] = f->pid_file;
	}
	f->args[n++] = "--config";
	f->args[n++] = f->conf;
	if (with_args)
		o.args = f->args;
	o.dir = f->dir;
	fcgi_site_open(&f->site, &o);
	return 0;
}

static int
set_up(void **state)
{
	return set_up_kind(state, STACK_POOL, true);
}

static int
set_up_spawned(void **state)
{
	return set_up_kind(state, STACK_SPAWN_FCGI, true);
}

static int
set_up_without_args(void **state)
{
	return set_up_kind(state, STACK_SPAWN_FCGI, false);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f == NULL)
		return 0;
	fcgi_site_close(&f->site);
	process_remove_tree(f->dir);
	free(f);
	return 0;
}

/* ---- the log ---- */

static int
count_in_log(const struct fixture *f, const char *text)
{
	FILE *log = fopen(stack_log(f->site.stack), "r");
	char line[4096];
	int n = 0;

	assert_non_null(log);
	while (fgets(line, sizeof(line), log) != NULL)
		n += strstr(line, text) != NULL;
	fclose(log);
	return n;
}

struct awaited {
	const struct fixture *f;
	const char *text;
	int count;
};

static bool
is_logged(void *ctx)
{
	const struct awaited *a = ctx;

	return count_in_log(a->f, a->text) >= a->count;
}

static void
wait_for_log(const struct fixture *f, const char *text, int count)
{
	struct awaited a = { .f = f, .text = text, .count = count };

	if (!process_until(is_logged, &a, WAIT_MS))
		fail_msg("no \"%s\" in the log", text);
}

static bool
is_gone(void *ctx)
{
	return !process_alive(*(pid_t *)ctx);
}

/* What a new token is good for. */
static int
token_seconds(const struct fixture *f)
{
	struct fcgi_reply reply;
	const char *at;
	int seconds;

	assert_true(fcgi_site_login(&f->site, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 200);
	at = strstr(reply.body, "\"expires_in\":");
	assert_non_null(at);
	seconds = (int)strtol(at + 13, NULL, 10);
	fcgi_reply_free(&reply);
	return seconds;
}

/* ---- load ---- */

struct load {
	struct load_threads load;
	const char *params[2];
	struct fcgi_ask asks[8];
};

/* Half of the threads keep their connection, half make one for each. */
static void
load_start(struct load *l, const struct fixture *f)
{
	for (size_t i = 0; i < NELEMS(l->asks); i++)
		l->asks[i] = fcgi_site_me(&f->site, i % 2 == 0, l->params);
	l->load.stack = f->site.stack;
	l->load.asks = l->asks;
	l->load.count = NELEMS(l->asks);
	l->load.slow_ms = 10000;
	load_threads_start(&l->load);
	load_threads_wait(&l->load, 200);
}

/* where a test runs */
enum { POOL = 1, SPAWNED = 2, WITHOUT_ARGS = 4 };

/* ---- supervised ---- */

TEST_IN(POOL, a_killed_worker_is_replaced, struct fixture *f)
{
	for (int i = 0; i < 3; i++) {
		pid_t victim = f->site.workers[i % 2];

		assert_int_equal(kill(victim, SIGKILL), 0);
		assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
		assert_true(process_until(is_gone, &victim, WAIT_MS));
		fcgi_site_note_workers(&f->site);
		for (int n = 0; n < 2; n++)
			assert_int_not_equal(f->site.workers[n], victim);
		fcgi_site_serves(&f->site);
	}
	assert_int_equal(count_in_log(f, "event=worker_died"), 3);
}

/*
 * All that appear are killed as soon as they are seen, for two seconds.  Waits
 * of 0, 0.1, 0.2, 0.4 and 0.8 s leave room for seven starts of each place;
 * without them there would be hundreds.
 */
TEST_IN(POOL, workers_that_keep_dying_are_started_less_often, struct fixture *f)
{
	int before = count_in_log(f, "event=worker_started");
	int64_t until = clock_system.mono_us() + 2000000;
	int started;

	while (clock_system.mono_us() < until) {
		pid_t pids[8];
		size_t n = stack_workers(f->site.stack, pids, NELEMS(pids));

		for (size_t i = 0; i < n; i++)
			(void)kill(pids[i], SIGKILL);
		usleep(1000);
	}
	started = count_in_log(f, "event=worker_started") - before;
	assert_in_range(started, 4, 16);
	fcgi_site_note_workers(&f->site);
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	fcgi_site_serves(&f->site);
}

TEST_IN(POOL, ending_drops_no_request, struct fixture *f)
{
	for (int i = 0; i < 5; i++) {
		struct load *l = calloc(1, sizeof(*l));
		pid_t supervisor = stack_supervisor(f->site.stack);

		assert_non_null(l);
		load_start(l, f);
		assert_int_equal(process_stop(supervisor, SIGTERM, WAIT_MS), 0);
		/* Nothing listens, and the pool removed its files. */
		assert_int_equal(stack_connect(f->site.stack), -1);
		assert_int_equal(access(f->pid_file, F_OK), -1);
		assert_int_equal(access(stack_socket(f->site.stack), F_OK), -1);
		load_threads_stop(&l->load);
		free(l);
		stack_start_pool(f->site.stack);
	}
	fcgi_site_note_workers(&f->site);
	fcgi_site_serves(&f->site);
}

TEST_IN(POOL, a_reload_takes_effect_and_drops_no_request, struct fixture *f)
{
	struct load *l = calloc(1, sizeof(*l));
	int done = count_in_log(f, "event=pool_reloaded");
	pid_t old[2] = { f->site.workers[0], f->site.workers[1] };

	assert_non_null(l);
	assert_int_equal(token_seconds(f), 7 * 60);
	load_start(l, f);
	for (int i = 0; i < 4; i++) {
		write_file(f->conf,
		    i % 2 == 0 ? "ACCESS_TOKEN_EXPIRE_MINUTES = 9\n"
			       : "ACCESS_TOKEN_EXPIRE_MINUTES = 7\n");
		assert_int_equal(
		    kill(stack_supervisor(f->site.stack), SIGHUP), 0);
		wait_for_log(f, "event=pool_reloaded", done + i + 1);
		for (int n = 0; n < 2; n++)
			assert_true(process_until(is_gone, &old[n], WAIT_MS));
		fcgi_site_note_workers(&f->site);
		memcpy(old, f->site.workers, sizeof(old));
		assert_int_equal(
		    token_seconds(f), i % 2 == 0 ? 9 * 60 : 7 * 60);
		load_threads_wait(&l->load, 100);
	}
	load_threads_stop(&l->load);
	free(l);
	fcgi_site_serves(&f->site);
}

TEST_IN(POOL, a_bad_configuration_is_not_taken, struct fixture *f)
{
	static const char *const bad[] = { "NO_SUCH_NAME = 1\n",
		"ACCESS_TOKEN_EXPIRE_MINUTES = soon\n", "nonsense\n",
		"LATCHKEY_ISSUERS_FILE = /nowhere/issuers\n" };
	int refused = count_in_log(f, "event=reload_refused");

	for (size_t i = 0; i < NELEMS(bad); i++) {
		write_file(f->conf, bad[i]);
		assert_int_equal(
		    kill(stack_supervisor(f->site.stack), SIGHUP), 0);
		wait_for_log(f, "event=reload_refused", refused + (int)i + 1);
		fcgi_site_serves(&f->site);
		assert_int_equal(token_seconds(f), 7 * 60);
	}
	assert_int_equal(count_in_log(f, "event=reload_refused"),
	    refused + (int)NELEMS(bad));
	write_file(f->conf, "ACCESS_TOKEN_EXPIRE_MINUTES = 7\n");
}

TEST_IN(POOL, the_pid_file_names_the_pool, struct fixture *f)
{
	FILE *file = fopen(f->pid_file, "r");
	int pid = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	assert_int_equal(pid, stack_supervisor(f->site.stack));
}

/* Removed by a cleaner of /tmp or as another unit's RuntimeDirectory. */
TEST_IN(POOL, a_removed_socket_is_bound_again, struct fixture *f)
{
	int restored = count_in_log(f, "event=socket_restored");
	int gone = fcgi_site_connect(&f->site);
	pid_t old[2] = { f->site.workers[0], f->site.workers[1] };

	/* A configuration that cannot be loaded is no obstacle. */
	write_file(f->conf, "nonsense\n");
	assert_int_equal(unlink(stack_socket(f->site.stack)), 0);
	wait_for_log(f, "event=socket_restored", restored + 1);
	/* A connection of before is answered. */
	assert_int_equal(fcgi_site_check(&f->site, gone, WAIT_MS), 200);
	close(gone);
	for (int n = 0; n < 2; n++)
		assert_true(process_until(is_gone, &old[n], WAIT_MS));
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	fcgi_site_note_workers(&f->site);
	fcgi_site_serves(&f->site);
	write_file(f->conf, "ACCESS_TOKEN_EXPIRE_MINUTES = 7\n");
}

TEST_IN(POOL, signals_of_process_managers, struct fixture *f)
{
	static const int harmless[] = { SIGUSR1, SIGUSR2 };
	pid_t supervisor = stack_supervisor(f->site.stack);

	for (size_t i = 0; i < NELEMS(harmless); i++) {
		assert_int_equal(kill(supervisor, harmless[i]), 0);
		assert_int_equal(kill(f->site.workers[0], harmless[i]), 0);
		fcgi_site_serves(&f->site);
	}
	assert_int_equal(process_stop(supervisor, SIGQUIT, WAIT_MS), 0);
	stack_start_pool(f->site.stack);
	fcgi_site_note_workers(&f->site);
	fcgi_site_serves(&f->site);
}

/* Its workers end by themselves; the socket it left is taken over. */
TEST_IN(POOL, a_killed_supervisor_leaves_nothing, struct fixture *f)
{
	pid_t old[2] = { f->site.workers[0], f->site.workers[1] };

	(void)process_stop(stack_supervisor(f->site.stack), SIGKILL, WAIT_MS);
	for (int n = 0; n < 2; n++)
		assert_true(process_until(is_gone, &old[n], WAIT_MS));
	assert_int_equal(access(stack_socket(f->site.stack), F_OK), 0);
	assert_int_equal(stack_connect(f->site.stack), -1);
	assert_int_equal(errno, ECONNREFUSED);
	stack_start_pool(f->site.stack);
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	fcgi_site_note_workers(&f->site);
	fcgi_site_serves(&f->site);
}

static bool
nothing_listens(void *ctx)
{
	const struct fixture *f = ctx;
	int fd = stack_connect(f->site.stack);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

/*
 * The workers that a killed supervisor leaves finish what has arrived.  The
 * next pool need not wait for them, and nothing is queued behind them.
 */
TEST_IN(POOL, a_new_pool_begins_while_old_workers_finish, struct fixture *f)
{
	struct fcgi_bytes b = { 0 };
	const char *params[2];
	struct fcgi_ask ask = fcgi_site_me(&f->site, false, params);
	struct fcgi_reply reply;
	int half[8];

	fcgi_put_request(&b, &ask);
	for (size_t i = 0; i < NELEMS(half); i++) {
		half[i] = fcgi_site_connect(&f->site);
		assert_true(fcgi_send(half[i], b.data, b.len / 2, WAIT_MS));
	}
	(void)process_stop(stack_supervisor(f->site.stack), SIGKILL, WAIT_MS);
	/* Until they have heard of it, they are the ones that answer. */
	assert_true(process_until(nothing_listens, f, WAIT_MS));
	stack_start_pool(f->site.stack);
	for (int i = 0; i < 20; i++)
		assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	for (size_t i = 0; i < NELEMS(half); i++) {
		assert_true(fcgi_send(
		    half[i], b.data + b.len / 2, b.len - b.len / 2, WAIT_MS));
		assert_true(fcgi_receive(half[i], WAIT_MS, &reply));
		assert_int_equal(reply.http_status, 200);
		fcgi_reply_free(&reply);
		close(half[i]);
	}
	fcgi_site_note_workers(&f->site);
	fcgi_site_serves(&f->site);
	fcgi_bytes_free(&b);
}

TEST_IN(POOL, a_second_pool_does_not_take_the_socket, struct fixture *f)
{
	char listen[160], db[160], log[64];
	const char *argv[] = { getenv("LATCHKEY_TEST_PROGRAM"), "serve",
		"--listen", listen, "--workers", "1", NULL };
	const char *env[] = { db, "REDIS_ENABLED=false", NULL };
	struct process_options p = {
		.argv = argv, .env = env, .log = log, .stdin_fd = -1
	};
	int status;

	snprintf(
	    listen, sizeof(listen), "unix:%s", stack_socket(f->site.stack));
	snprintf(db, sizeof(db), "DATABASE_URL=sqlite:%s/other.db", f->dir);
	snprintf(log, sizeof(log), "%s/second.log", f->dir);
	status = process_stop(process_start(&p), 0, WAIT_MS);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_true(stack_file_contains(log, "another program serves it"));
	fcgi_site_serves(&f->site);
}

/* ---- spawn-fcgi ---- */

/* Each begins anew under the same pid, on the same socket. */
static void
hang_up_all(struct fixture *f)
{
	for (size_t i = 0; i < f->site.worker_count; i++) {
		char ready[64];
		int times;

		snprintf(ready, sizeof(ready), "event=worker_ready pid=%d",
		    (int)f->site.workers[i]);
		wait_for_log(f, ready, 1);
		times = count_in_log(f, ready);
		assert_int_equal(kill(f->site.workers[i], SIGHUP), 0);
		wait_for_log(f, ready, times + 1);
		assert_true(process_alive(f->site.workers[i]));
	}
}

TEST_IN(SPAWNED | WITHOUT_ARGS, spawned_workers_begin_anew, struct fixture *f)
{
	struct load *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	assert_int_equal(f->site.worker_count, 3);
	load_start(l, f);
	hang_up_all(f);
	load_threads_wait(&l->load, 100);
	hang_up_all(f);
	load_threads_wait(&l->load, 100);
	load_threads_stop(&l->load);
	free(l);
	fcgi_site_serves(&f->site);
}

TEST_IN(SPAWNED, spawned_workers_read_the_configuration, struct fixture *f)
{
	assert_int_equal(token_seconds(f), 7 * 60);
	write_file(f->conf, "ACCESS_TOKEN_EXPIRE_MINUTES = 9\n");
	hang_up_all(f);
	for (int i = 0; i < 6; i++)
		assert_int_equal(token_seconds(f), 9 * 60);
	write_file(f->conf, "ACCESS_TOKEN_EXPIRE_MINUTES = soon\n");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(kill(f->site.workers[i], SIGHUP), 0);
	wait_for_log(f, "event=reload_refused", 3);
	for (int i = 0; i < 6; i++)
		assert_int_equal(token_seconds(f), 9 * 60);
	fcgi_site_serves(&f->site);
}

/* Without a supervisor the other workers continue; SIGTERM ends them all. */
TEST_IN(SPAWNED | WITHOUT_ARGS, spawned_workers_end, struct fixture *f)
{
	assert_int_equal(
	    process_stop(f->site.workers[0], SIGKILL, WAIT_MS), SIGKILL);
	for (int i = 0; i < 20; i++)
		assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(
		    process_stop(f->site.workers[i], SIGTERM, WAIT_MS), 0);
}

TEST_RUN()
{
	return test_run("pool", POOL, set_up, tear_down) +
	    test_run("spawn-fcgi serve", SPAWNED, set_up_spawned, tear_down) +
	    test_run(
		"spawn-fcgi", WITHOUT_ARGS, set_up_without_args, tear_down);
}
