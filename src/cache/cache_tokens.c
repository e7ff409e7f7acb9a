/* SPDX-License-Identifier: ISC */
#include "cache/cache.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/testpoint.h"
#include "cache/lookup.h"
#include "cache/memory_cache.h"
#include "cache/record_codec.h"
#include "cache/redis.h"
#include "cache/seal.h"
#include "coherence/coherence.h"
#include "shm/counters.h"
#include "store/store.h"

/* The sealed part of a token is this and its signature. */
#define COMPACT_FIXED offsetof(struct token_compact, signature)
#define COMPACT_MAX (COMPACT_FIXED + TOKEN_SIGNATURE_MAX)

_Static_assert(SEAL_BYTES + COMPACT_MAX <= MEMORY_CACHE_DATA_MAX,
    "the longest fits an entry");

#define UNSEAL_ROOM (COMPACT_MAX + 1) /* with the NUL of a buffer */

/* ---- verified tokens ---- */

/*
 * An entry of the memory cache says that the signature is valid and the jti not
 * on the blacklist, under the version of blacklist:{jti}, with the steps of
 * cache.c except those of Redis.  Redis has the blacklist for other services,
 * but a missing entry proves nothing: it may have been evicted or flushed.
 */

static struct memory_cache_name
name_of(const struct cache *c, const unsigned char digest[TOKEN_DIGEST_BYTES])
{
	static const char prefix[] = "token:";
	unsigned char key[sizeof(prefix) + TOKEN_DIGEST_BYTES];

	memcpy(key, prefix, sizeof(prefix));
	memcpy(key + sizeof(prefix), digest, TOKEN_DIGEST_BYTES);
	return memory_cache_name(&c->memory, key, sizeof(key));
}

/*
 * Step 1 comes after step 2 here, because only the entry has the jti. Comparing
 * the two versions proves the same: the key has not changed since the fill.
 */
bool
cache_token_known(struct cache *c,
    const unsigned char digest[TOKEN_DIGEST_BYTES], int64_t now,
    struct claims *claims_out)
{
	struct memory_cache_name name = name_of(c, digest);
	struct memory_cache_entry e;
	struct lookup lookup;
	bool known = false;

	if (!memory_cache_get(
		&c->memory, &name, MEMORY_CACHE_ANY_GENERATION, now, &e) ||
	    record_decode_claims(digest, &e, claims_out) != ERR_OK)
		goto out;
	TESTPOINT("token:entry");
	token_key(lookup.key, claims_out->jti);
	lookup_begin(c, &lookup);
	known = lookup.cached && lookup.version == e.generation;
out:
	counters_tier(
	    c->shm, COUNTERS_TIER_MEMORY, known ? ERR_OK : ERR_NOT_FOUND);
	if (!known)
		memset(claims_out, 0, sizeof(*claims_out));
	return known;
}

static enum err
read_revoked(struct cache *c, const char *jti, bool *revoked_out)
{
	int64_t begun = lookup_clock(c);
	enum err err;

	err = store_token_revoked(c->st, jti, revoked_out);
	lookup_store_done(c, begun, err);
	return err;
}

enum err
cache_token_judge(struct cache *c,
    const unsigned char digest[TOKEN_DIGEST_BYTES], const struct claims *claims,
    int64_t now, bool *revoked_out)
{
	int64_t ttl = c->options.token_ttl;
	struct memory_cache_entry e;
	struct lookup lookup;
	enum err err;

	token_key(lookup.key, claims->jti);
	lookup_begin(c, &lookup);
	TESTPOINT("token:generation");
	err = read_revoked(c, claims->jti, revoked_out);
	TESTPOINT("token:store-read");
	/* By the wall clock such a token may expire before its entry. */
	if (err != ERR_OK || *revoked_out || !lookup.cached ||
	    claims->clock_behind != 0)
		return err;
	if (ttl > claims->expires_at - now)
		ttl = claims->expires_at - now;
	lookup.name = name_of(c, digest);
	record_encode_claims(digest, claims, &e);
	lookup_fill_memory(c, &lookup, now, ttl, &e);
	TESTPOINT("token:filled");
	return ERR_OK;
}

void
cache_publish_revoked(
    struct cache *c, const char *jti, int64_t expires_at, int64_t now)
{
	char key[TOKEN_KEY_SIZE];

	token_key(key, jti);
	/* A failure is logged by the circuit breaker; see cache.h. */
	if (lookup_redis_usable(c) && expires_at > now &&
	    redis_set(c->redis, key, "1", 1, expires_at - now) != ERR_OK)
		return;
}

/* ---- issued tokens ---- */

/*
 * Tokens that can be issued again.  No access depends on these entries: a token
 * from here is verified like any other.  An ended token must not be issued, so
 * the entry has the version of its session, which every change that ends tokens
 * moves (store.h).
 *
 * Unlike all other entries of the memory cache a token is a secret.  It is
 * sealed under a key derived from the session id, which is not in shared
 * memory.  Claims that the session has are left out, so that it fits a short
 * entry.
 */

/* Name the entry; its version is that of the session. */
static void
name_issued(const struct cache *c, const char *handle, struct lookup *lookup)
{
	str_join(lookup->key, sizeof(lookup->key), "issued:", handle);
	lookup->name =
	    memory_cache_name(&c->memory, lookup->key, strlen(lookup->key));
}

static struct seal_binding
bind_issued(const struct cache *c, const struct lookup *lookup)
{
	struct seal_binding binding = { .key = lookup->key };

	coherence_binding(c->coherence, lookup->version, binding.version);
	return binding;
}

static enum err
unseal(const struct cache *c, const struct lookup *lookup,
    const unsigned char key[SECRET_KEY_BYTES],
    const struct memory_cache_entry *e, struct token_compact *core_out)
{
	struct seal_binding binding = bind_issued(c, lookup);
	char room[UNSEAL_ROOM];
	struct buf plain = { 0 };
	enum err err;

	buf_use_inline(&plain, room, sizeof(room));
	err = seal_open(key, &binding, e->data, (size_t)e->len, &plain);
	if (err == ERR_OK &&
	    (plain.len < COMPACT_FIXED ||
		plain.len - COMPACT_FIXED > TOKEN_SIGNATURE_MAX))
		err = ERR_INVALID;
	if (err == ERR_OK) {
		memcpy(core_out, plain.data, plain.len);
		core_out->signature_len = plain.len - COMPACT_FIXED;
	}
	buf_clear(&plain);
	return err;
}

bool
cache_issued(struct cache *c, struct cache_issued_place *place, int64_t now,
    struct token_compact *core_out)
{
	struct memory_cache_entry e;
	struct lookup lookup;
	bool found;

	memset(core_out, 0, sizeof(*core_out));
	session_key(lookup.key, place->handle);
	lookup_begin(c, &lookup);
	place->version = lookup.version;
	TESTPOINT("issued:generation");
	if (!lookup.cached)
		return false;
	name_issued(c, place->handle, &lookup);
	found = lookup_memory(c, &lookup, now, &e) &&
	    unseal(c, &lookup, place->key, &e, core_out) == ERR_OK;
	TESTPOINT("issued:read");
	return found;
}

void
cache_issued_keep(struct cache *c, const struct cache_issued_place *place,
    int64_t now, const struct token_compact *core)
{
	struct lookup lookup = { .version = place->version,
		.cached = coherence_known(place->version) };
	struct seal_binding binding;
	struct buf sealed = { 0 };
	struct memory_cache_entry e;

	if (!lookup.cached)
		return;
	name_issued(c, place->handle, &lookup);
	binding = bind_issued(c, &lookup);
	if (seal_close(place->key, &binding, core,
		COMPACT_FIXED + core->signature_len, &sealed) != ERR_OK)
		goto out;
	memcpy(e.data, sealed.data, sealed.len);
	e.len = sealed.len;
	lookup_fill_memory(c, &lookup, now, core->expires_at - now, &e);
out:
	buf_clear(&sealed);
}
