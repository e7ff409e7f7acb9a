/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_TEST_ISSUER_H
#define TESTS_SUPPORT_TEST_ISSUER_H

#include <stdbool.h>
#include <stddef.h>

struct json_value;

/*
 * An issuer of tokens (an OpenID provider) of the test's own on loopback, that
 * does as it is told: tests/e2e/issuer.py, which lists the commands and their
 * members.  It has the keys "rsa" and "ec" and publishes both.  What fails
 * fails the test.
 */
struct test_issuer;

#define TEST_ISSUER_DISCOVERY "/.well-known/openid-configuration"
#define TEST_ISSUER_JWKS "/jwks.json"
#define TEST_ISSUER_TOKEN_SIZE 16384

/**
 * test_issuer_new(tls):
 * Start one; with ${tls} at https://localhost, by the authority in
 * test_issuer_ca().
 *
 * test_issuer_free(p): it ends, and its folder is removed.  NULL is fine.
 */
struct test_issuer *test_issuer_new(bool tls);
void test_issuer_free(struct test_issuer *p);

/* test_issuer_url(p): its http or https URL, until it is freed. */
const char *test_issuer_url(
    const struct test_issuer *p); /* its iss, without a path */
const char *test_issuer_ca(const struct test_issuer *p);

/**
 * test_issuer_tell(p, format, ...):
 * Tell it: "publish('rsa', 'ec')".  The answer is good until the next call.
 *
 * test_issuer_token(p, dst, format, ...):
 * Sign a token; what stands between the brackets of token(): "'rsa', at=-5".
 *
 * test_issuer_count(p, path): requests for it; "connections": all there were.
 */
const struct json_value *test_issuer_tell(struct test_issuer *p,
    const char *format, ...) __attribute__((format(printf, 2, 3)));
void test_issuer_token(struct test_issuer *p, char dst[TEST_ISSUER_TOKEN_SIZE],
    const char *format, ...) __attribute__((format(printf, 3, 4)));
long test_issuer_count(struct test_issuer *p, const char *path);

#endif
