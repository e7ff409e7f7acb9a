/* SPDX-License-Identifier: ISC */
/* Entries in Redis: which the cache writes, and which it does not accept. */
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"
#include "cache/cache.h"
#include "cache/memory_cache.h"
#include "cache/record_codec.h"
#include "cache/redis.h"
#include "cache/seal.h"
#include "coherence/coherence.h"
#include "shm/circuit_breaker.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "support/cache_fixture.h"
#include "support/redis_server.h"
#include "support/store_memory.h"

#define JTI "11111111-1111-4111-8111-111111111111"

struct fixture {
	struct caching_site site;
	struct caching c;
	struct redis_server *server;
	struct user ann, ben;
	struct session ann_s, ben_s;
	char ann_key[64], ben_key[64]; /* of the sessions, with the prefix */
	char ann_user_key[64];
};

static int
setup(void **state, enum caching_store kind)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	caching_site_make(&f->site, true);
	f->server = f->site.server;
	assert_true(caching_open(&f->site, kind, &f->c));
	caching_register(&f->c, "ann", &f->ann, &f->ann_s);
	caching_register(&f->c, "ben", &f->ben, &f->ben_s);
	snprintf(
	    f->ann_key, sizeof(f->ann_key), "test:session:%s", f->ann_s.handle);
	snprintf(
	    f->ben_key, sizeof(f->ben_key), "test:session:%s", f->ben_s.handle);
	snprintf(f->ann_user_key, sizeof(f->ann_user_key), "test:user:%lld",
	    (long long)f->ann.id);
	*state = f;
	return 0;
}

static int
memory_setup(void **state)
{
	return setup(state, CACHING_MEMORY);
}

static int
sqlite_setup(void **state)
{
	return setup(state, CACHING_SQLITE);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	caching_close(&f->c);
	caching_site_remove(&f->site);
	free(f);
	return 0;
}

enum { MEMORY = 1, SQLITE = 2 };
TEST_FIXTURE_IN(MEMORY, NULL, memory_setup, teardown);
TEST_FIXTURE_IN(SQLITE, NULL, sqlite_setup, teardown);

/* Empty the memory cache first, or it would answer before Redis. */
static enum caching_verdict
check_ann(struct fixture *f)
{
	shm_fixture_forget(f->c.m);
	return caching_check(&f->c, f->ann_s.handle, CACHING_NOW);
}

static enum caching_verdict
check_ben(struct fixture *f)
{
	shm_fixture_forget(f->c.m);
	return caching_check(&f->c, f->ben_s.handle, CACHING_NOW);
}

static bool
exists(struct fixture *f, const char *key)
{
	return redis_server_int(f->server, "EXISTS %s", key) == 1;
}

/*
 * Check with a store that fails, so that only a cached entry can be accepted.
 */
static enum caching_verdict
check_ann_cached(struct fixture *f)
{
	enum caching_verdict verdict;

	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	verdict = check_ann(f);
	store_memory_fail_next(f->c.st, ERR_OK);
	return verdict;
}

static void
log_out_ann(struct fixture *f)
{
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ann_s.handle, NULL),
	    ERR_OK);
}

/* ---- writing ---- */

TEST_IN(MEMORY, a_warm_check_asks_no_store, struct fixture *f)
{
	assert_int_equal(check_ann_cached(f), CACHING_UNKNOWN);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann_cached(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann_cached(f), CACHING_ACCEPTED);
	log_out_ann(f);
	assert_int_equal(check_ann_cached(f), CACHING_UNKNOWN);
}

TEST_IN(MEMORY, entries_expire_with_their_session, struct fixture *f)
{
	struct session s;
	int64_t later = f->ann_s.expires_at - 100;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_in_range(redis_server_int(f->server, "TTL %s", f->ann_key),
	    CACHING_WEEK - 60, CACHING_WEEK);
	assert_in_range(redis_server_int(f->server, "TTL %s", f->ann_user_key),
	    3600 - 60, 3600);
	/* the rest of the session, not a whole week */
	assert_int_equal(
	    cache_session(f->c.cache, f->ben_s.handle, later, &s), ERR_OK);
	assert_in_range(
	    redis_server_int(f->server, "TTL %s", f->ben_key), 40, 100);

	cache_publish_revoked(f->c.cache, JTI, CACHING_NOW + 900, CACHING_NOW);
	assert_in_range(
	    redis_server_int(f->server, "TTL test:blacklist:" JTI), 840, 900);
	assert_string_equal(
	    redis_server_ask(f->server, "GET test:blacklist:" JTI), "1");
}

TEST_IN(MEMORY, expired_sessions_are_not_cached, struct fixture *f)
{
	struct session s;

	assert_int_equal(
	    cache_session(f->c.cache, f->ann_s.handle, f->ann_s.expires_at, &s),
	    ERR_OK);
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ben_s.handle, NULL),
	    ERR_OK);
	assert_int_equal(check_ben(f), CACHING_REFUSED);
	cache_publish_revoked(f->c.cache, JTI, CACHING_NOW, CACHING_NOW);
	assert_false(exists(f, f->ann_key));
	assert_false(exists(f, f->ben_key));
	assert_false(exists(f, "test:blacklist:" JTI));
}

/* The session may expire before its entry does. */
TEST_IN(MEMORY, an_entry_does_not_outlive_its_session, struct fixture *f)
{
	struct session s;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	shm_fixture_forget(f->c.m);
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(cache_session(f->c.cache, f->ann_s.handle,
			     f->ann_s.expires_at - 1, &s),
	    ERR_OK);
	shm_fixture_forget(f->c.m);
	assert_int_equal(
	    cache_session(f->c.cache, f->ann_s.handle, f->ann_s.expires_at, &s),
	    ERR_UNAVAILABLE);
}

TEST_IN(MEMORY, no_personal_data_can_be_read, struct fixture *f)
{
	static const char *const plain[] = { "example", "Example", "Mozilla",
		"192.0.2", "user_id", "email", "expires_at" };

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(redis_server_int(f->server, "DBSIZE"), 2);
	assert_true(redis_server_contains(f->server, f->ann_s.handle));
	for (size_t i = 0; i < NELEMS(plain); i++)
		assert_false(redis_server_contains(f->server, plain[i]));
}

TEST_IN(MEMORY, a_change_removes_stale_entries, struct fixture *f)
{
	struct claims claims = { .user_id = f->ann.id,
		.expires_at = CACHING_NOW + 900,
		.jti = JTI };

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
	cache_publish_revoked(f->c.cache, JTI, CACHING_NOW + 900, CACHING_NOW);
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ann_s.handle, &claims),
	    ERR_OK);
	assert_false(exists(f, f->ann_key));
	assert_true(exists(f, f->ben_key));
	assert_true(exists(f, "test:blacklist:" JTI)); /* for other services */
	assert_int_equal(
	    store_profile_update(f->c.st, &caching_actor, f->ann.id,
		&(struct user_patch){ .name = "A" }, &f->ann),
	    ERR_OK);
	assert_false(exists(f, f->ann_user_key));
}

static long long
calls_of(struct fixture *f, const char *command)
{
	const char *info = redis_server_ask(f->server, "INFO commandstats");
	char name[40];
	const char *at;
	long long calls = 0;

	snprintf(name, sizeof(name), "cmdstat_%s:calls=", command);
	at = strstr(info, name);
	if (at != NULL)
		calls = strtoll(at + strlen(name), NULL, 10);
	return calls;
}

TEST_IN(MEMORY, many_users_cost_one_round_trip, struct fixture *f)
{
	struct user users[3];
	const int64_t ids[] = { f->ann.id, f->ben.id, 999 };

	redis_server_ask(f->server, "CONFIG RESETSTAT");
	assert_int_equal(
	    cache_users(f->c.cache, ids, 3, CACHING_NOW, users), ERR_OK);
	assert_int_equal(calls_of(f, "mget"), 1);
	assert_int_equal(calls_of(f, "get"), 0);
	assert_int_equal(calls_of(f, "set"), 2);
	shm_fixture_forget(f->c.m);
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(
	    cache_users(f->c.cache, ids, 2, CACHING_NOW, users), ERR_OK);
	assert_string_equal(users[1].email, "ben@example.org");
	assert_int_equal(calls_of(f, "mget"), 2);
	assert_int_equal(calls_of(f, "set"), 2);
	/* cache_user() finds the entries that cache_users() wrote */
	shm_fixture_forget(f->c.m);
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(
	    cache_user(f->c.cache, f->ben.id, CACHING_NOW, users), ERR_OK);
}

/* ---- while no entry counts ---- */

TEST_IN(
    MEMORY, a_change_in_flight_is_neither_read_nor_filled, struct fixture *f)
{
	const char *keys[] = { "", "" };
	char session[SESSION_KEY_SIZE], user[USER_KEY_SIZE];
	struct user users[1];

	session_key(session, f->ann_s.handle);
	user_key(user, f->ann.id);
	keys[0] = session;
	keys[1] = user;
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(generation_lock(f->c.m, 1000, NULL, NULL), ERR_OK);
	assert_int_equal(generation_mark(f->c.m, keys, 2), ERR_OK);
	assert_int_equal(check_ann_cached(f), CACHING_UNKNOWN);
	redis_server_ask(f->server, "FLUSHALL");
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(
	    cache_users(f->c.cache, &f->ann.id, 1, CACHING_NOW, users), ERR_OK);
	assert_int_equal(redis_server_int(f->server, "DBSIZE"), 0);
	generation_settle(f->c.m);
	generation_unlock(f->c.m);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(redis_server_int(f->server, "DBSIZE"), 2);
}

TEST_IN(
    MEMORY, a_table_of_the_past_is_neither_read_nor_filled, struct fixture *f)
{
	struct user users[1];

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	shm_distrust(f->c.m);
	assert_int_equal(check_ann_cached(f), CACHING_UNKNOWN);
	redis_server_ask(f->server, "FLUSHALL");
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(
	    cache_users(f->c.cache, &f->ann.id, 1, CACHING_NOW, users), ERR_OK);
	assert_int_equal(redis_server_int(f->server, "DBSIZE"), 0);
}

/* ---- entries that are not accepted ---- */

TEST_IN(MEMORY, an_old_snapshot_revives_no_session, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
	redis_server_keep(f->server);
	log_out_ann(f);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	redis_server_bring_back(f->server);
	assert_true(exists(f, f->ann_key)); /* but it is not accepted */
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	/* entries without a change since are still accepted */
	assert_true(exists(f, f->ben_key));
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
	assert_true(circuit_breaker_closed(f->c.m));
}

/* An old epoch of a user must not be accepted either. */
TEST_IN(MEMORY, an_old_snapshot_revives_no_epoch, struct fixture *f)
{
	int64_t epoch, ended;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	redis_server_keep(f->server);
	assert_int_equal(store_logout_all(f->c.st, &caching_actor, f->ann.id,
			     NULL, &epoch, &ended),
	    ERR_OK);
	redis_server_bring_back(f->server);
	assert_true(exists(f, f->ann_user_key));
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
}

/*
 * After a restart of everything the generations start anew, at those of the old
 * snapshot; only the id of the shared memory differs.
 */
TEST_IN(SQLITE, an_entry_of_another_shm_id_is_not_accepted, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	redis_server_keep(f->server);
	log_out_ann(f);
	caching_close(&f->c);
	redis_server_bring_back(f->server);
	assert_true(exists(f, f->ann_key));
	assert_true(caching_open(&f->site, CACHING_SQLITE, &f->c));
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
}

TEST_IN(MEMORY, a_flush_ends_and_revives_no_session, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
	log_out_ann(f);
	redis_server_ask(f->server, "FLUSHALL");
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
}

TEST_IN(MEMORY, a_value_under_another_key_is_not_accepted, struct fixture *f)
{
	struct session s;
	struct user u, users[2];
	char ben_user_key[64];
	const int64_t ids[] = { f->ann.id, f->ben.id };

	snprintf(ben_user_key, sizeof(ben_user_key), "test:user:%lld",
	    (long long)f->ben.id);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
	assert_int_equal(redis_server_int(f->server, "COPY %s %s REPLACE",
			     f->ann_key, f->ben_key),
	    1);
	assert_int_equal(redis_server_int(f->server, "COPY %s %s REPLACE",
			     f->ann_user_key, ben_user_key),
	    1);
	/* cache_users() first, because the later reads repair the entries */
	shm_fixture_forget(f->c.m);
	assert_int_equal(
	    cache_users(f->c.cache, ids, 2, CACHING_NOW, users), ERR_OK);
	assert_string_equal(users[0].email, "ann@example.org");
	assert_string_equal(users[1].email, "ben@example.org");
	assert_int_equal(redis_server_int(f->server, "COPY %s %s REPLACE",
			     f->ann_user_key, ben_user_key),
	    1);
	shm_fixture_forget(f->c.m);
	assert_int_equal(
	    cache_session(f->c.cache, f->ben_s.handle, CACHING_NOW, &s),
	    ERR_OK);
	assert_int_equal(s.user_id, f->ben.id);
	assert_int_equal(
	    cache_user(f->c.cache, f->ben.id, CACHING_NOW, &u), ERR_OK);
	assert_string_equal(u.email, "ben@example.org");
}

TEST_IN(MEMORY, garbage_is_not_accepted, struct fixture *f)
{
	static const char *const garbage[] = { "", "x", "{}",
		"{\"handle\":\"x\"}",
		"12345678901234567890123456789012345678901234567890" };
	struct user users[1];

	for (size_t i = 0; i < NELEMS(garbage); i++) {
		redis_server_ask(
		    f->server, "SET %s %s", f->ann_key, garbage[i]);
		redis_server_ask(
		    f->server, "SET %s %s", f->ann_user_key, garbage[i]);
		shm_fixture_forget(f->c.m);
		assert_int_equal(
		    cache_users(f->c.cache, &f->ann.id, 1, CACHING_NOW, users),
		    ERR_OK);
		assert_int_equal(users[0].id, f->ann.id);
		redis_server_ask(
		    f->server, "SET %s %s", f->ann_user_key, garbage[i]);
		assert_int_equal(check_ann(f), CACHING_ACCEPTED);
		/* and the entry was repaired */
		assert_int_equal(check_ann_cached(f), CACHING_ACCEPTED);
	}
}

/* Write ${plain} to the entry of the session of ann, correctly sealed. */
static void
plant(struct fixture *f, const void *plain, size_t len)
{
	const char *key = f->ann_key + strlen("test:");
	const struct coherence *co = store_coherence(f->c.st);
	struct seal_binding binding = { .key = f->ann_key };
	struct buf sealed = { 0 };

	coherence_binding(co, coherence_read(co, key), binding.version);
	assert_int_equal(
	    seal_close(caching_seal_key, &binding, plain, len, &sealed),
	    ERR_OK);
	assert_int_equal(
	    redis_set(f->c.redis, key, sealed.data, sealed.len, 60), ERR_OK);
	buf_clear(&sealed);
}

/* An older or a newer program may have written it under the same binding. */
TEST_IN(MEMORY, an_entry_of_another_format_is_a_miss, struct fixture *f)
{
	static const char json[] = "{\"handle\":\"0123\",\"user_id\":1}";
	struct memory_cache_entry e;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	record_encode(&session_record_type, &f->ann_s, &e);
	plant(f, e.data, (size_t)e.len);
	assert_int_equal(check_ann_cached(f), CACHING_ACCEPTED);

	((unsigned char *)e.data)[0]++; /* the version */
	plant(f, e.data, (size_t)e.len);
	assert_int_equal(check_ann_cached(f), CACHING_UNKNOWN);
	plant(f, json, strlen(json));
	assert_int_equal(check_ann_cached(f), CACHING_UNKNOWN);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann_cached(f), CACHING_ACCEPTED);
}

/* ---- outages ---- */

/* The logout cannot reach Redis, which later returns with the old entry. */
TEST_IN(MEMORY, a_logout_during_an_outage_is_final, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	circuit_breaker_trip(f->c.m, clock_system.mono_us());
	log_out_ann(f);
	assert_true(exists(f, f->ann_key));
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	circuit_breaker_reset(f->c.m);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
}

TEST_IN(
    SQLITE, a_hanging_redis_costs_one_deadline_and_no_answer, struct fixture *f)
{
	int64_t start;

	caching_close(&f->c);
	f->site.deadline_ms = 500;
	assert_true(caching_open(&f->site, CACHING_SQLITE, &f->c));
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
	redis_server_pause(f->server);
	start = clock_system.mono_us();
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	log_out_ann(f);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	for (int i = 0; i < 50; i++)
		assert_int_equal(check_ben(f), CACHING_ACCEPTED);
	/* one deadline of 0.5 s; 54 would be 27 s */
	assert_true(clock_system.mono_us() - start < 10 * 1000 * 1000);
	assert_false(circuit_breaker_closed(f->c.m));
	redis_server_resume(f->server);
	circuit_breaker_reset(f->c.m);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
	assert_true(circuit_breaker_closed(f->c.m));
}

TEST_IN(MEMORY, a_full_redis_changes_no_answer, struct fixture *f)
{
	redis_server_ask(f->server, "CONFIG SET maxmemory 1");
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_false(circuit_breaker_closed(f->c.m));
	log_out_ann(f);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ben(f), CACHING_ACCEPTED);
}
