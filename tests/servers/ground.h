/* SPDX-License-Identifier: ISC */
#ifndef SERVERS_GROUND_H
#define SERVERS_GROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "support/web.h"

struct application;
struct server_ops;
struct stack;

/*
 * What a web server under test stands on: a private folder, Latchkey's
 * processes, pages to guard, and the server itself on loopback.
 *
 *   /open.txt          everybody's
 *   /env.cgi           a CGI program that prints its environment
 *   /guarded/page.txt, /guarded/env.cgi
 *                      only who is signed in
 *   /guarded/app/      the same, proxied to an application that answers with
 *                      the request it got (struct server_ops.proxies)
 *   /admin/page.txt    only who has the role admin
 *   /api/ and so on    Latchkey
 *   /                  the page to sign in on, www/index.html
 */
struct ground {
	const struct server_ops *server;
	struct stack *stack;      /* NULL: the probe answers (probe.c) */
	struct stack *authorizer; /* another pool, on TCP, or NULL */
	pid_t probes[2];
	/* For the configuration: where Latchkey listens, and its options. */
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
	/* A program to start latchkey with: it can be told not to. */
	char latchkey[96];
	char secret[64];    /* what stands in /guarded/page.txt, no line feed */
	const char *extras; /* further lines of configuration, or NULL */
	struct web *web;
	struct web_reply reply;
	int serial;
	/* of the account that ground_account() made last */
	char email[64], user_id[32], token[1100], session[64];
};

/**
 * ground_new(server, extras):
 * Start all of it; ${extras} goes into the configuration of the web server.
 *
 * ground_probe(server):
 * The same with the probe in Latchkey's place.
 */
struct ground *ground_new(const struct server_ops *server, const char *extras);
struct ground *ground_probe(const struct server_ops *server);
void ground_free(struct ground *g);

/* The recipe's folder, deploy/NAME. */
const char *ground_recipe(const struct ground *g);

/* ground_account(g): a new user signs in; in g->web, and kept in ${g}. */
void ground_account(struct ground *g);
/* ground_promote(g): that user is an administrator from now on. */
void ground_promote(struct ground *g);

/* ground_anonymize(g): that user has neither name nor address from now on. */
void ground_anonymize(struct ground *g);

/* Start Latchkey, or the probe: what ground_new() and ground_probe() do. */
void ground_start_latchkey(struct ground *g);
void ground_start_probe(struct ground *g);

/* Latchkey's processes die, all of them, and do not come back; and do. */
void ground_kill_latchkey(struct ground *g);
void ground_revive_latchkey(struct ground *g);
/* Latchkey's processes that serve now. */
size_t ground_latchkeys(struct ground *g, pid_t *pids, size_t max);

/* ground_get(g, path): GET with the cookies of g->web, into g->reply. */
void ground_get(struct ground *g, const char *path);
/* Is the guarded page's secret in the answer? */
bool ground_shown(const struct ground *g);

/* What the web server complained of, for a test that fails. */
void ground_print_log(const struct ground *g);

/**
 * ground_drop_root():
 * Apache serves nobody as root.  Called by root this runs the program again as
 * www-data; it may still read whatever root's build folder holds.
 */
void ground_drop_root(char **argv);

#endif
