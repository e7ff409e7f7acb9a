/* SPDX-License-Identifier: ISC */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include <stdint.h>

#include "auth/password.h"
#include "auth/sessions.h"
#include "base/err.h"

struct semaphore;
struct store;

/*
 * Everything that proves a password or sets one.  Each of these hashes, so
 * each runs in the slow lane and passes the hash gate; ERR_BUSY if the gate
 * stays full.
 */
struct login {
	struct store *store;
	struct sessions *sessions;
	struct semaphore *semaphore;
	struct password_params params;
	int gate_wait_ms;
};

/* What somebody signed in with gets; wiped by the caller. */
struct login_grant {
	struct user user;
	struct session session;
	char session_id[SESSION_ID_SIZE];
	struct token token;
};

/* login_hash(lg, normal, hash_out): password_hash() in its turn. */
enum err login_hash(struct login *lg, const char *normal,
    char hash_out[USER_HASH_SIZE]) MUST_CHECK;

struct login_credentials {
	const char *email;
	const char *password;
	const char *name; /* registration only */
};

/**
 * login_register(lg, cred, origin, now, grant_out, why_out):
 * Create the account and sign in.  ERR_CONFLICT if the address is taken.
 * ERR_DENIED if the password is too weak: *${why_out} says why.  ERR_INVALID
 * if address or name are none; *${why_out} says which.
 */
enum err login_register(struct login *lg, const struct login_credentials *cred,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out, const char **why_out) MUST_CHECK;

/**
 * login_attempt(lg, cred, origin, now, grant_out):
 * Sign in.  ERR_DENIED for an unknown address, a wrong password, an inactive
 * user alike, after the same work.  A password change or logout-all that
 * lands while we hash wins: ERR_DENIED.  Rehashes when the parameters rose.
 */
enum err login_attempt(struct login *lg, const struct login_credentials *cred,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out) MUST_CHECK;

/**
 * login_change_password(lg, who, change, now, grant_out, why_out):
 * ERR_DENIED with *${why_out} NULL if the current password is wrong, with a
 * sentence if its replacement is too weak.  ERR_NOT_FOUND if ${who} was signed
 * out meanwhile.  Ends every other session; ${who}'s own gets the new epoch,
 * and ${grant_out}->token is a fresh token for it (its session_id stays "").
 */
struct login_change {
	const char *current;
	const char *replacement;
	const char *address;
};
enum err login_change_password(struct login *lg, const struct identity *who,
    const struct login_change *change, int64_t now,
    struct login_grant *grant_out, const char **why_out) MUST_CHECK;

/*
 * ERR_DENIED if ${password} is wrong, ERR_NOT_FOUND if ${who} was signed out
 * meanwhile; afterwards no session is left.
 */
enum err login_deactivate(struct login *lg, const struct identity *who,
    const char *password, const char *address, int64_t now) MUST_CHECK;
enum err login_delete(struct login *lg, const struct identity *who,
    const char *password, const char *address, int64_t now) MUST_CHECK;

#endif
