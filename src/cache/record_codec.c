/* SPDX-License-Identifier: ISC */
#include "cache/record_codec.h"

#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/memory_cache.h"

/*
 * Numbers as this machine has them: nobody else ever reads this.  A text is
 * its length in two bytes and itself, without the NUL.
 */
#define TEXT_MAX(size) (2 + (size)-1)

_Static_assert(6 * 8 + 2 + TEXT_MAX(USER_EMAIL_SIZE) +
	    TEXT_MAX(USER_NAME_SIZE) + TEXT_MAX(USER_AVATAR_SIZE) <=
	MEMORY_CACHE_DATA_MAX,
    "the largest user fits");
_Static_assert(6 * 8 + TEXT_MAX(SESSION_HANDLE_SIZE) +
	    TEXT_MAX(SESSION_DEVICE_SIZE) + TEXT_MAX(SESSION_AGENT_SIZE) +
	    TEXT_MAX(SESSION_ADDRESS_SIZE) <=
	MEMORY_CACHE_DATA_MAX,
    "the largest session fits");

/* ---- putting ---- */

static void
put(struct memory_cache_entry *e, const void *data, size_t len)
{
	assert(len <= MEMORY_CACHE_DATA_MAX - e->len);
	memcpy((unsigned char *)e->data + e->len, data, len);
	e->len += len;
}

static void
put_number(struct memory_cache_entry *e, int64_t number)
{
	put(e, &number, sizeof(number));
}

static void
put_text(struct memory_cache_entry *e, const char *text)
{
	size_t len = strlen(text);
	uint16_t short_len = (uint16_t)len;

	assert(len <= UINT16_MAX);
	put(e, &short_len, sizeof(short_len));
	put(e, text, len);
}

/* ---- taking ---- */

struct rest {
	const unsigned char *at;
	size_t len;
	bool bad; /* something was not there */
};

static struct rest
rest_of(const struct memory_cache_entry *e)
{
	return (struct rest){ (const unsigned char *)e->data, (size_t)e->len,
		e->len > MEMORY_CACHE_DATA_MAX };
}

static void
take(struct rest *r, void *data, size_t len)
{
	if (r->bad || len > r->len) {
		r->bad = true;
		memset(data, 0, len);
		return;
	}
	memcpy(data, r->at, len);
	r->at += len;
	r->len -= len;
}

static int64_t
take_number(struct rest *r)
{
	int64_t number;

	take(r, &number, sizeof(number));
	return number;
}

/* ${dst} is zero already. */
static void
take_text(struct rest *r, char *dst, size_t size)
{
	uint16_t len;

	take(r, &len, sizeof(len));
	if (len >= size)
		r->bad = true;
	else
		take(r, dst, len);
}

/* Nothing missing, nothing left over. */
static bool
is_whole(const struct rest *r)
{
	return !r->bad && r->len == 0;
}

/* ---- sessions ---- */

void
record_encode_session(const struct session *s, struct memory_cache_entry *e)
{
	e->len = 0;
	put_number(e, s->user_id);
	put_number(e, s->epoch);
	put_number(e, s->created_at);
	put_number(e, s->last_seen_at);
	put_number(e, s->expires_at);
	put_number(e, s->revoked_at);
	put_text(e, s->handle);
	put_text(e, s->device);
	put_text(e, s->user_agent);
	put_text(e, s->address);
}

enum err
record_decode_session(const struct memory_cache_entry *e, struct session *s_out)
{
	struct session *s = s_out;
	struct rest r = rest_of(e);

	memset(s, 0, sizeof(*s));
	s->user_id = take_number(&r);
	s->epoch = take_number(&r);
	s->created_at = take_number(&r);
	s->last_seen_at = take_number(&r);
	s->expires_at = take_number(&r);
	s->revoked_at = take_number(&r);
	take_text(&r, s->handle, sizeof(s->handle));
	take_text(&r, s->device, sizeof(s->device));
	take_text(&r, s->user_agent, sizeof(s->user_agent));
	take_text(&r, s->address, sizeof(s->address));
	if (is_whole(&r) && str_is_hex(s->handle, SESSION_HANDLE_SIZE - 1) &&
	    s->user_id > 0)
		return ERR_OK;
	memset(s, 0, sizeof(*s));
	return ERR_INVALID;
}

/* ---- users ---- */

void
record_encode_user(const struct user *u, struct memory_cache_entry *e)
{
	const unsigned char kind[2] = { (unsigned char)u->role,
		(unsigned char)u->status };

	e->len = 0;
	put_number(e, u->id);
	put_number(e, u->epoch);
	put_number(e, u->epoch_at);
	put_number(e, u->version);
	put_number(e, u->created_at);
	put_number(e, u->updated_at);
	put(e, kind, sizeof(kind));
	put_text(e, u->email);
	put_text(e, u->name);
	put_text(e, u->avatar_url);
}

enum err
record_decode_user(const struct memory_cache_entry *e, struct user *u_out)
{
	struct user *u = u_out;
	struct rest r = rest_of(e);
	unsigned char kind[2];

	memset(u, 0, sizeof(*u));
	u->id = take_number(&r);
	u->epoch = take_number(&r);
	u->epoch_at = take_number(&r);
	u->version = take_number(&r);
	u->created_at = take_number(&r);
	u->updated_at = take_number(&r);
	take(&r, kind, sizeof(kind));
	u->role = kind[0];
	u->status = kind[1];
	take_text(&r, u->email, sizeof(u->email));
	take_text(&r, u->name, sizeof(u->name));
	take_text(&r, u->avatar_url, sizeof(u->avatar_url));
	if (is_whole(&r) && u->id > 0 && u->role != USER_ROLE_NONE &&
	    u->role <= USER_ROLE_ADMIN && u->status != USER_STATUS_NONE &&
	    u->status <= USER_STATUS_INACTIVE)
		return ERR_OK;
	memset(u, 0, sizeof(*u));
	return ERR_INVALID;
}

/* ---- tokens ---- */

void
record_encode_claims(const unsigned char digest[TOKEN_DIGEST_BYTES],
    const struct claims *c, struct memory_cache_entry *e)
{
	const unsigned char origin = (unsigned char)c->origin;

	e->len = 0;
	put(e, digest, TOKEN_DIGEST_BYTES);
	put(e, &origin, sizeof(origin));
	put_number(e, c->user_id);
	put_number(e, c->epoch);
	put_number(e, c->issued_at);
	put_number(e, c->not_before);
	put_number(e, c->expires_at);
	put_number(e, c->leeway);
	put_text(e, c->handle);
	put_text(e, c->jti);
}

static bool
names_fit_origin(const struct claims *c)
{
	if (c->origin == TOKEN_OF_THIS_SITE)
		return str_is_hex(c->handle, SESSION_HANDLE_SIZE - 1) &&
		    random_is_uuid(c->jti);
	return c->origin == TOKEN_OF_ISSUER && c->handle[0] == '\0' &&
	    str_is_hex(c->jti, TOKEN_JTI_SIZE - 1);
}

enum err
record_decode_claims(const struct memory_cache_entry *e,
    const unsigned char digest[TOKEN_DIGEST_BYTES], struct claims *c_out)
{
	unsigned char found[TOKEN_DIGEST_BYTES], origin = TOKEN_NONE;
	struct claims *c = c_out;
	struct rest r = rest_of(e);

	memset(c, 0, sizeof(*c));
	take(&r, found, sizeof(found));
	take(&r, &origin, sizeof(origin));
	c->origin = origin;
	c->user_id = take_number(&r);
	c->epoch = take_number(&r);
	c->issued_at = take_number(&r);
	c->not_before = take_number(&r);
	c->expires_at = take_number(&r);
	c->leeway = take_number(&r);
	take_text(&r, c->handle, sizeof(c->handle));
	take_text(&r, c->jti, sizeof(c->jti));
	if (is_whole(&r) && secret_equal(found, digest, sizeof(found)) &&
	    c->user_id > 0 && names_fit_origin(c))
		return ERR_OK;
	memset(c, 0, sizeof(*c));
	return ERR_INVALID;
}
