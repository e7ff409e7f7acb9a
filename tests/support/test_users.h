/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_TEST_USERS_H
#define TESTS_SUPPORT_TEST_USERS_H

#include <stdint.h>

#include "model/session.h"
#include "model/token.h"
#include "model/user.h"
#include "store/store.h"

/* Made-up users and sessions for tests of the store. */

#define TEST_USERS_NOW 1700000000
#define TEST_USERS_LIFETIME (7 * 24 * 3600)
#define TEST_USERS_HASH "$argon2id$hash of a password"

struct person {
	struct user user;
	struct session session; /* the first one */
};

/* test_users_actor(now): a client at a documentation address. */
struct store_actor test_users_actor(int64_t now);

/* test_users_session(n, now): session number ${n}, of no user yet. */
struct session test_users_session(int n, int64_t now);

/* A proof for the user ${u}, under the epoch in ${u}; of the block's life. */
#define TEST_USERS_PROOF(u)                                                    \
	(&(struct store_proof){ .user_id = (u)->id, .epoch = (u)->epoch })

/* test_users_claims(p, n, now): of a token for ${p}, with jti number ${n}. */
struct claims test_users_claims(const struct person *p, int n, int64_t now);

/**
 * test_users_register(st, name, n, now, person_out):
 * Register ${name}@example.org with the session number ${n}.
 */
enum err test_users_register(struct store *st, const char *name, int n,
    int64_t now, struct person *person_out) MUST_CHECK;

/* test_users_live(st, handle, now, live_out): is it, according to the store? */
enum err test_users_live(
    struct store *st, const char *handle, int64_t now, bool *live_out);

/* The same in every member; what lies between them does not count. */
bool test_users_same_user(const struct user *a, const struct user *b);
bool test_users_same_session(const struct session *a, const struct session *b);

#endif
