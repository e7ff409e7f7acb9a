/* SPDX-License-Identifier: ISC */
#include "auth/account_admin.h"

#include <string.h>

#include "auth/registration.h"
#include "base/secret.h"
#include "store/store.h"

enum err
account_admin_add(struct login *lg, const struct login_credentials *cred,
    enum user_role role, int64_t now, struct user *user_out,
    const char **why_out)
{
	struct store_actor actor = { .address = "", .now = now };
	char email_normal[USER_EMAIL_SIZE], hash[USER_HASH_SIZE];
	struct user u = { 0 };
	enum err err;

	memset(user_out, 0, sizeof(*user_out));
	err = registration_check(
	    cred->email, cred->name, email_normal, &u, why_out);
	if (err != ERR_OK)
		return err;
	u.role = role;
	err = registration_hash(lg, &u, cred->password, hash, why_out);
	if (err == ERR_OK)
		err = store_register(
		    lg->store, &actor, &u, email_normal, hash, NULL);
	if (err == ERR_OK)
		*user_out = u;
	secret_wipe(hash, sizeof(hash));
	return err;
}

enum err
account_admin_password(struct login *lg, const struct user *u,
    const char *password, int64_t now, int64_t *ended_out, const char **why_out)
{
	struct store_actor actor = { .address = "", .now = now };
	char hash[USER_HASH_SIZE];
	enum err err;

	*ended_out = 0;
	if (u->email[0] == '\0') {
		*why_out = "The account has no address to sign in with.";
		return ERR_DENIED;
	}
	err = registration_hash(lg, u, password, hash, why_out);
	if (err == ERR_OK)
		err = store_password_set(
		    lg->store, &actor, u->id, hash, ended_out);
	secret_wipe(hash, sizeof(hash));
	return err;
}
