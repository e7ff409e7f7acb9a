/* SPDX-License-Identifier: ISC */
#include "model/session.h"

#include <string.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/kdf.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "model/user.h"

#define HANDLE_BYTES 16

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

struct json_value *
session_pack(const struct session *s)
{
	struct json_value *doc = json_value_object();

	json_value_put_string(doc, "handle", s->handle);
	json_value_put_int(doc, "user_id", s->user_id);
	json_value_put_int(doc, "epoch", s->epoch);
	json_value_put_int(doc, "created_at", s->created_at);
	json_value_put_int(doc, "last_seen_at", s->last_seen_at);
	json_value_put_int(doc, "expires_at", s->expires_at);
	json_value_put_int(doc, "revoked_at", s->revoked_at);
	json_value_put_string(doc, "device", s->device);
	json_value_put_string(doc, "user_agent", s->user_agent);
	json_value_put_string(doc, "address", s->address);
	return doc;
}

static enum err
unpack_all(const struct json_value *json, struct session *s)
{
	if (json_value_read_text(
		json, "handle", s->handle, SESSION_HANDLE_SIZE) != ERR_OK ||
	    json_value_read_int(json, "user_id", &s->user_id) != ERR_OK ||
	    json_value_read_int(json, "epoch", &s->epoch) != ERR_OK ||
	    json_value_read_int(json, "created_at", &s->created_at) != ERR_OK ||
	    json_value_read_int(json, "last_seen_at", &s->last_seen_at) !=
		ERR_OK ||
	    json_value_read_int(json, "expires_at", &s->expires_at) != ERR_OK ||
	    json_value_read_int(json, "revoked_at", &s->revoked_at) != ERR_OK ||
	    json_value_read_text(
		json, "device", s->device, SESSION_DEVICE_SIZE) != ERR_OK ||
	    json_value_read_text(json, "user_agent", s->user_agent,
		SESSION_AGENT_SIZE) != ERR_OK ||
	    json_value_read_text(
		json, "address", s->address, SESSION_ADDRESS_SIZE) != ERR_OK)
		return ERR_INVALID;
	if (!str_is_hex(s->handle, SESSION_HANDLE_SIZE - 1) || s->user_id <= 0)
		return ERR_INVALID;
	return ERR_OK;
}

enum err
session_unpack(const struct json_value *json, struct session *session_out)
{
	enum err err;

	memset(session_out, 0, sizeof(*session_out));
	err = unpack_all(json, session_out);
	if (err != ERR_OK)
		secret_wipe(session_out, sizeof(*session_out));
	return err;
}
