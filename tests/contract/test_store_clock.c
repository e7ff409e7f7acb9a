/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include "support/test.h"

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

STORE_FIXTURES;
