/* SPDX-License-Identifier: ISC */
#include "auth/password_change.h"

#include <string.h>

#include "auth/registration.h"
#include "base/secret.h"
#include "base/testpoint.h"
#include "store/store.h"

enum err
password_change(struct login *lg, const struct identity *identity,
    const struct password_change *change, int64_t now,
    struct login_grant *grant_out, const char **why_out)
{
	struct store_actor actor = login_actor(identity, change->address, now);
	char hash[USER_HASH_SIZE] = { 0 };
	struct store_proof proof;
	enum err err;

	memset(grant_out, 0, sizeof(*grant_out));
	*why_out = NULL;
	err = login_confirm(lg, identity, change->current, &proof);
	if (err == ERR_OK)
		err = registration_hash(
		    lg, &identity->user, change->replacement, hash, why_out);
	if (err != ERR_OK)
		goto out;
	TESTPOINT("change:hashed");
	grant_out->user = identity->user;
	grant_out->session = identity->session;
	sessions_renew(&grant_out->session, grant_out->session_id);
	err = store_password_change(lg->store, &actor, &proof, hash,
	    &grant_out->session, &grant_out->user.epoch);
	if (err != ERR_OK)
		goto out;
	err = login_token(lg, now, grant_out);
out:
	if (err == ERR_DENIED && (err = login_denial(lg, &actor)) != ERR_DENIED)
		*why_out = NULL;
	secret_wipe(hash, sizeof(hash));
	if (err != ERR_OK)
		secret_wipe(grant_out, sizeof(*grant_out));
	return err;
}
