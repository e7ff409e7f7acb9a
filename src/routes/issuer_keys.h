/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ISSUER_KEYS_H
#define ROUTES_ISSUER_KEYS_H

#include <stdint.h>

#include "base/err.h"

struct app;
struct json_writer;

/* What is told of the key sets of other issuers; see issuers/issuers.h. */

/**
 * issuer_keys_health(sv, now):
 * "ok"; "stale" if a set is overdue, though still good; "unavailable" if of an
 * issuer there is none that is good, or nobody can tell.  NULL if there are no
 * other issuers.
 */
const char *issuer_keys_health(struct app *app, int64_t now);

/**
 * issuer_keys_refresh(sv, now): issuers_refresh(), if there are other issuers.
 *
 * issuer_keys_write(sv, now, w):
 * The member "jwks", one element for each issuer.  Does not refresh.
 */
enum err issuer_keys_refresh(struct app *app, int64_t now) MUST_CHECK;
void issuer_keys_write(
    const struct app *app, int64_t now, struct json_writer *w);

#endif
