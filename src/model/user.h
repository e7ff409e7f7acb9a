/* SPDX-License-Identifier: ISC */
#ifndef MODEL_USER_H
#define MODEL_USER_H

#include <stdint.h>

#include "base/err.h"
#include "model/record.h"

struct json_writer;

#define USER_EMAIL_SIZE 255 /* RFC 5321: 254 octets, and NUL */
#define USER_NAME_SIZE 401  /* 100 characters of at most 4 bytes, and NUL */
#define USER_AVATAR_SIZE 513
#define USER_HASH_SIZE 129 /* crypto_pwhash_STRBYTES is 128 */
#define USER_KEY_SIZE 32   /* "user:" and a number */

/* The zero values deny. */
enum user_role { USER_ROLE_NONE = 0, USER_ROLE_USER, USER_ROLE_ADMIN };
enum user_status {
	USER_STATUS_NONE = 0,
	USER_STATUS_ACTIVE,
	USER_STATUS_INACTIVE
};

/* A user, without credentials. */
struct user {
	int64_t id;
	char email[USER_EMAIL_SIZE]; /* "": none */
	char name[USER_NAME_SIZE];
	char avatar_url[USER_AVATAR_SIZE];
	enum user_role role;
	enum user_status status;
	int64_t epoch;    /* sessions and tokens need the same */
	int64_t epoch_at; /* when it last rose; 0: never */
	int64_t version;  /* counts the changes of this row */
	int64_t created_at;
	int64_t updated_at;
};

extern const struct record_type user_record_type;

/**
 * user_email_normal(dst, email):
 * Check that ${email} is an address (local part, one @, domain with a dot or
 * "localhost"; no white space or controls; at most 254 bytes; valid UTF-8) and
 * write its normal form, by which addresses are unique: NFKC with case folded.
 * Return ERR_INVALID, ${dst} empty, otherwise.
 */
enum err user_email_normal(
    char dst[USER_EMAIL_SIZE], const char *email) MUST_CHECK;

/**
 * user_name_check(name), user_avatar_check(url):
 * Return ERR_INVALID unless ${name} has 1 to 100 characters, none a control
 * character, not all white space or invisible; unless ${url} is empty, or an
 * absolute https or http URL of at most 512 printable ASCII bytes.
 */
enum err user_name_check(const char *name) MUST_CHECK;
enum err user_avatar_check(const char *url) MUST_CHECK;

/* user_key(dst, id): write the cache key "user:{id}". */
void user_key(char dst[USER_KEY_SIZE], int64_t id);

/* The names of roles and states, and back. */
const char *user_role_name(enum user_role role);
enum user_role user_role_from(const char *name); /* or USER_ROLE_NONE */
const char *user_status_name(enum user_status status);
enum user_status user_status_from(const char *name);

/**
 * user_write_own(u, w), user_write_public(u, w):
 * Add to the open object the members that ${u} sees of itself (id as a string,
 * name, avatar_url, email, role, created_at, updated_at), or those that other
 * users see (the first three).
 */
void user_write_own(const struct user *u, struct json_writer *w);
void user_write_public(const struct user *u, struct json_writer *w);

#endif
