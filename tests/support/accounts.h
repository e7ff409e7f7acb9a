/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_ACCOUNTS_H
#define SUPPORT_ACCOUNTS_H

#include "auth/login.h"
#include "support/shm_fixture.h"
#include "token/signing_keys.h"

struct cache;
struct semaphore;
struct shm;
struct store;

#define ACCOUNTS_NOW 1700000000
#define ACCOUNTS_EMAIL "zoe@example.org"
#define ACCOUNTS_PASSWORD "tangerine orbit walrus"

/*
 * Everything that login.h needs, real, over the store in memory, with hashes
 * that cost next to nothing and a gate of one place.
 */
struct accounts {
	struct table table;
	struct shm *m;
	struct store *store;
	struct cache *cache;
	struct semaphore *semaphore;
	struct signing_keys keys;
	struct sessions sessions;
	struct login login;
};

extern const struct session_origin accounts_origin;

/* cmocka's set up and tear down; *state is a struct accounts. */
int accounts_set_up(void **state);
int accounts_tear_down(void **state);

/* accounts_register(a, grant_out): ACCOUNTS_EMAIL, which must succeed. */
void accounts_register(struct accounts *a, struct login_grant *grant_out);

/* accounts_login(a, email, password, grant_out): login_attempt(). */
enum err accounts_login(struct accounts *a, const char *email,
    const char *password, struct login_grant *grant_out);

/* accounts_live(a, user_id): how many live sessions the user has. */
size_t accounts_live(struct accounts *a, int64_t user_id);

/* accounts_who(a, session_id): who that is; a user it must be. */
struct identity accounts_who(struct accounts *a, const char *session_id);

#endif
