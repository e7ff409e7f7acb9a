/* SPDX-License-Identifier: ISC */
#include "auth/registration.h"

#include <string.h>

#include "base/str.h"

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
registration_password(const char *password, const char *email, const char *name,
    char normal[PASSWORD_NORMAL_SIZE], const char **why_out)
{
	enum err err;

	*why_out = NULL;
	err = password_normal(normal, password);
	if (err == ERR_INVALID) {
		*why_out = "The password must have at most 128 characters.";
		return ERR_DENIED;
	}
	if (err != ERR_OK)
		return err;
	return password_policy(normal, email, name, why_out);
}
