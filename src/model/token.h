/* SPDX-License-Identifier: ISC */
#ifndef MODEL_TOKEN_H
#define MODEL_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "model/session.h"
#include "model/signing_key.h"

#define TOKEN_TEXT_SIZE 1536    /* RS256, and the longest iss and aud */
#define TOKEN_JTI_SIZE 65       /* UUID; of another issuer, SHA-256 in hex */
#define TOKEN_DIGEST_BYTES 32   /* SHA-256 */
#define TOKEN_SIGNATURE_MAX 512 /* RSA with 4096 bits */
#define TOKEN_KEY_SIZE 80       /* "blacklist:" and a jti */

struct token {
	char text[TOKEN_TEXT_SIZE];
	int64_t epoch;
	int64_t issued_at;
	int64_t expires_at;
};

enum token_origin {
	TOKEN_NONE = 0, /* no token has been verified */
	TOKEN_OF_THIS_SITE,
	TOKEN_OF_ISSUER
};

/*
 * The claims of a verified token (RFC 7519 section 4.1, and sid, epoch).  A
 * TOKEN_OF_ISSUER has no session: its handle is "", its epoch 0, and its jti
 * its name on the blacklist, 64 hex digits.
 */
struct claims {
	enum token_origin origin;
	int64_t user_id; /* sub */
	int64_t epoch;
	int64_t issued_at;
	int64_t not_before;
	int64_t expires_at; /* the first second it is not valid; has leeway */
	int64_t leeway;     /* seconds its issuer's clock may be off */
	/*
	 * By how many seconds the wall clock was behind the time of issue; the
	 * token says earlier times by that.  A token where it is not 0 is not
	 * cached.
	 */
	int64_t clock_behind;
	char handle[SESSION_HANDLE_SIZE]; /* sid */
	char jti[TOKEN_JTI_SIZE];
};

/* Of the claims in the memory cache. */
extern const struct record_type claims_record_type;

/*
 * The parts of a token that its session does not hold.  They, the session, the
 * signing key, issuer and audience give the whole token again, so they are as
 * secret as the token.
 */
struct token_compact {
	int64_t epoch;
	int64_t issued_at;
	int64_t expires_at;
	char kid[SIGNING_KEY_KID_SIZE];
	char jti[RANDOM_UUID_SIZE];
	unsigned char signature[TOKEN_SIGNATURE_MAX];
	size_t signature_len;
};

/* token_key(dst, jti): write the cache key "blacklist:{jti}". */
void token_key(char dst[TOKEN_KEY_SIZE], const char *jti);

#endif
