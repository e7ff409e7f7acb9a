/* SPDX-License-Identifier: ISC */
#include "support/stack.h"

#include "base/err.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fcgi_client.h"
#include "support/files.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/web.h"

#define START_MS 60000
#define STOP_MS 60000
#define ENV_MAX 32
#define ARGS_MAX 24

struct stack {
	struct stack_options o;
	bool own_dir;
	char dir[64];
	char base[64];
	char socket[128];
	int port; /* of FastCGI, if it is on TCP */
	char log[128];
	char points[128];
	char db_env[160], redis_env[160], points_env[160];
	const char *env[ENV_MAX];
	struct redis_server *redis;
	pid_t pool; /* supervisor; 0 if not running */
	pid_t spawned[16];
	size_t spawned_count;
	pid_t lighttpd;
};

static const char *
program(const struct stack *s)
{
	const char *name =
	    s->o.product ? "LATCHKEY_PROGRAM" : "LATCHKEY_TEST_PROGRAM";
	const char *path = getenv(name);

	if (path == NULL)
		fail_msg("%s is not set", name);
	return path;
}

/*
 * The least work for Argon2id, no rate limits, and deadlines that a busy
 * machine keeps; a test that is about one of them sets its own.  tests/bench
 * runs the defaults.
 */
static void
set_env(struct stack *s)
{
	static const char *const fixed[] = { "LATCHKEY_ARGON2_KIB=64",
		"LATCHKEY_ARGON2_PASSES=1", "LATCHKEY_LOG_LEVEL=debug",
		"LATCHKEY_LIMIT_LOGIN=1000000/1",
		"LATCHKEY_LIMIT_REGISTER=1000000/1",
		"LATCHKEY_LIMIT_DEFAULT=1000000/1",
		"LATCHKEY_LIMIT_PROFILE=1000000/1",
		"LATCHKEY_REDIS_DEADLINE_MS=5000",
		"LATCHKEY_HASH_WAIT_MS=30000", "LATCHKEY_WRITE_WAIT_MS=20000" };
	size_t n = 0;

	snprintf(s->db_env, sizeof(s->db_env),
	    "DATABASE_URL=sqlite:%s/latchkey.db", s->dir);
	snprintf(s->redis_env, sizeof(s->redis_env),
	    s->o.no_redis ? "REDIS_ENABLED=false"
			  : "REDIS_URL=unix://%s/redis.sock",
	    s->dir);
	s->env[n++] = s->db_env;
	s->env[n++] = s->redis_env;
	if (!s->o.product) {
		snprintf(s->points_env, sizeof(s->points_env),
		    "LATCHKEY_TESTPOINT_DIR=%s", s->points);
		s->env[n++] = s->points_env;
	}
	for (size_t i = 0; i < NELEMS(fixed); i++)
		s->env[n++] = fixed[i];
	for (size_t i = 0; s->o.env != NULL && s->o.env[i] != NULL; i++) {
		assert_true(n + 1 < ENV_MAX);
		s->env[n++] = s->o.env[i];
	}
	s->env[n] = NULL;
}

static void
put_args(const struct stack *s, const char *argv[ARGS_MAX])
{
	size_t n = 0;

	while (argv[n] != NULL)
		n++;
	for (size_t i = 0; s->o.args != NULL && s->o.args[i] != NULL; i++) {
		assert_true(n + 1 < ARGS_MAX);
		argv[n++] = s->o.args[i];
	}
}

static void
start_supervised(struct stack *s)
{
	char listen[160], workers[16];
	const char *argv[ARGS_MAX] = { program(s), "serve", "--listen", listen,
		"--workers", workers };
	struct process_options p = {
		.argv = argv, .env = s->env, .log = s->log, .stdin_fd = -1
	};

	if (s->o.tcp)
		snprintf(listen, sizeof(listen), "127.0.0.1:%d", s->port);
	else
		snprintf(listen, sizeof(listen), "unix:%s", s->socket);
	snprintf(workers, sizeof(workers), "%d", s->o.workers);
	put_args(s, argv);
	s->pool = process_start(&p);
}

/* spawn-fcgi leaves orphans behind; their pids are in the file it writes. */
static void
start_spawned(struct stack *s)
{
	const char *top_srcdir = getenv("top_srcdir");
	char script[256], workers[16], pids[160];
	const char *argv[ARGS_MAX] = { script, "-F", workers, "-p", program(s),
		s->dir };
	struct process_options p = {
		.argv = argv, .env = s->env, .log = s->log, .stdin_fd = -1
	};
	int pid, status;
	FILE *f;

	assert_non_null(top_srcdir);
	process_adopt();
	snprintf(script, sizeof(script), "%s/deploy/spawn-fcgi/latchkey-spawn",
	    top_srcdir);
	snprintf(workers, sizeof(workers), "%d", s->o.workers);
	snprintf(pids, sizeof(pids), "%s/spawn.pid", s->dir);
	put_args(s, argv);
	unlink(s->socket);
	status = process_stop(process_start(&p), 0, START_MS);
	assert_int_equal(status, 0);
	f = fopen(pids, "r");
	assert_non_null(f);
	s->spawned_count = 0;
	while (
	    s->spawned_count < NELEMS(s->spawned) && fscanf(f, "%d", &pid) == 1)
		s->spawned[s->spawned_count++] = pid;
	fclose(f);
	assert_int_equal(s->spawned_count, s->o.workers);
}

/* Each of the two that lighttpd has found dead it asks again in its time. */
static bool
answers(void *ctx)
{
	struct stack *s = ctx;
	struct web_reply reply = { 0 };
	struct web *w = web_new(s->base);
	struct web_call call = { .path = "/readyz", .wait_ms = 2000 };
	long ready, guard;

	web_call(w, &call, &reply);
	ready = reply.status;
	call.path = STACK_GUARDED;
	web_call(w, &call, &reply);
	guard = reply.status;
	web_reply_clear(&reply);
	web_free(w);
	return ready == 200 && guard == 401;
}

static bool
answers_directly(void *ctx)
{
	const struct fcgi_ask ready = { .uri = "/readyz" };
	struct fcgi_reply reply;
	int status, fd = stack_connect(ctx);

	if (fd < 0)
		return false;
	(void)fcgi_ask_on(fd, &ready, 2000, &reply);
	status = reply.http_status;
	fcgi_reply_free(&reply);
	close(fd);
	return status == 200;
}

/* First directly, or lighttpd would mark a starting process as dead. */
bool
stack_ready(struct stack *s, int wait_ms)
{
	return process_until(answers_directly, s, wait_ms) &&
	    (s->o.no_lighttpd || process_until(answers, s, wait_ms));
}

static bool
answers_or_ended(void *ctx)
{
	const struct stack *s = ctx;

	return answers_directly(ctx) ||
	    (s->pool != 0 && !process_alive(s->pool));
}

void
stack_start_pool(struct stack *s)
{
	if (s->o.kind == STACK_POOL)
		start_supervised(s);
	else
		start_spawned(s);
	(void)process_until(answers_or_ended, s, START_MS);
	if (s->pool != 0 && !process_alive(s->pool))
		fail_msg("latchkey ended; see %s", s->log);
	if (!stack_ready(s, START_MS))
		fail_msg("no answer; see %s", s->log);
}

void
stack_stop_pool(struct stack *s, int signal)
{
	pid_t workers[32];
	size_t n;

	if (s->o.kind == STACK_SPAWN_FCGI) {
		for (size_t i = 0; i < s->spawned_count; i++)
			kill(s->spawned[i], signal);
		for (size_t i = 0; i < s->spawned_count; i++)
			process_stop(s->spawned[i], 0, STOP_MS);
		s->spawned_count = 0;
		return;
	}
	if (s->pool == 0)
		return;
	/* A supervisor killed outright: its workers must end by themselves. */
	n = stack_workers(s, workers, NELEMS(workers));
	process_stop(s->pool, signal, STOP_MS);
	s->pool = 0;
	for (size_t i = 0; i < n; i++) {
		if (signal == SIGKILL)
			kill(workers[i], SIGKILL);
		for (int waited = 0; process_alive(workers[i]); waited++) {
			if (waited > STOP_MS)
				fail_msg("worker %d lives on", (int)workers[i]);
			usleep(1000);
		}
	}
}

static void
make_guarded(const struct stack *s)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/guarded", s->dir);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s" STACK_GUARDED, s->dir);
	files_write(path, STACK_SECRET, strlen(STACK_SECRET));
}

/* A worker that is being replaced is no reason to stop asking. */
static const char lighttpd_conf[] =
    "server.document-root = var.dir\n"
    "server.bind = \"127.0.0.1\"\n"
    "server.modules = ( \"mod_setenv\", \"mod_fastcgi\", \"mod_cgi\" )\n"
    "$HTTP[\"url\"] =~ "
    "\"^/(api|auth|health|healthz|readyz|version|metrics)(/|$|\\?)\" {\n"
    "fastcgi.server = ( \"\" => (( \"socket\" => var.fcgi,\n"
    "\"check-local\" => \"disable\" )) )\n}\n"
    "$HTTP[\"url\"] =~ \"^/guarded(/|$)\" {\n"
    "fastcgi.server = ( \"/\" => (( \"socket\" => var.fcgi,\n"
    "\"mode\" => \"authorizer\", \"docroot\" => var.dir,\n"
    "\"check-local\" => \"disable\", \"disable-time\" => 0 )) )\n}\n";

static void
start_lighttpd(struct stack *s)
{
	char conf[160], log[160];
	const char *argv[] = { "/usr/sbin/lighttpd", "-D", "-f", conf, NULL };
	struct process_options p = { .argv = argv, .log = log, .stdin_fd = -1 };
	int port = process_free_port();
	FILE *f;

	make_guarded(s);
	snprintf(conf, sizeof(conf), "%s/lighttpd.conf", s->dir);
	snprintf(log, sizeof(log), "%s/lighttpd.log", s->dir);
	snprintf(s->base, sizeof(s->base), "http://127.0.0.1:%d", port);
	f = fopen(conf, "w");
	assert_non_null(f);
	fprintf(f,
	    "var.dir = \"%s\"\nvar.fcgi = \"%s\"\nserver.port = %d\n%s%s",
	    s->dir, s->socket, port, lighttpd_conf,
	    s->o.lighttpd != NULL ? s->o.lighttpd : "");
	fclose(f);
	s->lighttpd = process_start(&p);
}

struct stack *
stack_new(const struct stack_options *options)
{
	struct stack *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->o = *options;
	if (s->o.workers == 0)
		s->o.workers = 2;
	s->own_dir = options->dir == NULL;
	snprintf(s->dir, sizeof(s->dir), "%s",
	    s->own_dir ? "/tmp/latchkey-XXXXXX" : options->dir);
	if (s->own_dir)
		assert_non_null(mkdtemp(s->dir));
	snprintf(s->socket, sizeof(s->socket), "%s/fcgi.sock", s->dir);
	snprintf(s->log, sizeof(s->log), "%s/latchkey.log", s->dir);
	snprintf(s->points, sizeof(s->points), "%s/points", s->dir);
	assert_true(mkdir(s->points, 0700) == 0 || errno == EEXIST);
	set_env(s);
	if (!s->o.no_redis)
		s->redis = redis_server_new(s->dir);
	if (s->o.tcp)
		s->port = process_free_port();
	if (!s->o.no_lighttpd)
		start_lighttpd(s);
	stack_start_pool(s);
	return s;
}

static void
assert_clean_log(const struct stack *s)
{
	static const char *const marks[] = { "AddressSanitizer",
		"LeakSanitizer", "runtime error:", "Assertion" };

	for (size_t i = 0; i < NELEMS(marks); i++)
		if (stack_file_contains(s->log, marks[i]))
			fail_msg("%s in %s", marks[i], s->log);
}

void
stack_free(struct stack *s)
{
	if (s == NULL)
		return;
	stack_stop_pool(s, SIGTERM);
	if (s->lighttpd != 0)
		process_stop(s->lighttpd, SIGTERM, STOP_MS);
	redis_server_free(s->redis);
	assert_clean_log(s);
	if (s->own_dir)
		process_remove_tree(s->dir);
	free(s);
}

const char *
stack_dir(const struct stack *s)
{
	return s->dir;
}

const char *
stack_base(const struct stack *s)
{
	return s->base;
}

const char *
stack_socket(const struct stack *s)
{
	return s->socket;
}

const char *
stack_log(const struct stack *s)
{
	return s->log;
}

int
stack_port(const struct stack *s)
{
	return s->port;
}

const char *const *
stack_env(const struct stack *s)
{
	return s->env;
}

int
stack_connect(const struct stack *s)
{
	return s->o.tcp ? fcgi_connect_tcp(s->port)
			: fcgi_connect_unix(s->socket);
}

struct redis_server *
stack_redis(const struct stack *s)
{
	return s->redis;
}

pid_t
stack_supervisor(const struct stack *s)
{
	return s->pool;
}

/* It says so itself, soon after it was started. */
static bool
is_jwks_process(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	return stack_file_contains(path, "latchkey-jwks");
}

size_t
stack_workers(const struct stack *s, pid_t *pids, size_t max)
{
	size_t n = s->spawned_count < max ? s->spawned_count : max;
	size_t workers = 0;

	if (s->o.kind != STACK_POOL) {
		memcpy(pids, s->spawned, n * sizeof(pids[0]));
		return n;
	}
	n = process_children(s->pool, pids, max);
	for (size_t i = 0; i < n; i++)
		if (!is_jwks_process(pids[i]))
			pids[workers++] = pids[i];
	return workers;
}

pid_t
stack_jwks_process(const struct stack *s)
{
	pid_t pids[32];
	size_t n = process_children(s->pool, pids, NELEMS(pids));

	for (size_t i = 0; i < n; i++)
		if (is_jwks_process(pids[i]))
			return pids[i];
	return 0;
}

/* ---- test points ---- */

void
stack_clock(struct stack *s, int64_t ahead)
{
	char path[256], draft[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/clock", s->points);
	snprintf(draft, sizeof(draft), "%s/clock.new", s->points);
	file = fopen(draft, "we");
	assert_non_null(file);
	fprintf(file, "%jd\n", (intmax_t)ahead);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(draft, path), 0);
}

static void
point_path(
    const struct stack *s, const char *name, const char *how, char path[256])
{
	snprintf(path, 256, "%s/%s.%s", s->points, name, how);
}

void
stack_point(struct stack *s, const char *name, const char *how)
{
	char path[256];
	int fd;

	point_path(s, name, how, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	close(fd);
}

struct point_wait {
	char path[256];
	int pid;
};

static bool
point_reached(void *ctx)
{
	struct point_wait *pw = ctx;
	FILE *f = fopen(pw->path, "r");

	if (f == NULL)
		return false;
	if (fscanf(f, "%d", &pw->pid) != 1)
		pw->pid = 0;
	fclose(f);
	return pw->pid != 0;
}

pid_t
stack_point_wait(struct stack *s, const char *name)
{
	struct point_wait pw = { .pid = 0 };

	point_path(s, name, "reached", pw.path);
	if (!process_until(point_reached, &pw, START_MS))
		fail_msg("no process came to %s; see %s", name, s->log);
	return pw.pid;
}

static bool
point_gone(void *ctx)
{
	struct point_wait *pw = ctx;

	return access(pw->path, F_OK) != 0;
}

/* A process that takes the new point has left the old one. */
pid_t
stack_point_again(struct stack *s, const char *name)
{
	struct point_wait once = { .pid = 0 };
	pid_t pid = stack_point_wait(s, name);
	char path[280];

	stack_point(s, name, "once-hold");
	snprintf(path, sizeof(path), "%s/%s.hold.%d", s->points, name, pid);
	unlink(path);
	point_path(s, name, "once-hold", once.path);
	if (!process_until(point_gone, &once, START_MS))
		fail_msg("no process came to %s again; see %s", name, s->log);
	return stack_point_wait(s, name);
}

bool
stack_point_taken(struct stack *s, const char *name, int wait_ms)
{
	struct point_wait kill = { .pid = 0 }, once = { .pid = 0 };

	point_path(s, name, "kill", kill.path);
	point_path(s, name, "once-kill", once.path);
	return process_until(point_gone, &kill, wait_ms) &&
	    process_until(point_gone, &once, wait_ms);
}

void
stack_point_release(struct stack *s, const char *name)
{
	static const char *const how[] = { "hold", "kill", "once-hold",
		"once-kill" };
	struct point_wait pw = { .pid = 0 };
	char path[280];

	point_path(s, name, "reached", pw.path);
	point_reached(&pw);
	for (size_t i = 0; i < NELEMS(how); i++) {
		point_path(s, name, how[i], path);
		unlink(path);
	}
	if (pw.pid == 0)
		return;
	snprintf(path, sizeof(path), "%s/%s.hold.%d", s->points, name, pw.pid);
	unlink(path);
	if (!process_alive(pw.pid))
		unlink(pw.path); /* or the next wait would find it */
	else if (!process_until(point_gone, &pw, STOP_MS))
		fail_msg("%d stays at %s", pw.pid, name);
}

bool
stack_file_contains(const char *path, const char *text)
{
	struct buf all = { 0 };
	char block[65536];
	bool found = false;
	size_t n;
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return false;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_append(&all, block, n);
	fclose(f);
	if (all.len > 0)
		found = memmem(all.data, all.len, text, strlen(text)) != NULL;
	buf_clear(&all);
	return found;
}
