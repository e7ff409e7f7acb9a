/* SPDX-License-Identifier: ISC */
#include "auth/account_close.h"

#include "base/testpoint.h"
#include "store/store.h"

typedef enum err store_close_account_fn(struct store *st,
    const struct store_actor *actor, const struct store_proof *proof);

static enum err
close_account(struct login *lg, const struct identity *identity,
    const char *password, const struct store_actor *actor,
    store_close_account_fn *close)
{
	struct store_proof proof;
	enum err err = login_confirm(lg, identity, password, &proof);

	if (err == ERR_OK) {
		TESTPOINT("end:hashed");
		err = close(lg->store, actor, &proof);
	}
	return err == ERR_DENIED ? login_denial(lg, actor) : err;
}

enum err
account_close_deactivate(struct login *lg, const struct identity *identity,
    const char *password, const char *address, int64_t now)
{
	struct store_actor actor = login_actor(identity, address, now);

	return close_account(lg, identity, password, &actor, store_deactivate);
}

enum err
account_close_delete(struct login *lg, const struct identity *identity,
    const char *password, const char *address, int64_t now)
{
	struct store_actor actor = login_actor(identity, address, now);

	return close_account(lg, identity, password, &actor, store_delete);
}
