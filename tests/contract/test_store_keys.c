/* SPDX-License-Identifier: ISC */
#include "support/store_cases.h"

#include "support/test.h"

#include <stdio.h>

#define NOW TEST_USERS_NOW

/* The key number ${n}, which signs from ${signs_at} on. */
static struct signing_key_row
key(int n, int64_t signs_at)
{
	struct signing_key_row k = { .alg = "ES256",
		.created_at = NOW,
		.signs_at = signs_at,
		.lifetime = 900,
		.sealed_len = 100 };

	(void)snprintf(k.kid, sizeof(k.kid), "key-%d", n);
	memset(k.sealed, n, k.sealed_len);
	k.sealed[1] = '\0'; /* bytes, not text */
	return k;
}

static enum err
put(struct fixture *f, const char *newest, const struct signing_key_row *k)
{
	const struct store_keys_edit edit = {
		.newest = newest, .put = k, .puts = 1
	};

	return store_keys_edit(f->st, &f->actor, &edit);
}

static size_t
list(struct fixture *f, struct signing_key_row keys[SIGNING_KEYS_MAX])
{
	size_t n = 99;

	dirty(keys, SIGNING_KEYS_MAX * sizeof(*keys));
	gives(ERR_OK, store_keys(f->st, keys, &n));
	return n;
}

TEST(keys_come_in_the_order_they_sign_in, struct fixture *f)
{
	static struct signing_key_row got[SIGNING_KEYS_MAX];
	struct signing_key_row late = key(1, NOW + 20),
			       early = key(2, NOW + 10);

	assert_int_equal(list(f, got), 0);
	gives(ERR_OK, put(f, "", &late));
	assert_true(tidied(f, SIGNING_KEYS_KEY));
	gives(ERR_OK, put(f, "key-1", &early));
	assert_int_equal(list(f, got), 2);
	assert_string_equal(got[0].kid, "key-2");
	assert_string_equal(got[1].kid, "key-1");
	assert_string_equal(got[1].alg, "ES256");
	assert_int_equal(got[1].created_at, NOW);
	assert_int_equal(got[1].signs_at, NOW + 20);
	assert_int_equal(got[1].lifetime, 900);
	assert_int_equal(got[1].sealed_len, 100);
	assert_memory_equal(got[1].sealed, late.sealed, 100);
}

TEST(an_edit_of_outdated_keys_changes_nothing, struct fixture *f)
{
	static struct signing_key_row got[SIGNING_KEYS_MAX];
	struct signing_key_row first = key(1, NOW), other = key(2, NOW);
	struct store_keys_edit edit = { .newest = "", .removes = 1 };

	gives(ERR_CONFLICT, put(f, "key-9", &first));
	gives(ERR_OK, put(f, "", &first));
	gives(ERR_CONFLICT, put(f, "", &other));
	(void)snprintf(edit.remove[0], SIGNING_KEY_KID_SIZE, "key-1");
	gives(ERR_CONFLICT, store_keys_edit(f->st, &f->actor, &edit));
	assert_int_equal(list(f, got), 1);
	assert_string_equal(got[0].kid, "key-1");
}

TEST(the_lifetime_of_a_key_only_rises, struct fixture *f)
{
	static struct signing_key_row got[SIGNING_KEYS_MAX];
	struct signing_key_row k = key(1, NOW), changed;

	gives(ERR_OK, put(f, "", &k));
	changed = key(1, NOW + 99);
	changed.lifetime = 60;
	memset(changed.sealed, 0, sizeof(changed.sealed));
	gives(ERR_OK, put(f, "key-1", &changed));
	assert_int_equal(list(f, got), 1);
	assert_int_equal(got[0].lifetime, 900);
	changed.lifetime = 3600;
	gives(ERR_OK, put(f, "key-1", &changed));
	assert_int_equal(list(f, got), 1);
	assert_int_equal(got[0].lifetime, 3600);
	assert_int_equal(got[0].signs_at, NOW);
	assert_memory_equal(got[0].sealed, k.sealed, 100);
}

TEST(a_key_that_is_removed_is_gone, struct fixture *f)
{
	static struct signing_key_row got[SIGNING_KEYS_MAX];
	struct signing_key_row a = key(1, NOW), b = key(2, NOW + 1);
	struct store_keys_edit edit = { .newest = "key-2", .removes = 2 };

	gives(ERR_OK, put(f, "", &a));
	gives(ERR_OK, put(f, "key-1", &b));
	(void)snprintf(edit.remove[0], SIGNING_KEY_KID_SIZE, "key-1");
	(void)snprintf(edit.remove[1], SIGNING_KEY_KID_SIZE, "key-1");
	f->tidied = 0;
	gives(ERR_OK, store_keys_edit(f->st, &f->actor, &edit));
	assert_int_equal(f->tidied, 1);
	assert_true(tidied(f, SIGNING_KEYS_KEY));
	assert_int_equal(list(f, got), 1);
	assert_string_equal(got[0].kid, "key-2");
	/* a second time, nothing is removed */
	gives(ERR_OK, store_keys_edit(f->st, &f->actor, &edit));
	assert_int_equal(list(f, got), 1);
}

TEST(one_key_replaces_all, struct fixture *f)
{
	static struct signing_key_row got[SIGNING_KEYS_MAX];
	struct signing_key_row k[3] = { key(1, NOW), key(2, NOW + 1),
		key(3, NOW - 1) };
	const struct store_keys_edit edit = {
		.alone = true, .put = &k[2], .puts = 1
	};

	gives(ERR_OK, put(f, "", &k[0]));
	gives(ERR_OK, put(f, "key-1", &k[1]));
	gives(ERR_OK, store_keys_edit(f->st, &f->actor, &edit));
	assert_int_equal(list(f, got), 1);
	assert_string_equal(got[0].kid, "key-3");
}

TEST(the_number_is_limited, struct fixture *f)
{
	static struct signing_key_row got[SIGNING_KEYS_MAX];
	char newest[SIGNING_KEY_KID_SIZE] = "";
	struct signing_key_row k;

	for (int i = 0; i < SIGNING_KEYS_MAX; i++) {
		k = key(i, NOW + i);
		gives(ERR_OK, put(f, newest, &k));
		memcpy(newest, k.kid, sizeof(newest));
	}
	k = key(99, NOW + 99);
	gives(ERR_LIMITED, put(f, newest, &k));
	assert_int_equal(list(f, got), SIGNING_KEYS_MAX);
}

TEST(a_failure_is_no_list, struct fixture *f)
{
	static struct signing_key_row got[SIGNING_KEYS_MAX];
	struct signing_key_row k = key(1, NOW);
	size_t n = 99;

	gives(ERR_OK, put(f, "", &k));
	break_store(f);
	dirty(got, sizeof(got));
	gives(ERR_UNAVAILABLE, store_keys(f->st, got, &n));
	assert_int_equal(n, 0);
	assert_true(all_zero(got, sizeof(got)));
	break_store(f);
	gives(ERR_UNAVAILABLE, put(f, "key-1", &k));
	mend_store(f);
	assert_int_equal(list(f, got), 1);
}

STORE_FIXTURES;
