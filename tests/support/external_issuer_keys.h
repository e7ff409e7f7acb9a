/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_EXTERNAL_ISSUER_KEYS_H
#define TESTS_SUPPORT_EXTERNAL_ISSUER_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct test_issuer;
struct external_site;

/* What a site knows of an issuer's keys, and fetches of them. */

/**
 * external_site_time_goes_by(f, p, seconds):
 * Move the last request for the keys of ${p} ${seconds} into the past.
 *
 * external_site_forget(f, p): remove what is known of the keys of ${p}.
 */
void external_site_time_goes_by(
    struct external_site *f, const struct test_issuer *p, int seconds);
void external_site_forget(struct external_site *f, const struct test_issuer *p);

/* What was known when a fetch was requested. */
struct external_site_fetch {
	struct external_site *f;
	struct test_issuer *p;
	int64_t failures, fetched_at, tried_at;
};

/**
 * external_site_fetch_allow(f, p, fetch_out):
 * Let enough time pass for the keys of ${p} to be fetched again.  The fetch
 * before must have ended.
 *
 * external_site_fetch_begin(f, p, fetch_out):
 * Do that, request the keys, and wait until the issuer is asked for them.
 *
 * external_site_fetch_end(fetch, good):
 * Wait until the fetch has brought keys or, without ${good}, has failed.
 *
 * external_site_fetch(f, p, good): begin and end one.
 */
void external_site_fetch_allow(struct external_site *f, struct test_issuer *p,
    struct external_site_fetch *fetch_out);
void external_site_fetch_begin(struct external_site *f, struct test_issuer *p,
    struct external_site_fetch *fetch_out);
void external_site_fetch_end(
    const struct external_site_fetch *fetch, bool good);
void external_site_fetch(
    struct external_site *f, struct test_issuer *p, bool good);

/* external_site_expect_count(p, path, n): wait until ${n} have asked for
 * ${path}. */
void external_site_expect_count(
    struct test_issuer *p, const char *path, long n);

#endif
