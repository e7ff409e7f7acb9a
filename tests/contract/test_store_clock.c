/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

#include <stdio.h>

#include "support/store_cases.h"

#define NOW TEST_USERS_NOW
#define DAY (24 * 3600)
#define AHEAD (NOW + 3650 * (int64_t)DAY)

static int64_t
latest(struct fixture *f)
{
	int64_t time;

	gives(ERR_OK, store_latest_time(f->st, &time));
	return time;
}

static int64_t
maintain(struct fixture *f, int64_t now)
{
	int64_t removed;

	gives(ERR_OK, store_maintenance(f->st, now, &removed));
	return removed;
}

static struct external_profile
profile(int64_t issued_at)
{
	return (struct external_profile){ .issuer = "https://a.example",
		.subject = "zoe",
		.issued_at = issued_at,
		.leeway = 5,
		.name = "Zoe",
		.avatar_url = "" };
}

static enum err
provision(struct fixture *f, int64_t issued_at, int64_t *id_out)
{
	const struct external_profile p = profile(issued_at);
	enum external_done done;

	return store_external_provision(f->st, &f->actor, &p, id_out, &done);
}

/* ---- expiry ---- */

/*
 * The row of an ended token may go because the token has expired.  That time is
 * stored, or the token would be valid again once the clock is set back.
 */
TEST(expiry_stores_its_time, struct fixture *f)
{
	struct claims c = test_users_claims(&f->ann, 1, NOW);
	int64_t id, ended, at;

	gives(ERR_OK, provision(f, NOW, &id));
	gives(ERR_OK, store_user_remove(f->st, &f->actor, id, &ended));
	gives(ERR_OK, store_token_end(f->st, &f->actor, &c));
	assert_int_equal(maintain(f, NOW + 1), 0);
	assert_int_equal(latest(f), NOW); /* nothing has gone */

	at = c.expires_at + 2 * 3600; /* the blacklist */
	assert_int_equal(maintain(f, at), 1);
	assert_int_equal(latest(f), at);
	at = NOW + TEST_USERS_LIFETIME; /* the session */
	assert_int_equal(maintain(f, at), 1);
	assert_int_equal(latest(f), at);
	at = NOW + 90 * DAY; /* rows of the audit table */
	assert_true(maintain(f, at) > 0);
	assert_int_equal(latest(f), at);
	at += 3600; /* the subject of the deleted account */
	assert_int_equal(maintain(f, at), 1);
	assert_int_equal(latest(f), at);
	/* The clock is right again: nothing becomes valid. */
	assert_int_equal(maintain(f, NOW), 0);
	assert_int_equal(latest(f), at);
}

TEST(a_failed_expiry_stores_no_time, struct fixture *f)
{
	int64_t removed;

	break_store(f);
	gives(ERR_UNAVAILABLE, store_maintenance(f->st, AHEAD, &removed));
	mend_store(f);
	assert_int_equal(latest(f), NOW);
	assert_true(live(f, handle_of(1), NOW));
}

TEST(a_jump_is_noted_in_the_audit_table, struct fixture *f)
{
	const struct store_actor then = { .address = "", .now = NOW + 5 };

	gives(ERR_OK, store_clock_jump(f->st, &then));
	assert_int_equal(f->tidied, 0);
	/* registration at NOW, with its session; then the jump */
	assert_int_equal(maintain(f, NOW + 5 - 1 + 90 * DAY), 2);
	assert_int_equal(maintain(f, NOW + 5 + 90 * DAY), 1);
}

/* ---- reset ---- */

TEST(a_reset_ends_all_sessions_and_tokens, struct fixture *f)
{
	struct user_patch patch = { .name = "Ann B." };
	int64_t ended = 77;
	struct person bob;
	struct user u;

	gives(ERR_OK, test_users_register(f->st, "bob", 2, AHEAD, &bob));
	f->actor.now = AHEAD;
	gives(ERR_OK,
	    store_profile_update(f->st, &f->actor, f->ann.user.id, &patch, &u));
	gives(ERR_OK, store_clock_reset(f->st, NOW + 9, &ended));
	assert_int_equal(ended, 2);
	assert_int_equal(latest(f), NOW + 9);
	gives(ERR_OK, store_user_by_id(f->st, u.id, &u));
	assert_int_equal(u.epoch, f->ann.user.epoch + 1);
	assert_int_equal(u.epoch_at, NOW + 9);
	assert_int_equal(u.created_at, f->ann.user.created_at);
	assert_int_equal(u.updated_at, NOW + 9);
	gives(ERR_OK, store_user_by_id(f->st, bob.user.id, &u));
	assert_int_equal(u.created_at, NOW + 9);
	assert_int_equal(live_count(f, f->ann.user.id, NOW), 0);
	assert_int_equal(live_count(f, bob.user.id, NOW), 0);
	/* A new session lives as long as any. */
	f->actor.now = NOW + 9;
	bob.user = u;
	gives(ERR_OK, login(f, &bob, 3, NOW + 9));
	assert_true(live(f, handle_of(3), NOW + 9));
}

/* Deletions of accounts may have been forgotten too early. */
TEST(a_reset_refuses_older_tokens_of_issuers, struct fixture *f)
{
	int64_t id, ended;

	gives(ERR_OK, store_clock_reset(f->st, NOW + 9, &ended));
	gives(ERR_DENIED, provision(f, NOW + 9, &id));
	gives(ERR_OK, provision(f, NOW + 9 + 6, &id));
}

/* A row that lay years ahead would be kept for years. */
TEST(a_reset_lowers_the_times_of_all_rows, struct fixture *f)
{
	static struct signing_key_row keys[SIGNING_KEYS_MAX];
	static struct issuer_keys sets[ISSUERS_MAX];
	struct signing_key_row key = { .kid = "key",
		.alg = "ES256",
		.created_at = AHEAD,
		.signs_at = AHEAD + 5,
		.sealed_len = 10 };
	const struct store_keys_edit edit = {
		.newest = "", .put = &key, .puts = 1
	};
	struct issuer_keys set = { .issuer = "https://a.example",
		.fetched_at = AHEAD,
		.fresh_until = AHEAD + 5,
		.tried_at = AHEAD };
	struct claims c = test_users_claims(&f->ann, 1, AHEAD);
	int64_t ended, id;
	bool revoked;
	size_t n;

	f->actor.now = AHEAD;
	gives(ERR_OK, store_keys_edit(f->st, &f->actor, &edit));
	gives(ERR_OK, store_issuer_put(f->st, &f->actor, &set));
	gives(ERR_OK, store_token_end(f->st, &f->actor, &c));
	gives(ERR_OK, provision(f, AHEAD, &id));
	gives(ERR_OK, store_user_remove(f->st, &f->actor, id, &ended));
	gives(ERR_OK, store_clock_reset(f->st, NOW, &ended));

	gives(ERR_OK, store_keys(f->st, keys, &n));
	assert_int_equal(n, 1);
	assert_int_equal(keys[0].created_at, NOW);
	assert_int_equal(keys[0].signs_at, NOW);
	gives(ERR_OK, store_issuers(f->st, sets, &n));
	assert_int_equal(n, 1);
	assert_int_equal(sets[0].fetched_at, NOW);
	assert_int_equal(sets[0].fresh_until, NOW);
	assert_int_equal(sets[0].tried_at, NOW);
	issuer_keys_clear(&sets[0]);
	gives(ERR_OK, store_token_revoked(f->st, c.jti, &revoked));
	assert_true(revoked);
	(void)maintain(f, NOW + 91 * DAY); /* and the rows of the audit */
	assert_int_equal(maintain(f, AHEAD + 91 * DAY), 0);
	gives(ERR_OK, store_token_revoked(f->st, c.jti, &revoked));
	assert_false(revoked);
}

TEST(a_failed_reset_changes_nothing, struct fixture *f)
{
	int64_t ended = 77;

	f->actor.now = AHEAD;
	gives(ERR_OK, store_clock_jump(f->st, &f->actor));
	break_store(f);
	gives(ERR_UNAVAILABLE, store_clock_reset(f->st, NOW, &ended));
	assert_int_equal(ended, 0);
	mend_store(f);
	assert_int_equal(latest(f), AHEAD);
	gives(ERR_OK, store_user_by_id(f->st, f->ann.user.id, &f->ann.user));
	assert_int_equal(f->ann.user.epoch, 1);
}

STORE_FIXTURES;
