/* SPDX-License-Identifier: ISC */
#include "servers/server.h"

#include <string.h>

#include "servers/application.h"
#include "servers/server_site.h"

#define MODULES "/usr/lib/apache2/modules"

static const char *const apache2[] = { "/usr/sbin/apache2", "-D", "FOREGROUND",
	"-f", NULL };

/* Enables modules as a2enmod does, for the recipe and for the test's pages. */
static void
load(FILE *conf, const char *const *names)
{
	static const char *const always[] = { "mpm_event", "authn_core",
		"authz_core", "authz_user", "alias", "cgid", "dir", "headers",
		"mime", "proxy", "proxy_http", "setenvif", NULL };

	for (size_t i = 0; always[i] != NULL; i++)
		fprintf(conf, "LoadModule %s_module " MODULES "/mod_%s.so\n",
		    always[i], always[i]);
	for (; *names != NULL; names++)
		fprintf(conf, "LoadModule %s_module " MODULES "/mod_%s.so\n",
		    *names, *names);
}

static void
surround(const struct server_site *g, FILE *conf)
{
	fprintf(conf,
	    "ServerRoot %s\n"
	    "PidFile apache.pid\n"
	    "Mutex file:%s default\n"
	    "ScriptSock %s/cgid.sock\n"
	    "ErrorLog /dev/stderr\n"
	    "LogLevel warn\n"
	    "ServerName localhost\n"
	    "Listen 127.0.0.1:%d\n"
	    "DocumentRoot %s\n"
	    "DirectoryIndex index.html\n"
	    "TypesConfig /etc/mime.types\n"
	    "<Directory />\n\tOptions None\n\tRequire all denied\n"
	    "</Directory>\n"
	    "<Directory %s>\n\tOptions +ExecCGI\n\tRequire all granted\n"
	    "</Directory>\n"
	    "AddHandler cgi-script .cgi\n",
	    g->dir, g->dir, g->dir, g->port, g->www, g->www);
	/* Enough threads for all clients at once, in two processes. */
	fprintf(conf,
	    "StartServers 2\nThreadsPerChild 64\nMaxRequestWorkers 128\n"
	    "MinSpareThreads 1\nMaxSpareThreads 128\n");
}

/* A guarded location as a site owner would write it. */
static void
guard(const struct server_site *g, FILE *conf)
{
	const char *recipe = server_site_recipe(g);

	fprintf(conf,
	    "Include %s/latchkey.conf\n"
	    "<Location \"/guarded\">\n"
	    "\tInclude %s/guard.conf\n"
	    "</Location>\n"
	    "<Location \"/admin\">\n"
	    "\tInclude %s/guard.conf\n"
	    "\tSetEnvIf Request_URI ^ LATCHKEY_REQUIRE_ROLE=admin\n"
	    "</Location>\n"
	    "ProxyPass \"/guarded/app/\" \"http://127.0.0.1:%d/\"\n"
	    "%s",
	    recipe, recipe, recipe, application_port(g->app),
	    g->extras != NULL ? g->extras : "");
}

static void
configure_mod_fcgid(const struct server_site *g, FILE *conf)
{
	static const char *const modules[] = { "fcgid", "lua", NULL };
	const char *const *env = g->env;

	load(conf, modules);
	surround(g, conf);
	fprintf(conf,
	    "Define LATCHKEY_PROGRAM %s\n"
	    "FcgidIPCDir %s\n"
	    "FcgidProcessTableFile %s/fcgid.shm\n",
	    g->latchkey, g->dir, g->dir);
	for (; *env != NULL; env++) {
		size_t name = strcspn(*env, "=");

		fprintf(conf, "FcgidInitialEnv %.*s \"%s\"\n", (int)name, *env,
		    *env + name + 1);
	}
	guard(g, conf);
}

static void
configure_proxy_fcgi(const struct server_site *g, FILE *conf)
{
	static const char *const modules[] = { "authnz_fcgi", "proxy_fcgi",
		NULL };

	load(conf, modules);
	surround(g, conf);
	fprintf(conf,
	    "Define LATCHKEY_SOCKET %s\n"
	    "Define LATCHKEY_AUTHORIZER 127.0.0.1:%d\n",
	    g->socket, g->authorizer_port);
	guard(g, conf);
}

const struct server_ops server_apache_mod_fcgid = {
	.name = "apache-mod_fcgid",
	.command = apache2,
	.configure = configure_mod_fcgid,
	.starts_latchkey = true,
	.proxies = true,
	.forbidden = 401,
	.redirection = 401,
	.gives_up_ms = 120000, /* it tries 32 times, one second apart */
};

const struct server_ops server_apache_proxy_fcgi = {
	.name = "apache-proxy_fcgi",
	.command = apache2,
	.configure = configure_proxy_fcgi,
	.tcp = true,
	.proxies = true,
	.passes_body = true,
	.forbidden = 403,
	.redirection = 302,
	.gives_up_ms = 10000,
};
