/* SPDX-License-Identifier: ISC */
#ifndef AUTH_TOKENS_H
#define AUTH_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/token.h"

struct issuers;
struct keys;
struct outside;

/*
 * Signing and checking access tokens: JWT (RFC 7519), typ "JWT", HS256, RS256
 * or ES256 as their key says.  Whose key a token names decides what becomes of
 * it, and only here: one that names a key of ours is ours and nobody else's;
 * tokens_verify_any() and tokens_digest() know of outside issuers, too.
 */
struct tokens {
	struct keys *keys;
	struct issuers *issuers; /* NULL: only we */
	const char *issuer;
	const char *audience;
	int64_t lifetime; /* seconds */
};

/*
 * All of these may return ERR_UNAVAILABLE: nobody can tell which keys there
 * are (keys_refresh).
 */

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
 * tokens_core(t, s, claims, token, core_out):
 * What it takes to make ${token} again, which tokens_issue() has just signed
 * for ${s} with ${claims}.  ERR_INVALID if it could not be made again from
 * that, ERR_DENIED if it is no token; ${core_out} is all zero on any error.
 * The caller wipes ${core_out}.
 *
 * tokens_rebuild(t, s, core, now, token_out):
 * Make it again, byte by byte the same.  Nothing is signed and nothing
 * verified: ${core} is believed.  ERR_INVALID if it was not signed by the key
 * that signs at ${now}, or does not fit.  The caller wipes ${token_out}.
 */
enum err tokens_core(const struct tokens *t, const struct session *s,
    const struct claims *claims, const struct token *token,
    struct token_core *core_out) MUST_CHECK;
enum err tokens_rebuild(const struct tokens *t, const struct session *s,
    const struct token_core *core, int64_t now,
    struct token *token_out) MUST_CHECK;

/**
 * tokens_verify(t, text, now, claims_out):
 * Return ERR_OK and the claims iff ${text} is a token of ours in its one
 * canonical spelling (three parts of canonical base64url; a header of exactly
 * alg, kid and typ of a key we know), its signature is right, and iss, aud,
 * sub, sid, epoch, jti, iat, nbf and exp are all there, of the right type, and
 * hold at ${now}.  ERR_DENIED otherwise, ERR_INTERNAL without memory;
 * ${claims_out} is all zero then.  Says nothing about whether session and user
 * are live or the jti blacklisted: ask sessions.h.
 *
 * tokens_verify_any(t, text, now, claims_out, outside_out):
 * The same, and for tokens of outside issuers what issuers_verify() says.
 * ${outside_out} is all zero for one of ours.
 */
enum err tokens_verify(const struct tokens *t, const char *text, int64_t now,
    struct claims *claims_out) MUST_CHECK;
enum err tokens_verify_any(const struct tokens *t, const char *text,
    int64_t now, struct claims *claims_out,
    struct outside *outside_out) MUST_CHECK;

/**
 * tokens_digest(t, text, now, digest_out):
 * The SHA-256 of ${text} and of what tokens_verify_any() holds it against (key,
 * iss, aud): what was once verified under one is not so under another.
 * ERR_DENIED if ${text} cannot be a token: it names no key of ours that there
 * is at ${now}, and there are no other issuers; or it is too long.
 */
enum err tokens_digest(const struct tokens *t, const char *text, int64_t now,
    unsigned char digest_out[TOKEN_DIGEST_BYTES]) MUST_CHECK;

/**
 * tokens_key(t, session_id, now, key_out):
 * The key that what is handed out for ${session_id} at ${now} is sealed under.
 * It depends on all that signing depends on, too: what was signed before the
 * configuration changed would be refused now.  The caller wipes it.
 */
enum err tokens_key(const struct tokens *t, const char *session_id, int64_t now,
    unsigned char key_out[SECRET_KEY_BYTES]) MUST_CHECK;

/* tokens_timely(c, now): do iat, nbf and exp hold at ${now}? */
bool tokens_timely(const struct claims *c, int64_t now);

#endif
