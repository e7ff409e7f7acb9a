/* SPDX-License-Identifier: ISC */
#include "auth/login.h"

#include <assert.h>
#include <string.h>

#include "base/secret.h"
#include "base/testpoint.h"
#include "shm/semaphore.h"
#include "store/store.h"

/* ---- hashing ---- */

enum err
login_hash(struct login *lg, const char *normal, char hash_out[USER_HASH_SIZE])
{
	enum err err;

	memset(hash_out, 0, USER_HASH_SIZE);
	err = semaphore_acquire(lg->semaphore, lg->semaphore_wait_ms);
	if (err != ERR_OK)
		return err;
	err = password_hash(&lg->params, normal, hash_out);
	semaphore_release(lg->semaphore);
	return err;
}

/*
 * Verify ${normal} and, if a session is to be opened and the hash is outdated,
 * hash it anew while the place in the semaphore is held.
 */
static enum err
verify(struct login *lg, const char *normal, struct login_proof *proof)
{
	enum err err;

	err = semaphore_acquire(lg->semaphore, lg->semaphore_wait_ms);
	if (err != ERR_OK)
		return err;
	err = password_verify(&lg->params, proof->hash, normal);
	if (err == ERR_OK && proof->opens_session &&
	    password_outdated(&lg->params, proof->hash) &&
	    password_hash(&lg->params, normal, proof->rehash) != ERR_OK)
		proof->rehash[0] = '\0'; /* the next login tries again */
	semaphore_release(lg->semaphore);
	return err;
}

/* ---- begin ---- */

/* Read the password hash; "" if there is none. */
static enum err
read_hash(struct login *lg, struct login_proof *proof)
{
	enum err err;

	err = store_password_hash(lg->store, proof->user.id, proof->hash);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err
login_begin(struct login *lg, const char *email, struct login_proof *proof_out)
{
	char normal[USER_EMAIL_SIZE];
	enum err err;

	memset(proof_out, 0, sizeof(*proof_out));
	proof_out->opens_session = true;
	err = user_email_normal(normal, email);
	if (err == ERR_OK)
		err = store_user_by_email(lg->store, normal, &proof_out->user);
	/*
	 * Text that is no address is an unknown one.  For those the hash is
	 * looked up like any other, to take as long.
	 */
	if (err == ERR_OK || err == ERR_INVALID || err == ERR_NOT_FOUND)
		err = read_hash(lg, proof_out);
	TESTPOINT("login:read");
	return err;
}

/* ---- prove ---- */

enum err
login_prove_password(
    struct login *lg, const char *normal, struct login_proof *proof)
{
	enum err err;

	/*
	 * An unknown address and an account without a password cost one hash
	 * too, or the time of the answer would tell which accounts exist.  (A
	 * hash made under other parameters takes its own time until its owner
	 * has logged in.)
	 */
	err = verify(lg, normal, proof);
	if (err == ERR_OK && proof->user.status != USER_STATUS_ACTIVE)
		err = ERR_DENIED;
	proof->proved = err == ERR_OK;
	return err;
}

/* ---- finish ---- */

enum err
login_token(struct login *lg, int64_t now, struct login_grant *grant)
{
	return access_token_issue(&lg->sessions->tokens, &grant->session,
	    grant->user.epoch, now, &grant->token, NULL);
}

enum err
login_finish(struct login *lg, const struct login_proof *proof,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out)
{
	const struct store_actor actor = { .address = origin->address,
		.now = now };
	const struct store_proof stored = { .user_id = proof->user.id,
		.epoch = proof->user.epoch,
		.hash = proof->hash,
		.rehash = proof->rehash[0] != '\0' ? proof->rehash : NULL };
	enum err err;

	assert(proof->proved);
	memset(grant_out, 0, sizeof(*grant_out));
	grant_out->user = proof->user;
	sessions_new(lg->sessions, origin, now, grant_out->session_id,
	    &grant_out->session);
	err =
	    store_session_open(lg->store, &actor, &stored, &grant_out->session);
	if (err == ERR_OK)
		err = login_token(lg, now, grant_out);
	if (err != ERR_OK)
		secret_wipe(grant_out, sizeof(*grant_out));
	return err;
}

enum err
login_attempt(struct login *lg, const struct login_credentials *cred,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out)
{
	struct login_proof proof = { 0 };
	char normal[PASSWORD_NORMAL_SIZE];
	enum err err;

	memset(grant_out, 0, sizeof(*grant_out));
	/* Before the account is looked up, so that the time says nothing. */
	err = password_normal(normal, cred->password);
	if (err == ERR_INVALID)
		err = ERR_DENIED; /* it is the password of no account */
	if (err == ERR_OK)
		err = login_begin(lg, cred->email, &proof);
	if (err == ERR_OK)
		err = login_prove_password(lg, normal, &proof);
	if (err == ERR_OK) {
		TESTPOINT("login:hashed");
		err = login_finish(lg, &proof, origin, now, grant_out);
	}
	secret_wipe(normal, sizeof(normal));
	secret_wipe(&proof, sizeof(proof));
	return err;
}

/* ---- a fresh proof by a signed-in user ---- */

enum err
login_confirm(struct login *lg, const struct identity *identity,
    const char *password, struct store_proof *proof_out)
{
	struct login_proof proof = { .user = identity->user };
	char normal[PASSWORD_NORMAL_SIZE];
	enum err err;

	/* The session's epoch was read before the hash is. */
	*proof_out = (struct store_proof){ .user_id = identity->user.id,
		.epoch = identity->session.epoch };
	err = password_normal(normal, password);
	if (err == ERR_INVALID)
		err = ERR_DENIED;
	if (err == ERR_OK)
		err = read_hash(lg, &proof);
	if (err == ERR_OK)
		err = login_prove_password(lg, normal, &proof);
	secret_wipe(normal, sizeof(normal));
	secret_wipe(&proof, sizeof(proof));
	return err;
}

struct store_actor
login_actor(const struct identity *identity, const char *address, int64_t now)
{
	return (struct store_actor){ .address = address,
		.now = now,
		.handle = identity->session.handle,
		.epoch = identity->session.epoch };
}

enum err
login_denial(struct login *lg, const struct store_actor *actor)
{
	enum err err = store_actor_check(lg->store, actor);

	if (err == ERR_OK)
		return ERR_DENIED;
	return err == ERR_DENIED ? ERR_NOT_FOUND : err;
}
