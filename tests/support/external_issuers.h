/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_EXTERNAL_ISSUERS_H
#define TESTS_SUPPORT_EXTERNAL_ISSUERS_H

#include <stdint.h>

#include "issuers/issuers.h"
#include "support/shm_fixture.h"
#include "token/keypair.h"

/*
 * Two external issuers whose keys the test has: each publishes two of them,
 * "rsa" and "ec", into a store.  Tokens for us of the first have the audience
 * "latchkey", of the second, which signs with ES256 only, the authorized party
 * "https://app.example".
 */
#define EXTERNAL_ISSUERS_TEXT_SIZE 16384
#define EXTERNAL_ISSUERS_ONE "https://one.example"
#define EXTERNAL_ISSUERS_TWO "https://two.example/"

#define EXTERNAL_ISSUERS_LEEWAY 5 /* of the first; the second has none */

/* A good token of the first issuer, valid for ten minutes. */
#define EXTERNAL_ISSUERS_NOW ((int64_t)1800000000)
#define EXTERNAL_ISSUERS_HEADER                                                \
	"{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"JWT\"}"
#define EXTERNAL_ISSUERS_FOR_US                                                \
	"\"iss\":\"" EXTERNAL_ISSUERS_ONE                                      \
	"\",\"aud\":\"latchkey\",\"sub\":\"user_1\""
#define EXTERNAL_ISSUERS_TIMES "\"iat\":1800000000,\"exp\":1800000600"
#define EXTERNAL_ISSUERS_PAYLOAD                                               \
	"{" EXTERNAL_ISSUERS_FOR_US "," EXTERNAL_ISSUERS_TIMES "}"

struct external_issuers {
	struct issuers_config *config;
	struct store *store;
	struct shm *m;
	struct issuers *issuers;
	struct keypair *rsa[2]; /* of each issuer */
	struct keypair *ec[2];
	char good[EXTERNAL_ISSUERS_TEXT_SIZE]; /* a token of the first */
	struct table table; /* its own, after external_issuers_alone() */
};

/**
 * external_issuers_open(o, dir, st, m, now):
 * Both have published their keys at ${now}.  The file is written into ${dir}.
 *
 * external_issuers_alone(o): the same at EXTERNAL_ISSUERS_NOW, with a store of
 * its own.
 */
void external_issuers_open(struct external_issuers *o, const char *dir,
    struct store *st, struct shm *m, int64_t now);
void external_issuers_alone(struct external_issuers *o);
void external_issuers_close(struct external_issuers *o);

/* Shared by tests that change nothing, because RSA keys are slow to make. */
int external_issuers_set_up(void **state);
int external_issuers_tear_down(void **state);

/**
 * external_issuers_verify(o, text, claims_out):
 * issuers_verify() at EXTERNAL_ISSUERS_NOW; the test fails if anything comes
 * out of one that is refused.  ${claims_out} may be NULL.
 */
enum err external_issuers_verify(
    struct external_issuers *o, const char *text, struct claims *claims_out);

/**
 * external_issuers_publish(o, issuer, now, jwks):
 * Put the set into the store, as had at ${now} and fresh for two hours; NULL:
 * what it has by itself.
 */
void external_issuers_publish(struct external_issuers *o, const char *issuer,
    int64_t now, const char *jwks);

/**
 * external_issuers_sign(dst, key, header, payload):
 * The token of these two texts, signed by ${key}; with NULL its signature is
 * 64 bytes of zero.
 */
void external_issuers_sign(char dst[EXTERNAL_ISSUERS_TEXT_SIZE],
    const struct keypair *key, const char *header, const char *payload);

#endif
