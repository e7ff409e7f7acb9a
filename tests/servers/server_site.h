/* SPDX-License-Identifier: ISC */
#ifndef SERVERS_SERVER_SITE_H
#define SERVERS_SERVER_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "support/web.h"

struct application;
struct server_ops;
struct stack;

/*
 * A site for a web server under test: a private folder, Latchkey's processes,
 * pages to guard, and the server itself on loopback.
 *
 *   /open.txt          public
 *   /env.cgi           a CGI program that prints its environment
 *   /guarded/page.txt, /guarded/env.cgi
 *                      require a sign-in
 *   /guarded/app/      the same, proxied to an application that answers with
 *                      the request it received (server_ops.proxies)
 *   /admin/page.txt    requires the role admin
 *   /api/ and so on    Latchkey
 *   /                  the sign-in page, www/index.html
 */
struct server_site {
	const struct server_ops *server;
	struct stack *stack;      /* NULL: the probe answers (probe.c) */
	struct stack *authorizer; /* another pool, on TCP, or NULL */
	pid_t probes[2];
	/* For the configuration: Latchkey's socket, and its options. */
	char socket[96];
	int authorizer_port; /* struct server_ops.tcp */
	const char *const *env;
	struct application *app; /* behind /guarded/app/ */
	pid_t fcgiwrap;          /* or 0 */
	pid_t pid;               /* of the web server */
	int port;
	char dir[64];
	char www[80];  /* document root */
	char log[96];  /* of the web server */
	char base[48]; /* http://127.0.0.1:N */
	/* A script that starts latchkey, or refuses to. */
	char latchkey[96];
	char secret[64];    /* the content of /guarded/page.txt */
	const char *extras; /* further lines of configuration, or NULL */
	struct web *web;
	struct web_reply reply;
	int serial;
	/* of the account created last by server_site_account() */
	char email[64], user_id[32], token[1100], session[64];
};

/**
 * server_site_new(server, extras):
 * Start a site; ${extras} is added to the configuration of the web server.
 *
 * server_site_probe(server):
 * Start a site with the probe (probe.c) in Latchkey's place.
 */
struct server_site *server_site_new(
    const struct server_ops *server, const char *extras);
struct server_site *server_site_probe(const struct server_ops *server);
void server_site_free(struct server_site *g);

/* The folder of the recipe, deploy/NAME. */
const char *server_site_recipe(const struct server_site *g);

/* server_site_account(g): register a user in g->web and record it in ${g}. */
void server_site_account(struct server_site *g);
/* server_site_promote(g): make that user an administrator. */
void server_site_promote(struct server_site *g);

/* server_site_anonymize(g): remove that user's name and address. */
void server_site_anonymize(struct server_site *g);

/* Start Latchkey, or the probe, for server_site_new() and server_site_probe().
 */
void server_site_start_latchkey(struct server_site *g);
void server_site_start_probe(struct server_site *g);

/* Kill all processes of Latchkey and keep them down; start them again. */
void server_site_kill_latchkey(struct server_site *g);
void server_site_revive_latchkey(struct server_site *g);
/* List the processes of Latchkey that serve now. */
size_t server_site_latchkeys(struct server_site *g, pid_t *pids, size_t max);

/* server_site_get(g, path): GET with the cookies of g->web, into g->reply. */
void server_site_get(struct server_site *g, const char *path);
/* True if the answer contains the secret of the guarded page. */
bool server_site_shown(const struct server_site *g);

/* Print the log of the web server, for a failing test. */
void server_site_print_log(const struct server_site *g);

/**
 * server_site_drop_root():
 * Apache refuses to serve as root.  If called by root, run the program again as
 * www-data, which may still read root's build folder.
 */
void server_site_drop_root(char **argv);

#endif
