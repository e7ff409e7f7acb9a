/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_KEY_SETS_H
#define ROUTES_KEY_SETS_H

#include <stdint.h>

#include "base/err.h"

struct services;
struct writer;

/* What is told of the key sets of other issuers; see auth/issuers.h. */

/**
 * key_sets_health(sv, now):
 * "ok"; "stale" if a set is overdue, though still good; "unavailable" if of an
 * issuer there is none that is good, or nobody can tell.  NULL if there are no
 * other issuers.
 */
const char *key_sets_health(struct services *sv, int64_t now);

/**
 * key_sets_refresh(sv, now): issuers_refresh(), if there are other issuers.
 *
 * key_sets_write(sv, now, w):
 * The member "jwks", one element for each issuer.  Does not refresh.
 */
enum err key_sets_refresh(struct services *sv, int64_t now) MUST_CHECK;
void key_sets_write(const struct services *sv, int64_t now, struct writer *w);

#endif
