/* SPDX-License-Identifier: ISC */
#include "auth/sessions.h"

#include "support/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "cache/cache.h"
#include "shm/shm.h"
#include "store/store.h"
#include "support/keyring.h"
#include "support/shm_fixture.h"
#include "support/store_memory.h"
#include "support/test_users.h"
#include "support/token_forger.h"
#include "token/jws.h"
#include "token/signing_keys.h"

#define NOW 1700000000
#define SECRET "the secret of this test, 32 bytes+"

struct fixture {
	struct table table;
	struct shm *m;
	struct store *store;
	struct cache *cache;
	struct signing_keys keys;
	struct sessions ss;
	/* one user with one session */
	struct user user;
	struct session session;
	char id[SESSION_ID_SIZE];
	struct token token;
	struct claims claims;
};

static const struct session_origin origin = { .address = "192.0.2.1",
	.device = "laptop",
	.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
		      "Gecko/20100101 Firefox/128.0" };
static const struct store_actor actor = { .address = "192.0.2.1", .now = NOW };

/* Register ${email}; the rest of the fixture is ready. */
static void
sign_up(struct fixture *f, const char *email, struct user *u, struct session *s,
    char id[SESSION_ID_SIZE])
{
	memset(u, 0, sizeof(*u));
	(void)snprintf(u->email, sizeof(u->email), "%s", email);
	(void)snprintf(u->name, sizeof(u->name), "Ann Example");
	u->role = USER_ROLE_USER;
	u->status = USER_STATUS_ACTIVE;
	sessions_new(&f->ss, &origin, NOW, id, s);
	assert_int_equal(
	    store_register(f->store, &actor, u, email, "hash", s), ERR_OK);
}

static void
set_up(struct fixture *f)
{
	static const struct cache_options options = {
		.user_ttl = 3600, .session_ttl = 604800, .token_ttl = 300
	};
	unsigned char seal[SECRET_KEY_BYTES];

	shm_fixture_make(&f->table);
	f->m = shm_fixture_open(&f->table);
	assert_int_equal(store_open_memory(f->m, &f->store), ERR_OK);
	keyring_open(SECRET, &f->keys);
	keyring_seal(SECRET, seal);
	assert_int_equal(
	    cache_new(f->m, f->store, NULL, seal, &options, &f->cache), ERR_OK);
	f->ss.cache = f->cache;
	f->ss.store = f->store;
	f->ss.lifetime = 604800;
	f->ss.tokens.keys = &f->keys;
	f->ss.tokens.issuer = f->ss.tokens.audience = "latchkey";
	f->ss.tokens.lifetime = 900;
	f->ss.tokens.clock = &clock_system;
	sign_up(f, "zoe@example.org", &f->user, &f->session, f->id);
	assert_int_equal(access_token_issue(&f->ss.tokens, &f->session,
			     f->session.epoch, NOW, &f->token, &f->claims),
	    ERR_OK);
}

static void
tear_down(struct fixture *f)
{
	cache_free(f->cache);
	signing_keys_close(&f->keys);
	store_close(f->store);
	shm_detach(f->m);
	shm_fixture_remove(&f->table);
}

TEST_FIXTURE(struct fixture, set_up, tear_down);

static const struct identity no_identity;

static enum err
by_id(struct fixture *f, const char *id, int64_t now)
{
	struct identity who;
	enum err err;

	memset(&who, 0xaa, sizeof(who));
	err = sessions_by_id(&f->ss, id, now, &who);
	if (err != ERR_OK)
		assert_memory_equal(&who, &no_identity, sizeof(who));
	return err;
}

static enum err
by_token(struct fixture *f, const char *text, int64_t now)
{
	struct identity who;
	enum err err;

	memset(&who, 0xaa, sizeof(who));
	err = sessions_by_token(&f->ss, text, "", now, &who);
	if (err != ERR_OK)
		assert_memory_equal(&who, &no_identity, sizeof(who));
	return err;
}

/* Session id and token give the same result. */
static void
expect_both(struct fixture *f, enum err expect)
{
	assert_int_equal(by_id(f, f->id, NOW), expect);
	assert_int_equal(by_token(f, f->token.text, NOW), expect);
}

TEST(authenticates_by_session_id_and_token, struct fixture *f)
{
	struct identity who;

	assert_int_equal(sessions_by_id(&f->ss, f->id, NOW, &who), ERR_OK);
	assert_int_equal(who.user.id, f->user.id);
	assert_string_equal(who.user.email, "zoe@example.org");
	assert_string_equal(who.session.handle, f->session.handle);
	assert_int_equal(who.claims.origin, TOKEN_NONE);
	assert_string_equal(who.claims.jti, "");

	assert_int_equal(
	    sessions_by_token(&f->ss, f->token.text, "", NOW, &who), ERR_OK);
	assert_int_equal(who.user.id, f->user.id);
	assert_string_equal(who.session.handle, f->session.handle);
	assert_int_equal(who.claims.origin, TOKEN_OF_THIS_SITE);
	assert_string_equal(who.claims.jti, f->claims.jti);
}

TEST(refuses_anything_else, struct fixture *f)
{
	static const char *const bad[] = { "", "x",
		"2f1e7f0a-3c4d-4b5e-8f60-718293a4b5c6" };

	assert_int_equal(by_id(f, NULL, NOW), ERR_DENIED);
	assert_int_equal(by_token(f, NULL, NOW), ERR_DENIED);
	for (size_t i = 0; i < NELEMS(bad); i++) {
		assert_int_equal(by_id(f, bad[i], NOW), ERR_DENIED);
		assert_int_equal(by_token(f, bad[i], NOW), ERR_DENIED);
	}
	/* the handle is public and is not accepted */
	assert_int_equal(by_id(f, f->session.handle, NOW), ERR_DENIED);
	assert_int_equal(by_id(f, f->token.text, NOW), ERR_DENIED);
	assert_int_equal(by_token(f, f->id, NOW), ERR_DENIED);
}

TEST(ends_at_its_expiry, struct fixture *f)
{
	assert_int_equal(by_id(f, f->id, NOW + 604799), ERR_OK);
	assert_int_equal(by_id(f, f->id, NOW + 604800), ERR_DENIED);
	assert_int_equal(by_token(f, f->token.text, NOW + 899), ERR_OK);
	assert_int_equal(by_token(f, f->token.text, NOW + 900), ERR_DENIED);
}

TEST(ends_with_logout, struct fixture *f)
{
	expect_both(f, ERR_OK);
	assert_int_equal(
	    store_logout(f->store, &actor, f->session.handle, NULL), ERR_OK);
	expect_both(f, ERR_DENIED);
}

TEST(a_blacklisted_token_ends_and_its_session_lives, struct fixture *f)
{
	expect_both(f, ERR_OK);
	assert_int_equal(
	    store_logout(f->store, &actor, NULL, &f->claims), ERR_OK);
	assert_int_equal(by_token(f, f->token.text, NOW), ERR_DENIED);
	assert_int_equal(by_id(f, f->id, NOW), ERR_OK);
}

TEST(ends_with_the_epoch, struct fixture *f)
{
	int64_t epoch, ended;
	struct token fresh;

	assert_int_equal(store_logout_all(f->store, &actor, f->user.id, NULL,
			     &epoch, &ended),
	    ERR_OK);
	assert_int_equal(ended, 1);
	expect_both(f, ERR_DENIED);
	/* a token of the new epoch does not revive a session of the old one */
	assert_int_equal(access_token_issue(&f->ss.tokens, &f->session, epoch,
			     NOW, &fresh, NULL),
	    ERR_OK);
	assert_int_equal(by_token(f, fresh.text, NOW), ERR_DENIED);
}

/* The kept session stays valid, its tokens do not. */
TEST(tokens_of_the_old_epoch_end_where_the_session_is_kept, struct fixture *f)
{
	int64_t epoch, ended;
	struct token fresh;

	assert_int_equal(store_logout_all(f->store, &actor, f->user.id,
			     f->session.handle, &epoch, &ended),
	    ERR_OK);
	assert_int_equal(by_id(f, f->id, NOW), ERR_OK);
	assert_int_equal(by_token(f, f->token.text, NOW), ERR_DENIED);
	assert_int_equal(access_token_issue(&f->ss.tokens, &f->session, epoch,
			     NOW, &fresh, NULL),
	    ERR_OK);
	assert_int_equal(by_token(f, fresh.text, NOW), ERR_OK);
}

TEST(ends_with_the_account, struct fixture *f)
{
	assert_int_equal(
	    store_deactivate(f->store, &actor, TEST_USERS_PROOF(&f->user)),
	    ERR_OK);
	expect_both(f, ERR_DENIED);
}

TEST(ends_with_the_deletion_of_the_user, struct fixture *f)
{
	assert_int_equal(
	    store_delete(f->store, &actor, TEST_USERS_PROOF(&f->user)), ERR_OK);
	expect_both(f, ERR_DENIED);
}

/* Validly signed, but sub and sid belong to different users. */
TEST(refuses_a_token_that_mixes_two_users, struct fixture *f)
{
	char id[SESSION_ID_SIZE];
	struct session other, mixed;
	struct token token;
	struct user user;

	sign_up(f, "max@example.org", &user, &other, id);
	mixed = other;
	mixed.user_id = f->user.id;
	assert_int_equal(access_token_issue(&f->ss.tokens, &mixed,
			     f->user.epoch, NOW, &token, NULL),
	    ERR_OK);
	assert_int_equal(by_token(f, token.text, NOW), ERR_DENIED);
	mixed = f->session;
	mixed.user_id = user.id;
	assert_int_equal(access_token_issue(&f->ss.tokens, &mixed, user.epoch,
			     NOW, &token, NULL),
	    ERR_OK);
	assert_int_equal(by_token(f, token.text, NOW), ERR_DENIED);
	/* and one for a session that does not exist */
	memset(mixed.handle, 'a', SESSION_HANDLE_SIZE - 1);
	assert_int_equal(
	    access_token_issue(&f->ss.tokens, &mixed, 0, NOW, &token, NULL),
	    ERR_OK);
	assert_int_equal(by_token(f, token.text, NOW), ERR_DENIED);
}

TEST(reports_a_failure_as_unavailable, struct fixture *f)
{
	static const enum err failures[] = { ERR_UNAVAILABLE, ERR_INTERNAL };

	for (size_t i = 0; i < NELEMS(failures); i++) {
		shm_fixture_forget(f->m);
		store_memory_fail_next(f->store, failures[i]);
		assert_int_equal(by_id(f, f->id, NOW), failures[i]);
		store_memory_fail_next(f->store, failures[i]);
		assert_int_equal(by_token(f, f->token.text, NOW), failures[i]);
		/* a malformed token is denied without a query */
		store_memory_fail_next(f->store, failures[i]);
		assert_int_equal(by_id(f, "x", NOW), ERR_DENIED);
		assert_int_equal(by_token(f, "x", NOW), ERR_DENIED);
		store_memory_fail_next(f->store, ERR_OK);
		expect_both(f, ERR_OK);
	}
}

/* ---- cached tokens ---- */

/* Get the token of ${id} at ${now}; it must be valid then. */
static void
token_for(struct fixture *f, const char *id, int64_t now, struct token *token)
{
	struct identity who;
	struct claims claims;

	assert_int_equal(sessions_by_id(&f->ss, id, now, &who), ERR_OK);
	assert_int_equal(sessions_token(&f->ss, id, &who, now, token), ERR_OK);
	assert_int_equal(
	    access_token_verify(&f->ss.tokens, token->text, now, &claims),
	    ERR_OK);
	assert_int_equal(claims.epoch, who.user.epoch);
	assert_string_equal(claims.handle, who.session.handle);
	assert_int_equal(claims.epoch, token->epoch);
	assert_int_equal(claims.issued_at, token->issued_at);
	assert_int_equal(claims.expires_at, token->expires_at);
	assert_int_equal(by_token(f, token->text, now), ERR_OK);
}

TEST(reuses_a_token_for_half_its_life, struct fixture *f)
{
	struct token first, again, next;

	token_for(f, f->id, NOW, &first);
	token_for(f, f->id, NOW, &again);
	assert_string_equal(first.text, again.text);
	token_for(f, f->id, NOW + 450, &again);
	assert_string_equal(first.text, again.text);
	token_for(f, f->id, NOW + 451, &next);
	assert_string_not_equal(first.text, next.text);
	assert_int_equal(next.expires_at, NOW + 451 + 900);
	/* The new one from then on. */
	token_for(f, f->id, NOW + 452, &again);
	assert_string_equal(next.text, again.text);
	/* Not a token issued in the future. */
	token_for(f, f->id, NOW + 450, &again);
	assert_string_not_equal(next.text, again.text);
}

/* No token outlives its session, so its life is what is left of that. */
TEST(issues_tokens_up_to_the_end_of_the_session, struct fixture *f)
{
	const int64_t end = NOW + 604800;
	struct token first, again;

	token_for(f, f->id, end - 1000, &first);
	assert_int_equal(first.expires_at, end - 100);
	token_for(f, f->id, end - 500, &again);
	assert_string_not_equal(first.text, again.text);
	assert_int_equal(again.expires_at, end);
	token_for(f, f->id, end - 250, &first);
	assert_string_equal(first.text, again.text);
	token_for(f, f->id, end - 249, &first);
	assert_string_not_equal(first.text, again.text);
	token_for(f, f->id, end - 1, &first);
	assert_int_equal(first.expires_at, end);
}

/* The session is kept, but all its tokens have ended. */
TEST(reuses_no_token_of_an_older_epoch, struct fixture *f)
{
	struct identity who, old;
	struct token first, next, late;
	int64_t epoch, ended;

	token_for(f, f->id, NOW, &first);
	assert_int_equal(sessions_by_id(&f->ss, f->id, NOW, &old), ERR_OK);
	assert_int_equal(store_logout_all(f->store, &actor, f->user.id,
			     f->session.handle, &epoch, &ended),
	    ERR_OK);
	token_for(f, f->id, NOW, &next);
	assert_string_not_equal(first.text, next.text);
	assert_int_equal(next.epoch, epoch);
	/* A request authenticated before the change affects no other. */
	assert_int_equal(
	    sessions_token(&f->ss, f->id, &old, NOW, &late), ERR_OK);
	assert_int_equal(late.epoch, old.user.epoch);
	assert_int_equal(by_token(f, late.text, NOW), ERR_DENIED);
	token_for(f, f->id, NOW, &next);
	assert_int_equal(next.epoch, epoch);
	assert_int_equal(sessions_by_id(&f->ss, f->id, NOW, &who), ERR_OK);
}

/* A logout by such a token ends the session and the token. */
TEST(reuses_no_blacklisted_token, struct fixture *f)
{
	struct claims claims;
	struct token first;

	token_for(f, f->id, NOW, &first);
	assert_int_equal(
	    access_token_verify(&f->ss.tokens, first.text, NOW, &claims),
	    ERR_OK);
	assert_int_equal(
	    store_logout(f->store, &actor, claims.handle, &claims), ERR_OK);
	expect_both(f, ERR_DENIED);
	assert_int_equal(by_token(f, first.text, NOW), ERR_DENIED);
}

TEST(issues_a_valid_token_after_a_touch, struct fixture *f)
{
	struct token token;

	token_for(f, f->id, NOW, &token);
	assert_int_equal(
	    store_session_touch(f->store, f->session.handle, NOW + 300),
	    ERR_OK);
	token_for(f, f->id, NOW + 300, &token);
}

TEST(reuses_no_token_of_another_session, struct fixture *f)
{
	struct cache_issued_place place = { .handle = f->session.handle,
		.key = { 1 } };
	struct token_compact core, none = { 0 };
	char id[SESSION_ID_SIZE];
	struct token mine, other;
	struct session session;
	struct identity who;
	struct user user;

	sign_up(f, "max@example.org", &user, &session, id);
	token_for(f, f->id, NOW, &mine);
	token_for(f, id, NOW, &other);
	assert_string_not_equal(mine.text, other.text);
	/* The session alone is not enough: the id is needed. */
	memset(&core, 0xaa, sizeof(core));
	assert_false(cache_issued(f->cache, &place, NOW, &core));
	assert_memory_equal(&core, &none, sizeof(none));
	assert_int_equal(sessions_by_id(&f->ss, f->id, NOW, &who), ERR_OK);
	assert_int_equal(sessions_token(&f->ss, id, &who, NOW, &other), ERR_OK);
	assert_string_not_equal(mine.text, other.text);
}

/* After a restart with other settings old tokens are refused. */
TEST(reuses_no_token_of_other_settings, struct fixture *f)
{
	struct token first, next;

	token_for(f, f->id, NOW, &first);
	f->ss.tokens.audience = "another";
	token_for(f, f->id, NOW, &next);
	f->ss.tokens.audience = "latchkey";
	token_for(f, f->id, NOW, &first);
	f->ss.tokens.lifetime = 60;
	token_for(f, f->id, NOW, &next);
	assert_int_equal(next.expires_at, NOW + 60);
	f->ss.tokens.lifetime = 7200;
	token_for(f, f->id, NOW, &next);
	assert_int_equal(next.expires_at, NOW + 7200);
}

/* A token signed before a change and cached after it is not returned. */
TEST(caches_no_token_under_an_old_generation, struct fixture *f)
{
	static const struct token_compact kept = { .epoch = 3,
		.issued_at = NOW,
		.expires_at = NOW + 900,
		.jti = "a jti",
		.signature = "a signature",
		.signature_len = 64 };
	struct cache_issued_place place = { .handle = f->session.handle,
		.key = { 1 } };
	struct cache_issued_place odd;
	struct token_compact core;

	assert_false(cache_issued(f->cache, &place, NOW, &core));
	assert_int_equal(
	    store_session_touch(f->store, place.handle, NOW + 300), ERR_OK);
	cache_issued_keep(f->cache, &place, NOW, &kept);
	assert_false(cache_issued(f->cache, &place, NOW, &core));
	/* An odd generation: a change is in flight. */
	odd = place;
	odd.version |= 1;
	cache_issued_keep(f->cache, &odd, NOW, &kept);
	assert_false(cache_issued(f->cache, &place, NOW, &core));
	cache_issued_keep(f->cache, &place, NOW, &kept);
	assert_true(cache_issued(f->cache, &place, NOW, &core));
	assert_memory_equal(&core, &kept, sizeof(core));
}

/* The region of the shared memory file that holds the cache. */
TEST(cached_tokens_are_sealed, struct fixture *f)
{
	unsigned char room[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct token token, again;
	const char *area;
	struct jws jws;
	size_t size;

	token_for(f, f->id, NOW, &token);
	token_for(f, f->id, NOW, &again);
	assert_string_equal(token.text, again.text); /* it is cached */
	assert_int_equal(
	    jws_split(token.text, JWS_OURS_MAX, room, &jws), ERR_OK);
	area = shm_region(f->m, &size);
	assert_null(memmem(area, size, token.text, strlen(token.text)));
	assert_null(memmem(area, size, strrchr(token.text, '.') + 1, 16));
	assert_null(memmem(area, size, jws.signature, 8));
	assert_null(memmem(area, size, f->id, 16));
}

/*
 * Session, user and token take a short entry each, so a 64 MiB cache holds
 * 25,600 of them.
 */
#define MANY 400
TEST(a_mebibyte_holds_four_hundred_validated_sessions, struct fixture *f)
{
	static char ids[MANY][SESSION_ID_SIZE];
	static struct token first[MANY];
	int again = 0;

	assert_int_equal(SHM_FIXTURE_MB, 1);
	for (size_t i = 0; i < MANY; i++) {
		struct session s;
		struct user u;
		char email[40];

		(void)snprintf(email, sizeof(email), "u%zu@example.org", i);
		sign_up(f, email, &u, &s, ids[i]);
		token_for(f, ids[i], NOW, &first[i]);
	}
	for (size_t i = 0; i < MANY; i++) {
		struct identity who;
		struct token token;

		assert_int_equal(
		    sessions_by_id(&f->ss, ids[i], NOW, &who), ERR_OK);
		assert_int_equal(
		    sessions_token(&f->ss, ids[i], &who, NOW, &token), ERR_OK);
		again += strcmp(token.text, first[i].text) == 0;
	}
	/* Buckets hold eight entries, so a few are evicted. */
	assert_in_range(again, MANY * 90 / 100, MANY);
}

TEST(prepares_a_session, struct fixture *f)
{
	char id[SESSION_ID_SIZE], again[SESSION_ID_SIZE];
	char handle[SESSION_HANDLE_SIZE];
	struct session s;

	sessions_new(&f->ss, &origin, NOW, id, &s);
	assert_true(random_is_uuid(id));
	assert_int_equal(session_handle(handle, id), ERR_OK);
	assert_string_equal(s.handle, handle);
	assert_int_equal(s.created_at, NOW);
	assert_int_equal(s.last_seen_at, NOW);
	assert_int_equal(s.expires_at, NOW + 604800);
	assert_int_equal(s.revoked_at, 0);
	assert_int_equal(s.user_id, 0);
	assert_int_equal(s.epoch, 0);
	assert_string_equal(s.device, "laptop");
	assert_string_equal(s.user_agent, origin.user_agent);
	assert_string_equal(s.address, "192.0.2.1");
	sessions_new(&f->ss, &origin, NOW, again, &s);
	assert_string_not_equal(id, again);
}

TEST(keeps_printable_texts_only, struct fixture *f)
{
	char id[SESSION_ID_SIZE], longer[400];
	struct session_origin odd = { .address = NULL,
		.device = "a\tb\x1b[31m\x7f\xff\xc3",
		.user_agent = longer };
	struct session s;

	/* 255 bytes fit: 127 characters of 2 bytes */
	longer[0] = 'x';
	for (size_t i = 1; i < sizeof(longer) - 1; i += 2)
		memcpy(longer + i, "\xc3\xa4", 2);
	longer[sizeof(longer) - 1] = '\0';
	sessions_new(&f->ss, &odd, NOW, id, &s);
	assert_string_equal(s.address, "");
	assert_string_equal(s.device, "a?b?[31m???");
	assert_int_equal(strlen(s.user_agent), 255);
	assert_memory_equal(s.user_agent, longer, 255);
}

TEST(updates_last_seen_every_five_minutes)
{
	struct session s = { .last_seen_at = NOW };

	assert_false(sessions_touch_due(&s, NOW));
	assert_false(sessions_touch_due(&s, NOW + 299));
	assert_true(sessions_touch_due(&s, NOW + 300));
	assert_false(sessions_touch_due(&s, NOW - 1000));
}
