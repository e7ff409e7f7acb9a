/* SPDX-License-Identifier: ISC */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "model/session.h"
#include "model/user.h"

struct cache;
struct mapped;
struct redis;
struct store;

/*
 * The read of the protocol: generation first, then Redis, then the store,
 * which fills what is above it under the generation taken first.  Everything
 * that asks "is it live?" asks here; a cached entry whose generation is not
 * the key's own any more does not count.
 */
struct cache_options {
	int64_t user_ttl;    /* seconds */
	int64_t session_ttl; /* seconds; at most what is left of a session */
};

/**
 * cache_new(m, st, redis, seal_key, options, cache_out):
 * ${redis} may be NULL.  All are borrowed and outlive the cache.  Has itself
 * called by ${st} after each change, to tidy Redis.
 */
enum err cache_new(struct mapped *m, struct store *st, struct redis *redis,
    const unsigned char seal_key[SECRET_KEY_BYTES],
    const struct cache_options *options, struct cache **cache_out) MUST_CHECK;
void cache_free(struct cache *c);

/**
 * cache_session(c, handle, now, session_out), cache_user(c, id, now, user_out):
 * The row as the store has it.  ERR_NOT_FOUND if there is none,
 * ERR_UNAVAILABLE if nobody can tell.
 */
enum err cache_session(struct cache *c, const char *handle, int64_t now,
    struct session *session_out) MUST_CHECK;
enum err cache_user(
    struct cache *c, int64_t id, int64_t now, struct user *user_out) MUST_CHECK;

#define CACHE_USERS_MAX 100

/**
 * cache_users(c, ids, n, now, users_out):
 * Up to CACHE_USERS_MAX users at once: one MGET, and one query for all that it
 * missed.
 * ${users_out}[i].id is 0 where there is no such user.
 */
enum err cache_users(struct cache *c, const int64_t *ids, size_t n, int64_t now,
    struct user *users_out) MUST_CHECK;

/**
 * cache_token_revoked(c, jti, revoked_out):
 * Is the token on the blacklist?  *${revoked_out} is true on any error.
 */
enum err cache_token_revoked(
    struct cache *c, const char *jti, bool *revoked_out) MUST_CHECK;

/**
 * cache_publish_revoked(c, jti, expires_at, now):
 * Put blacklist:{jti} into Redis until ${expires_at}, for other services that
 * share it.  No verdict here depends on it, so it returns nothing.
 */
void cache_publish_revoked(
    struct cache *c, const char *jti, int64_t expires_at, int64_t now);

#endif
