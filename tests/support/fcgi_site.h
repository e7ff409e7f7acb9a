/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_FCGI_SITE_H
#define SUPPORT_FCGI_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "support/fcgi_client.h"
#include "support/stack.h"

/*
 * A stack without a web server: the tests speak FastCGI to the pool's own
 * socket.  One account is registered and its token at hand.
 */
#define FCGI_SITE_WORKERS 8

struct fcgi_site {
	struct stack *stack;
	char email[64];
	char token[1100];
	char session[64];
	char bearer[1200]; /* HTTP_AUTHORIZATION=Bearer ... */
	pid_t workers[FCGI_SITE_WORKERS];
	size_t worker_count;
	int serial;
};

/* fcgi_site_open(site, options): options->no_lighttpd is taken for granted. */
void fcgi_site_open(
    struct fcgi_site *site, const struct stack_options *options);
void fcgi_site_close(struct fcgi_site *site);

/**
 * fcgi_site_run(name, groups, options):
 * Run the tests of ${groups} (test.h) with one as their *state.  Return the
 * number of failed tests.
 */
int fcgi_site_run(
    const char *name, unsigned groups, const struct stack_options *options);

/* A connection; the test fails if there is none. */
int fcgi_site_connect(const struct fcgi_site *site);

/* fcgi_site_me: GET /auth/me with the token of ${site}, as a request. */
struct fcgi_ask fcgi_site_me(
    const struct fcgi_site *site, bool keep, const char *params_out[static 2]);

/**
 * fcgi_site_check(site, fd, wait_ms):
 * Ask for /auth/me, keeping the connection ${fd}; with -1, on one of its own.
 * Return the HTTP status, 0 if no answer came in time.
 */
int fcgi_site_check(const struct fcgi_site *site, int fd, int wait_ms);

/**
 * fcgi_site_post(site, path, json, wait_ms, reply_out):
 * POST on a connection of its own; as fcgi_receive().
 * fcgi_site_login(): the same, signing the account in.
 */
bool fcgi_site_post(const struct fcgi_site *site, const char *path,
    const char *json, int wait_ms, struct fcgi_reply *reply_out);
bool fcgi_site_login(
    const struct fcgi_site *site, int wait_ms, struct fcgi_reply *reply_out);

/* Register a fresh account and make it the site's. */
void fcgi_site_account(struct fcgi_site *site);

/**
 * fcgi_site_serves(site):
 * Fail the test unless every worker (of one or two; of more, any) answers a
 * check at once, and none has been replaced since they were last noted.
 * fcgi_site_note_workers(site): wait until all are there, and note them.
 */
void fcgi_site_serves(struct fcgi_site *site);
void fcgi_site_note_workers(struct fcgi_site *site);

#endif
