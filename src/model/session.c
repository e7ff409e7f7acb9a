/* SPDX-License-Identifier: ISC */
#include "model/session.h"

#include <string.h>

#include "base/json_writer.h"
#include "base/kdf.h"
#include "base/random.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "model/user.h"

#define HANDLE_BYTES 16

static const struct column columns[] = {
	{ COLUMN(TEXT, struct session, handle) },
	{ COLUMN(INTEGER, struct session, user_id) },
	{ COLUMN(INTEGER, struct session, epoch) },
	{ COLUMN(INTEGER, struct session, created_at) },
	{ COLUMN(INTEGER, struct session, last_seen_at) },
	{ COLUMN(INTEGER, struct session, expires_at) },
	{ COLUMN(INTEGER, struct session, revoked_at) },
	{ COLUMN(TEXT, struct session, device) },
	{ COLUMN(TEXT, struct session, user_agent) },
	{ COLUMN(TEXT, struct session, address) },
};

static bool
is_valid(const void *record)
{
	const struct session *s = record;

	return s->user_id > 0 && s->epoch > 0 &&
	    str_is_hex(s->handle, SESSION_HANDLE_SIZE - 1);
}

const struct record_type session_record_type = { .table = "sessions",
	.columns = columns,
	.columns_n = NELEMS(columns),
	.size = sizeof(struct session),
	.is_valid = is_valid };

enum err
session_handle(char dst[SESSION_HANDLE_SIZE], const char *session_id)
{
	unsigned char hash[HANDLE_BYTES];

	dst[0] = '\0';
	if (!random_is_uuid(session_id))
		return ERR_INVALID;
	kdf_hash(hash, sizeof(hash), session_id, strlen(session_id));
	str_hex(dst, hash, sizeof(hash));
	return ERR_OK;
}

void
session_key(char dst[SESSION_KEY_SIZE], const char *handle)
{
	str_join(dst, SESSION_KEY_SIZE, "session:", handle);
}

bool
session_live(const struct session *s, const struct user *u, int64_t now)
{
	return s->revoked_at == 0 && now < s->expires_at && s->user_id > 0 &&
	    s->user_id == u->id && u->status == USER_STATUS_ACTIVE &&
	    s->epoch == u->epoch;
}

static void
write_time(struct json_writer *w, const char *name, int64_t seconds)
{
	char when[TIMEFMT_SIZE];

	timefmt_utc(when, seconds);
	json_write_string(w, name, when);
}

void
session_write(const struct session *s, struct json_writer *w)
{
	if (s->handle[0] != '\0')
		json_write_string(w, "handle", s->handle);
	else
		json_write_null(w, "handle");
	write_time(w, "created_at", s->created_at);
	write_time(w, "expires_at", s->expires_at);
}

void
session_write_device(
    const struct session *s, bool current, struct json_writer *w)
{
	json_write_string(w, "handle", s->handle);
	json_write_string(w, "device", s->device);
	json_write_string(w, "user_agent", s->user_agent);
	json_write_string(w, "address", s->address);
	write_time(w, "created_at", s->created_at);
	write_time(w, "last_seen_at", s->last_seen_at);
	write_time(w, "expires_at", s->expires_at);
	json_write_bool(w, "current", current);
}
