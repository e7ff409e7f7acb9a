/* SPDX-License-Identifier: ISC */
#ifndef SERVERS_SERVER_H
#define SERVERS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct server_site;

/*
 * A web server with its recipe of deploy/.  The tests add only what surrounds
 * the recipe: ports, folders and the pages to guard.
 */

/* Write the main configuration, which includes the recipe. */
typedef void server_configure_fn(const struct server_site *g, FILE *conf);

struct server_ops {
	const char *name; /* of its folder in deploy/ */
	/* The program and its flags; the configuration's path follows. */
	const char *const *command;
	server_configure_fn *configure;
	bool starts_latchkey; /* by itself; the others use a pool */
	bool tcp;             /* its authorizer cannot use a unix socket */
	bool fcgiwrap;        /* needs fcgiwrap to run CGI */
	bool proxies;     /* can pass the identity to a proxied application */
	bool passes_body; /* of a refusal */
	/* The status that the browser receives for: */
	long forbidden;   /* 403 of Latchkey: the role does not allow it */
	long redirection; /* 302: a browser's navigation without session */
	/* How long it tries to reach a pool that is down. */
	int gives_up_ms;
};

extern const struct server_ops server_apache_mod_fcgid;
extern const struct server_ops server_apache_proxy_fcgi;
extern const struct server_ops server_caddy;
extern const struct server_ops server_lighttpd;
extern const struct server_ops server_nginx;

/* All servers. */
extern const struct server_ops *const servers[];
extern const size_t servers_count;

/* server_named(name): the server ${name}, or NULL. */
const struct server_ops *server_named(const char *name);

#endif
