/* SPDX-License-Identifier: ISC */
#include "cache/record_codec.h"

#include "support/test.h"

#include "base/secret.h"
#include "cache/memory_cache.h"
#include "model/record.h"
#include "model/session.h"
#include "model/user.h"

#define HANDLE "0123456789abcdef0123456789abcdef"

/* A record of any of the types; all zero where no member is. */
union record {
	struct user user;
	struct session session;
	struct claims claims;
};

enum kind { USER, SESSION, CLAIMS, KINDS };

static const unsigned char digest[TOKEN_DIGEST_BYTES] = "the digest of a token";

static const struct record_type *
type_of(enum kind kind)
{
	static const struct record_type *const types[] = {
		[USER] = &user_record_type,
		[SESSION] = &session_record_type,
		[CLAIMS] = &claims_record_type,
	};

	return types[kind];
}

static void
fill(char *text, size_t size, char c)
{
	memset(text, c, size - 1);
}

static void
set_user(struct user *u, bool large)
{
	u->id = large ? INT64_MAX : 1;
	u->role = large ? USER_ROLE_ADMIN : USER_ROLE_USER;
	u->status = large ? USER_STATUS_INACTIVE : USER_STATUS_ACTIVE;
	u->epoch = 2;
	u->version = 3;
	u->created_at = 4;
	u->updated_at = 5;
	u->epoch_at = 6;
	if (large) {
		fill(u->email, sizeof(u->email), 'e');
		fill(u->name, sizeof(u->name), 'n');
		fill(u->avatar_url, sizeof(u->avatar_url), 'h');
	}
}

static void
set_session(struct session *s, bool large)
{
	s->user_id = large ? INT64_MAX : 1;
	s->epoch = large ? INT64_MAX : 1;
	s->created_at = 3;
	s->last_seen_at = 4;
	s->expires_at = 5;
	s->revoked_at = large ? 6 : 0;
	fill(s->handle, sizeof(s->handle), 'a');
	if (large) {
		fill(s->device, sizeof(s->device), 'd');
		fill(s->user_agent, sizeof(s->user_agent), 'u');
		fill(s->address, sizeof(s->address), 'r');
	}
}

/* The large ones are an external issuer's. */
static void
set_claims(struct claims *c, bool large)
{
	c->origin = large ? TOKEN_OF_ISSUER : TOKEN_OF_THIS_SITE;
	c->user_id = large ? INT64_MAX : 1;
	c->epoch = large ? 0 : 2;
	c->issued_at = 3;
	c->not_before = 4;
	c->expires_at = 5;
	c->leeway = large ? 60 : 0;
	if (large) {
		fill(c->jti, sizeof(c->jti), '7');
		return;
	}
	fill(c->handle, sizeof(c->handle), 'f');
	memcpy(c->jti, "11111111-1111-4111-8111-111111111111", 36);
}

/* As large as each member can be, or as small. */
static void
set(enum kind kind, bool large, union record *r)
{
	memset(r, 0, sizeof(*r));
	if (kind == USER)
		set_user(&r->user, large);
	else if (kind == SESSION)
		set_session(&r->session, large);
	else
		set_claims(&r->claims, large);
}

static void
encode(enum kind kind, const union record *r, struct memory_cache_entry *e)
{
	memset(e, 0x5a, sizeof(*e));
	if (kind == CLAIMS)
		record_encode_claims(digest, &r->claims, e);
	else
		record_encode(type_of(kind), r, e);
}

static enum err
decode(enum kind kind, const struct memory_cache_entry *e, union record *r)
{
	memset(r, 0, sizeof(*r));
	memset(r, 0x5a, type_of(kind)->size);
	return kind == CLAIMS ? record_decode_claims(digest, e, &r->claims)
			      : record_decode(type_of(kind), e, r);
}

static void
assert_refused(enum kind kind, const struct memory_cache_entry *e)
{
	static const union record none;
	union record out;

	assert_int_equal(decode(kind, e, &out), ERR_INVALID);
	assert_memory_equal(&out, &none, sizeof(none));
}

TEST(records_are_decoded_as_they_were)
{
	for (enum kind kind = USER; kind < KINDS; kind++) {
		for (int large = 0; large < 2; large++) {
			struct memory_cache_entry e;
			union record in, out;

			set(kind, large, &in);
			encode(kind, &in, &e);
			assert_int_equal(decode(kind, &e, &out), ERR_OK);
			assert_memory_equal(&out, &in, sizeof(in));
		}
	}
}

/*
 * If this fails, the bytes have changed: RECORD_CODEC_VERSION must rise, or a
 * new program misreads what an old one has left in Redis.
 */
TEST(the_bytes_of_version_1_are_these)
{
	static const char user[] = "\x01"
				   "\x07\0\0\0\0\0\0\0"
				   "a@b.c\0"
				   "Ann\0"
				   "\0"
				   "\x02"
				   "\x01"
				   "\x02\0\0\0\0\0\0\0"
				   "\x06\0\0\0\0\0\0\0"
				   "\x03\0\0\0\0\0\0\0"
				   "\x04\0\0\0\0\0\0\0"
				   "\x05\1\0\0\0\0\0\0";
	static const char session[] = "\x01" HANDLE "\0"
				      "\x07\0\0\0\0\0\0\0"
				      "\x02\0\0\0\0\0\0\0"
				      "\x03\0\0\0\0\0\0\0"
				      "\x04\0\0\0\0\0\0\0"
				      "\x05\0\0\0\0\0\0\0"
				      "\0\0\0\0\0\0\0\0"
				      "phone\0"
				      "curl\0"
				      "::1\0";
	static const struct user u = { .id = 7,
		.email = "a@b.c",
		.name = "Ann",
		.role = USER_ROLE_ADMIN,
		.status = USER_STATUS_ACTIVE,
		.epoch = 2,
		.epoch_at = 6,
		.version = 3,
		.created_at = 4,
		.updated_at = 0x105 };
	static const struct session s = { .handle = HANDLE,
		.user_id = 7,
		.epoch = 2,
		.created_at = 3,
		.last_seen_at = 4,
		.expires_at = 5,
		.device = "phone",
		.user_agent = "curl",
		.address = "::1" };
	struct memory_cache_entry e;

	record_encode(&user_record_type, &u, &e);
	assert_int_equal(e.len, sizeof(user) - 1);
	assert_memory_equal(e.data, user, sizeof(user) - 1);
	record_encode(&session_record_type, &s, &e);
	assert_int_equal(e.len, sizeof(session) - 1);
	assert_memory_equal(e.data, session, sizeof(session) - 1);
}

TEST(another_version_is_refused)
{
	struct memory_cache_entry e;
	union record r;

	for (enum kind kind = USER; kind < KINDS; kind++) {
		size_t at = kind == CLAIMS ? TOKEN_DIGEST_BYTES : 0;

		for (int version = 0; version < 256; version++) {
			set(kind, false, &r);
			encode(kind, &r, &e);
			((unsigned char *)e.data)[at] = (unsigned char)version;
			if (version != RECORD_CODEC_VERSION)
				assert_refused(kind, &e);
		}
	}
}

TEST(claims_are_decoded_with_their_token_only)
{
	static const struct claims none;
	struct memory_cache_entry e;
	struct claims out;
	union record r;

	set(CLAIMS, false, &r);
	encode(CLAIMS, &r, &e);
	for (size_t i = 0; i < TOKEN_DIGEST_BYTES; i++) {
		unsigned char other[TOKEN_DIGEST_BYTES];

		memcpy(other, digest, sizeof(other));
		other[i] ^= 1;
		assert_int_equal(
		    record_decode_claims(other, &e, &out), ERR_INVALID);
		assert_memory_equal(&out, &none, sizeof(none));
	}
}

/* Claims of external issuers must fit into a small slot, too. */
TEST(claims_of_external_issuers_take_no_more_room)
{
	struct memory_cache_entry ours, external;
	union record r;

	set(CLAIMS, false, &r);
	encode(CLAIMS, &r, &ours);
	set(CLAIMS, true, &r);
	encode(CLAIMS, &r, &external);
	assert_true(external.len <= ours.len);
}

TEST(too_short_or_too_long_is_refused)
{
	struct memory_cache_entry e;
	union record r;

	for (enum kind kind = USER; kind < KINDS; kind++) {
		size_t len;

		set(kind, true, &r);
		encode(kind, &r, &e);
		len = e.len;
		for (e.len = 0; e.len < len; e.len++)
			assert_refused(kind, &e);
		memset((char *)e.data + len, 0, MEMORY_CACHE_DATA_MAX - len);
		for (e.len = len + 1; e.len <= MEMORY_CACHE_DATA_MAX; e.len++)
			assert_refused(kind, &e);
		assert_refused(kind, &e);
		e.len = UINT64_MAX;
		assert_refused(kind, &e);
	}
}

/* A text that fills its member has no room for a byte more. */
TEST(text_without_its_end_is_refused)
{
	struct memory_cache_entry e;
	unsigned char *data = (unsigned char *)e.data;
	union record r;

	set(USER, true, &r);
	encode(USER, &r, &e);
	data[1 + 8 + USER_EMAIL_SIZE - 1] = 'e';
	assert_refused(USER, &e);
	set(SESSION, true, &r);
	encode(SESSION, &r, &e);
	data[1 + SESSION_HANDLE_SIZE - 1] = 'a';
	assert_refused(SESSION, &e);
}

TEST(one_type_is_not_taken_for_another)
{
	struct memory_cache_entry e;
	union record r;

	for (enum kind kind = USER; kind < KINDS; kind++) {
		for (enum kind as = USER; as < KINDS; as++) {
			set(kind, true, &r);
			encode(kind, &r, &e);
			if (as != kind)
				assert_refused(as, &e);
		}
	}
}

static void
assert_invalid(enum kind kind, const union record *r)
{
	struct memory_cache_entry e;

	encode(kind, r, &e);
	assert_refused(kind, &e);
}

TEST(users_with_impossible_values_are_refused)
{
	union record r;

	for (int i = 0; i < 7; i++) {
		set(USER, false, &r);
		switch (i) {
		case 0: r.user.id = 0; break;
		case 1: r.user.id = -1; break;
		case 2: r.user.epoch = 0; break;
		case 3: r.user.role = USER_ROLE_NONE; break;
		case 4: r.user.role = USER_ROLE_ADMIN + 1; break;
		case 5: r.user.status = USER_STATUS_NONE; break;
		case 6: r.user.status = USER_STATUS_INACTIVE + 1; break;
		}
		assert_invalid(USER, &r);
	}
}

TEST(sessions_with_impossible_values_are_refused)
{
	union record r;

	for (int i = 0; i < 5; i++) {
		set(SESSION, false, &r);
		switch (i) {
		case 0: r.session.user_id = 0; break;
		case 1: r.session.epoch = 0; break;
		case 2: r.session.handle[3] = 'G'; break;
		case 3: r.session.handle[3] = 'A'; break;
		case 4: r.session.handle[31] = '\0'; break;
		}
		assert_invalid(SESSION, &r);
	}
}

TEST(claims_with_impossible_values_are_refused)
{
	union record r;

	for (int i = 0; i < 7; i++) {
		set(CLAIMS, i >= 3, &r);
		switch (i) {
		case 0: r.claims.user_id = 0; break;
		case 1: r.claims.jti[14] = '1'; break; /* of a UUID */
		case 2: r.claims.handle[0] = '\0'; break;
		case 3: r.claims.jti[3] = 'G'; break;
		case 4: r.claims.origin = TOKEN_NONE; break;
		case 5: r.claims.origin = TOKEN_OF_THIS_SITE; break;
		case 6:
			fill(r.claims.handle, sizeof(r.claims.handle), 'f');
			break;
		}
		assert_invalid(CLAIMS, &r);
	}
}
