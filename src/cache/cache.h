/* SPDX-License-Identifier: ISC */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "model/session.h"
#include "model/token.h"
#include "model/user.h"

struct cache;
struct shm;
struct redis;
struct store;

/*
 * Reads rows through the memory cache and Redis.  Every check of a session or
 * user goes through here; a cached entry is valid only under the present
 * version of its key (coherence/coherence.h).
 */
struct clock;

struct cache_options {
	int64_t user_ttl;          /* seconds, as all of these */
	int64_t session_ttl;       /* at most what is left of a session */
	int64_t token_ttl;         /* of a verified token, never past its exp */
	const struct clock *clock; /* for measuring; NULL: no measuring */
};

/**
 * cache_new(shm, st, redis, seal_key, options, cache_out):
 * Make a cache in front of ${st}; ${redis} may be NULL.  All are borrowed and
 * outlive the cache.  It removes stale entries after each change of ${st}.
 */
enum err cache_new(struct shm *shm, struct store *st, struct redis *redis,
    const unsigned char seal_key[SECRET_KEY_BYTES],
    const struct cache_options *options, struct cache **cache_out) MUST_CHECK;
void cache_free(struct cache *c);

/**
 * cache_session(c, handle, now, session_out), cache_user(c, id, now, user_out):
 * Copy the row as the store has it.  ERR_NOT_FOUND if there is none,
 * ERR_UNAVAILABLE if the store cannot answer.
 */
enum err cache_session(struct cache *c, const char *handle, int64_t now,
    struct session *session_out) MUST_CHECK;
enum err cache_user(
    struct cache *c, int64_t id, int64_t now, struct user *user_out) MUST_CHECK;

#define CACHE_USERS_MAX 100

/**
 * cache_users(c, ids, n, now, users_out):
 * Copy up to CACHE_USERS_MAX users: one MGET for all that the memory cache
 * missed, and one query for all that Redis missed.
 * ${users_out}[i].id is 0 where there is no such user.
 */
enum err cache_users(struct cache *c, const int64_t *ids, size_t n, int64_t now,
    struct user *users_out) MUST_CHECK;

/**
 * cache_token_known(c, digest, now, claims_out):
 * Return true if the token with the SHA-256 ${digest} was verified recently and
 * its jti is not on the blacklist, and copy its claims.  The caller checks them
 * against ${now}, the session and the user, as for any token.
 *
 * cache_token_judge(c, digest, claims, now, revoked_out):
 * Look up whether a token just verified is on the blacklist, and cache its
 * claims for cache_token_known() if it is not.  *${revoked_out} is true on any
 * error.
 */
bool cache_token_known(struct cache *c,
    const unsigned char digest[TOKEN_DIGEST_BYTES], int64_t now,
    struct claims *claims_out);
enum err cache_token_judge(struct cache *c,
    const unsigned char digest[TOKEN_DIGEST_BYTES], const struct claims *claims,
    int64_t now, bool *revoked_out) MUST_CHECK;

/*
 * Finds a token that can be issued again: its session, and the key that seals
 * it, which is not in shared memory.
 */
struct cache_issued_place {
	const char *handle; /* of its session */
	uint64_t version;   /* of the session */
	unsigned char key[SECRET_KEY_BYTES];
};

/**
 * cache_issued(c, place, now, core_out):
 * Copy the token that was last issued for the session, if the session has not
 * changed since; set ${place}->version.  Return false, ${core_out} all zero, if
 * there is none.  The caller wipes ${core_out}.
 *
 * cache_issued_keep(c, place, now, core):
 * Cache ${core}, of a token that was signed after cache_issued() set ${place}
 * and is not issued yet.  Best effort.
 */
bool cache_issued(struct cache *c, struct cache_issued_place *place,
    int64_t now, struct token_compact *core_out);
void cache_issued_keep(struct cache *c, const struct cache_issued_place *place,
    int64_t now, const struct token_compact *core);

/**
 * cache_publish_revoked(c, jti, expires_at, now):
 * Put blacklist:{jti} into Redis until ${expires_at}, for other services that
 * share it.  Best effort: no check here depends on it.
 */
void cache_publish_revoked(
    struct cache *c, const char *jti, int64_t expires_at, int64_t now);

/* memory_cache_size() and memory_cache_sweep() of the memory cache. */
void cache_memory_size(const struct cache *c, int64_t now, size_t step,
    int64_t *entries_out, int64_t *bytes_out);
int64_t cache_memory_sweep(const struct cache *c, int64_t now);

#endif
