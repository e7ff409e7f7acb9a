/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fcgi_site.h"
#include "support/files.h"
#include "support/process.h"
#include "support/stack.h"
#include "support/test_issuer.h"

/*
 * The units of deploy/systemd: systemd's own checks of them, and the product
 * under their restrictions (support/sandboxed).  A sanitizer needs more than
 * the product, so under one the product runs without the restrictions.
 */
#if defined(__SANITIZE_ADDRESS__)
#define INSIDE false
#else
#define INSIDE true
#endif

#define WAIT_MS 60000
#define ROUTES_MS 120000
#define WORKERS 3

static char unit_in[PATH_MAX]; /* latchkey.service.in */
static char sandboxed[PATH_MAX];

/* Return the status of waitpid(2). */
static int
run(const char *const *argv, const char *const *env, const char *log, int ms)
{
	const struct process_options p = {
		.argv = argv, .env = env, .log = log, .stdin_fd = -1
	};

	return process_stop(process_start(&p), 0, ms);
}

static bool
succeeds(const char *const *argv, const char *log)
{
	int status = run(argv, NULL, log, WAIT_MS);

	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- checks by systemd ---- */

struct units {
	char dir[32];
	char service[64], socket[64], log[64];
};

/* Install the two units as make install does, for the program under test. */
static int
write_units(void **state)
{
	struct units *u = calloc(1, sizeof(*u));
	char script[PATH_MAX], program[PATH_MAX], socket[PATH_MAX];
	const char *sed[] = { "sed", script, unit_in, NULL };

	assert_non_null(u);
	snprintf(u->dir, sizeof(u->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(u->dir));
	snprintf(u->service, sizeof(u->service), "%s/latchkey.service", u->dir);
	snprintf(u->socket, sizeof(u->socket), "%s/latchkey.socket", u->dir);
	snprintf(u->log, sizeof(u->log), "%s/log", u->dir);
	assert_non_null(realpath(getenv("LATCHKEY_PROGRAM"), program));
	snprintf(
	    script, sizeof(script), "s,@bindir@,%.4000s,", dirname(program));
	assert_true(succeeds(sed, u->service));
	snprintf(socket, sizeof(socket), "%s/deploy/systemd/latchkey.socket",
	    getenv("top_srcdir"));
	files_copy(socket, u->socket);
	*state = u;
	return 0;
}

static int
remove_units(void **state)
{
	struct units *u = *state;

	process_remove_tree(u->dir);
	free(u);
	return 0;
}

/* the environment of a test */
enum { JUDGED = 1, SANDBOXED = 2, UNCONFINED = 4 };

TEST_IN(JUDGED, systemd_accepts_the_units, struct units *u)
{
	const char *argv[] = { "systemd-analyze", "verify", "--man=no",
		u->service, u->socket, NULL };

	if (!succeeds(argv, u->log))
		fail_msg("see %s", u->log);
	/* systemd-analyze only warns of directives that it does not know. */
	assert_false(stack_file_contains(u->log, "Unknown"));
	assert_false(stack_file_contains(u->log, "gnoring"));
}

TEST_IN(JUDGED, the_exposure_is_at_most_two, struct units *u)
{
	const char *argv[] = { "systemd-analyze", "security", "--offline=true",
		"--no-pager", "--threshold=20", u->service, NULL };

	if (!succeeds(argv, u->log))
		fail_msg("see %s", u->log);
	assert_true(stack_file_contains(u->log, "Overall exposure level"));
}

/* ---- under the restrictions ---- */

static int
killed_inside(const char *const *words, const char *log)
{
	char program[64];
	const char *argv[8] = { sandboxed };
	const char *env[] = { program, NULL };
	int status;

	snprintf(program, sizeof(program), "SANDBOX_PROGRAM=%s", words[0]);
	for (size_t i = 1; words[i] != NULL && i + 1 < NELEMS(argv); i++)
		argv[i] = words[i];
	status = run(argv, env, log, WAIT_MS);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* The other cases depend on restrictions that work. */
TEST_IN(SANDBOXED, the_restrictions_work, struct units *u)
{
	static const char *const plain[] = { "/bin/true", NULL };
	static const char *const nice[] = { "/usr/bin/nice", "-n", "5",
		"/bin/true", NULL };
	static const char *const *const good[] = { plain, nice };
	static const char *const namespaced[] = { "/usr/bin/unshare", "--user",
		"/bin/true", NULL };
	static const char *const real_time[] = { "/usr/bin/chrt", "-f", "5",
		"/bin/true", NULL };
	static const char *const netlink[] = { "/bin/sh", "-c",
		"exec /usr/bin/python3 -c 'import socket; "
		"socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'",
		NULL };
	static const char *const executable[] = { "/usr/bin/python3", "-c",
		"import mmap; mmap.mmap(-1, 4096, prot=7)", NULL };
	static const char *const *const bad[] = { namespaced, real_time,
		netlink, executable };

	for (size_t i = 0; i < NELEMS(good); i++)
		assert_int_equal(killed_inside(good[i], u->log), 0);
	for (size_t i = 0; i < NELEMS(bad); i++)
		if (killed_inside(bad[i], u->log) != SIGSYS)
			fail_msg("%s is allowed", bad[i][0]);
}

/* ExecStart on the socket of descriptor 0, then ExecReload, then the end. */
TEST_IN(SANDBOXED | UNCONFINED, the_service_works_restricted)
{
	static const char *const args[] = { "serve", "--workers", "auto",
		NULL };
	static const char *const env[] = { "LATCHKEY_WORKERS=3", NULL };
	const struct stack_options options = { .kind = STACK_SPAWN_FCGI,
		.workers = 1,
		.product = true,
		.args = args,
		.env = env };
	struct fcgi_site site = { 0 };
	struct fcgi_reply reply;
	pid_t pids[WORKERS + 1];

	assert_true(stack_file_contains(
	    unit_in, "ExecStart=@bindir@/latchkey serve --workers auto\n"));
	fcgi_site_open(&site, &options);
	assert_int_equal(
	    process_children(site.workers[0], pids, NELEMS(pids)), WORKERS);
	assert_true(fcgi_site_login(&site, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 200);
	fcgi_reply_free(&reply);
	assert_int_equal(kill(site.workers[0], SIGHUP), 0);
	for (int i = 0;
	     !stack_file_contains(stack_log(site.stack), "event=pool_reloaded");
	     i++) {
		assert_true(i < WAIT_MS / 10);
		usleep(10 * 1000);
	}
	fcgi_site_serves(&site);
	assert_false(
	    stack_file_contains(stack_log(site.stack), "event=worker_died"));
	fcgi_site_close(&site);
}

/* By TLS, which needs the most permissions. */
TEST_IN(SANDBOXED | UNCONFINED, keys_are_fetched_restricted, struct units *u)
{
	static const char *const args[] = { "serve", "--workers", "auto",
		NULL };
	char path[64], issuers[96], text[512];
	const char *env[] = { "LATCHKEY_WORKERS=3", issuers, NULL };
	const struct stack_options options = { .kind = STACK_SPAWN_FCGI,
		.workers = 1,
		.product = true,
		.args = args,
		.env = env };
	struct test_issuer *idp = test_issuer_new(true);
	struct fcgi_site site = { 0 };

	snprintf(path, sizeof(path), "%s/issuers", u->dir);
	snprintf(issuers, sizeof(issuers), "LATCHKEY_ISSUERS_FILE=%s", path);
	snprintf(text, sizeof(text), "[%s]\naudience = x\nca_file = %s\n",
	    test_issuer_url(idp), test_issuer_ca(idp));
	files_write(path, text, strlen(text));
	fcgi_site_open(&site, &options);
	for (int i = 0; !stack_file_contains(
		 stack_log(site.stack), "event=issuer_fetched");
	     i++) {
		assert_true(i < WAIT_MS / 10);
		usleep(10 * 1000);
	}
	assert_false(stack_file_contains(
	    stack_log(site.stack), "event=jwks_refresher_died"));
	assert_int_equal(test_issuer_count(idp, TEST_ISSUER_JWKS), 1);
	fcgi_site_close(&site);
	test_issuer_free(idp);
}

TEST_IN(SANDBOXED, every_route_works_restricted, struct units *u)
{
	char program[PATH_MAX + 32], real[PATH_MAX + 32], routes[PATH_MAX + 32];
	char self[PATH_MAX];
	const char *argv[] = { routes, NULL };
	const char *env[] = { program, real, NULL };

	assert_non_null(realpath("/proc/self/exe", self));
	snprintf(routes, sizeof(routes), "%s/test_routes", dirname(self));
	snprintf(
	    program, sizeof(program), "LATCHKEY_TEST_PROGRAM=%s", sandboxed);
	snprintf(real, sizeof(real), "SANDBOX_PROGRAM=%s",
	    getenv("LATCHKEY_TEST_PROGRAM"));
	if (run(argv, env, u->log, ROUTES_MS) != 0)
		fail_msg("see %s", u->log);
}

/* The environment of all processes below. */
static void
set_paths(void)
{
	const char *top = getenv("top_srcdir");
	const char *program = getenv("LATCHKEY_PROGRAM");

	if (top == NULL || program == NULL) {
		fputs("top_srcdir or LATCHKEY_PROGRAM is not set\n", stderr);
		exit(2);
	}
	snprintf(unit_in, sizeof(unit_in),
	    "%s/deploy/systemd/latchkey.service.in", top);
	snprintf(
	    sandboxed, sizeof(sandboxed), "%s/tests/support/sandboxed", top);
	setenv("SANDBOX_UNIT", unit_in, 1);
	setenv("SANDBOX_PROGRAM", program, 1);
}

static int
go_inside(void **state)
{
	setenv("LATCHKEY_PROGRAM", sandboxed, 1);
	return write_units(state);
}

TEST_RUN()
{
	int failed;

	set_paths();
	failed = test_run("tests", JUDGED, write_units, remove_units);
	if (INSIDE)
		failed += test_run("tests", SANDBOXED, go_inside, remove_units);
	else
		failed +=
		    test_run("tests", UNCONFINED, write_units, remove_units);
	return failed;
}
