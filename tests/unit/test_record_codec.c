/* SPDX-License-Identifier: ISC */
#include "cache/record_codec.h"

#include "support/test.h"

#include <stddef.h>

#include "base/secret.h"
#include "cache/memory_cache.h"

static const unsigned char digest[TOKEN_DIGEST_BYTES] = "the digest of a token";

static void
fill(char *text, size_t size, char c)
{
	memset(text, c, size - 1);
	text[size - 1] = '\0';
}

/* As large as each member can be, or as small. */
static struct session
a_session(bool large)
{
	struct session s = { .user_id = large ? INT64_MAX : 1,
		.epoch = large ? INT64_MAX : 0,
		.created_at = 3,
		.last_seen_at = 4,
		.expires_at = 5,
		.revoked_at = large ? 6 : 0 };

	fill(s.handle, sizeof(s.handle), 'a');
	if (large) {
		fill(s.device, sizeof(s.device), 'd');
		fill(s.user_agent, sizeof(s.user_agent), 'u');
		fill(s.address, sizeof(s.address), 'r');
	}
	return s;
}

static struct user
a_user(bool large)
{
	struct user u = { .id = large ? INT64_MAX : 1,
		.role = large ? USER_ROLE_ADMIN : USER_ROLE_USER,
		.status = large ? USER_STATUS_INACTIVE : USER_STATUS_ACTIVE,
		.epoch = 2,
		.epoch_at = 6,
		.version = 3,
		.created_at = 4,
		.updated_at = 5 };

	if (large) {
		fill(u.email, sizeof(u.email), 'e');
		fill(u.name, sizeof(u.name), 'n');
		fill(u.avatar_url, sizeof(u.avatar_url), 'h');
	}
	return u;
}

static struct claims
some_claims(void)
{
	struct claims c = { .origin = TOKEN_OF_THIS_SITE,
		.user_id = 1,
		.epoch = 2,
		.issued_at = 3,
		.not_before = 4,
		.expires_at = 5,
		.jti = "11111111-1111-4111-8111-111111111111" };

	fill(c.handle, sizeof(c.handle), 'f');
	return c;
}

TEST(sessions_come_back_as_they_were)
{
	for (int large = 0; large < 2; large++) {
		struct session s = a_session(large), out;
		struct memory_cache_entry e;

		record_encode_session(&s, &e);
		memset(&out, 0x5a, sizeof(out));
		assert_int_equal(record_decode_session(&e, &out), ERR_OK);
		assert_int_equal(out.user_id, s.user_id);
		assert_int_equal(out.epoch, s.epoch);
		assert_int_equal(out.created_at, s.created_at);
		assert_int_equal(out.last_seen_at, s.last_seen_at);
		assert_int_equal(out.expires_at, s.expires_at);
		assert_int_equal(out.revoked_at, s.revoked_at);
		assert_string_equal(out.handle, s.handle);
		assert_string_equal(out.device, s.device);
		assert_string_equal(out.user_agent, s.user_agent);
		assert_string_equal(out.address, s.address);
	}
}

TEST(users_come_back_as_they_were)
{
	for (int large = 0; large < 2; large++) {
		struct user u = a_user(large), out;
		struct memory_cache_entry e;

		record_encode_user(&u, &e);
		memset(&out, 0x5a, sizeof(out));
		assert_int_equal(record_decode_user(&e, &out), ERR_OK);
		assert_int_equal(out.id, u.id);
		assert_int_equal(out.role, u.role);
		assert_int_equal(out.status, u.status);
		assert_int_equal(out.epoch, u.epoch);
		assert_int_equal(out.epoch_at, u.epoch_at);
		assert_int_equal(out.version, u.version);
		assert_int_equal(out.created_at, u.created_at);
		assert_int_equal(out.updated_at, u.updated_at);
		assert_string_equal(out.email, u.email);
		assert_string_equal(out.name, u.name);
		assert_string_equal(out.avatar_url, u.avatar_url);
	}
}

TEST(claims_come_back_with_their_token_only)
{
	unsigned char other[TOKEN_DIGEST_BYTES];
	struct claims c = some_claims(), out;
	struct memory_cache_entry e;

	record_encode_claims(digest, &c, &e);
	memset(&out, 0x5a, sizeof(out));
	assert_int_equal(record_decode_claims(&e, digest, &out), ERR_OK);
	assert_int_equal(out.origin, c.origin);
	assert_int_equal(out.user_id, c.user_id);
	assert_int_equal(out.epoch, c.epoch);
	assert_int_equal(out.issued_at, c.issued_at);
	assert_int_equal(out.not_before, c.not_before);
	assert_int_equal(out.expires_at, c.expires_at);
	assert_string_equal(out.handle, c.handle);
	assert_string_equal(out.jti, c.jti);
	for (size_t i = 0; i < sizeof(other); i++) {
		static const struct claims none;

		memcpy(other, digest, sizeof(other));
		other[i] ^= 1;
		assert_int_equal(
		    record_decode_claims(&e, other, &out), ERR_INVALID);
		assert_memory_equal(&out, &none, sizeof(none));
	}
}

static struct claims
claims_from_outside(void)
{
	struct claims c = some_claims();

	c.origin = TOKEN_OF_ISSUER;
	c.handle[0] = '\0';
	fill(c.jti, sizeof(c.jti), '7');
	return c;
}

/* They have no session, and take no more room than ours. */
TEST(claims_from_outside_come_back_too)
{
	struct claims ours = some_claims(), c = claims_from_outside(), out;
	struct memory_cache_entry e;
	size_t room;

	record_encode_claims(digest, &ours, &e);
	room = e.len;
	record_encode_claims(digest, &c, &e);
	assert_true(e.len <= room);
	memset(&out, 0x5a, sizeof(out));
	assert_int_equal(record_decode_claims(&e, digest, &out), ERR_OK);
	assert_int_equal(out.origin, TOKEN_OF_ISSUER);
	assert_string_equal(out.handle, "");
	assert_string_equal(out.jti, c.jti);
	assert_int_equal(out.user_id, c.user_id);
	assert_int_equal(out.issued_at, c.issued_at);
	assert_int_equal(out.expires_at, c.expires_at);
}

/* ---- what was not packed so ---- */

enum kind { SESSION, USER, CLAIMS, KINDS };

static void
pack(enum kind kind, struct memory_cache_entry *e)
{
	const struct session s = a_session(true);
	const struct claims c = some_claims();
	const struct user u = a_user(true);

	if (kind == SESSION)
		record_encode_session(&s, e);
	else if (kind == USER)
		record_encode_user(&u, e);
	else
		record_encode_claims(digest, &c, e);
}

static void
assert_refused(enum kind kind, const struct memory_cache_entry *e)
{
	static const struct session no_session;
	static const struct claims no_claims;
	static const struct user no_user;
	struct session s;
	struct claims c;
	struct user u;

	memset(&s, 0x5a, sizeof(s));
	memset(&c, 0x5a, sizeof(c));
	memset(&u, 0x5a, sizeof(u));
	if (kind == SESSION) {
		assert_int_equal(record_decode_session(e, &s), ERR_INVALID);
		assert_memory_equal(&s, &no_session, sizeof(s));
	} else if (kind == USER) {
		assert_int_equal(record_decode_user(e, &u), ERR_INVALID);
		assert_memory_equal(&u, &no_user, sizeof(u));
	} else {
		assert_int_equal(
		    record_decode_claims(e, digest, &c), ERR_INVALID);
		assert_memory_equal(&c, &no_claims, sizeof(c));
	}
}

TEST(too_short_or_too_long_is_refused)
{
	struct memory_cache_entry e;

	for (enum kind kind = SESSION; kind < KINDS; kind++) {
		size_t len;

		memset(&e, 0, sizeof(e));
		pack(kind, &e);
		len = e.len;
		for (e.len = 0; e.len < len; e.len++)
			assert_refused(kind, &e);
		if (len < MEMORY_CACHE_DATA_MAX) {
			e.len = len + 1;
			assert_refused(kind, &e);
		}
		e.len = MEMORY_CACHE_DATA_MAX + 1;
		assert_refused(kind, &e);
		e.len = UINT64_MAX;
		assert_refused(kind, &e);
	}
}

TEST(one_kind_is_not_taken_for_another)
{
	struct memory_cache_entry e;

	for (enum kind kind = SESSION; kind < KINDS; kind++) {
		for (enum kind as = SESSION; as < KINDS; as++) {
			pack(kind, &e);
			if (as != kind)
				assert_refused(as, &e);
		}
	}
}

/* What no row of ours has. */
TEST(nonsense_is_refused)
{
	struct session s = a_session(false);
	struct claims c = some_claims();
	struct user u = a_user(false);
	struct memory_cache_entry e;

	s.handle[3] = 'G';
	record_encode_session(&s, &e);
	assert_refused(SESSION, &e);
	s = a_session(false);
	s.user_id = 0;
	record_encode_session(&s, &e);
	assert_refused(SESSION, &e);

	for (int i = 0; i < 5; i++) {
		u = a_user(false);
		if (i == 0)
			u.id = 0;
		else if (i < 3)
			u.role = i == 1 ? USER_ROLE_NONE : USER_ROLE_ADMIN + 1;
		else
			u.status = i == 3 ? USER_STATUS_NONE
					  : USER_STATUS_INACTIVE + 1;
		record_encode_user(&u, &e);
		assert_refused(USER, &e);
	}

	c.jti[14] = '1'; /* another version */
	record_encode_claims(digest, &c, &e);
	assert_refused(CLAIMS, &e);
	c = some_claims();
	c.handle[0] = '\0';
	record_encode_claims(digest, &c, &e);
	assert_refused(CLAIMS, &e);
	c = some_claims();
	c.origin = TOKEN_NONE;
	record_encode_claims(digest, &c, &e);
	assert_refused(CLAIMS, &e);
	/* A token of another issuer with the jti or session of one of ours. */
	c = claims_from_outside();
	c.jti[3] = 'G';
	record_encode_claims(digest, &c, &e);
	assert_refused(CLAIMS, &e);
	c = claims_from_outside();
	fill(c.handle, sizeof(c.handle), 'f');
	record_encode_claims(digest, &c, &e);
	assert_refused(CLAIMS, &e);
}
