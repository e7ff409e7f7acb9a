/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_VISIT_KEYS_H
#define SUPPORT_VISIT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct idp;
struct visit;

/* What the site knows of an issuer's keys, and how it comes to know more. */

/**
 * visit_time_goes_by(f, p, seconds):
 * It is so much longer ago that anybody asked for the keys of ${p}.
 *
 * visit_forget(f, p): nobody ever has.
 */
void visit_time_goes_by(struct visit *f, const struct idp *p, int seconds);
void visit_forget(struct visit *f, const struct idp *p);

/* What was known when a fetch was asked for. */
struct visit_fetch {
	struct visit *f;
	struct idp *p;
	int64_t failures, fetched_at, tried_at;
};

/**
 * visit_fetch_allow(f, p, fetch_out):
 * Enough time goes by for the keys of ${p} to be fetched again.  The one before
 * must have come to its end.
 *
 * visit_fetch_begin(f, p, fetch_out):
 * That, and somebody wishes for them, until they are being asked for.
 *
 * visit_fetch_end(fetch, good): wait until that has brought some, or, if not
 * ${good}, has failed.
 *
 * visit_fetch(f, p, good): both.
 */
void visit_fetch_allow(
    struct visit *f, struct idp *p, struct visit_fetch *fetch_out);
void visit_fetch_begin(
    struct visit *f, struct idp *p, struct visit_fetch *fetch_out);
void visit_fetch_end(const struct visit_fetch *fetch, bool good);
void visit_fetch(struct visit *f, struct idp *p, bool good);

/* visit_expect_count(p, path, n): wait until ${n} have asked for ${path}. */
void visit_expect_count(struct idp *p, const char *path, long n);

#endif
