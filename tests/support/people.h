/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_PEOPLE_H
#define SUPPORT_PEOPLE_H

#include <stdint.h>

#include "model/session.h"
#include "model/token.h"
#include "model/user.h"
#include "store/store.h"

/* Made-up users and sessions for tests of the store. */

#define PEOPLE_NOW 1700000000
#define PEOPLE_LIFETIME (7 * 24 * 3600)
#define PEOPLE_HASH "$argon2id$hash of a password"

struct person {
	struct user user;
	struct session session; /* the first one */
};

/* people_actor(now): somebody at a documentation address. */
struct store_actor people_actor(int64_t now);

/* people_session(n, now): session number ${n}, of nobody yet. */
struct session people_session(int n, int64_t now);

/* people_claims(p, n, now): of a token for ${p}, with jti number ${n}. */
struct claims people_claims(const struct person *p, int n, int64_t now);

/**
 * people_register(st, name, n, now, person_out):
 * Register ${name}@example.org with the session number ${n}.
 */
enum err people_register(struct store *st, const char *name, int n, int64_t now,
    struct person *person_out) MUST_CHECK;

/* people_live(st, handle, now): is it, by what the store says? */
enum err people_live(
    struct store *st, const char *handle, int64_t now, bool *live_out);

/* The same in every member; what lies between them does not count. */
bool people_same_user(const struct user *a, const struct user *b);
bool people_same_session(const struct session *a, const struct session *b);

#endif
