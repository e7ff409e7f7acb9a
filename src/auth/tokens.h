/* SPDX-License-Identifier: ISC */
#ifndef AUTH_TOKENS_H
#define AUTH_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/token.h"

struct keys;

/* Signing and checking access tokens: JWT (RFC 7519), HS256, typ "JWT". */
struct tokens {
	const struct keys *keys;
	const char *issuer;
	const char *audience;
	int64_t lifetime; /* seconds */
};

/**
 * tokens_issue(t, s, epoch, now, token_out, claims_out):
 * Sign a token for the session ${s} under ${epoch}, from ${now} for the
 * lifetime, never past the session's end, with a fresh jti.  The caller wipes
 * ${token_out}.  ${claims_out} may be NULL.  ERR_DENIED if the session is past
 * its end already; ERR_INTERNAL without memory, or if issuer and audience are
 * too long for TOKEN_TEXT_SIZE.
 */
enum err tokens_issue(const struct tokens *t, const struct session *s,
    int64_t epoch, int64_t now, struct token *token_out,
    struct claims *claims_out) MUST_CHECK;

/**
 * tokens_verify(t, text, now, claims_out):
 * Return ERR_OK and the claims iff ${text} is a token of ours in its one
 * canonical spelling (three parts of canonical base64url; a header of exactly
 * alg, kid and typ of the key we know), its signature is right, and iss, aud,
 * sub, sid, epoch, jti, iat, nbf and exp are all there, of the right type, and
 * hold at ${now}.  ERR_DENIED otherwise, ERR_INTERNAL without memory;
 * ${claims_out} is all zero then.  Says nothing about whether session and user
 * are live or the jti blacklisted: ask sessions.h.
 */
enum err tokens_verify(const struct tokens *t, const char *text, int64_t now,
    struct claims *claims_out) MUST_CHECK;

/**
 * tokens_digest(t, text, digest_out):
 * The SHA-256 of ${text} and of what tokens_verify() holds it against (key,
 * iss, aud): what was once verified under one is not so under another.
 * ERR_DENIED if ${text} is longer than any token of ours.
 */
enum err tokens_digest(const struct tokens *t, const char *text,
    unsigned char digest_out[TOKEN_DIGEST_BYTES]) MUST_CHECK;

/* tokens_timely(c, now): do iat, nbf and exp hold at ${now}? */
bool tokens_timely(const struct claims *c, int64_t now);

#endif
