/* SPDX-License-Identifier: ISC */
#include "cache/cache.h"

#include <stddef.h>
#include <string.h>

#include "base/testpoint.h"
#include "base/text.h"
#include "cache/pack.h"
#include "cache/read.h"
#include "cache/redis.h"
#include "cache/seal.h"
#include "cache/table.h"
#include "host/generation.h"
#include "host/stats.h"
#include "store/store.h"

/* What is sealed of a token: this, and its signature. */
#define CORE_FIXED offsetof(struct token_core, signature)
#define CORE_MAX (CORE_FIXED + TOKEN_SIGNATURE_MAX)

_Static_assert(SEAL_BYTES + CORE_MAX <= TABLE_DATA_MAX, "the longest fits");

/* A NUL stands behind what is in a buffer. */
#define UNSEAL_ROOM (CORE_MAX + 1)

/* ---- tokens shown to us ---- */

/*
 * The table remembers that a signature was good and the jti not on the
 * blacklist, under the generation of blacklist:{jti}: the order is that of
 * cache.c, and so is the reason.  Redis has the blacklist for others to read,
 * but its silence proves nothing: an entry may have been evicted, flushed, or
 * never have arrived.  So behind the table comes the store.
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

/* ---- tokens handed out ---- */

/*
 * Tokens to be handed out again.  Nobody's access depends on what lies here:
 * whoever gets such a token shows it, and it is then judged like any other.
 * What must not happen is that one is handed out that is over already, so it
 * is kept under the generation of its session, which whatever ends tokens
 * moves; see store.h.
 *
 * Unlike all else in the table a token is a secret.  It is sealed under a key
 * that only the session id gives, and that is not there.  What the session
 * says is left out, so that it fits into a short entry.
 */

/* The name of the entry; the generation is not taken by it. */
static void
name_issued(const struct cache *c, const char *handle, struct look *look)
{
	text_join(look->key, sizeof(look->key), "issued:", handle);
	look->name = table_name(&c->table, look->key, strlen(look->key));
}

static struct seal_binding
bind_issued(const struct cache *c, const struct look *look)
{
	return (struct seal_binding){ .key = look->key,
		.table_id = generation_table_id(c->m),
		.generation = look->generation };
}

static enum err
unseal(const struct cache *c, const struct look *look,
    const unsigned char key[SECRET_KEY_BYTES], const struct table_entry *e,
    struct token_core *core_out)
{
	struct seal_binding binding = bind_issued(c, look);
	char room[UNSEAL_ROOM];
	struct buf plain = { 0 };
	enum err err;

	buf_lend(&plain, room, sizeof(room));
	err = seal_open(key, &binding, e->data, (size_t)e->len, &plain);
	if (err == ERR_OK &&
	    (plain.len < CORE_FIXED ||
		plain.len - CORE_FIXED > TOKEN_SIGNATURE_MAX))
		err = ERR_INVALID;
	if (err == ERR_OK) {
		memcpy(core_out, plain.data, plain.len);
		core_out->signature_len = plain.len - CORE_FIXED;
	}
	buf_clear(&plain);
	return err;
}

bool
cache_issued(struct cache *c, struct cache_issued_place *place, int64_t now,
    struct token_core *core_out)
{
	struct table_entry e;
	struct look look;
	bool found;

	memset(core_out, 0, sizeof(*core_out));
	session_key(look.key, place->handle);
	read_look(c, &look);
	place->generation = look.generation;
	TESTPOINT("issued:generation");
	if (!look.cached)
		return false;
	name_issued(c, place->handle, &look);
	found = read_table(c, &look, now, &e) &&
	    unseal(c, &look, place->key, &e, core_out) == ERR_OK;
	TESTPOINT("issued:read");
	return found;
}

void
cache_issued_keep(struct cache *c, const struct cache_issued_place *place,
    int64_t now, const struct token_core *core)
{
	struct look look = { .generation = place->generation,
		.cached = generation_quiet(place->generation) };
	struct seal_binding binding;
	struct buf sealed = { 0 };
	struct table_entry e;

	if (!look.cached)
		return;
	name_issued(c, place->handle, &look);
	binding = bind_issued(c, &look);
	if (seal_close(place->key, &binding, core,
		CORE_FIXED + core->signature_len, &sealed) != ERR_OK)
		goto out;
	memcpy(e.data, sealed.data, sealed.len);
	e.len = sealed.len;
	read_fill_table(c, &look, now, core->expires_at - now, &e);
out:
	buf_clear(&sealed);
}
