/* SPDX-License-Identifier: ISC */
#include "servers/server.h"

#include "servers/server_site.h"

static const char *const lighttpd[] = { "/usr/sbin/lighttpd", "-D", "-f",
	NULL };

static void
configure(const struct server_site *g, FILE *conf)
{
	const char *recipe = server_site_recipe(g);

	fprintf(conf,
	    "var.state = \"%s\"\n"
	    "server.bind = \"127.0.0.1\"\n"
	    "server.port = %d\n"
	    "server.document-root = \"%s\"\n"
	    "server.upload-dirs = ( \"%s\" )\n"
	    "server.modules = ( \"mod_access\", \"mod_redirect\", "
	    "\"mod_setenv\", "
	    "\"mod_fastcgi\", \"mod_cgi\" )\n"
	    "include \"%s/latchkey.conf\"\n"
	    "include \"%s/site.conf\"\n"
	    "cgi.assign = ( \".cgi\" => \"\" )\n"
	    "$HTTP[\"url\"] =~ \"^/guarded(/|$)\" {\n"
	    "\tinclude \"%s/guard.conf\"\n"
	    "}\n"
	    "$HTTP[\"url\"] =~ \"^/admin(/|$)\" {\n"
	    "\tinclude \"%s/guard.conf\"\n"
	    "\tsetenv.set-environment = "
	    "( \"LATCHKEY_REQUIRE_ROLE\" => \"admin\" )\n"
	    "}\n"
	    "%s",
	    g->dir, g->port, g->www, g->dir, recipe, recipe, recipe, recipe,
	    g->extras != NULL ? g->extras : "");
}

const struct server_ops server_lighttpd = {
	.name = "lighttpd",
	.command = lighttpd,
	.configure = configure,
	.forbidden = 403,
	.redirection = 302,
};
