/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_SITE_H
#define SUPPORT_SITE_H

#include <stddef.h>

#include "support/stack.h"
#include "support/web.h"

/*
 * A stack with one browser, as the fixture of a group of cmocka tests
 * (*state).  Each test starts without cookies.
 */
struct site {
	struct stack *stack;
	struct web *web;
	struct web_reply reply;
	char email[64];   /* of the account site_account() made last */
	char token[1100]; /* its access token */
	char session[64]; /* its session id */
	char user_id[32];
	int serial;
};

/**
 * site_run(name, groups, options):
 * Run the tests of ${groups} (test.h) on one stack.  Return the number of
 * failed tests.
 *
 * site_run_everywhere(name, groups, env):
 * Run them on a supervised pool with Redis, the same without Redis, and under
 * spawn-fcgi.
 */
int site_run(
    const char *name, unsigned groups, const struct stack_options *options);
int site_run_everywhere(
    const char *name, unsigned groups, const char *const *env);

/* Register a fresh account, keeping what it got in the fixture. */
void site_account(struct site *site);
/* Keep the credentials of the login answer in reply. */
void site_keep(struct site *site);

#endif
