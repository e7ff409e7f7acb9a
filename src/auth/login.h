/* SPDX-License-Identifier: ISC */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/password.h"
#include "auth/sessions.h"
#include "base/err.h"

struct semaphore;
struct store;
struct store_actor;
struct store_proof;

/*
 * Passwords and sessions.  Functions that hash run in the background queue and
 * hold a place of the host-wide semaphore; they return ERR_BUSY if none is free
 * within ->semaphore_wait_ms.
 */
struct login {
	struct store *store;
	struct sessions *sessions;
	struct semaphore *semaphore;
	struct password_params params;
	int semaphore_wait_ms;
};

struct login_credentials {
	const char *email;
	const char *password;
	const char *name; /* registration only */
};

/* An opened session; the caller wipes it. */
struct login_grant {
	struct user user;
	struct session session;
	char session_id[SESSION_ID_SIZE];
	struct token token;
};

/**
 * login_attempt(lg, cred, origin, now, grant_out):
 * Sign in with a password: login_begin(), login_prove_password(),
 * login_finish().  ERR_DENIED for an unknown address, a wrong password and an
 * inactive user alike, after the same work.
 */
enum err login_attempt(struct login *lg, const struct login_credentials *cred,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out) MUST_CHECK;

/*
 * A sign-in between its steps.  The epoch in ->user was read before the
 * credential, and the session opens under that epoch or not at all.  The caller
 * wipes it.
 */
struct login_proof {
	struct user user;            /* id 0: there is no such account */
	char hash[USER_HASH_SIZE];   /* "" if the account has no password */
	bool opens_session;          /* so an outdated hash is replaced */
	char rehash[USER_HASH_SIZE]; /* "" if there is no need */
	bool proved;
};

/**
 * login_begin(lg, email, proof_out):
 * Begin a sign-in to the account with the address ${email}.  ERR_OK for an
 * unknown address, too; no proof can succeed then.
 */
enum err login_begin(struct login *lg, const char *email,
    struct login_proof *proof_out) MUST_CHECK;

/**
 * login_prove_password(lg, normal, proof):
 * Verify the password with the normal form ${normal}.  ERR_DENIED if it is
 * wrong, or the account is inactive, unknown, or has no password: all after
 * one hash.
 */
enum err login_prove_password(
    struct login *lg, const char *normal, struct login_proof *proof) MUST_CHECK;

/**
 * login_finish(lg, proof, origin, now, grant_out):
 * Open a session for the user of ${proof}, which must be proved, and issue its
 * access token.  ERR_DENIED if a change raised the user's epoch since
 * login_begin().
 */
enum err login_finish(struct login *lg, const struct login_proof *proof,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out) MUST_CHECK;

/* ---- for registration, password_change, account_close, account_admin ---- */

/* login_hash(lg, normal, hash_out): password_hash(), in the semaphore. */
enum err login_hash(struct login *lg, const char *normal,
    char hash_out[USER_HASH_SIZE]) MUST_CHECK;

/* login_token(lg, now, grant): a token for the session in ${grant}. */
enum err login_token(
    struct login *lg, int64_t now, struct login_grant *grant) MUST_CHECK;

/**
 * login_confirm(lg, identity, password, proof_out):
 * Verify the password of the signed-in user ${identity} again.  The proof holds
 * under the epoch of the session.  ERR_DENIED if the password is wrong.
 */
enum err login_confirm(struct login *lg, const struct identity *identity,
    const char *password, struct store_proof *proof_out) MUST_CHECK;

/* login_actor(identity, address, now): ${identity} acts with its session. */
struct store_actor login_actor(
    const struct identity *identity, const char *address, int64_t now);

/**
 * login_denial(lg, actor):
 * Say why a request of ${actor} was denied: ERR_NOT_FOUND if its session ended
 * while the password was hashed, else ERR_DENIED.  A client that is signed out
 * must not learn whether the password was right.
 */
enum err login_denial(
    struct login *lg, const struct store_actor *actor) MUST_CHECK;

#endif
