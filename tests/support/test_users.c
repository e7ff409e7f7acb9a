/* SPDX-License-Identifier: ISC */
#include "support/test_users.h"

#include <stdio.h>
#include <string.h>

struct store_actor
test_users_actor(int64_t now)
{
	return (struct store_actor){
		.address = "192.0.2.7", .now = now, .even_last_admin = true
	};
}

struct session
test_users_session(int n, int64_t now)
{
	struct session s = { .created_at = now,
		.last_seen_at = now,
		.expires_at = now + TEST_USERS_LIFETIME,
		.device = "Laptop",
		.user_agent = "Test/1.0",
		.address = "192.0.2.7" };

	(void)snprintf(s.handle, sizeof(s.handle), "%032x", (unsigned int)n);
	return s;
}

struct claims
test_users_claims(const struct person *p, int n, int64_t now)
{
	struct claims c = { .origin = TOKEN_OF_THIS_SITE,
		.user_id = p->user.id,
		.epoch = p->user.epoch,
		.issued_at = now,
		.not_before = now,
		.expires_at = now + 900 };

	memcpy(c.handle, p->session.handle, sizeof(c.handle));
	(void)snprintf(c.jti, sizeof(c.jti), "%08x-0000-4000-8000-000000000000",
	    (unsigned int)n);
	return c;
}

enum err
test_users_register(struct store *st, const char *name, int n, int64_t now,
    struct person *person_out)
{
	struct store_actor actor = test_users_actor(now);
	struct person *p = person_out;
	char normal[USER_EMAIL_SIZE];

	memset(p, 0, sizeof(*p));
	(void)snprintf(
	    p->user.email, sizeof(p->user.email), "%s@Example.org", name);
	(void)snprintf(normal, sizeof(normal), "%s@example.org", name);
	(void)snprintf(p->user.name, sizeof(p->user.name), "%s", name);
	p->session = test_users_session(n, now);
	return store_register(
	    st, &actor, &p->user, normal, TEST_USERS_HASH, &p->session);
}

enum err
test_users_live(
    struct store *st, const char *handle, int64_t now, bool *live_out)
{
	struct session s;
	struct user u;
	enum err err;

	*live_out = false;
	err = store_session_by_handle(st, handle, &s);
	if (err == ERR_OK)
		err = store_user_by_id(st, s.user_id, &u);
	if (err == ERR_OK)
		*live_out = session_live(&s, &u, now);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

bool
test_users_same_user(const struct user *a, const struct user *b)
{
	return a->id == b->id && strcmp(a->email, b->email) == 0 &&
	    strcmp(a->name, b->name) == 0 &&
	    strcmp(a->avatar_url, b->avatar_url) == 0 && a->role == b->role &&
	    a->status == b->status && a->epoch == b->epoch &&
	    a->epoch_at == b->epoch_at && a->version == b->version &&
	    a->created_at == b->created_at && a->updated_at == b->updated_at;
}

bool
test_users_same_session(const struct session *a, const struct session *b)
{
	return strcmp(a->handle, b->handle) == 0 && a->user_id == b->user_id &&
	    a->epoch == b->epoch && a->created_at == b->created_at &&
	    a->last_seen_at == b->last_seen_at &&
	    a->expires_at == b->expires_at && a->revoked_at == b->revoked_at &&
	    strcmp(a->device, b->device) == 0 &&
	    strcmp(a->user_agent, b->user_agent) == 0 &&
	    strcmp(a->address, b->address) == 0;
}
