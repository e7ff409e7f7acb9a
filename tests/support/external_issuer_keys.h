/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_EXTERNAL_ISSUER_KEYS_H
#define TESTS_SUPPORT_EXTERNAL_ISSUER_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct test_issuer;
struct external_site;

/* What the site knows of an issuer's keys, and how it comes to know more. */

/**
 * external_site_time_goes_by(f, p, seconds):
 * It is so much longer ago that anybody asked for the keys of ${p}.
 *
 * external_site_forget(f, p): nobody ever has.
 */
void external_site_time_goes_by(
    struct external_site *f, const struct test_issuer *p, int seconds);
void external_site_forget(struct external_site *f, const struct test_issuer *p);

/* What was known when a fetch was asked for. */
struct external_site_fetch {
	struct external_site *f;
	struct test_issuer *p;
	int64_t failures, fetched_at, tried_at;
};

/**
 * external_site_fetch_allow(f, p, fetch_out):
 * Enough time goes by for the keys of ${p} to be fetched again.  The one before
 * must have come to its end.
 *
 * external_site_fetch_begin(f, p, fetch_out):
 * That, and somebody wishes for them, until they are being asked for.
 *
 * external_site_fetch_end(fetch, good): wait until that has brought some, or,
 * if not
 * ${good}, has failed.
 *
 * external_site_fetch(f, p, good): both.
 */
void external_site_fetch_allow(struct external_site *f, struct test_issuer *p,
    struct external_site_fetch *fetch_out);
void external_site_fetch_begin(struct external_site *f, struct test_issuer *p,
    struct external_site_fetch *fetch_out);
void external_site_fetch_end(
    const struct external_site_fetch *http_client, bool good);
void external_site_fetch(
    struct external_site *f, struct test_issuer *p, bool good);

/* external_site_expect_count(p, path, n): wait until ${n} have asked for
 * ${path}. */
void external_site_expect_count(
    struct test_issuer *p, const char *path, long n);

#endif
