/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_OUTSIDER_H
#define SUPPORT_OUTSIDER_H

#include <stdint.h>

#include "auth/issuers.h"
#include "auth/keypair.h"
#include "support/table.h"

/*
 * Two outside issuers, whose keys are a test's: each publishes two of them,
 * "rsa" and "ec", into a store.  Tokens for us of the first have the audience
 * "latchkey", of the second, which signs with ES256 only, the authorized party
 * "https://app.example".
 */
#define OUTSIDER_TEXT_SIZE 16384
#define OUTSIDER_ONE "https://one.example"
#define OUTSIDER_TWO "https://two.example/"

#define OUTSIDER_LEEWAY 5 /* of the first; the second has none */

/* Good ones of the first, for ten minutes. */
#define OUTSIDER_NOW ((int64_t)1800000000)
#define OUTSIDER_HEADER "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"JWT\"}"
#define OUTSIDER_FOR_US                                                        \
	"\"iss\":\"" OUTSIDER_ONE "\",\"aud\":\"latchkey\",\"sub\":\"user_1\""
#define OUTSIDER_TIMES "\"iat\":1800000000,\"exp\":1800000600"
#define OUTSIDER_PAYLOAD "{" OUTSIDER_FOR_US "," OUTSIDER_TIMES "}"

struct outsider {
	struct issuers_config *config;
	struct store *store;
	struct mapped *m;
	struct issuers *issuers;
	struct keypair *rsa[2]; /* of each issuer */
	struct keypair *ec[2];
	char good[OUTSIDER_TEXT_SIZE]; /* a token of the first */
	struct table table;            /* of its own, if it is alone */
};

/**
 * outsider_open(o, dir, st, m, now):
 * Both have published their keys at ${now}.  The file is written into ${dir}.
 *
 * outsider_alone(o): the same at OUTSIDER_NOW, with a store of its own.
 */
void outsider_open(struct outsider *o, const char *dir, struct store *st,
    struct mapped *m, int64_t now);
void outsider_alone(struct outsider *o);
void outsider_close(struct outsider *o);

/*
 * For a group of tests that change nothing: one will do, as RSA keys take their
 * time.
 */
int outsider_set_up(void **state);
int outsider_tear_down(void **state);

/**
 * outsider_verify(o, text, claims_out):
 * issuers_verify() at OUTSIDER_NOW; the test fails if anything comes out of one
 * that is refused.  ${claims_out} may be NULL.
 */
enum err outsider_verify(
    struct outsider *o, const char *text, struct claims *claims_out);

/**
 * outsider_publish(o, issuer, now, jwks):
 * Put the set into the store, as had at ${now} and fresh for two hours; NULL:
 * what it has by itself.
 */
void outsider_publish(
    struct outsider *o, const char *issuer, int64_t now, const char *jwks);

/**
 * outsider_sign(dst, key, header, payload):
 * The token of these two texts, signed by ${key}; with NULL its signature is
 * 64 bytes of zero.
 */
void outsider_sign(char dst[OUTSIDER_TEXT_SIZE], const struct keypair *key,
    const char *header, const char *payload);

#endif
