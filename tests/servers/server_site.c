/* SPDX-License-Identifier: ISC */
#include "servers/server_site.h"

#include "base/err.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/application.h"
#include "servers/server.h"
#include "support/database.h"
#include "support/fcgi_client.h"
#include "support/files.h"
#include "support/process.h"
#include "support/stack.h"

#define START_MS 15000
#define STOP_MS 15000

void
server_site_drop_root(char **argv)
{
	static const char *const as_www_data[] = { "setpriv",
		"--reuid=www-data", "--regid=www-data", "--clear-groups",
		"--inh-caps=+dac_override", "--ambient-caps=+dac_override" };
	const char *args[16];
	size_t n = 0;

	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < NELEMS(as_www_data); i++)
		args[n++] = as_www_data[i];
	for (; *argv != NULL && n + 1 < NELEMS(args); argv++)
		args[n++] = *argv;
	args[n] = NULL;
	execvp(args[0], (char *const *)(uintptr_t)args);
	perror("setpriv");
	exit(2);
}

static const char *
top_srcdir(void)
{
	const char *dir = getenv("top_srcdir");

	if (dir == NULL)
		fail_msg("top_srcdir is not set");
	return dir;
}

const char *
server_site_recipe(const struct server_site *g)
{
	static char path[256];

	snprintf(
	    path, sizeof(path), "%s/deploy/%s", top_srcdir(), g->server->name);
	return path;
}

/* ---- the pages ---- */

static void
put(const struct server_site *g, const char *name, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", g->www, name);
	files_write(path, text, strlen(text));
}

static void
put_copy(const struct server_site *g, const char *name, const char *from,
    mode_t mode)
{
	char path[160], source[256];

	snprintf(source, sizeof(source), "%s/%s", top_srcdir(), from);
	snprintf(path, sizeof(path), "%s/%s", g->www, name);
	files_copy(source, path);
	assert_int_equal(chmod(path, mode), 0);
}

static void
make_pages(struct server_site *g)
{
	static const char *const folders[] = { "", "/guarded", "/admin" };
	char path[160];

	for (size_t i = 0; i < NELEMS(folders); i++) {
		snprintf(path, sizeof(path), "%s%s", g->www, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	snprintf(g->secret, sizeof(g->secret), "seen-by-%d", g->port);
	put(g, "open.txt", "for all\n");
	put(g, "guarded/page.txt", g->secret);
	put(g, "admin/page.txt", g->secret);
	put_copy(g, "env.cgi", "tests/servers/pages/env.cgi", 0755);
	put_copy(g, "guarded/env.cgi", "tests/servers/pages/env.cgi", 0755);
	put_copy(g, "guarded/whoami.cgi", "deploy/examples/whoami.cgi", 0755);
	/* Tests only need to recognize the login page. */
	put_copy(g, "index.html", "www/index.html", 0644);
}

/* ---- the web server ---- */

static bool
cgi_listens(void *ctx)
{
	int fd = fcgi_connect_unix(ctx);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
start_fcgiwrap(struct server_site *g)
{
	char socket[96];
	const char *argv[] = { "spawn-fcgi", "-n", "-s", socket, "--",
		"/usr/sbin/fcgiwrap", NULL };
	struct process_options p = {
		.argv = argv, .log = g->log, .stdin_fd = -1
	};

	snprintf(socket, sizeof(socket), "%s/cgi.sock", g->dir);
	g->fcgiwrap = process_start(&p);
	if (!process_until(cgi_listens, socket, START_MS))
		fail_msg("no fcgiwrap; see %s", g->log);
}

static bool
serves(void *ctx)
{
	struct server_site *g = ctx;
	const struct web_call call = { .path = "/open.txt", .wait_ms = 2000 };

	web_call(g->web, &call, &g->reply);
	return g->reply.status == 200 || !process_alive(g->pid);
}

static void
start_server(struct server_site *g)
{
	const char *argv[16] = { NULL };
	struct process_options p = {
		.argv = argv, .log = g->log, .stdin_fd = -1
	};
	char conf[96];
	size_t n = 0;
	FILE *f;

	snprintf(conf, sizeof(conf), "%s/server.conf", g->dir);
	f = fopen(conf, "w");
	assert_non_null(f);
	g->server->configure(g, f);
	assert_int_equal(fclose(f), 0);
	for (; g->server->command[n] != NULL; n++) {
		assert_true(n + 2 < NELEMS(argv));
		argv[n] = g->server->command[n];
	}
	argv[n] = conf;
	g->pid = process_start(&p);
	if (!process_until(serves, g, START_MS) || g->reply.status != 200)
		fail_msg("%s does not serve; see %s", g->server->name, g->log);
}

static struct server_site *
open_ground(const struct server_ops *server, const char *extras, bool probe)
{
	struct server_site *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->server = server;
	g->extras = extras;
	snprintf(g->dir, sizeof(g->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(g->dir));
	snprintf(g->www, sizeof(g->www), "%s/www", g->dir);
	snprintf(g->log, sizeof(g->log), "%s/server.log", g->dir);
	g->port = process_free_port();
	snprintf(g->base, sizeof(g->base), "http://127.0.0.1:%d", g->port);
	g->web = web_new(g->base);
	g->app = application_start();
	make_pages(g);
	if (probe)
		server_site_start_probe(g);
	else
		server_site_start_latchkey(g);
	if (server->fcgiwrap)
		start_fcgiwrap(g);
	start_server(g);
	return g;
}

struct server_site *
server_site_new(const struct server_ops *server, const char *extras)
{
	return open_ground(server, extras, false);
}

struct server_site *
server_site_probe(const struct server_ops *server)
{
	return open_ground(server, NULL, true);
}

void
server_site_free(struct server_site *g)
{
	if (g == NULL)
		return;
	process_stop(g->pid, SIGTERM, STOP_MS);
	if (g->fcgiwrap != 0)
		process_stop(g->fcgiwrap, SIGTERM, STOP_MS);
	for (size_t i = 0; i < NELEMS(g->probes); i++)
		if (g->probes[i] != 0)
			process_stop(g->probes[i], SIGKILL, STOP_MS);
	/* Processes started by mod_fcgid write there. */
	assert_false(stack_file_contains(g->log, "Sanitizer"));
	assert_false(stack_file_contains(g->log, "runtime error:"));
	assert_false(stack_file_contains(g->log, "Assertion"));
	stack_free(g->authorizer);
	stack_free(g->stack);
	application_stop(g->app);
	web_reply_clear(&g->reply);
	web_free(g->web);
	process_remove_tree(g->dir);
	free(g);
}

void
server_site_print_log(const struct server_site *g)
{
	char line[512];
	FILE *f = fopen(g->log, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, "level=debug") == NULL &&
		    strstr(line, "level=info") == NULL)
			fputs(line, stdout);
	fclose(f);
}

/* ---- accounts ---- */

void
server_site_account(struct server_site *g)
{
	web_forget(g->web);
	snprintf(g->email, sizeof(g->email), "user%d@example.org", ++g->serial);
	web_register(g->web, g->email, &g->reply);
	snprintf(g->token, sizeof(g->token), "%s",
	    web_text(&g->reply, "access_token"));
	snprintf(g->session, sizeof(g->session), "%s",
	    web_text(&g->reply, "session_id"));
	snprintf(g->user_id, sizeof(g->user_id), "%s",
	    web_text(&g->reply, "user.id"));
}

/* Change the row directly; the profile update makes the pool read it again. */
static void
edit_account(struct server_site *g, const char *what, const char *patch)
{
	char path[96], sql[160];

	snprintf(path, sizeof(path), "%s/latchkey.db", g->dir);
	snprintf(sql, sizeof(sql), "UPDATE users SET %s WHERE id = %s", what,
	    g->user_id);
	database_run(path, sql);
	web_post(g->web, "/api/v1/auth/update-profile", patch, &g->reply);
	web_expect(&g->reply, 200, NULL);
}

void
server_site_promote(struct server_site *g)
{
	edit_account(g, "role = 'admin'", "{\"name\":\"Boss\"}");
}

void
server_site_anonymize(struct server_site *g)
{
	edit_account(g, "email = '', email_normal = 'none:' || id, name = ''",
	    "{\"avatar_url\":\"https://example.org/x.png\"}");
}

void
server_site_get(struct server_site *g, const char *path)
{
	web_get(g->web, path, &g->reply);
}

bool
server_site_shown(const struct server_site *g)
{
	return g->reply.body.data != NULL &&
	    strstr(g->reply.body.data, g->secret) != NULL;
}
