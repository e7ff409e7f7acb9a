/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_EXTERNAL_ISSUER_SITE_H
#define TESTS_SUPPORT_EXTERNAL_ISSUER_SITE_H

#include <stddef.h>

#include "support/site.h"
#include "support/test_issuer.h"

struct shm;
struct store;

/*
 * The fixture of tests of external tokens: a site that accepts tokens for the
 * audience "latchkey" of two issuers.  The address of the first one's keys is
 * configured, the second one's is discovered.
 */
struct external_site {
	struct site site;
	char dir[32];
	char file[48]; /* the issuers */
	char file_env[80];
	const char *env[16];
	struct test_issuer *first, *second;
};

struct external_site_options {
	struct stack_options stack;
	const char *first, *second; /* further lines of their blocks, or NULL */
};

/**
 * external_site_run(name, groups, options):
 * Run the tests of ${groups} (test.h) once the site has the keys of both
 * issuers.  Return the number of failed tests.
 */
int external_site_run(const char *name, unsigned groups,
    const struct external_site_options *options);

/**
 * external_site_open_store(f, wait_ms, m_out, store_out):
 * Open the site's, as another process of the host that waits ${wait_ms} for the
 * lock.  Both are the caller's.
 */
void external_site_open_store(const struct external_site *f, int wait_ms,
    struct shm **m_out, struct store **store_out);

/* external_site_wait(f, p): wait until a token of ${p} is accepted. */
void external_site_wait(struct external_site *f, struct test_issuer *p);

/**
 * external_site_reload(f, issuers):
 * Write ${issuers}, or with NULL what was there at first, to the file of
 * issuers and reload it; wait until the workers that used the old file have
 * ended.
 */
void external_site_reload(struct external_site *f, const char *issuers);

/* Requests that a token authenticates. */
enum external_site_way {
	EXTERNAL_SITE_ME,
	EXTERNAL_SITE_CHECK,    /* auth_request */
	EXTERNAL_SITE_GUARDED,  /* a file behind the role Authorizer */
	EXTERNAL_SITE_VALIDATE, /* validate-session */
	EXTERNAL_SITE_WAYS
};

/* external_site_ask(f, way, token): the status; the answer is f->site.reply. */
long external_site_ask(
    struct external_site *f, enum external_site_way way, const char *token);

/**
 * external_site_expect(f, token, status),
 * external_site_expect_everywhere(f, token, status):
 * Every way of asking gets ${status}, and with 401 invalid_token, from any
 * worker; from each worker.
 *
 * external_site_each_worker(f, token, fn, ctx):
 * Call ${fn} once for each worker, the others stopped meanwhile.
 */
void external_site_expect(
    struct external_site *f, const char *token, long status);
void external_site_expect_everywhere(
    struct external_site *f, const char *token, long status);
typedef void external_site_worker_fn(
    struct external_site *f, const char *token, const void *ctx);
void external_site_each_worker(struct external_site *f, const char *token,
    external_site_worker_fn *fn, const void *ctx);

/* external_site_id(f, token): the user id in the answer to GET me. */
long long external_site_id(struct external_site *f, const char *token);

/* external_site_post(f, path, token, body): with it as Bearer; f->site.reply.
 */
long external_site_post(struct external_site *f, const char *path,
    const char *token, const char *body);

#endif
