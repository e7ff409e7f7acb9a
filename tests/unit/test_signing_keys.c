/* SPDX-License-Identifier: ISC */
#include "token/signing_keys.h"

#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/keyring.h"
#include "support/shm_fixture.h"
#include "support/store_memory.h"
#include "support/unknown_coherence.h"
#include "token/access_token.h"
#include "token/master_secret.h"

#define NOW 1700000000
#define PUBLISH 300
#define LIFE 900
#define SECRET "the secret of this test, 32 bytes+"

struct fixture {
	struct table table;
	struct shm *m;
	struct store *store;
	struct master_secret master;
	struct signing_keys_options options;
	struct signing_keys keys;
	struct access_tokens tokens;
};

static const struct session session = {
	.handle = "00112233445566778899aabbccddeeff",
	.user_id = 42,
	.epoch = 7,
	.expires_at = NOW + 604800,
};

static void
set_up(struct fixture *f)
{
	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	assert_int_equal(store_open_memory(f->m, &f->store), ERR_OK);
	assert_int_equal(master_secret_load(SECRET, "", &f->master), ERR_OK);
	f->options = (struct signing_keys_options){ .store = f->store,
		.master = &f->master,
		.alg = SIGNING_KEYS_ES256,
		.lifetime = LIFE,
		.publish = PUBLISH };
	f->tokens = (struct access_tokens){ .keys = &f->keys,
		.issuer = "latchkey",
		.audience = "latchkey",
		.lifetime = LIFE,
		.clock = &clock_system };
}

static void
tear_down(struct fixture *f)
{
	signing_keys_close(&f->keys);
	store_close(f->store);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static void
open_with(struct fixture *f, enum signing_keys_alg alg, int64_t now)
{
	signing_keys_close(&f->keys);
	f->options.alg = alg;
	assert_int_equal(signing_keys_open(&f->options, now, &f->keys), ERR_OK);
}

static struct token
issue(struct fixture *f, int64_t now)
{
	struct token token;

	assert_int_equal(
	    access_token_issue(&f->tokens, &session, 7, now, &token, NULL),
	    ERR_OK);
	return token;
}

static enum err
verify(struct fixture *f, const struct token *token, int64_t now)
{
	struct claims c;

	return access_token_verify(&f->tokens, token->text, now, &c);
}

static enum signing_keys_alg
signs(struct fixture *f, int64_t now)
{
	assert_int_equal(signing_keys_refresh(&f->keys), ERR_OK);
	return signing_keys_active(&f->keys, now)->alg;
}

/* The published JWK set at ${now}. */
static struct buf
published(struct fixture *f, int64_t now)
{
	struct buf text = { 0 };
	struct json_writer w;

	assert_int_equal(signing_keys_refresh(&f->keys), ERR_OK);
	json_write_begin(&w, &text);
	json_write_object(&w, NULL);
	assert_int_equal(signing_keys_jwks(&f->keys, now, &w), ERR_OK);
	json_write_close(&w);
	assert_int_equal(json_write_end(&w), ERR_OK);
	return text;
}

static bool
is_published(struct fixture *f, const char *kid, int64_t now)
{
	struct buf text = published(f, now);
	bool found = strstr(text.data, kid) != NULL;

	buf_clear(&text);
	return found;
}

/* Tokens signed before keys were in the store stay valid. */
TEST(the_first_key_is_derived_from_the_secret, struct fixture *f)
{
	struct signing_keys alone;
	struct access_tokens t = f->tokens;
	struct token token;

	keyring_open(SECRET, &alone);
	t.keys = &alone;
	assert_int_equal(
	    access_token_issue(&t, &session, 7, NOW, &token, NULL), ERR_OK);

	open_with(f, SIGNING_KEYS_HS256, NOW);
	assert_int_equal(f->keys.count, 1);
	assert_string_equal(f->keys.list[0].kid, alone.list[0].kid);
	assert_int_equal(verify(f, &token, NOW), ERR_OK);
	token = issue(f, NOW);
	t.keys = &alone;
	assert_int_equal(verify(f, &token, NOW), ERR_OK);
	signing_keys_close(&alone);
	/* the next start finds it */
	open_with(f, SIGNING_KEYS_HS256, NOW + 10);
	assert_int_equal(f->keys.count, 1);
	assert_int_equal(verify(f, &token, NOW + 10), ERR_OK);
}

/* The same if another algorithm is configured from the start. */
TEST(a_first_key_of_another_algorithm_signs_at_once, struct fixture *f)
{
	static const enum signing_keys_alg algs[] = { SIGNING_KEYS_RS256,
		SIGNING_KEYS_ES256 };
	struct signing_keys alone;
	struct access_tokens t = f->tokens;
	struct token old, new;

	keyring_open(SECRET, &alone);
	t.keys = &alone;
	assert_int_equal(
	    access_token_issue(&t, &session, 7, NOW - 10, &old, NULL), ERR_OK);
	signing_keys_close(&alone);
	for (size_t i = 0; i < NELEMS(algs); i++) {
		store_close(f->store);
		assert_int_equal(store_open_memory(f->m, &f->store), ERR_OK);
		f->options.store = f->store;
		open_with(f, algs[i], NOW);
		assert_int_equal(f->keys.count, 2);
		assert_int_equal(signs(f, NOW), algs[i]);
		new = issue(f, NOW);
		assert_int_equal(verify(f, &old, NOW), ERR_OK);
		assert_int_equal(verify(f, &new, NOW), ERR_OK);
		assert_true(is_published(f, f->keys.list[1].kid, NOW));
		assert_false(is_published(f, f->keys.list[0].kid, NOW));
	}
}

/* It is not restored once another key signs. */
TEST(a_token_of_each_algorithm_is_restored, struct fixture *f)
{
	static const enum signing_keys_alg algs[] = { SIGNING_KEYS_HS256,
		SIGNING_KEYS_RS256, SIGNING_KEYS_ES256 };
	struct token_compact core = { 0 };

	for (size_t i = 0; i < NELEMS(algs); i++) {
		struct token token, again;
		struct claims c;

		store_close(f->store);
		assert_int_equal(store_open_memory(f->m, &f->store), ERR_OK);
		f->options.store = f->store;
		open_with(f, algs[i], NOW);
		assert_int_equal(signs(f, NOW), algs[i]);
		if (i > 0)
			assert_int_equal(access_token_restore(&f->tokens,
					     &session, &core, NOW, &again),
			    ERR_INVALID);
		assert_int_equal(access_token_issue(
				     &f->tokens, &session, 7, NOW, &token, &c),
		    ERR_OK);
		assert_int_equal(access_token_compact(
				     &f->tokens, &session, &c, &token, &core),
		    ERR_OK);
		assert_int_equal(access_token_restore(
				     &f->tokens, &session, &core, NOW, &again),
		    ERR_OK);
		assert_string_equal(again.text, token.text);
		assert_int_equal(verify(f, &again, NOW), ERR_OK);
	}
}

TEST(a_new_key_is_published_before_it_signs, struct fixture *f)
{
	const int64_t turn = NOW + 10 + PUBLISH;
	char kid[SIGNING_KEY_KID_SIZE], again[SIGNING_KEY_KID_SIZE];
	struct token before, after;
	const char *first;

	open_with(f, SIGNING_KEYS_ES256, NOW);
	first = f->keys.list[1].kid;
	assert_int_equal(signing_keys_rotate(&f->keys, NOW + 10, kid), ERR_OK);
	assert_int_equal(strlen(kid), 43);
	assert_string_not_equal(kid, first);
	assert_true(is_published(f, kid, NOW + 10));
	assert_int_equal(
	    signing_keys_rotate(&f->keys, NOW + 20, again), ERR_CONFLICT);
	assert_string_equal(again, "");

	before = issue(f, turn - 1);
	after = issue(f, turn);
	assert_string_equal(
	    signing_keys_active(&f->keys, turn - 1)->kid, first);
	assert_string_equal(signing_keys_active(&f->keys, turn)->kid, kid);
	assert_int_equal(verify(f, &before, turn), ERR_OK);
	/* on a host whose clock is behind: iat decides, not the key */
	assert_int_equal(verify(f, &after, turn), ERR_OK);
	assert_int_equal(verify(f, &before, turn + LIFE - 2), ERR_OK);
	assert_int_equal(signing_keys_rotate(&f->keys, turn, again), ERR_OK);
}

TEST(an_old_key_is_retired_after_its_last_token, struct fixture *f)
{
	const int64_t turn = NOW + PUBLISH;
	const int64_t end = turn + LIFE + SIGNING_KEYS_GRACE_SECONDS;
	char kid[SIGNING_KEY_KID_SIZE], first[SIGNING_KEY_KID_SIZE];
	struct token token;

	open_with(f, SIGNING_KEYS_ES256, NOW);
	memcpy(first, f->keys.list[1].kid, sizeof(first));
	assert_int_equal(signing_keys_rotate(&f->keys, NOW, kid), ERR_OK);
	token = issue(f, turn - 1);

	assert_int_equal(signing_keys_maintain(&f->keys, end - 1), ERR_OK);
	assert_true(is_published(f, first, end - 1));
	assert_true(is_published(f, kid, end - 1));
	assert_false(is_published(f, first, end));
	assert_int_equal(signing_keys_maintain(&f->keys, end), ERR_OK);
	assert_int_equal(f->keys.count, 1);
	assert_string_equal(f->keys.list[0].kid, kid);
	assert_int_equal(verify(f, &token, turn), ERR_DENIED);
}

/* A retired key verifies nothing, deleted or not. */
TEST(a_retired_key_verifies_nothing, struct fixture *f)
{
	const int64_t end = NOW + PUBLISH + LIFE + SIGNING_KEYS_GRACE_SECONDS;
	char kid[SIGNING_KEY_KID_SIZE];
	struct access_tokens leaked;
	struct token forged;
	struct signing_keys old;

	open_with(f, SIGNING_KEYS_ES256, NOW);
	assert_int_equal(signing_keys_open(&f->options, NOW, &old), ERR_OK);
	assert_int_equal(signing_keys_rotate(&f->keys, NOW, kid), ERR_OK);
	/* an attacker has it and goes on signing */
	old.options.store = NULL;
	leaked = f->tokens;
	leaked.keys = &old;
	assert_int_equal(
	    access_token_issue(&leaked, &session, 7, end - 1, &forged, NULL),
	    ERR_OK);
	assert_int_equal(verify(f, &forged, end - 1), ERR_OK);
	assert_int_equal(verify(f, &forged, end), ERR_DENIED);
	signing_keys_close(&old);
}

TEST(an_algorithm_changes_by_rotation, struct fixture *f)
{
	static const enum signing_keys_alg algs[] = { SIGNING_KEYS_RS256,
		SIGNING_KEYS_ES256, SIGNING_KEYS_HS256 };
	int64_t now = NOW;
	struct token token[NELEMS(algs) + 1];

	open_with(f, SIGNING_KEYS_HS256, now);
	token[0] = issue(f, now);
	for (size_t i = 0; i < NELEMS(algs); i++) {
		enum signing_keys_alg before = signs(f, now);

		open_with(f, algs[i], now);
		assert_int_equal(signs(f, now + PUBLISH - 1), before);
		now += PUBLISH;
		assert_int_equal(signs(f, now), algs[i]);
		token[i + 1] = issue(f, now);
		for (size_t j = 0; j <= i + 1; j++) {
			enum err err = verify(f, &token[j], now);

			if (err !=
			    (token[j].expires_at > now ? ERR_OK : ERR_DENIED))
				fail_msg("%zu at %zu: %s", j, i, err_name(err));
		}
	}
	/* started once only: two pools must not undo each other */
	assert_int_equal(signing_keys_maintain(&f->keys, now), ERR_OK);
	f->options.alg = f->keys.options.alg = SIGNING_KEYS_ES256;
	assert_int_equal(signing_keys_maintain(&f->keys, now + 1), ERR_OK);
	assert_int_equal(signs(f, now + 2 * PUBLISH), SIGNING_KEYS_HS256);
}

/* While a key is waiting to sign, the next one follows it. */
TEST(two_changes_of_algorithm_happen_in_turn, struct fixture *f)
{
	open_with(f, SIGNING_KEYS_HS256, NOW);
	open_with(f, SIGNING_KEYS_RS256, NOW + 1);
	open_with(f, SIGNING_KEYS_ES256, NOW + 2);
	assert_int_equal(signs(f, NOW + 1 + PUBLISH), SIGNING_KEYS_RS256);
	assert_int_equal(
	    signing_keys_maintain(&f->keys, NOW + 1 + PUBLISH), ERR_OK);
	assert_int_equal(signs(f, NOW + 1 + 2 * PUBLISH), SIGNING_KEYS_ES256);
}

TEST(keys_rotate_by_age, struct fixture *f)
{
	const int64_t day = 24 * 3600;
	char first[SIGNING_KEY_KID_SIZE];

	f->options.max_age = 30 * day;
	open_with(f, SIGNING_KEYS_ES256, NOW);
	memcpy(first, f->keys.list[1].kid, sizeof(first));
	assert_int_equal(
	    signing_keys_maintain(&f->keys, NOW + 30 * day - PUBLISH - 1),
	    ERR_OK);
	assert_int_equal(f->keys.count, 1); /* the first key is retired */
	assert_int_equal(
	    signing_keys_maintain(&f->keys, NOW + 30 * day - PUBLISH), ERR_OK);
	assert_int_equal(f->keys.count, 2);
	assert_string_equal(
	    signing_keys_active(&f->keys, NOW + 30 * day - 1)->kid, first);
	assert_string_not_equal(
	    signing_keys_active(&f->keys, NOW + 30 * day)->kid, first);
	assert_int_equal(
	    signing_keys_maintain(&f->keys, NOW + 30 * day), ERR_OK);
	assert_int_equal(f->keys.count, 2);
}

/* A change by one process is seen by the others at once. */
static void
expect_others_see_a_change(struct fixture *f)
{
	char kid[SIGNING_KEY_KID_SIZE];
	struct access_tokens t = f->tokens;
	struct token token;
	struct signing_keys other;
	struct claims c;

	open_with(f, SIGNING_KEYS_ES256, NOW);
	assert_int_equal(signing_keys_open(&f->options, NOW, &other), ERR_OK);
	t.keys = &other;
	assert_int_equal(signing_keys_rotate(&f->keys, NOW, kid), ERR_OK);
	token = issue(f, NOW + PUBLISH);
	assert_int_equal(
	    access_token_verify(&t, token.text, NOW + PUBLISH, &c), ERR_OK);

	/* and a deleted key is invalid everywhere from then on */
	assert_int_equal(
	    signing_keys_replace(&f->options, NOW + PUBLISH, kid), ERR_OK);
	assert_int_equal(
	    access_token_verify(&t, token.text, NOW + PUBLISH, &c), ERR_DENIED);
	assert_int_equal(verify(f, &token, NOW + PUBLISH), ERR_DENIED);
	token = issue(f, NOW + PUBLISH);
	assert_int_equal(
	    access_token_verify(&t, token.text, NOW + PUBLISH, &c), ERR_OK);
	signing_keys_close(&other);
}

TEST(others_see_a_change_at_once)
{
	expect_others_see_a_change(*state);
}

TEST(others_see_a_change_with_versions_unknown_at_random, struct fixture *f)
{
	unknown_coherence_put(f->store, 50);
	expect_others_see_a_change(f);
}

TEST(others_see_a_change_with_versions_unknown, struct fixture *f)
{
	unknown_coherence_put(f->store, 100);
	expect_others_see_a_change(f);
	/* nothing in memory is valid */
	store_memory_fail_next(f->store, ERR_UNAVAILABLE);
	assert_int_equal(signing_keys_refresh(&f->keys), ERR_UNAVAILABLE);
}

TEST(unavailable_is_neither_yes_nor_no, struct fixture *f)
{
	char kid[SIGNING_KEY_KID_SIZE];
	struct token token, none;

	open_with(f, SIGNING_KEYS_ES256, NOW);
	token = issue(f, NOW);
	/* nothing changed: no query */
	store_memory_fail_next(f->store, ERR_UNAVAILABLE);
	assert_int_equal(verify(f, &token, NOW), ERR_OK);
	store_memory_fail_next(f->store, ERR_OK);

	assert_int_equal(signing_keys_replace(&f->options, NOW, kid), ERR_OK);
	store_memory_fail_next(f->store, ERR_UNAVAILABLE);
	assert_int_equal(verify(f, &token, NOW), ERR_UNAVAILABLE);
	store_memory_fail_next(f->store, ERR_UNAVAILABLE);
	assert_int_equal(
	    access_token_issue(&f->tokens, &session, 7, NOW, &none, NULL),
	    ERR_UNAVAILABLE);
	assert_int_equal(verify(f, &token, NOW), ERR_DENIED);
}

TEST(a_longer_token_lifetime_keeps_the_key, struct fixture *f)
{
	const int64_t end =
	    NOW + PUBLISH + 2 * LIFE + SIGNING_KEYS_GRACE_SECONDS;
	char first[SIGNING_KEY_KID_SIZE], kid[SIGNING_KEY_KID_SIZE];

	open_with(f, SIGNING_KEYS_ES256, NOW);
	memcpy(first, f->keys.list[1].kid, sizeof(first));
	f->options.lifetime = 2 * LIFE;
	open_with(f, SIGNING_KEYS_ES256, NOW);
	f->options.lifetime = LIFE;
	open_with(f, SIGNING_KEYS_ES256, NOW);
	assert_int_equal(signing_keys_rotate(&f->keys, NOW, kid), ERR_OK);
	assert_true(is_published(f, first, end - 1));
	assert_false(is_published(f, first, end));
}

TEST(another_secret_opens_nothing, struct fixture *f)
{
	char kid[SIGNING_KEY_KID_SIZE], path[4096];
	struct master_secret other;
	struct signing_keys k;

	open_with(f, SIGNING_KEYS_ES256, NOW);
	assert_int_equal(master_secret_load(SECRET "x", "", &other), ERR_OK);
	f->options.master = &other;
	assert_int_equal(signing_keys_open(&f->options, NOW, &k), ERR_INVALID);
	signing_keys_close(&k);

	/* nor does a missing one, and no new one is created */
	(void)snprintf(path, sizeof(path), "%s/master", f->table.dir);
	assert_int_equal(master_secret_load("", path, &other), ERR_NOT_FOUND);
	assert_int_equal(signing_keys_open(&f->options, NOW, &k), ERR_INVALID);
	signing_keys_close(&k);
	assert_int_not_equal(access(path, F_OK), 0);

	/* the way out, after which the old secret is refused */
	assert_int_equal(master_secret_load(SECRET "x", "", &other), ERR_OK);
	assert_int_equal(signing_keys_replace(&f->options, NOW, kid), ERR_OK);
	assert_int_equal(signing_keys_open(&f->options, NOW, &k), ERR_OK);
	assert_int_equal(k.count, 1);
	assert_string_equal(k.list[0].kid, kid);
	signing_keys_close(&k);
	assert_int_equal(signing_keys_refresh(&f->keys), ERR_UNAVAILABLE);
}

/* A row with exchanged parts is refused. */
TEST(a_key_is_bound_to_its_name_and_algorithm, struct fixture *f)
{
	struct signing_key_row row, other, bad;
	struct signing_key key;

	assert_int_equal(
	    signing_keys_row_make(SIGNING_KEYS_ES256, &f->master, &row),
	    ERR_OK);
	assert_int_equal(
	    signing_keys_row_make(SIGNING_KEYS_HS256, &f->master, &other),
	    ERR_OK);
	assert_int_equal(signing_keys_row_open(&row, &f->master, &key), ERR_OK);
	signing_keys_row_clear(&key);

	bad = row;
	memcpy(bad.alg, "HS256", sizeof("HS256"));
	assert_int_equal(
	    signing_keys_row_open(&bad, &f->master, &key), ERR_INVALID);
	bad = row;
	memcpy(bad.alg, "none", sizeof("none"));
	assert_int_equal(
	    signing_keys_row_open(&bad, &f->master, &key), ERR_INVALID);
	bad = row;
	memcpy(bad.kid, other.kid, sizeof(bad.kid));
	assert_int_equal(
	    signing_keys_row_open(&bad, &f->master, &key), ERR_INVALID);
	for (size_t i = 0; i < row.sealed_len; i++) {
		bad = row;
		bad.sealed[i] ^= 1;
		assert_int_equal(
		    signing_keys_row_open(&bad, &f->master, &key), ERR_INVALID);
	}
	bad = row;
	bad.sealed_len = 0;
	assert_int_equal(
	    signing_keys_row_open(&bad, &f->master, &key), ERR_INVALID);
}

TEST(a_secret_is_created_with_the_first_key, struct fixture *f)
{
	struct master_secret made;
	char path[4096];
	struct signing_keys k;

	(void)snprintf(path, sizeof(path), "%s/master", f->table.dir);
	assert_int_equal(master_secret_load("", path, &made), ERR_NOT_FOUND);
	f->options.master = &made;
	assert_int_equal(signing_keys_open(&f->options, NOW, &k), ERR_OK);
	assert_int_equal(made.len, SECRET_KEY_BYTES);
	assert_int_equal(access(path, F_OK), 0);
	signing_keys_close(&k);
}

/* Of two processes that start together, one may find keys but no secret yet. */
TEST(the_secret_may_be_created_meanwhile, struct fixture *f)
{
	struct master_secret mine, theirs;
	char path[4096];
	struct signing_keys k;

	(void)snprintf(path, sizeof(path), "%s/master", f->table.dir);
	assert_int_equal(master_secret_load("", path, &mine), ERR_NOT_FOUND);
	assert_int_equal(master_secret_load("", path, &theirs), ERR_NOT_FOUND);
	f->options.master = &theirs;
	assert_int_equal(signing_keys_open(&f->options, NOW, &k), ERR_OK);
	signing_keys_close(&k);
	f->options.master = &mine;
	assert_int_equal(signing_keys_open(&f->options, NOW, &k), ERR_OK);
	assert_int_equal(mine.len, theirs.len);
	assert_memory_equal(mine.secret, theirs.secret, mine.len);
	signing_keys_close(&k);
}

/* A busy store prevents neither start nor reload. */
TEST(a_start_waits_for_a_busy_store, struct fixture *f)
{
	size_t count;

	store_memory_fail_next(f->store, ERR_UNAVAILABLE);
	open_with(f, SIGNING_KEYS_ES256, NOW);
	f->options.lifetime = 2 * LIFE;
	store_memory_fail_commit(f->store, ERR_UNAVAILABLE);
	open_with(f, SIGNING_KEYS_ES256, NOW);
	assert_int_equal(
	    signing_keys_active(&f->keys, NOW)->lifetime, 2 * LIFE);
	/* A rotation that is due comes later. */
	store_memory_fail_commit(f->store, ERR_UNAVAILABLE);
	count = f->keys.count;
	open_with(f, SIGNING_KEYS_RS256, NOW);
	assert_int_equal(f->keys.count, count);
	assert_int_equal(signing_keys_maintain(&f->keys, NOW), ERR_OK);
	assert_int_equal(f->keys.count, count + 1);
}
