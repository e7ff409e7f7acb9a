/* SPDX-License-Identifier: ISC */
#include "auth/login.h"

#include <stdbool.h>
#include <string.h>

#include "auth/registration.h"
#include "base/secret.h"
#include "base/testpoint.h"
#include "shm/semaphore.h"
#include "store/store.h"

enum err
login_hash(struct login *lg, const char *normal, char hash_out[USER_HASH_SIZE])
{
	enum err err;

	memset(hash_out, 0, USER_HASH_SIZE);
	if ((err = semaphore_acquire(lg->semaphore, lg->gate_wait_ms)) !=
	    ERR_OK)
		return err;
	err = password_hash(&lg->params, normal, hash_out);
	semaphore_release(lg->semaphore);
	return err;
}

/*
 * With ${rehash_out} not NULL, a right password whose hash is outdated is
 * hashed anew in the same turn; "" if there is no need or it did not work.
 */
static enum err
verify_in_turn(
    struct login *lg, const char *hash, const char *normal, char *rehash_out)
{
	enum err err;

	if (rehash_out != NULL)
		memset(rehash_out, 0, USER_HASH_SIZE);
	if ((err = semaphore_acquire(lg->semaphore, lg->gate_wait_ms)) !=
	    ERR_OK)
		return err;
	err = password_verify(&lg->params, hash, normal);
	if (err == ERR_OK && rehash_out != NULL &&
	    password_outdated(&lg->params, hash) &&
	    password_hash(&lg->params, normal, rehash_out) != ERR_OK)
		rehash_out[0] = '\0'; /* the next login may do it */
	semaphore_release(lg->semaphore);
	return err;
}

/* A token for the grant's session, which is in the store by now. */
static enum err
grant_token(struct login *lg, int64_t now, struct login_grant *grant)
{
	return access_token_issue(&lg->sessions->tokens, &grant->session,
	    grant->user.epoch, now, &grant->token, NULL);
}

enum err
login_register(struct login *lg, const struct login_credentials *cred,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out, const char **why_out)
{
	struct store_actor actor = { .address = origin->address, .now = now };
	char email_normal[USER_EMAIL_SIZE];
	char normal[PASSWORD_NORMAL_SIZE];
	char hash[USER_HASH_SIZE];
	enum err err;

	memset(grant_out, 0, sizeof(*grant_out));
	*why_out = NULL;
	normal[0] = hash[0] = '\0';
	err = registration_check(
	    cred->email, cred->name, email_normal, &grant_out->user, why_out);
	if (err != ERR_OK)
		goto out;
	err = registration_password(
	    cred->password, cred->email, cred->name, normal, why_out);
	if (err != ERR_OK)
		goto out;

	/*
	 * Only the store says whether the address is taken, after the hash: a
	 * free and a taken one cost the same.
	 */
	if ((err = login_hash(lg, normal, hash)) != ERR_OK)
		goto out;
	sessions_new(lg->sessions, origin, now, grant_out->session_id,
	    &grant_out->session);
	err = store_register(lg->store, &actor, &grant_out->user, email_normal,
	    hash, &grant_out->session);
	if (err == ERR_OK)
		err = grant_token(lg, now, grant_out);
out:
	secret_wipe(normal, sizeof(normal));
	secret_wipe(hash, sizeof(hash));
	if (err != ERR_OK)
		secret_wipe(grant_out, sizeof(*grant_out));
	return err;
}

/*
 * Whose password is to be proved?  ERR_NOT_FOUND for an unknown address, and
 * for what is no address at all: that pays for one hash like any other.
 */
static enum err
find_account(struct login *lg, const char *email, struct user *user_out,
    char hash_out[USER_HASH_SIZE])
{
	char email_normal[USER_EMAIL_SIZE];
	enum err err;

	err = user_email_normal(email_normal, email);
	if (err == ERR_INVALID)
		return ERR_NOT_FOUND;
	if (err != ERR_OK)
		return err;
	return store_user_by_email(lg->store, email_normal, user_out, hash_out);
}

/*
 * Store the grant's session.  A denial may only mean that another login has
 * renewed an outdated hash while we computed: the password is still the one
 * proved if the epoch is, because whatever sets another one raises it.
 */
static enum err
store_session(struct login *lg, const struct store_actor *actor,
    struct login_grant *grant, const char *hash, const char *rehash)
{
	char renewed[USER_HASH_SIZE] = { 0 };
	struct user now = { 0 };
	enum err err;

	err = store_login(
	    lg->store, actor, &grant->user, hash, rehash, &grant->session);
	if (err != ERR_DENIED)
		return err;
	/* In this order: at that epoch there was this hash, or an older. */
	err = store_password_hash(lg->store, grant->user.id, renewed);
	if (err == ERR_OK)
		err = store_user_by_id(lg->store, grant->user.id, &now);
	if (err == ERR_NOT_FOUND ||
	    (err == ERR_OK &&
		(now.epoch != grant->user.epoch || strcmp(hash, renewed) == 0)))
		err = ERR_DENIED;
	if (err == ERR_OK)
		err = store_login(lg->store, actor, &grant->user, renewed, NULL,
		    &grant->session);
	secret_wipe(renewed, sizeof(renewed));
	secret_wipe(&now, sizeof(now));
	return err;
}

enum err
login_attempt(struct login *lg, const struct login_credentials *cred,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out)
{
	struct store_actor actor = { .address = origin->address, .now = now };
	char hash[USER_HASH_SIZE] = { 0 }, rehash[USER_HASH_SIZE] = { 0 };
	char normal[PASSWORD_NORMAL_SIZE];
	bool known;
	enum err err;

	memset(grant_out, 0, sizeof(*grant_out));
	err = password_normal(normal, cred->password);
	if (err == ERR_INVALID)
		err = ERR_DENIED; /* nobody's, whatever the address */
	if (err != ERR_OK)
		goto out;
	err = find_account(lg, cred->email, &grant_out->user, hash);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		goto out; /* we do not know: never call it a denial */
	known = err == ERR_OK;
	TESTPOINT("login:read");

	/*
	 * Unknown addresses pay for one hash too, and so do accounts without a
	 * password, or the reply time would tell which accounts exist.  (A hash
	 * made under other parameters than today's still takes its own time,
	 * until its owner has logged in.)
	 */
	err = verify_in_turn(lg, known ? hash : NULL, normal, rehash);
	if (err == ERR_OK && grant_out->user.status != USER_STATUS_ACTIVE)
		err = ERR_DENIED;
	if (err != ERR_OK)
		goto out;
	TESTPOINT("login:hashed");

	sessions_new(lg->sessions, origin, now, grant_out->session_id,
	    &grant_out->session);
	grant_out->session.user_id = grant_out->user.id;
	grant_out->session.epoch = grant_out->user.epoch;
	err = store_session(
	    lg, &actor, grant_out, hash, rehash[0] == '\0' ? NULL : rehash);
	if (err == ERR_OK)
		err = grant_token(lg, now, grant_out);
out:
	secret_wipe(normal, sizeof(normal));
	secret_wipe(hash, sizeof(hash));
	secret_wipe(rehash, sizeof(rehash));
	if (err != ERR_OK)
		secret_wipe(grant_out, sizeof(*grant_out));
	return err;
}

/*
 * Has ${password} been proved to be that of ${user_id}?  Then ${hash_out} is
 * what it was checked against: the change that follows is made only if the
 * store still has that.
 */
static enum err
prove(struct login *lg, int64_t user_id, const char *password,
    char hash_out[USER_HASH_SIZE])
{
	char normal[PASSWORD_NORMAL_SIZE];
	enum err err;

	memset(hash_out, 0, USER_HASH_SIZE);
	err = password_normal(normal, password);
	if (err == ERR_INVALID)
		err = ERR_DENIED;
	if (err != ERR_OK)
		goto out;
	err = store_password_hash(lg->store, user_id, hash_out);
	if (err == ERR_NOT_FOUND)
		err = ERR_DENIED; /* deleted meanwhile */
	if (err == ERR_OK)
		err = verify_in_turn(lg, hash_out, normal, NULL);
out:
	secret_wipe(normal, sizeof(normal));
	if (err != ERR_OK)
		secret_wipe(hash_out, USER_HASH_SIZE);
	return err;
}

static struct store_actor
acting(const struct identity *who, const char *address, int64_t now)
{
	return (struct store_actor){ .address = address,
		.now = now,
		.handle = who->session.handle,
		.epoch = who->session.epoch };
}

/*
 * Hashing takes its time.  Whoever was signed out meanwhile is told that, and
 * not whether the password was right.
 */
static enum err
denial(struct login *lg, const struct store_actor *actor)
{
	enum err err = store_actor_check(lg->store, actor);

	if (err == ERR_OK)
		return ERR_DENIED;
	return err == ERR_DENIED ? ERR_NOT_FOUND : err;
}

enum err
login_change_password(struct login *lg, const struct identity *who,
    const struct login_change *change, int64_t now,
    struct login_grant *grant_out, const char **why_out)
{
	struct store_actor actor = acting(who, change->address, now);
	char hash[USER_HASH_SIZE], new_hash[USER_HASH_SIZE];
	char normal[PASSWORD_NORMAL_SIZE];
	int64_t epoch;
	enum err err;

	memset(grant_out, 0, sizeof(*grant_out));
	*why_out = NULL;
	normal[0] = new_hash[0] = '\0';
	err = prove(lg, who->user.id, change->current, hash);
	if (err != ERR_OK)
		goto out;
	err = registration_password(change->replacement, who->user.email,
	    who->user.name, normal, why_out);
	if (err != ERR_OK)
		goto out;
	if ((err = login_hash(lg, normal, new_hash)) != ERR_OK)
		goto out;
	TESTPOINT("change:hashed");

	err = store_password_change(lg->store, &actor, who->user.id, hash,
	    new_hash, who->session.handle, &epoch);
	if (err == ERR_DENIED && (err = denial(lg, &actor)) == ERR_DENIED) {
		/* As in account_end(). */
		err = prove(lg, who->user.id, change->current, hash);
		if (err == ERR_OK)
			err = store_password_change(lg->store, &actor,
			    who->user.id, hash, new_hash, who->session.handle,
			    &epoch);
	}
	if (err != ERR_OK)
		goto out;
	grant_out->user = who->user;
	grant_out->user.epoch = epoch;
	grant_out->session = who->session;
	grant_out->session.epoch = epoch;
	err = grant_token(lg, now, grant_out);
out:
	if (err == ERR_DENIED && (err = denial(lg, &actor)) != ERR_DENIED)
		*why_out = NULL;
	secret_wipe(normal, sizeof(normal));
	secret_wipe(hash, sizeof(hash));
	secret_wipe(new_hash, sizeof(new_hash));
	if (err != ERR_OK)
		secret_wipe(grant_out, sizeof(*grant_out));
	return err;
}

typedef enum err account_end_fn(struct store *st,
    const struct store_actor *actor, int64_t user_id, const char *hash);

static enum err
account_end(struct login *lg, int64_t user_id, const char *password,
    const struct store_actor *actor, account_end_fn *end)
{
	char hash[USER_HASH_SIZE];
	enum err err;

	err = prove(lg, user_id, password, hash);
	if (err != ERR_OK)
		goto out;
	TESTPOINT("end:hashed");
	err = end(lg->store, actor, user_id, hash);
	if (err == ERR_DENIED && (err = denial(lg, actor)) == ERR_DENIED) {
		/*
		 * The hash is not that any more, though nobody was signed out:
		 * a login renewed an outdated one of the same password.
		 */
		err = prove(lg, user_id, password, hash);
		if (err == ERR_OK)
			err = end(lg->store, actor, user_id, hash);
	}
out:
	if (err == ERR_DENIED)
		err = denial(lg, actor);
	secret_wipe(hash, sizeof(hash));
	return err;
}

enum err
login_deactivate(struct login *lg, const struct identity *who,
    const char *password, const char *address, int64_t now)
{
	struct store_actor actor = acting(who, address, now);

	return account_end(
	    lg, who->user.id, password, &actor, store_deactivate);
}

enum err
login_delete(struct login *lg, const struct identity *who, const char *password,
    const char *address, int64_t now)
{
	struct store_actor actor = acting(who, address, now);

	return account_end(lg, who->user.id, password, &actor, store_delete);
}
