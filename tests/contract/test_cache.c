/* SPDX-License-Identifier: ISC */
/*
 * One list of cases over the cache without Redis and with a real one, and over
 * a coherence that does not know the version, never or at random.
 */
#include "support/test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "cache/cache.h"
#include "shm/generation.h"
#include "shm/shm.h"
#include "support/cache_fixture.h"
#include "support/child.h"
#include "support/store_memory.h"
#include "support/test_users.h"
#include "support/unknown_coherence.h"

struct fixture {
	struct caching_site site;
	struct caching c;
	struct user ann, ben;
	struct session ann_s, ben_s;
};

static const unsigned char digest[TOKEN_DIGEST_BYTES] = "of a token";

static int
setup(void **state, bool with_redis, enum caching_store kind,
    unsigned unknown_percent)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	caching_site_make(&f->site, with_redis);
	f->site.unknown_percent = unknown_percent;
	assert_true(caching_open(&f->site, kind, &f->c));
	caching_register(&f->c, "ann", &f->ann, &f->ann_s);
	caching_register(&f->c, "ben", &f->ben, &f->ben_s);
	*state = f;
	return 0;
}

static int
plain_setup(void **state)
{
	return setup(state, false, CACHING_MEMORY, 0);
}

static int
redis_setup(void **state)
{
	return setup(state, true, CACHING_MEMORY, 0);
}

static int
plain_sqlite_setup(void **state)
{
	return setup(state, false, CACHING_SQLITE, 0);
}

static int
redis_sqlite_setup(void **state)
{
	return setup(state, true, CACHING_SQLITE, 0);
}

static int
unknown_setup(void **state)
{
	return setup(state, true, CACHING_MEMORY, 100);
}

static int
random_setup(void **state)
{
	return setup(state, true, CACHING_MEMORY, 50);
}

static int
random_sqlite_setup(void **state)
{
	return setup(state, true, CACHING_SQLITE, 50);
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

enum {
	PLAIN = 1,
	REDIS = 2,
	UNKNOWN = 4,
	RANDOM = 8,
	ALL = PLAIN | REDIS | UNKNOWN | RANDOM,
	PLAIN_SQLITE = 16,
	REDIS_SQLITE = 32,
	RANDOM_SQLITE = 64,
	ALL_SQLITE = PLAIN_SQLITE | REDIS_SQLITE | RANDOM_SQLITE
};
TEST_FIXTURE_IN(PLAIN, "plain", plain_setup, teardown);
TEST_FIXTURE_IN(REDIS, "Redis", redis_setup, teardown);
TEST_FIXTURE_IN(UNKNOWN, "unknown", unknown_setup, teardown);
TEST_FIXTURE_IN(RANDOM, "unknown at random", random_setup, teardown);
TEST_FIXTURE_IN(PLAIN_SQLITE, "plain SQLite", plain_sqlite_setup, teardown);
TEST_FIXTURE_IN(REDIS_SQLITE, "Redis and SQLite", redis_sqlite_setup, teardown);
TEST_FIXTURE_IN(
    RANDOM_SQLITE, "SQLite, unknown at random", random_sqlite_setup, teardown);

static enum caching_verdict
check_ann(struct fixture *f)
{
	return caching_check(&f->c, f->ann_s.handle, CACHING_NOW);
}

static void
assert_same_user(const struct user *a, const struct user *b)
{
	assert_int_equal(a->id, b->id);
	assert_string_equal(a->email, b->email);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->avatar_url, b->avatar_url);
	assert_int_equal(a->role, b->role);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->created_at, b->created_at);
	assert_int_equal(a->updated_at, b->updated_at);
}

/* ---- what a read answers ---- */

/* Twice: once as the store has it, once as it was filled. */
TEST_IN(ALL, gives_the_row_as_the_store_has_it, struct fixture *f)
{
	struct session s;
	struct user u;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    cache_session(f->c.cache, f->ann_s.handle, CACHING_NOW, &s),
		    ERR_OK);
		assert_string_equal(s.handle, f->ann_s.handle);
		assert_int_equal(s.user_id, f->ann.id);
		assert_int_equal(s.epoch, f->ann.epoch);
		assert_int_equal(s.created_at, f->ann_s.created_at);
		assert_int_equal(s.last_seen_at, f->ann_s.last_seen_at);
		assert_int_equal(s.expires_at, f->ann_s.expires_at);
		assert_int_equal(s.revoked_at, 0);
		assert_string_equal(s.user_agent, CACHING_AGENT);
		assert_string_equal(s.device, f->ann_s.device);
		assert_string_equal(s.address, f->ann_s.address);
		assert_int_equal(
		    cache_user(f->c.cache, f->ann.id, CACHING_NOW, &u), ERR_OK);
		assert_same_user(&u, &f->ann);
	}
}

TEST_IN(ALL, finds_nothing_where_there_is_nothing, struct fixture *f)
{
	static const struct session no_session;
	static const struct user no_user;
	struct session s;
	struct user u;

	for (int i = 0; i < 2; i++) {
		memset(&s, 0x5a, sizeof(s));
		memset(&u, 0x5a, sizeof(u));
		assert_int_equal(
		    cache_session(f->c.cache,
			"00000000000000000000000000000000", CACHING_NOW, &s),
		    ERR_NOT_FOUND);
		assert_memory_equal(&s, &no_session, sizeof(s));
		assert_int_equal(cache_user(f->c.cache, 999, CACHING_NOW, &u),
		    ERR_NOT_FOUND);
		assert_memory_equal(&u, &no_user, sizeof(u));
	}
}

/* A no that was cached would hide what comes to be a moment later. */
TEST_IN(ALL, finds_what_was_not_there_before, struct fixture *f)
{
	struct session s;
	struct user u, cleo;

	assert_int_equal(cache_user(f->c.cache, f->ben.id + 1, CACHING_NOW, &u),
	    ERR_NOT_FOUND);
	caching_register(&f->c, "cleo", &cleo, &s);
	assert_int_equal(cleo.id, f->ben.id + 1);
	assert_int_equal(
	    cache_user(f->c.cache, cleo.id, CACHING_NOW, &u), ERR_OK);
	assert_int_equal(
	    caching_check(&f->c, s.handle, CACHING_NOW), CACHING_ACCEPTED);
}

TEST_IN(ALL, gives_many_users_at_once, struct fixture *f)
{
	static struct user users[CACHE_USERS_MAX + 1];
	static int64_t ids[CACHE_USERS_MAX + 1];
	static const struct user none;

	for (int i = 0; i < 3; i++) {
		const int64_t few[] = { f->ben.id, 999, f->ann.id, f->ben.id,
			-1 };

		memset(users, 0x5a, sizeof(users));
		assert_int_equal(
		    cache_users(f->c.cache, few, 5, CACHING_NOW, users),
		    ERR_OK);
		assert_same_user(&users[0], &f->ben);
		assert_memory_equal(&users[1], &none, sizeof(none));
		assert_same_user(&users[2], &f->ann);
		assert_same_user(&users[3], &f->ben);
		assert_memory_equal(&users[4], &none, sizeof(none));
		/* one more of them is in no cache yet the second time */
		if (i == 0)
			assert_int_equal(
			    store_profile_update(f->c.st, &caching_actor,
				f->ben.id,
				&(struct user_patch){ .name = "Benjamin" },
				&f->ben),
			    ERR_OK);
	}
	assert_int_equal(
	    cache_users(f->c.cache, ids, 0, CACHING_NOW, users), ERR_OK);
	for (size_t i = 0; i < NELEMS(ids); i++)
		ids[i] = f->ann.id + (int64_t)i;
	assert_int_equal(
	    cache_users(f->c.cache, ids, CACHE_USERS_MAX, CACHING_NOW, users),
	    ERR_OK);
	assert_same_user(&users[1], &f->ben);
	assert_int_equal(cache_users(f->c.cache, ids, CACHE_USERS_MAX + 1,
			     CACHING_NOW, users),
	    ERR_INVALID);
}

/* Cannot tell is neither yes nor no, and leaves nothing in the output. */
TEST_IN(ALL, cannot_tell_without_the_store, struct fixture *f)
{
	static const struct session no_session;
	static const struct user no_user;
	struct session s;
	struct user u, many[2];
	bool revoked = false;
	const int64_t ids[] = { f->ann.id, f->ben.id };
	const struct claims claims = {
		.jti = "11111111-1111-4111-8111-111111111111"
	};

	memset(&s, 0x5a, sizeof(s));
	memset(&u, 0x5a, sizeof(u));
	memset(many, 0x5a, sizeof(many));
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(
	    cache_session(f->c.cache, f->ann_s.handle, CACHING_NOW, &s),
	    ERR_UNAVAILABLE);
	assert_memory_equal(&s, &no_session, sizeof(s));
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(cache_user(f->c.cache, f->ann.id, CACHING_NOW, &u),
	    ERR_UNAVAILABLE);
	assert_memory_equal(&u, &no_user, sizeof(u));
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(cache_users(f->c.cache, ids, 2, CACHING_NOW, many),
	    ERR_UNAVAILABLE);
	assert_memory_equal(&many[1], &no_user, sizeof(no_user));
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(cache_token_judge(f->c.cache, digest, &claims,
			     CACHING_NOW, &revoked),
	    ERR_UNAVAILABLE);
	assert_true(revoked);
	/* and it was no verdict: with the store back, all is well */
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
}

/* ---- what a change does ---- */

TEST_IN(ALL, a_logout_is_seen_at_once, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ann_s.handle, NULL),
	    ERR_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(caching_check(&f->c, f->ben_s.handle, CACHING_NOW),
	    CACHING_ACCEPTED);
}

TEST_IN(ALL, a_logout_everywhere_is_seen_at_once, struct fixture *f)
{
	int64_t epoch, ended;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(store_logout_all(f->c.st, &caching_actor, f->ann.id,
			     f->ann_s.handle, &epoch, &ended),
	    ERR_OK);
	/* it was kept */
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(store_logout_all(f->c.st, &caching_actor, f->ann.id,
			     NULL, &epoch, &ended),
	    ERR_OK);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
}

TEST_IN(ALL, a_password_change_is_seen_at_once, struct fixture *f)
{
	int64_t epoch;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(
	    store_password_change(f->c.st, &caching_actor,
		TEST_USERS_PROOF(&f->ann), "$argon2id$other", NULL, &epoch),
	    ERR_OK);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
}

TEST_IN(ALL, an_end_of_the_account_is_seen_at_once, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(caching_check(&f->c, f->ben_s.handle, CACHING_NOW),
	    CACHING_ACCEPTED);
	assert_int_equal(store_deactivate(f->c.st, &caching_actor,
			     TEST_USERS_PROOF(&f->ann)),
	    ERR_OK);
	assert_int_equal(
	    store_delete(f->c.st, &caching_actor, TEST_USERS_PROOF(&f->ben)),
	    ERR_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(check_ann(f), CACHING_REFUSED);
		assert_int_equal(
		    caching_check(&f->c, f->ben_s.handle, CACHING_NOW),
		    CACHING_REFUSED);
	}
}

TEST_IN(ALL, a_revoked_token_is_seen_at_once, struct fixture *f)
{
	struct claims claims = { .user_id = f->ann.id,
		.expires_at = CACHING_NOW + 900,
		.jti = "11111111-1111-4111-8111-111111111111" };
	bool revoked = true;

	assert_int_equal(cache_token_judge(f->c.cache, digest, &claims,
			     CACHING_NOW, &revoked),
	    ERR_OK);
	assert_false(revoked);
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, NULL, &claims), ERR_OK);
	cache_publish_revoked(
	    f->c.cache, claims.jti, claims.expires_at, CACHING_NOW);
	assert_int_equal(cache_token_judge(f->c.cache, digest, &claims,
			     CACHING_NOW, &revoked),
	    ERR_OK);
	assert_true(revoked);
}

TEST_IN(ALL, a_change_that_failed_changes_nothing, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	store_memory_fail_commit(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ann_s.handle, NULL),
	    ERR_UNAVAILABLE);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
}

TEST_IN(ALL, a_session_ends_at_its_end, struct fixture *f)
{
	int64_t end = f->ann_s.expires_at;

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(
	    caching_check(&f->c, f->ann_s.handle, end - 1), CACHING_ACCEPTED);
	assert_int_equal(
	    caching_check(&f->c, f->ann_s.handle, end), CACHING_REFUSED);
	assert_int_equal(
	    caching_check(&f->c, f->ann_s.handle, end + 1), CACHING_REFUSED);
}

TEST_IN(ALL, a_table_that_is_not_current_changes_no_answer, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	shm_distrust(f->c.m);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(check_ann(f), CACHING_UNKNOWN);
}

/* ---- a version that is unknown ---- */

/* What an answer of the cache alone is worth: the store fails meanwhile. */
static enum caching_verdict
check_ann_cached(struct fixture *f)
{
	enum caching_verdict verdict;

	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	verdict = check_ann(f);
	store_memory_fail_next(f->c.st, ERR_OK);
	return verdict;
}

TEST_IN(
    UNKNOWN, an_unknown_version_lets_nothing_cached_count, struct fixture *f)
{
	unknown_coherence_set(f->c.st, 0);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann_cached(f), CACHING_ACCEPTED);
	unknown_coherence_set(f->c.st, 100);
	assert_int_equal(check_ann_cached(f), CACHING_UNKNOWN);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	unknown_coherence_set(f->c.st, 0);
	assert_int_equal(check_ann_cached(f), CACHING_ACCEPTED);
}

TEST_IN(UNKNOWN, under_an_unknown_version_nothing_is_filled, struct fixture *f)
{
	const int64_t ids[] = { f->ann.id, f->ben.id };
	struct user users[2];

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(
	    cache_users(f->c.cache, ids, 2, CACHING_NOW, users), ERR_OK);
	unknown_coherence_set(f->c.st, 0);
	assert_int_equal(check_ann_cached(f), CACHING_UNKNOWN);
	store_memory_fail_next(f->c.st, ERR_UNAVAILABLE);
	assert_int_equal(cache_users(f->c.cache, ids, 2, CACHING_NOW, users),
	    ERR_UNAVAILABLE);
}

TEST_IN(UNKNOWN, an_unknown_version_keeps_no_token, struct fixture *f)
{
	const struct claims claims = { .origin = TOKEN_OF_THIS_SITE,
		.user_id = f->ann.id,
		.handle = "00112233445566778899aabbccddeeff",
		.expires_at = CACHING_NOW + 900,
		.jti = "11111111-1111-4111-8111-111111111111" };
	struct cache_issued_place place = { .handle = f->ann_s.handle };
	struct token_compact core = { .expires_at = CACHING_NOW + 900,
		.signature_len = 32 };
	struct token_compact found;
	struct claims known;
	bool revoked;

	/* both filled while the version is known, or both not */
	for (unsigned filled = 0; filled < 2; filled++) {
		unknown_coherence_set(f->c.st, filled ? 0 : 100);
		assert_int_equal(cache_token_judge(f->c.cache, digest, &claims,
				     CACHING_NOW, &revoked),
		    ERR_OK);
		assert_false(revoked);
		assert_false(
		    cache_issued(f->c.cache, &place, CACHING_NOW, &found));
		cache_issued_keep(f->c.cache, &place, CACHING_NOW, &core);
		unknown_coherence_set(f->c.st, 0);
		assert_int_equal(
		    cache_token_known(f->c.cache, digest, CACHING_NOW, &known),
		    filled);
		assert_int_equal(
		    cache_issued(f->c.cache, &place, CACHING_NOW, &found),
		    filled);
		unknown_coherence_set(f->c.st, 100);
		assert_false(
		    cache_token_known(f->c.cache, digest, CACHING_NOW, &known));
		assert_false(
		    cache_issued(f->c.cache, &place, CACHING_NOW, &found));
	}
}

/* ---- between processes ---- */

/* In a child: what a process that starts now says of ann. */
struct stranger {
	const struct caching_site *site;
	const char *handle;
	enum caching_verdict expect;
	bool log_out;
};

static void
stranger(void *ctx)
{
	const struct stranger *a = ctx;
	struct caching c;

	child_check(caching_open(a->site, CACHING_SQLITE, &c));
	for (int i = 0; i < 2; i++)
		child_check(
		    caching_check(&c, a->handle, CACHING_NOW) == a->expect);
	if (a->log_out)
		child_check(store_logout(c.st, &caching_actor, a->handle,
				NULL) == ERR_OK);
	caching_close(&c);
}

TEST_IN(ALL_SQLITE, a_logout_of_one_process_is_seen_by_all, struct fixture *f)
{
	struct stranger a = { &f->site, f->ann_s.handle, CACHING_ACCEPTED,
		true };

	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	child_passed(child_start(stranger, &a));
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	a.expect = CACHING_REFUSED;
	a.log_out = false;
	child_passed(child_start(stranger, &a));
}

/* Everything restarts; Redis and the database keep what they have. */
TEST_IN(
    ALL_SQLITE, a_restart_of_everything_changes_no_answer, struct fixture *f)
{
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	caching_close(&f->c);
	assert_true(caching_open(&f->site, CACHING_SQLITE, &f->c));
	assert_int_equal(check_ann(f), CACHING_ACCEPTED);
	assert_int_equal(
	    store_logout(f->c.st, &caching_actor, f->ann_s.handle, NULL),
	    ERR_OK);
	caching_close(&f->c);
	assert_true(caching_open(&f->site, CACHING_SQLITE, &f->c));
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(check_ann(f), CACHING_REFUSED);
	assert_int_equal(caching_check(&f->c, f->ben_s.handle, CACHING_NOW),
	    CACHING_ACCEPTED);
}
