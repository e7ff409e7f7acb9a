/* SPDX-License-Identifier: ISC */
#include "support/cache_fixture.h"

#include "support/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/cache.h"
#include "cache/redis.h"
#include "shm/shm.h"
#include "support/redis_server.h"
#include "support/store_memory.h"
#include "support/unknown_coherence.h"

/* Long: on a busy machine no test may see an outage that it did not make. */
#define DEADLINE_MS 2000
#define WRITE_WAIT_MS 20000

const unsigned char caching_seal_key[SECRET_KEY_BYTES] = "a key for tests";
const struct store_actor caching_actor = { .address = "192.0.2.1",
	.now = CACHING_NOW };

void
caching_site_make(struct caching_site *site, bool with_redis)
{
	memset(site, 0, sizeof(*site));
	shm_fixture_make(&site->table);
	site->deadline_ms = DEADLINE_MS;
	if (with_redis)
		site->server = redis_server_new(site->table.dir);
}

void
caching_site_remove(struct caching_site *site)
{
	redis_server_free(site->server);
	shm_fixture_remove(&site->table);
}

static bool
open_redis(const struct caching_site *site, struct caching *c)
{
	struct redis_options o = { .deadline_ms = site->deadline_ms,
		.prefix = "test:" };

	return str_copy(o.socket, sizeof(o.socket),
		   redis_server_socket(site->server)) == ERR_OK &&
	    redis_new(&o, c->m, &clock_system, &c->redis) == ERR_OK;
}

bool
caching_open(
    const struct caching_site *site, enum caching_store kind, struct caching *c)
{
	static const struct cache_options options = {
		.user_ttl = 3600, .session_ttl = CACHING_WEEK, .token_ttl = 300
	};
	static const struct store_options store_options = { .write_wait_ms =
								WRITE_WAIT_MS };
	enum err err;

	memset(c, 0, sizeof(*c));
	if (shm_attach(site->table.dir, SHM_FIXTURE_MB, &c->m) != ERR_OK)
		return false;
	err = kind == CACHING_MEMORY
	    ? store_open_memory(c->m, &c->st)
	    : store_open(site->table.db, c->m, &store_options, &c->st);
	if (err != ERR_OK)
		return false;
	if (site->unknown_percent > 0)
		unknown_coherence_put(c->st, site->unknown_percent);
	if (site->server != NULL && !open_redis(site, c))
		return false;
	return cache_new(c->m, c->st, c->redis, caching_seal_key, &options,
		   &c->cache) == ERR_OK;
}

void
caching_close(struct caching *c)
{
	cache_free(c->cache);
	redis_free(c->redis);
	store_close(c->st);
	shm_detach(c->m);
	memset(c, 0, sizeof(*c));
}

void
caching_register(struct caching *c, const char *name, struct user *u_out,
    struct session *s_out)
{
	char id[RANDOM_UUID_SIZE];

	memset(u_out, 0, sizeof(*u_out));
	memset(s_out, 0, sizeof(*s_out));
	snprintf(u_out->email, sizeof(u_out->email), "%s@example.org", name);
	snprintf(u_out->name, sizeof(u_out->name), "%s Example", name);
	random_uuid(id);
	assert_int_equal(session_handle(s_out->handle, id), ERR_OK);
	s_out->created_at = CACHING_NOW;
	s_out->last_seen_at = CACHING_NOW;
	s_out->expires_at = CACHING_NOW + CACHING_WEEK;
	snprintf(s_out->user_agent, sizeof(s_out->user_agent), CACHING_AGENT);
	assert_int_equal(store_register(c->st, &caching_actor, u_out,
			     u_out->email, CACHING_HASH, s_out),
	    ERR_OK);
	assert_int_not_equal(u_out->id, 0);
}

enum caching_verdict
caching_check(struct caching *c, const char *handle, int64_t now)
{
	struct session s;
	struct user u;
	enum err err;

	err = cache_session(c->cache, handle, now, &s);
	if (err == ERR_OK)
		err = cache_user(c->cache, s.user_id, now, &u);
	if (err == ERR_NOT_FOUND)
		return CACHING_REFUSED;
	if (err != ERR_OK)
		return CACHING_UNKNOWN;
	return session_live(&s, &u, now) ? CACHING_ACCEPTED : CACHING_REFUSED;
}
