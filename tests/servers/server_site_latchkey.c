/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "servers/server_site.h"

#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/server.h"
#include "support/fcgi_client.h"
#include "support/files.h"
#include "support/process.h"
#include "support/stack.h"

#define START_MS 15000

/* True if the socket accepted a connection. */
static bool
is_there(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * The script by which mod_fcgid starts latchkey.  It fails while the file
 * "dead" stands beside it.
 */
static void
write_program(struct server_site *g, const char *program)
{
	char text[512];

	snprintf(g->latchkey, sizeof(g->latchkey), "%s/latchkey.sh", g->dir);
	snprintf(text, sizeof(text),
	    "#!/bin/sh\n[ -e %s/dead ] && exit 1\nexec %s \"$@\"\n", g->dir,
	    program);
	files_write(g->latchkey, text, strlen(text));
	assert_int_equal(chmod(g->latchkey, 0700), 0);
}

void
server_site_start_latchkey(struct server_site *g)
{
	/* Generous: changes must not fail with 503 on a busy machine. */
	static const char *const env[] = { "LATCHKEY_WRITE_WAIT_MS=20000",
		"LATCHKEY_HASH_WAIT_MS=20000", NULL };
	const struct stack_options options = { .kind = STACK_POOL,
		.env = env,
		.no_redis = true,
		.no_lighttpd = true,
		.product = true,
		.dir = g->dir };
	struct stack_options tcp = options;

	g->stack = stack_new(&options);
	tcp.tcp = true;
	if (g->server->tcp)
		g->authorizer = stack_new(&tcp);
	if (g->server->starts_latchkey)
		stack_stop_pool(g->stack, SIGTERM);
	write_program(g, getenv("LATCHKEY_PROGRAM"));
	g->env = stack_env(g->stack);
	snprintf(g->socket, sizeof(g->socket), "%s", stack_socket(g->stack));
	if (g->authorizer != NULL)
		g->authorizer_port = stack_port(g->authorizer);
}

static bool
probe_listens(void *ctx)
{
	const struct server_site *g = ctx;

	return g->server->starts_latchkey ||
	    (is_there(fcgi_connect_unix(g->socket)) &&
		(!g->server->tcp ||
		    is_there(fcgi_connect_tcp(g->authorizer_port))));
}

/* Start the probe on Latchkey's socket. */
void
server_site_start_probe(struct server_site *g)
{
	static const char *const none[] = { NULL };
	char program[256], port[16];
	const char *on_socket[] = { "spawn-fcgi", "-n", "-s", g->socket, "--",
		program, NULL };
	const char *on_port[] = { "spawn-fcgi", "-n", "-a", "127.0.0.1", "-p",
		port, "--", program, NULL };
	struct process_options p = {
		.argv = on_socket, .log = g->log, .stdin_fd = -1
	};

	snprintf(program, sizeof(program), "%s", getenv("LATCHKEY_PROGRAM"));
	assert_non_null(strrchr(program, '/'));
	snprintf(strrchr(program, '/'), 32, "/tests/servers/probe");
	g->env = none;
	write_program(g, program);
	snprintf(g->socket, sizeof(g->socket), "%s/fcgi.sock", g->dir);
	if (!g->server->starts_latchkey)
		g->probes[0] = process_start(&p);
	if (g->server->tcp) {
		g->authorizer_port = process_free_port();
		snprintf(port, sizeof(port), "%d", g->authorizer_port);
		p.argv = on_port;
		g->probes[1] = process_start(&p);
	}
	if (!process_until(probe_listens, g, START_MS))
		fail_msg("no probe; see %s", g->log);
}

/* Children of the web server that are not the web server itself. */
static size_t
started_by_server(struct server_site *g, pid_t *pids, size_t max)
{
	pid_t children[64], below[64];
	size_t n = 0;
	size_t count = process_children(g->pid, children, NELEMS(children));

	for (size_t i = 0; i < count; i++) {
		size_t more =
		    process_children(children[i], below, NELEMS(below));

		for (size_t j = 0; j < more && n < max; j++)
			pids[n++] = below[j];
	}
	return n;
}

size_t
server_site_latchkeys(struct server_site *g, pid_t *pids, size_t max)
{
	size_t n;

	if (g->server->starts_latchkey)
		return started_by_server(g, pids, max);
	n = stack_workers(g->stack, pids, max);
	if (g->authorizer != NULL)
		n += stack_workers(g->authorizer, pids + n, max - n);
	return n;
}

void
server_site_kill_latchkey(struct server_site *g)
{
	char dead[96];
	pid_t pids[64];
	size_t n;

	if (!g->server->starts_latchkey) {
		stack_stop_pool(g->stack, SIGKILL);
		if (g->authorizer != NULL)
			stack_stop_pool(g->authorizer, SIGKILL);
		return;
	}
	snprintf(dead, sizeof(dead), "%s/dead", g->dir);
	files_write(dead, "", 0);
	n = server_site_latchkeys(g, pids, NELEMS(pids));
	for (size_t i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
}

void
server_site_revive_latchkey(struct server_site *g)
{
	char dead[96];

	if (!g->server->starts_latchkey) {
		stack_start_pool(g->stack);
		if (g->authorizer != NULL)
			stack_start_pool(g->authorizer);
		return;
	}
	snprintf(dead, sizeof(dead), "%s/dead", g->dir);
	assert_int_equal(unlink(dead), 0);
}
