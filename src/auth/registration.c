/* SPDX-License-Identifier: ISC */
#include "auth/registration.h"

#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "store/store.h"

enum err
registration_check(const char *email, const char *name,
    char email_normal[USER_EMAIL_SIZE], struct user *u, const char **why_out)
{
	enum err err;

	*why_out = NULL;
	err = user_email_normal(email_normal, email);
	if (err == ERR_OK)
		err = str_copy(u->email, sizeof(u->email), email);
	if (err == ERR_INVALID)
		*why_out = "This is not an email address.";
	if (err != ERR_OK)
		return err;
	err = user_name_check(name);
	if (err == ERR_OK)
		err = str_copy(u->name, sizeof(u->name), name);
	if (err == ERR_INVALID)
		*why_out = "The name must have 1 to 100 characters.";
	if (err != ERR_OK)
		return err;
	u->role = USER_ROLE_USER;
	u->status = USER_STATUS_ACTIVE;
	return ERR_OK;
}

enum err
registration_hash(struct login *lg, const struct user *u, const char *password,
    char hash_out[USER_HASH_SIZE], const char **why_out)
{
	char normal[PASSWORD_NORMAL_SIZE];
	enum err err;

	memset(hash_out, 0, USER_HASH_SIZE);
	*why_out = NULL;
	err = password_normal(normal, password);
	if (err == ERR_INVALID) {
		*why_out = "The password must have at most 128 characters.";
		return ERR_DENIED;
	}
	if (err == ERR_OK)
		err = password_policy(normal, u->email, u->name, why_out);
	if (err == ERR_OK)
		err = login_hash(lg, normal, hash_out);
	secret_wipe(normal, sizeof(normal));
	return err;
}

enum err
registration_create(struct login *lg, const struct login_credentials *cred,
    const struct session_origin *origin, int64_t now,
    struct login_grant *grant_out, const char **why_out)
{
	const struct store_actor actor = { .address = origin->address,
		.now = now };
	struct user *u = &grant_out->user;
	char email_normal[USER_EMAIL_SIZE];
	char hash[USER_HASH_SIZE] = { 0 };
	enum err err;

	memset(grant_out, 0, sizeof(*grant_out));
	err = registration_check(
	    cred->email, cred->name, email_normal, u, why_out);
	/*
	 * Only the store knows whether the address is taken, and it is asked
	 * after the hash: a free and a taken address take the same time.
	 */
	if (err == ERR_OK)
		err = registration_hash(lg, u, cred->password, hash, why_out);
	if (err != ERR_OK)
		goto out;
	sessions_new(lg->sessions, origin, now, grant_out->session_id,
	    &grant_out->session);
	err = store_register(
	    lg->store, &actor, u, email_normal, hash, &grant_out->session);
	if (err == ERR_OK)
		err = login_token(lg, now, grant_out);
out:
	secret_wipe(hash, sizeof(hash));
	if (err != ERR_OK)
		secret_wipe(grant_out, sizeof(*grant_out));
	return err;
}
