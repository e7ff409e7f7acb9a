/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ISSUER_KEYS_H
#define ROUTES_ISSUER_KEYS_H

#include <stdint.h>

#include "base/err.h"

struct app;
struct json_writer;

/* The state of the key sets of external issuers; see issuers/issuers.h. */

/**
 * issuer_keys_health(app, now):
 * Return "ok"; "stale" if a set is overdue but still valid; "unavailable" if an
 * issuer has no valid set or the store cannot answer; NULL if no external
 * issuers are configured.
 */
const char *issuer_keys_health(struct app *app, int64_t now);

/**
 * issuer_keys_refresh(app, now):
 * issuers_refresh(), if external issuers are configured.
 *
 * issuer_keys_write(app, now, w):
 * Write the member "jwks", an element for each issuer.  Does not refresh.
 */
enum err issuer_keys_refresh(struct app *app, int64_t now) MUST_CHECK;
void issuer_keys_write(
    const struct app *app, int64_t now, struct json_writer *w);

#endif
