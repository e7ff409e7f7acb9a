/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_IDP_H
#define SUPPORT_IDP_H

#include <stdbool.h>
#include <stddef.h>

struct document;

/*
 * An issuer of tokens (an OpenID provider) of the test's own on loopback, that
 * does as it is told: tests/e2e/issuer.py, which lists the commands and their
 * members.  It has the keys "rsa" and "ec" and publishes both.  What fails
 * fails the test.
 */
struct idp;

#define IDP_DISCOVERY "/.well-known/openid-configuration"
#define IDP_JWKS "/jwks.json"
#define IDP_TOKEN_SIZE 16384

/**
 * idp_new(tls):
 * Start one; with ${tls} at https://localhost, by the authority in idp_ca().
 *
 * idp_free(p): it ends, and its folder is removed.  NULL is fine.
 */
struct idp *idp_new(bool tls);
void idp_free(struct idp *p);

const char *idp_url(const struct idp *p); /* its iss, without a path */
const char *idp_ca(const struct idp *p);

/**
 * idp_tell(p, format, ...):
 * Tell it: "publish('rsa', 'ec')".  The answer is good until the next call.
 *
 * idp_token(p, dst, format, ...):
 * Sign a token; what stands between the brackets of token(): "'rsa', at=-5".
 *
 * idp_count(p, path): requests for it; "connections": all there were.
 */
const struct document *idp_tell(struct idp *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void idp_token(struct idp *p, char dst[IDP_TOKEN_SIZE], const char *format, ...)
    __attribute__((format(printf, 3, 4)));
long idp_count(struct idp *p, const char *path);

#endif
