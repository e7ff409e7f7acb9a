/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SUPPORT_CACHE_FIXTURE_H
#define TESTS_SUPPORT_CACHE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "model/session.h"
#include "model/user.h"
#include "store/store.h"
#include "support/shm_fixture.h"

struct cache;
struct shm;
struct redis;
struct redis_server;

/* A moment, and what the tests' users and sessions begin with. */
#define CACHING_NOW INT64_C(1800000000)
#define CACHING_WEEK (7 * 24 * 3600)
#define CACHING_HASH "$argon2id$not-a-hash"
#define CACHING_AGENT "Mozilla/5.0 (caching test)"

/* Where the processes of one host meet. */
struct caching_site {
	struct table table;
	struct redis_server *server; /* NULL: without Redis */
	int deadline_ms;
	unsigned unknown_percent; /* of versions: support/unknown_coherence */
};

/* caching_site_make(site, with_redis): start one; caching_site_remove(). */
void caching_site_make(struct caching_site *site, bool with_redis);
void caching_site_remove(struct caching_site *site);

/* What one process has of it. */
struct caching {
	struct shm *m;
	struct store *st;
	struct redis *redis; /* NULL: without */
	struct cache *cache;
};

enum caching_store {
	CACHING_MEMORY, /* fails on demand; one process alone */
	CACHING_SQLITE  /* shared by all */
};

/* false if anything fails, so that a child may call it too. */
bool caching_open(const struct caching_site *site, enum caching_store kind,
    struct caching *c);
void caching_close(struct caching *c);

extern const unsigned char caching_seal_key[SECRET_KEY_BYTES];
extern const struct store_actor caching_actor;

/* Register ${name}@example.org with one session, which must work. */
void caching_register(struct caching *c, const char *name, struct user *u_out,
    struct session *s_out);

/* What a check asks: is the session there, live, and its user with it? */
enum caching_verdict { CACHING_REFUSED, CACHING_ACCEPTED, CACHING_UNKNOWN };
enum caching_verdict caching_check(
    struct caching *c, const char *handle, int64_t now);

#endif
