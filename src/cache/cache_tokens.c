/* SPDX-License-Identifier: ISC */
#include "cache/cache.h"

#include <string.h>

#include "base/testpoint.h"
#include "cache/pack.h"
#include "cache/read.h"
#include "cache/redis.h"
#include "cache/table.h"
#include "host/stats.h"
#include "store/store.h"

/*
 * Tokens.  The table remembers that a signature was good and the jti not on
 * the blacklist, under the generation of blacklist:{jti}: the order is that
 * of cache.c, and so is the reason.  Redis has the blacklist for others to
 * read, but its silence proves nothing: an entry may have been evicted,
 * flushed, or never have arrived.  So behind the table comes the store.
 */

static struct table_name
name_of(const struct cache *c, const unsigned char digest[TOKEN_DIGEST_BYTES])
{
	static const char prefix[] = "token:";
	unsigned char key[sizeof(prefix) + TOKEN_DIGEST_BYTES];

	memcpy(key, prefix, sizeof(prefix));
	memcpy(key + sizeof(prefix), digest, TOKEN_DIGEST_BYTES);
	return table_name(&c->table, key, sizeof(key));
}

/*
 * Only the entry says which jti's generation is to be taken.  That it is taken
 * last here and compared with the one of the entry says the same: at the
 * moment it is taken, nothing had changed since the entry was filled.
 */
bool
cache_token_known(struct cache *c,
    const unsigned char digest[TOKEN_DIGEST_BYTES], int64_t now,
    struct claims *claims_out)
{
	struct table_name name = name_of(c, digest);
	struct table_entry e;
	struct look look;
	bool known = false;

	if (!table_get(&c->table, &name, TABLE_ANY_GENERATION, now, &e) ||
	    pack_claims_open(&e, digest, claims_out) != ERR_OK)
		goto out;
	TESTPOINT("token:entry");
	token_key(look.key, claims_out->jti);
	read_look(c, &look);
	known = look.cached && look.generation == e.generation;
out:
	stats_tier(c->m, STATS_TIER_TABLE, known ? ERR_OK : ERR_NOT_FOUND);
	if (!known)
		memset(claims_out, 0, sizeof(*claims_out));
	return known;
}

enum err
cache_token_judge(struct cache *c,
    const unsigned char digest[TOKEN_DIGEST_BYTES], const struct claims *claims,
    int64_t now, bool *revoked_out)
{
	int64_t ttl = c->options.token_ttl;
	struct table_entry e;
	struct look look;
	enum err err;

	token_key(look.key, claims->jti);
	read_look(c, &look);
	TESTPOINT("token:generation");
	err = cache_token_revoked(c, claims->jti, revoked_out);
	TESTPOINT("token:store-read");
	if (err != ERR_OK || *revoked_out || !look.cached)
		return err;
	if (ttl > claims->expires_at - now)
		ttl = claims->expires_at - now;
	look.name = name_of(c, digest);
	pack_claims(digest, claims, &e);
	read_fill_table(c, &look, now, ttl, &e);
	TESTPOINT("token:filled");
	return ERR_OK;
}

enum err
cache_token_revoked(struct cache *c, const char *jti, bool *revoked_out)
{
	int64_t begun = read_clock(c);
	enum err err;

	err = store_token_revoked(c->st, jti, revoked_out);
	read_store_done(c, begun, err);
	return err;
}

void
cache_publish_revoked(
    struct cache *c, const char *jti, int64_t expires_at, int64_t now)
{
	char key[TOKEN_KEY_SIZE];

	token_key(key, jti);
	/* If it fails, the breaker has said so; see cache.h. */
	if (read_redis_usable(c) && expires_at > now &&
	    redis_set(c->redis, key, "1", 1, expires_at - now) != ERR_OK)
		return;
}
