/* SPDX-License-Identifier: ISC */
#include "support/accounts.h"

#include "support/test.h"

#include "auth/registration.h"
#include "base/clock.h"
#include "cache/cache.h"
#include "shm/semaphore.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/keyring.h"
#include "support/store_memory.h"

#define SECRET "the secret of this test, 32 bytes+"

const struct session_origin accounts_origin = {
	.address = "192.0.2.1", .device = "laptop", .user_agent = "test"
};

int
accounts_set_up(void **state)
{
	static const struct cache_options options = {
		.user_ttl = 3600, .session_ttl = 604800, .token_ttl = 300
	};
	struct accounts *a = calloc(1, sizeof(*a));
	unsigned char seal[SECRET_KEY_BYTES];

	assert_non_null(a);
	shm_fixture_make(&a->table);
	a->m = shm_fixture_open(&a->table);
	assert_int_equal(store_open_memory(a->m, &a->store), ERR_OK);
	assert_int_equal(semaphore_new(a->m, 1, &a->semaphore), ERR_OK);
	keyring_open(SECRET, &a->keys);
	keyring_seal(SECRET, seal);
	assert_int_equal(
	    cache_new(a->m, a->store, NULL, seal, &options, &a->cache), ERR_OK);
	a->sessions.cache = a->cache;
	a->sessions.store = a->store;
	a->sessions.lifetime = 604800;
	a->sessions.tokens.keys = &a->keys;
	a->sessions.tokens.issuer = "latchkey";
	a->sessions.tokens.audience = "latchkey";
	a->sessions.tokens.lifetime = 900;
	a->sessions.tokens.clock = &clock_system;
	a->login.store = a->store;
	a->login.sessions = &a->sessions;
	a->login.semaphore = a->semaphore;
	a->login.params.kib = 8;
	a->login.params.passes = 1;
	*state = a;
	return 0;
}

int
accounts_tear_down(void **state)
{
	struct accounts *a = *state;

	cache_free(a->cache);
	signing_keys_close(&a->keys);
	semaphore_free(a->semaphore);
	store_close(a->store);
	shm_detach(a->m);
	shm_fixture_remove(&a->table);
	free(a);
	return 0;
}

void
accounts_register(struct accounts *a, struct login_grant *grant_out)
{
	const struct login_credentials cred = { .email = ACCOUNTS_EMAIL,
		.password = ACCOUNTS_PASSWORD,
		.name = "Zoe" };
	const char *why;

	assert_int_equal(registration_create(&a->login, &cred, &accounts_origin,
			     ACCOUNTS_NOW, grant_out, &why),
	    ERR_OK);
	assert_null(why);
}

enum err
accounts_login(struct accounts *a, const char *email, const char *password,
    struct login_grant *grant_out)
{
	const struct login_credentials cred = { .email = email,
		.password = password };

	return login_attempt(
	    &a->login, &cred, &accounts_origin, ACCOUNTS_NOW, grant_out);
}

size_t
accounts_live(struct accounts *a, int64_t user_id)
{
	static struct session list[SESSION_MAX_PER_USER];
	size_t n;

	assert_int_equal(
	    store_sessions_live(a->store, user_id, ACCOUNTS_NOW, list, &n),
	    ERR_OK);
	return n;
}

struct identity
accounts_who(struct accounts *a, const char *session_id)
{
	struct identity who;

	assert_int_equal(
	    sessions_by_id(&a->sessions, session_id, ACCOUNTS_NOW, &who),
	    ERR_OK);
	return who;
}
