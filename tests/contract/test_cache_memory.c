/* SPDX-License-Identifier: ISC */
/*
 * The memory cache as the first tier, before a store alone and before Redis.
 */
#include "support/test.h"

#include <unistd.h>

#include "base/secret.h"
#include "cache/cache.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "support/cache_fixture.h"
#include "support/redis_server.h"
#include "support/store_memory.h"
#include "support/test_users.h"

struct fixture {
	struct caching_site site;
	struct caching c;
	struct user ann, ben;
	struct session ann_s, ben_s;
};

static int
setup(void **state, bool with_redis)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	caching_site_make(&f->site, with_redis);
	assert_true(caching_open(&f->site, CACHING_MEMORY, &f->c));
	caching_register(&f->c, "ann", &f->ann, &f->ann_s);
	caching_register(&f->c, "ben", &f->ben, &f->ben_s);
	*state = f;
	return 0;
}

static int
plain_setup(void **state)
{
	return setup(state, false);
}

static int
redis_setup(void **state)
{
	return setup(state, true);
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

enum { PLAIN = 1, REDIS = 2 };
TEST_FIXTURE_IN(PLAIN, "plain", plain_setup, teardown);
TEST_FIXTURE_IN(REDIS, "Redis", redis_setup, teardown);

static enum caching_verdict
check_ann(struct fixture *f)
{
	return caching_check(&f->c, f->ann_s.handle, CACHING_NOW);
}

/* With a store that fails, only a cached entry can be accepted. */
static enum caching_verdict
check_ann_cached(struct fixture *f, int64_t now)
{
	enum caching_verdict verdict;

	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	verdict = caching_check(&f->c, f->ann_s.handle, now);
	store_memory_fail_next(f->c.st, ERR_OK);
	return verdict;
}

/* ---- sessions and users ---- */

TEST(a_check_queries_the_store_once, struct fixture *f)
{
	const int64_t ids[] = { f->ann.id, f->ben.id };
	struct user users[2];

	assert_int_equal(check_ann_cached(f, CACHING_NOW), CACHING_UNKNOWN);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    check_ann_cached(f, CACHING_NOW), CACHING_ACCEPTED);
	/* cache_users() finds the entries of cache_user(), and vice versa */
	assert_int_equal(
	    cache_users(f->c.cache, ids, 2, CACHING_NOW, users), ERR_OK);
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	memset(users, 0, sizeof(users));
	assert_int_equal(
	    cache_users(f->c.cache, ids, 2, CACHING_NOW, users), ERR_OK);
	assert_string_equal(users[0].email, "ann@example.org");
	assert_string_equal(users[1].email, "ben@example.org");
	assert_int_equal(
	    cache_user(f->c.cache, f->ben.id, CACHING_NOW, users), ERR_OK);
	assert_string_equal(users[0].email, "ben@example.org");
	store_memory_fail_next(f->c.st, ERR_OK);
	/* a change makes it query again */
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ann_s.handle, NULL),
	    ERR_OK);
	assert_int_equal(check_ann_cached(f, CACHING_NOW), CACHING_UNKNOWN);
}

/* Redis counts its commands; its entry moves into the memory cache. */
TEST_IN(REDIS, a_check_queries_redis_once, struct fixture *f)
{
	static const char reads[] = "cmdstat_get:calls=2,";
	const char *info;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	redis_server_ask(f->site.server, "CONFIG RESETSTAT");
	for (int i = 0; i < 100; i++)
		assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	info = redis_server_ask(f->site.server, "INFO commandstats");
	assert_null(strstr(info, "cmdstat_get"));
	assert_null(strstr(info, "cmdstat_set"));

	shm_fixture_forget(f->c.m);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
		    check_ann_cached(f, CACHING_NOW), CACHING_ACCEPTED);
	info = redis_server_ask(f->site.server, "INFO commandstats");
	assert_non_null(strstr(info, reads));
	assert_null(strstr(info, "cmdstat_set"));
}

/* Without Redis, whose clock the test cannot set. */
TEST_IN(PLAIN, an_entry_expires_with_its_session, struct fixture *f)
{
	struct session s;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(
	    check_ann_cached(f, CACHING_NOW + 3599), CACHING_ACCEPTED);
	assert_int_equal(
	    check_ann_cached(f, CACHING_NOW + 3600), CACHING_UNKNOWN);
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(cache_session(f->c.cache, f->ann_s.handle,
			     f->ann_s.expires_at - 1, &s),
	    ERR_OK);
	assert_int_equal(
	    cache_session(f->c.cache, f->ann_s.handle, f->ann_s.expires_at, &s),
	    ERR_UNAVAILABLE);
}

/* It needs a large slot. */
TEST(the_longest_user_is_cached, struct fixture *f)
{
	char name[USER_NAME_SIZE], avatar[USER_AVATAR_SIZE];
	struct user_patch patch = { .name = name, .avatar_url = avatar };

	memset(name, 'n', sizeof(name) - 1);
	memset(avatar, 'a', sizeof(avatar) - 1);
	name[sizeof(name) - 1] = avatar[sizeof(avatar) - 1] = '\0';
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(store_profile_update(f->c.st, &caching_actor,
			     f->ann.id, &patch, &f->ann),
	    ERR_OK);
	for (int i = 0; i < 2; i++) {
		struct user u;

		assert_int_equal(
		    cache_user(f->c.cache, f->ann.id, CACHING_NOW, &u), ERR_OK);
		assert_string_equal(u.name, name);
		assert_string_equal(u.avatar_url, avatar);
		store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	}
}

static bool
lies_in_the_table(struct fixture *f, const char *text)
{
	size_t size;
	const void *area = shm_region(f->c.m, &size);

	return memmem(area, size, text, strlen(text)) != NULL;
}

TEST(expired_entries_are_erased, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_true(lies_in_the_table(f, f->ann.email));
	assert_true(lies_in_the_table(f, f->ann_s.handle));
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ann_s.handle, NULL),
	    ERR_OK);
	assert_false(lies_in_the_table(f, f->ann_s.handle));
	assert_true(lies_in_the_table(f, f->ann.email));
	assert_int_equal(
	    store_delete(f->c.st, &caching_actor, TEST_USERS_PROOF(&f->ann)),
	    ERR_OK);
	assert_false(lies_in_the_table(f, f->ann.email));
}

/* Entries of the key from before the change do not count. */
TEST(a_change_in_flight_is_neither_read_nor_filled, struct fixture *f)
{
	char session[SESSION_KEY_SIZE], user[USER_KEY_SIZE];
	const char *keys[] = { session, user };

	session_key(session, f->ann_s.handle);
	user_key(user, f->ann.id);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(generation_lock(f->c.m, 1000, NULL, NULL), ERR_OK);
	assert_int_equal(generation_mark(f->c.m, keys, 2), ERR_OK);
	assert_int_equal(check_ann_cached(f, CACHING_NOW), CACHING_UNKNOWN);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann_cached(f, CACHING_NOW), CACHING_UNKNOWN);
	generation_settle(f->c.m);
	generation_unlock(f->c.m);
	assert_int_equal(check_ann_cached(f, CACHING_NOW), CACHING_UNKNOWN);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann_cached(f, CACHING_NOW), CACHING_ACCEPTED);
}

/* ---- verified tokens ---- */

static const unsigned char digest[TOKEN_DIGEST_BYTES] = "of a token";

static struct claims
claims_of(const struct fixture *f)
{
	struct claims c = { .origin = TOKEN_OF_THIS_SITE,
		.user_id = f->ann.id,
		.epoch = f->ann.epoch,
		.issued_at = CACHING_NOW,
		.not_before = CACHING_NOW,
		.expires_at = CACHING_NOW + 900,
		.jti = "11111111-1111-4111-8111-111111111111" };

	memcpy(c.handle, f->ann_s.handle, sizeof(c.handle));
	return c;
}

/* ERR_OK: not on the blacklist. */
static enum err
check_records(struct fixture *f, const struct claims *claims, int64_t now)
{
	bool revoked = false;
	enum err err;

	err = cache_token_judge(f->c.cache, digest, claims, now, &revoked);
	if (err != ERR_OK)
		assert_true(revoked);
	return err == ERR_OK && revoked ? ERR_DENIED : err;
}

static bool
known(struct fixture *f, int64_t now)
{
	static const struct claims none;
	const struct claims c = claims_of(f);
	struct claims out;

	memset(&out, 0x5a, sizeof(out));
	if (!cache_token_known(f->c.cache, digest, now, &out)) {
		assert_memory_equal(&out, &none, sizeof(none));
		return false;
	}
	assert_int_equal(out.user_id, c.user_id);
	assert_int_equal(out.epoch, c.epoch);
	assert_int_equal(out.expires_at, c.expires_at);
	assert_string_equal(out.handle, c.handle);
	assert_string_equal(out.jti, c.jti);
	return true;
}

TEST(a_verified_token_is_cached, struct fixture *f)
{
	struct claims c = claims_of(f), out;
	unsigned char other[TOKEN_DIGEST_BYTES] = "of another";

	assert_false(known(f, CACHING_NOW));
	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_OK);
	assert_true(known(f, CACHING_NOW));
	assert_true(known(f, CACHING_NOW + 299));
	assert_false(known(f, CACHING_NOW + 300));
	assert_false(cache_token_known(f->c.cache, other, CACHING_NOW, &out));
	/* never beyond its expiry */
	assert_int_equal(check_records(f, &c, CACHING_NOW + 899), ERR_OK);
	assert_true(known(f, CACHING_NOW + 899));
	assert_false(known(f, CACHING_NOW + 900));
	assert_int_equal(check_records(f, &c, CACHING_NOW + 900), ERR_OK);
	assert_false(known(f, CACHING_NOW + 900));
}

TEST(a_revoked_token_is_not_cached, struct fixture *f)
{
	struct claims c = claims_of(f);

	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_OK);
	assert_true(known(f, CACHING_NOW));
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, NULL, &c), ERR_OK);
	assert_false(known(f, CACHING_NOW));
	/* and checking it caches nothing */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_DENIED);
		assert_false(known(f, CACHING_NOW));
	}
}

/* It has a longer jti and no session. */
TEST(a_token_of_an_issuer_is_cached_until_revoked, struct fixture *f)
{
	static const char name[TOKEN_JTI_SIZE] =
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct claims c = claims_of(f), out;

	c.origin = TOKEN_OF_ISSUER;
	c.handle[0] = '\0';
	memcpy(c.jti, name, sizeof(c.jti));
	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_OK);
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_true(cache_token_known(f->c.cache, digest, CACHING_NOW, &out));
	store_memory_fail_next(f->c.st, ERR_OK);
	assert_string_equal(out.handle, "");
	assert_string_equal(out.jti, name);
	assert_int_equal(out.user_id, c.user_id);
	assert_int_equal(out.issued_at, c.issued_at);
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, NULL, &c), ERR_OK);
	assert_false(cache_token_known(f->c.cache, digest, CACHING_NOW, &out));
	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_DENIED);
}

/* The caller checks the session, by its own key. */
TEST(a_token_stays_cached_after_its_session, struct fixture *f)
{
	struct claims c = claims_of(f);

	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_OK);
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ann_s.handle, NULL),
	    ERR_OK);
	assert_true(known(f, CACHING_NOW));
	assert_int_equal(check_ann(f), CACHING_REFUSED);
}

TEST(a_token_is_not_cached_while_no_entry_counts, struct fixture *f)
{
	struct claims c = claims_of(f);
	char key[TOKEN_KEY_SIZE];
	const char *keys[] = { key };

	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_UNAVAILABLE);
	assert_false(known(f, CACHING_NOW));
	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_OK);

	token_key(key, c.jti);
	assert_int_equal(generation_lock(f->c.m, 1000, NULL, NULL), ERR_OK);
	assert_int_equal(generation_mark(f->c.m, keys, 1), ERR_OK);
	assert_false(known(f, CACHING_NOW));
	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_OK);
	assert_false(known(f, CACHING_NOW));
	generation_settle(f->c.m);
	generation_unlock(f->c.m);
	assert_false(known(f, CACHING_NOW));
	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_OK);
	assert_true(known(f, CACHING_NOW));

	shm_distrust(f->c.m);
	assert_false(known(f, CACHING_NOW));
	assert_int_equal(check_records(f, &c, CACHING_NOW), ERR_OK);
	assert_false(known(f, CACHING_NOW));
}
