/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_DISCOVERY_H
#define ISSUERS_DISCOVERY_H

#include <stdatomic.h>

#include "base/err.h"
#include "issuers/http_get.h"

struct issuer;

#define DISCOVERY_MS 10000 /* discovery and redirects included */

/**
 * discovery_fetch(f, issuer, stop, reply):
 * Fetch the key set of ${issuer}, from its jwks_uri, or from where its
 * discovery document (OpenID Connect Discovery 1.0 section 4) says; ${stop} and
 * ${reply} as in http_get().  ERR_OK says that something of a JSON type is in
 * ->body, not that there are keys in it.  Beside the errors of http_get()
 * there are "type", and "discovery" for a document that is none, or another
 * issuer's.
 */
enum err discovery_fetch(const struct http_client *f,
    const struct issuer *issuer, const atomic_bool *stop,
    struct http_reply *reply) MUST_CHECK;

#endif
