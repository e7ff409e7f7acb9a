/* SPDX-License-Identifier: ISC */
#ifndef MODEL_SESSION_H
#define MODEL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/random.h"
#include "model/record.h"

struct user;
struct json_writer;

#define SESSION_ID_SIZE RANDOM_UUID_SIZE
#define SESSION_HANDLE_SIZE 33 /* hex(BLAKE2b-128) and NUL */
#define SESSION_DEVICE_SIZE 129
#define SESSION_AGENT_SIZE 257
#define SESSION_ADDRESS_SIZE 46
#define SESSION_KEY_SIZE 48 /* "session:" and a handle */
#define SESSION_MAX_PER_USER 100
#define SESSION_TOUCH_SECONDS 300 /* between updates of last_seen_at */

struct session {
	char handle[SESSION_HANDLE_SIZE];
	int64_t user_id;
	int64_t epoch; /* of the user when the session began */
	int64_t created_at;
	int64_t last_seen_at;
	int64_t expires_at;
	int64_t revoked_at; /* 0: not revoked */
	char device[SESSION_DEVICE_SIZE];
	char user_agent[SESSION_AGENT_SIZE];
	char address[SESSION_ADDRESS_SIZE];
};

extern const struct record_type session_record_type;

/**
 * session_handle(dst, session_id):
 * Write the public name of the session, hex(BLAKE2b-128(${session_id})), which
 * does not reveal the id.  Return ERR_INVALID, ${dst} empty, if ${session_id}
 * is not a lower-case UUIDv4.
 */
enum err session_handle(
    char dst[SESSION_HANDLE_SIZE], const char *session_id) MUST_CHECK;

/* session_key(dst, handle): write the cache key "session:{handle}". */
void session_key(char dst[SESSION_KEY_SIZE], const char *handle);

/**
 * session_live(s, u, now):
 * Return true iff ${s} is not revoked, not past its expiry at ${now}, belongs
 * to ${u}, ${u} is active, and both carry the same epoch.
 */
bool session_live(const struct session *s, const struct user *u, int64_t now);

/**
 * session_write(s, w), session_write_device(s, current, w):
 * Add to the open object the members of the session in use (the handle is null
 * for a token of an external issuer), or those of the device list.
 */
void session_write(const struct session *s, struct json_writer *w);
void session_write_device(
    const struct session *s, bool current, struct json_writer *w);

#endif
