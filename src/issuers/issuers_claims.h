/* SPDX-License-Identifier: ISC */
#ifndef ISSUERS_ISSUERS_CLAIMS_H
#define ISSUERS_ISSUERS_CLAIMS_H

#include <stdint.h>

#include "base/err.h"
#include "model/token.h"

struct json_value;
struct issuer;
struct external;

/**
 * issuers_claims(issuer, payload, now, claims_out):
 * Check the claims ${payload} of a token of ${issuer}: sub, exp and iat are
 * required; nbf, aud, azp and jti optional; each must have the right type, and
 * the token must be for this site and valid at ${now}.  Sets the times.
 * ERR_DENIED, with ${claims_out} all zero, if a check fails.
 *
 * issuers_claims_name(issuer, payload, text, claims):
 * Set ${claims}->jti to the name of the token ${text} on the blacklist.
 *
 * issuers_claims_map(issuer, payload, external_out):
 * Read the user's profile as ${issuer} maps it.  Invalid values are left empty.
 */
enum err issuers_claims(const struct issuer *issuer,
    const struct json_value *payload, int64_t now,
    struct claims *claims_out) MUST_CHECK;
void issuers_claims_name(const struct issuer *issuer,
    const struct json_value *payload, const char *text, struct claims *claims);
void issuers_claims_map(const struct issuer *issuer,
    const struct json_value *payload, struct external *external_out);

#endif
