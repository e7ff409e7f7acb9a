/* SPDX-License-Identifier: ISC */
#include "servers/server.h"

#include <stdlib.h>

#include "servers/application.h"
#include "servers/server_site.h"

static const char *const caddy[] = { "/usr/bin/caddy", "run", "--adapter",
	"caddyfile", "--config", NULL };

static void
pass_cgi(const struct server_site *g, FILE *conf)
{
	fprintf(conf,
	    "\t\t@cgi path *.cgi\n"
	    "\t\treverse_proxy @cgi unix/%s/cgi.sock {\n"
	    "\t\t\ttransport fastcgi {\n"
	    "\t\t\t\troot %s\n"
	    "\t\t\t\tsplit .cgi\n"
	    "\t\t\t\timport latchkey_identity\n"
	    "\t\t\t}\n"
	    "\t\t}\n",
	    g->dir, g->www);
}

static void
configure(const struct server_site *g, FILE *conf)
{
	char socket[120];

	snprintf(socket, sizeof(socket), "unix/%s", g->socket);
	setenv("FASTCGI_LATCHKEY", socket, 1);
	setenv("XDG_CONFIG_HOME", g->dir, 1);
	fprintf(conf,
	    "{\n"
	    "\tadmin off\n"
	    "\tauto_https off\n"
	    "\tstorage file_system %s/caddy\n"
	    "}\n"
	    "import %s/latchkey.caddy\n"
	    "http://127.0.0.1:%d {\n"
	    "\tbind 127.0.0.1\n"
	    "\troot * %s\n"
	    "\timport latchkey\n"
	    "\thandle /guarded/app/* {\n"
	    "\t\timport latchkey_guard\n"
	    "\t\treverse_proxy 127.0.0.1:%d\n"
	    "\t}\n"
	    "\thandle /guarded* {\n"
	    "\t\timport latchkey_guard\n",
	    g->dir, server_site_recipe(g), g->port, g->www,
	    application_port(g->app));
	pass_cgi(g, conf);
	fprintf(conf,
	    "\t\tfile_server\n"
	    "\t}\n"
	    "\thandle /admin* {\n"
	    "\t\timport latchkey_guard_role admin\n"
	    "\t\tfile_server\n"
	    "\t}\n"
	    "\thandle {\n"
	    "\t\timport latchkey_strip\n");
	pass_cgi(g, conf);
	fprintf(conf, "\t\tfile_server\n\t}\n%s}\n",
	    g->extras != NULL ? g->extras : "");
}

const struct server_ops server_caddy = {
	.name = "caddy",
	.command = caddy,
	.configure = configure,
	.fcgiwrap = true,
	.proxies = true,
	.forbidden = 403,
	.redirection = 302,
	.gives_up_ms = 10000,
};
