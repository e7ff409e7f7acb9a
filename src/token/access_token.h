/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_ACCESS_TOKEN_H
#define TOKEN_ACCESS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "model/token.h"

struct signing_keys;

/*
 * Signs and verifies this site's access tokens: JWT (RFC 7519), typ "JWT",
 * HS256, RS256 or ES256 as the key says.  Tokens of other issuers: see
 * auth/bearer.h, which decides by whose key a token names.
 */
struct access_tokens {
	struct signing_keys *keys;
	const char *issuer;
	const char *audience;
	int64_t lifetime; /* seconds */
};

/*
 * All of these may return ERR_UNAVAILABLE: nobody can tell which keys there
 * are (signing_keys_refresh).
 */

/**
 * access_token_issue(t, s, epoch, now, token_out, claims_out):
 * Sign a token for the session ${s} under ${epoch}, from ${now} for the
 * lifetime, never past the session's end, with a fresh jti.  The caller wipes
 * ${token_out}.  ${claims_out} may be NULL.  ERR_DENIED if the session is past
 * its end already; ERR_INTERNAL without memory, or if issuer and audience are
 * too long for TOKEN_TEXT_SIZE.
 */
enum err access_token_issue(const struct access_tokens *t,
    const struct session *s, int64_t epoch, int64_t now,
    struct token *token_out, struct claims *claims_out) MUST_CHECK;

/**
 * access_token_compact(t, s, claims, token, core_out):
 * What it takes to make ${token} again, which access_token_issue() has just
 * signed for ${s} with ${claims}.  ERR_INVALID if it could not be made again
 * from that, ERR_DENIED if it is no token; ${core_out} is all zero on any
 * error. The caller wipes ${core_out}.
 *
 * access_token_restore(t, s, core, now, token_out):
 * Make it again, byte by byte the same.  Nothing is signed and nothing
 * verified: ${core} is believed.  ERR_INVALID if it was not signed by the key
 * that signs at ${now}, or does not fit.  The caller wipes ${token_out}.
 */
enum err access_token_compact(const struct access_tokens *t,
    const struct session *s, const struct claims *claims,
    const struct token *token, struct token_compact *core_out) MUST_CHECK;
enum err access_token_restore(const struct access_tokens *t,
    const struct session *s, const struct token_compact *core, int64_t now,
    struct token *token_out) MUST_CHECK;

/**
 * access_token_verify(t, text, now, claims_out):
 * Return ERR_OK and the claims iff ${text} is a token of ours in its one
 * canonical spelling (three parts of canonical base64url; a header of exactly
 * alg, kid and typ of a key we know), its signature is right, and iss, aud,
 * sub, sid, epoch, jti, iat, nbf and exp are all there, of the right type, and
 * hold at ${now}.  ERR_DENIED otherwise, ERR_INTERNAL without memory;
 * ${claims_out} is all zero then.  Says nothing about whether session and user
 * are live or the jti blacklisted: ask sessions.h.
 */
enum err access_token_verify(const struct access_tokens *t, const char *text,
    int64_t now, struct claims *claims_out) MUST_CHECK;

/**
 * access_token_names_our_key(t, text, now):
 * ERR_OK if ${text} begins like the tokens of a key of ours that is published
 * at ${now}, or its header names one; ERR_DENIED if not.
 */
enum err access_token_names_our_key(
    const struct access_tokens *t, const char *text, int64_t now) MUST_CHECK;

/**
 * access_token_digest(t, text, now, digest_out):
 * Compute SHA-256 over ${text}, its key's id, the issuer and the audience: the
 * name under which the result of a verification is cached, so that a result
 * does not survive a change of any of them.  ERR_DENIED if ${text} names no key
 * of ours or is too long.
 */
enum err access_token_digest(const struct access_tokens *t, const char *text,
    int64_t now, unsigned char digest_out[TOKEN_DIGEST_BYTES]) MUST_CHECK;

/**
 * access_token_key(t, session_id, now, key_out):
 * The key that what is handed out for ${session_id} at ${now} is sealed under.
 * It depends on all that signing depends on, too: what was signed before the
 * configuration changed would be refused now.  The caller wipes it.
 */
enum err access_token_key(const struct access_tokens *t, const char *session_id,
    int64_t now, unsigned char key_out[SECRET_KEY_BYTES]) MUST_CHECK;

/* access_token_timely(c, now): do iat, nbf and exp hold at ${now}? */
bool access_token_timely(const struct claims *c, int64_t now);

#endif
