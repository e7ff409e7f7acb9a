/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "servers/server.h"

#include "support/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "servers/application.h"
#include "servers/server_site.h"
#include "support/files.h"

#define SOCKET "/run/latchkey/fcgi.sock"

static const char *const nginx[] = { "/usr/sbin/nginx", "-e", "/dev/stderr",
	"-g", "daemon off;", "-c", NULL };

/* Copy the recipe beside the configuration, as a user would. */
static void
copy(const struct server_site *g, const char *name)
{
	char from[300], to[160];

	snprintf(from, sizeof(from), "%s/%s", server_site_recipe(g), name);
	snprintf(to, sizeof(to), "%s/latchkey/%s", g->dir, name);
	files_copy(from, to);
}

/* Put in the path of this test's socket. */
static void
copy_upstream(const struct server_site *g)
{
	struct buf text = { 0 }, changed = { 0 };
	char path[300];
	const char *at;

	snprintf(path, sizeof(path), "%s/latchkey.conf", server_site_recipe(g));
	files_read(path, &text);
	buf_append(&text, "", 1);
	assert_false(text.failed);
	at = strstr(text.data, SOCKET);
	assert_non_null(at);
	buf_append(&changed, text.data, (size_t)(at - text.data));
	buf_puts(&changed, g->socket);
	buf_puts(&changed, at + strlen(SOCKET));
	assert_false(changed.failed);
	snprintf(path, sizeof(path), "%s/latchkey/latchkey.conf", g->dir);
	files_write(path, changed.data, changed.len);
	buf_clear(&changed);
	buf_clear(&text);
}

static void
copy_recipe(const struct server_site *g)
{
	static const char *const names[] = { "site.conf", "ask.conf",
		"respond.conf", "guard.conf", "application_proxy.conf",
		"application_fastcgi.conf" };
	char folder[128];

	snprintf(folder, sizeof(folder), "%s/latchkey", g->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	for (size_t i = 0; i < NELEMS(names); i++)
		copy(g, names[i]);
	copy_upstream(g);
}

static void
surround(const struct server_site *g, FILE *conf)
{
	static const char *const temporary[] = { "client_body", "proxy",
		"fastcgi", "uwsgi", "scgi" };

	fprintf(conf,
	    "pid %s/nginx.pid;\n"
	    "worker_processes 2;\n"
	    "events { worker_connections 512; }\n"
	    "http {\n"
	    "access_log off;\n"
	    "include /etc/nginx/mime.types;\n",
	    g->dir);
	for (size_t i = 0; i < NELEMS(temporary); i++)
		fprintf(conf, "%s_temp_path %s/%s;\n", temporary[i], g->dir,
		    temporary[i]);
	fprintf(conf,
	    "include latchkey/latchkey.conf;\n"
	    "server {\n"
	    "listen 127.0.0.1:%d;\n"
	    "root %s;\n"
	    "include latchkey/site.conf;\n",
	    g->port, g->www);
}

/* A guarded location as a site owner would write it. */
static void
guard(const struct server_site *g, FILE *conf)
{
	fprintf(conf,
	    "location ~ \\.cgi$ {\n"
	    "\tfastcgi_pass unix:%s/cgi.sock;\n"
	    "\tinclude latchkey/application_fastcgi.conf;\n"
	    "}\n"
	    "location ^~ /guarded {\n"
	    "\tauth_request /.latchkey/check;\n"
	    "\tinclude latchkey/guard.conf;\n"
	    "\tlocation ~ \\.cgi$ {\n"
	    "\t\tfastcgi_pass unix:%s/cgi.sock;\n"
	    "\t\tinclude latchkey/application_fastcgi.conf;\n"
	    "\t}\n"
	    "\tlocation /guarded/app/ {\n"
	    "\t\tproxy_pass http://127.0.0.1:%d/;\n"
	    "\t\tinclude latchkey/application_proxy.conf;\n"
	    "\t}\n"
	    "}\n"
	    "location ^~ /admin {\n"
	    "\tauth_request /.latchkey/check/admin;\n"
	    "\tinclude latchkey/guard.conf;\n"
	    "}\n"
	    "%s"
	    "}\n"
	    "}\n",
	    g->dir, g->dir, application_port(g->app),
	    g->extras != NULL ? g->extras : "");
}

static void
configure(const struct server_site *g, FILE *conf)
{
	copy_recipe(g);
	surround(g, conf);
	guard(g, conf);
}

const struct server_ops server_nginx = {
	.name = "nginx",
	.command = nginx,
	.configure = configure,
	.fcgiwrap = true,
	.proxies = true,
	.forbidden = 403,
	.redirection = 302,
};
