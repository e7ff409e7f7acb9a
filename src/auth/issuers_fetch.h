/* SPDX-License-Identifier: ISC */
#ifndef AUTH_ISSUERS_FETCH_H
#define AUTH_ISSUERS_FETCH_H

#include <stdatomic.h>

#include "auth/fetch.h"
#include "base/err.h"

struct issuer;

#define ISSUERS_FETCH_MS 10000 /* discovery and redirects included */

/**
 * issuers_fetch(f, issuer, stop, reply):
 * Fetch the key set of ${issuer}, from its jwks_uri, or from where its
 * discovery document (OpenID Connect Discovery 1.0 section 4) says; ${stop} and
 * ${reply} as in fetch_get().  ERR_OK says that something of a JSON type is in
 * ->body, not that there are keys in it.  Beside the errors of fetch_get()
 * there are "type", and "discovery" for a document that is none, or another
 * issuer's.
 */
enum err issuers_fetch(const struct fetch *f, const struct issuer *issuer,
    const atomic_bool *stop, struct fetch_reply *reply) MUST_CHECK;

#endif
