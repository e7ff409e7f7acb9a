/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_DISCOVERY_H
#define ISSUERS_DISCOVERY_H

#include <stdatomic.h>

#include "base/err.h"
#include "issuers/http_get.h"

struct issuer;

#define DISCOVERY_MS 10000 /* for discovery, redirects and key set together */

/**
 * discovery_fetch(client, issuer, stop, reply):
 * Fetch the key set of ${issuer} from its jwks_uri or, without one, from the
 * address in its discovery document (OpenID Connect Discovery 1.0 section 4);
 * ${stop} and ${reply} as in http_get().  After ERR_OK ${reply}->body has a
 * JSON media type; whether it holds keys is not checked.  To the errors of
 * http_get() come "type" (not JSON) and "discovery" (the document is not valid
 * or is another issuer's).
 */
enum err discovery_fetch(const struct http_client *client,
    const struct issuer *issuer, const atomic_bool *stop,
    struct http_reply *reply) MUST_CHECK;

#endif
