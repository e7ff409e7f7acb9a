/* SPDX-License-Identifier: ISC */
#include "model/session.h"

#include <string.h>

#include "base/document.h"
#include "base/text.h"
#include "base/writer.h"
#include "model/user.h"

#define HANDLE_BYTES 16

enum err
session_handle(char dst[SESSION_HANDLE_SIZE], const char *session_id)
{
	unsigned char hash[HANDLE_BYTES];

	dst[0] = '\0';
	if (!secret_is_uuid(session_id))
		return ERR_INVALID;
	secret_hash(hash, sizeof(hash), session_id, strlen(session_id));
	text_hex(dst, hash, sizeof(hash));
	return ERR_OK;
}

void
session_key(char dst[SESSION_KEY_SIZE], const char *handle)
{
	text_join(dst, SESSION_KEY_SIZE, "session:", handle);
}

bool
session_live(const struct session *s, const struct user *u, int64_t now)
{
	return s->revoked_at == 0 && now < s->expires_at && s->user_id > 0 &&
	    s->user_id == u->id && u->status == USER_STATUS_ACTIVE &&
	    s->epoch == u->epoch;
}

static void
write_time(struct writer *w, const char *name, int64_t seconds)
{
	char when[TEXT_TIME_SIZE];

	text_time(when, seconds);
	writer_string(w, name, when);
}

void
session_write(const struct session *s, struct writer *w)
{
	if (s->handle[0] != '\0')
		writer_string(w, "handle", s->handle);
	else
		writer_null(w, "handle");
	write_time(w, "created_at", s->created_at);
	write_time(w, "expires_at", s->expires_at);
}

void
session_write_device(const struct session *s, bool current, struct writer *w)
{
	writer_string(w, "handle", s->handle);
	writer_string(w, "device", s->device);
	writer_string(w, "user_agent", s->user_agent);
	writer_string(w, "address", s->address);
	write_time(w, "created_at", s->created_at);
	write_time(w, "last_seen_at", s->last_seen_at);
	write_time(w, "expires_at", s->expires_at);
	writer_bool(w, "current", current);
}

struct document *
session_pack(const struct session *s)
{
	struct document *doc = document_object();

	document_put_string(doc, "handle", s->handle);
	document_put_int(doc, "user_id", s->user_id);
	document_put_int(doc, "epoch", s->epoch);
	document_put_int(doc, "created_at", s->created_at);
	document_put_int(doc, "last_seen_at", s->last_seen_at);
	document_put_int(doc, "expires_at", s->expires_at);
	document_put_int(doc, "revoked_at", s->revoked_at);
	document_put_string(doc, "device", s->device);
	document_put_string(doc, "user_agent", s->user_agent);
	document_put_string(doc, "address", s->address);
	return doc;
}

static enum err
unpack_all(const struct document *json, struct session *s)
{
	if (document_read_text(
		json, "handle", s->handle, SESSION_HANDLE_SIZE) != ERR_OK ||
	    document_read_int(json, "user_id", &s->user_id) != ERR_OK ||
	    document_read_int(json, "epoch", &s->epoch) != ERR_OK ||
	    document_read_int(json, "created_at", &s->created_at) != ERR_OK ||
	    document_read_int(json, "last_seen_at", &s->last_seen_at) !=
		ERR_OK ||
	    document_read_int(json, "expires_at", &s->expires_at) != ERR_OK ||
	    document_read_int(json, "revoked_at", &s->revoked_at) != ERR_OK ||
	    document_read_text(
		json, "device", s->device, SESSION_DEVICE_SIZE) != ERR_OK ||
	    document_read_text(json, "user_agent", s->user_agent,
		SESSION_AGENT_SIZE) != ERR_OK ||
	    document_read_text(
		json, "address", s->address, SESSION_ADDRESS_SIZE) != ERR_OK)
		return ERR_INVALID;
	if (!text_is_hex(s->handle, SESSION_HANDLE_SIZE - 1) || s->user_id <= 0)
		return ERR_INVALID;
	return ERR_OK;
}

enum err
session_unpack(const struct document *json, struct session *session_out)
{
	enum err err;

	memset(session_out, 0, sizeof(*session_out));
	err = unpack_all(json, session_out);
	if (err != ERR_OK)
		secret_wipe(session_out, sizeof(*session_out));
	return err;
}
