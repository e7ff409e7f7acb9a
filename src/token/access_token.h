/* SPDX-License-Identifier: ISC */
#ifndef TOKEN_ACCESS_TOKEN_H
#define TOKEN_ACCESS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "model/token.h"

struct clock;
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
	/*
	 * All times are the latest that the store has seen.  If the wall clock
	 * of ->clock is behind that, the times in a token are by the wall clock
	 * and the member clock_behind is the difference: other verifiers must
	 * not find a token valid for years.
	 */
	const struct clock *clock;
};

/*
 * All of these return ERR_UNAVAILABLE if the signing keys cannot be read
 * (signing_keys_refresh).
 */

/**
 * access_token_issue(t, s, epoch, now, token_out, claims_out):
 * Sign a token with a fresh jti for the session ${s} under ${epoch}, valid from
 * ${now} for the lifetime or until the session's end.  The caller wipes
 * ${token_out}; ${claims_out} may be NULL.  ERR_DENIED if the session has
 * ended; ERR_INTERNAL without memory, or if issuer and audience do not fit into
 * TOKEN_TEXT_SIZE.
 */
enum err access_token_issue(const struct access_tokens *t,
    const struct session *s, int64_t epoch, int64_t now,
    struct token *token_out, struct claims *claims_out) MUST_CHECK;

/**
 * access_token_compact(t, s, claims, token, compact_out):
 * Extract from ${token}, which access_token_issue() has just signed for ${s}
 * with ${claims}, the parts that access_token_restore() needs.  ERR_INVALID if
 * the token cannot be restored from them (one with clock_behind never can),
 * ERR_DENIED if it is not a token;
 * ${compact_out} is all zero on any error.  The caller wipes ${compact_out}.
 *
 * access_token_restore(t, s, compact, now, token_out):
 * Restore the token, byte for byte.  Nothing is signed or verified: ${compact}
 * is trusted.  ERR_INVALID if another key signs at ${now}, or if the token does
 * not fit.  The caller wipes ${token_out}.
 */
enum err access_token_compact(const struct access_tokens *t,
    const struct session *s, const struct claims *claims,
    const struct token *token, struct token_compact *compact_out) MUST_CHECK;
enum err access_token_restore(const struct access_tokens *t,
    const struct session *s, const struct token_compact *compact, int64_t now,
    struct token *token_out) MUST_CHECK;

/**
 * access_token_verify(t, text, now, claims_out):
 * Return ERR_OK and the claims if ${text} is a token of this site in its
 * canonical spelling (base64url; a header of exactly alg, kid and typ of a
 * known key), the signature is valid, and iss, aud, sub, sid, epoch, jti, iat,
 * nbf and exp are present, have the right types and are valid at ${now}.
 * Otherwise ERR_DENIED, or ERR_INTERNAL without memory, and ${claims_out} is
 * all zero. Does not check session, user and blacklist: see auth/sessions.h.
 */
enum err access_token_verify(const struct access_tokens *t, const char *text,
    int64_t now, struct claims *claims_out) MUST_CHECK;

/**
 * access_token_names_our_key(t, text, now):
 * Return ERR_OK if ${text} begins like the tokens of a signing key published at
 * ${now}, or its header names one; ERR_DENIED if not.
 */
enum err access_token_names_our_key(
    const struct access_tokens *t, const char *text, int64_t now) MUST_CHECK;

/**
 * access_token_digest(t, text, now, digest_out):
 * Compute SHA-256 over ${text}, its key's id, the issuer and the audience: the
 * name under which the result of a verification is cached, so that a result
 * does not survive a change of any of them.  ERR_DENIED if ${text} is too long
 * or does not name a signing key.
 */
enum err access_token_digest(const struct access_tokens *t, const char *text,
    int64_t now, unsigned char digest_out[TOKEN_DIGEST_BYTES]) MUST_CHECK;

/**
 * access_token_key(t, session_id, now, key_out):
 * Derive the key that seals the cached token of ${session_id} at ${now}.  It
 * depends on signing key, issuer and audience, so that a token signed under
 * another configuration is not found.  The caller wipes ${key_out}.
 */
enum err access_token_key(const struct access_tokens *t, const char *session_id,
    int64_t now, unsigned char key_out[SECRET_KEY_BYTES]) MUST_CHECK;

/**
 * access_token_expiry(t, c, now):
 * Return until when, beginning at ${now}, the verified claims ${c} hold if the
 * clock runs on.
 */
int64_t access_token_expiry(
    const struct access_tokens *t, const struct claims *c, int64_t now);

/* access_token_is_timely(c, now): iat, nbf and exp are valid at ${now}. */
bool access_token_is_timely(const struct claims *c, int64_t now);

#endif
