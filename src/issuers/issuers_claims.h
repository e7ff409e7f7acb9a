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
 * Does ${payload}, of a token whose iss is ${issuer}'s, hold at ${now}, and is
 * it meant for us?  sub, exp and iat must be there, nbf, aud, azp and jti may
 * be; each that is has the right type.  Fills in the times.  ERR_DENIED if
 * not.
 *
 * issuers_claims_name(issuer, payload, text, claims): fill in ->jti, the name
 * that the token ${text} has on the blacklist.
 *
 * issuers_claims_map(issuer, payload, outside_out):
 * What it says of its user, by the mapping of ${issuer}.  What is not fit to be
 * kept counts as not said.
 */
enum err issuers_claims(const struct issuer *issuer,
    const struct json_value *payload, int64_t now,
    struct claims *claims_out) MUST_CHECK;
void issuers_claims_name(const struct issuer *issuer,
    const struct json_value *payload, const char *text, struct claims *claims);
void issuers_claims_map(const struct issuer *issuer,
    const struct json_value *payload, struct external *outside_out);

#endif
