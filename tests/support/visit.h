/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_VISIT_H
#define SUPPORT_VISIT_H

#include <stddef.h>

#include "support/idp.h"
#include "support/site.h"

struct CMUnitTest;
struct mapped;
struct store;

/*
 * The fixture (*state) of tests of outside tokens: a site that takes those of
 * two issuers.  Of the first it knows the address of the keys, of the second it
 * has to find it; of both it takes tokens for "latchkey".
 */
struct visit {
	struct site site;
	char dir[32];
	char file[48]; /* the issuers */
	char file_env[80];
	const char *env[16];
	struct idp *first, *second;
};

struct visit_options {
	struct stack_options stack;
	const char *first, *second; /* further lines of their blocks, or NULL */
};

/**
 * visit_run(name, tests, n, options):
 * Run the group; it begins when the site has the keys of both.  Return the
 * number of failed tests.
 */
int visit_run(const char *name, const struct CMUnitTest *tests, size_t n,
    const struct visit_options *options);

/**
 * visit_open_store(f, wait_ms, m_out, store_out):
 * Open the site's, as another process of the host that waits ${wait_ms} for the
 * lock.  Both are the caller's.
 */
void visit_open_store(const struct visit *f, int wait_ms, struct mapped **m_out,
    struct store **store_out);

/* visit_wait(f, p): wait until a token of ${p} is taken. */
void visit_wait(struct visit *f, struct idp *p);

/**
 * visit_reload(f, issuers):
 * The file of issuers is that, or with NULL as it was at first, and is read
 * again; the workers that knew the old one have gone.
 */
void visit_reload(struct visit *f, const char *issuers);

/* The ways of asking who it is that a token speaks of. */
enum visit_way {
	VISIT_ME,
	VISIT_CHECK,    /* auth_request */
	VISIT_GUARDED,  /* a file behind the role Authorizer */
	VISIT_VALIDATE, /* validate-session */
	VISIT_WAYS
};

/* visit_ask(f, way, token): the status; the answer is f->site.reply. */
long visit_ask(struct visit *f, enum visit_way way, const char *token);

/**
 * visit_expect(f, token, status), visit_expect_everywhere():
 * Every way of asking gets ${status}, and with 401 invalid_token; from
 * whichever worker comes, or from each of them.
 *
 * visit_each_worker(f, token, fn, ctx):
 * Call ${fn} once for each worker, the others stopped meanwhile.
 */
void visit_expect(struct visit *f, const char *token, long status);
void visit_expect_everywhere(struct visit *f, const char *token, long status);
typedef void visit_worker_fn(
    struct visit *f, const char *token, const void *ctx);
void visit_each_worker(
    struct visit *f, const char *token, visit_worker_fn *fn, const void *ctx);

/* visit_id(f, token): GET me must be good; the id of the user it is. */
long long visit_id(struct visit *f, const char *token);

/* visit_post(f, path, token, body): with it as Bearer; f->site.reply. */
long visit_post(
    struct visit *f, const char *path, const char *token, const char *body);

#endif
