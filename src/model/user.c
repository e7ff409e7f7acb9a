/* SPDX-License-Identifier: ISC */
#include "model/user.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "base/unicode.h"

#define EMAIL_LOCAL_MAX 64 /* octets, RFC 5321 section 4.5.3.1.1 */
#define NAME_CHARS_MAX 100

static const char *const role_names[] = {
	[USER_ROLE_NONE] = "none",
	[USER_ROLE_USER] = "user",
	[USER_ROLE_ADMIN] = "admin",
};

static const char *const status_names[] = {
	[USER_STATUS_NONE] = "none",
	[USER_STATUS_ACTIVE] = "active",
	[USER_STATUS_INACTIVE] = "inactive",
};

/* The index of ${name} in ${names}, of which 0 is no name but the denial. */
static size_t
index_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 1; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return 0;
}

/* Labels that are not empty, two at least; or this machine. */
static bool
is_domain(const char *domain)
{
	size_t len = strlen(domain);

	if (strcasecmp(domain, "localhost") == 0)
		return true;
	return len > 0 && strchr(domain, '.') != NULL && domain[0] != '.' &&
	    domain[len - 1] != '.' && strstr(domain, "..") == NULL;
}

static bool
is_email(const char *email)
{
	const char *at = strchr(email, '@'), *p = email;
	enum unicode_kind kind;

	if (at == NULL || at == email || at - email > EMAIL_LOCAL_MAX ||
	    strchr(at + 1, '@') != NULL)
		return false;
	do {
		kind = unicode_next(&p);
	} while (kind == UNICODE_PLAIN || kind == UNICODE_UNSEEN);
	return kind == UNICODE_END && is_domain(at + 1);
}

enum err
user_email_normal(char dst[USER_EMAIL_SIZE], const char *email)
{
	enum err err;

	dst[0] = '\0';
	if (strnlen(email, USER_EMAIL_SIZE) == USER_EMAIL_SIZE)
		return ERR_INVALID;
	err = unicode_nfkc_casefold(dst, USER_EMAIL_SIZE, email);
	if (err != ERR_OK)
		return err;

	/*
	 * Both must be addresses: mail goes to what was typed, and the normal
	 * form may have gained an @ or a blank that was none before (U+FF20,
	 * U+00A8) or have lost what is not seen.
	 */
	if (!is_email(email) || !is_email(dst)) {
		secret_wipe(dst, USER_EMAIL_SIZE);
		return ERR_INVALID;
	}
	return ERR_OK;
}

enum err
user_name_check(const char *name)
{
	enum unicode_kind kind;
	bool visible = false;
	size_t chars = 0;

	while ((kind = unicode_next(&name)) != UNICODE_END) {
		if (kind == UNICODE_INVALID || kind == UNICODE_CONTROL)
			return ERR_INVALID;
		if (kind == UNICODE_PLAIN)
			visible = true;
		if (++chars > NAME_CHARS_MAX)
			return ERR_INVALID;
	}
	return visible ? ERR_OK : ERR_INVALID;
}

enum err
user_avatar_check(const char *url)
{
	size_t len = strnlen(url, USER_AVATAR_SIZE);
	size_t scheme;

	if (len == 0)
		return ERR_OK;
	if (len == USER_AVATAR_SIZE)
		return ERR_INVALID;
	if (strncasecmp(url, "https://", 8) == 0)
		scheme = 8;
	else if (strncasecmp(url, "http://", 7) == 0)
		scheme = 7;
	else
		return ERR_INVALID; /* javascript: and data: among others */
	if (url[scheme] == '\0' || strchr("/?#:@", url[scheme]) != NULL)
		return ERR_INVALID; /* no host */
	for (size_t i = 0; i < len; i++) {
		/* RFC 3986 has no place for these, and markup has. */
		if (url[i] <= 0x20 || url[i] > 0x7e ||
		    strchr("\"'<>\\^`{|}", url[i]) != NULL)
			return ERR_INVALID;
	}
	return ERR_OK;
}

void
user_key(char dst[USER_KEY_SIZE], int64_t id)
{
	char number[STR_INT_SIZE];

	str_int(number, id);
	str_join(dst, USER_KEY_SIZE, "user:", number);
}

const char *
user_role_name(enum user_role role)
{
	return (size_t)role < NELEMS(role_names) ? role_names[role] : "none";
}

enum user_role
user_role_from(const char *name)
{
	return (enum user_role)index_of(role_names, NELEMS(role_names), name);
}

const char *
user_status_name(enum user_status status)
{
	return (size_t)status < NELEMS(status_names) ? status_names[status]
						     : "none";
}

enum user_status
user_status_from(const char *name)
{
	return (enum user_status)index_of(
	    status_names, NELEMS(status_names), name);
}

void
user_write_public(const struct user *u, struct json_writer *w)
{
	char id[STR_INT_SIZE];

	str_int(id, u->id);
	json_write_string(w, "id", id);
	json_write_string(w, "name", u->name);
	if (u->avatar_url[0] != '\0')
		json_write_string(w, "avatar_url", u->avatar_url);
	else
		json_write_null(w, "avatar_url");
}

void
user_write_own(const struct user *u, struct json_writer *w)
{
	char when[TIMEFMT_SIZE];

	user_write_public(u, w);
	if (u->email[0] != '\0')
		json_write_string(w, "email", u->email);
	else
		json_write_null(w, "email");
	json_write_string(w, "role", user_role_name(u->role));
	timefmt_utc(when, u->created_at);
	json_write_string(w, "created_at", when);
	timefmt_utc(when, u->updated_at);
	json_write_string(w, "updated_at", when);
}

struct json_value *
user_pack(const struct user *u)
{
	struct json_value *doc = json_value_object();

	json_value_put_int(doc, "id", u->id);
	json_value_put_string(doc, "email", u->email);
	json_value_put_string(doc, "name", u->name);
	json_value_put_string(doc, "avatar_url", u->avatar_url);
	json_value_put_string(doc, "role", user_role_name(u->role));
	json_value_put_string(doc, "status", user_status_name(u->status));
	json_value_put_int(doc, "epoch", u->epoch);
	json_value_put_int(doc, "epoch_at", u->epoch_at);
	json_value_put_int(doc, "version", u->version);
	json_value_put_int(doc, "created_at", u->created_at);
	json_value_put_int(doc, "updated_at", u->updated_at);
	return doc;
}

static enum err
unpack_all(const struct json_value *json, struct user *u)
{
	char role[16], status[16];

	if (json_value_read_int(json, "id", &u->id) != ERR_OK ||
	    json_value_read_text(json, "email", u->email, USER_EMAIL_SIZE) !=
		ERR_OK ||
	    json_value_read_text(json, "name", u->name, USER_NAME_SIZE) !=
		ERR_OK ||
	    json_value_read_text(json, "avatar_url", u->avatar_url,
		USER_AVATAR_SIZE) != ERR_OK ||
	    json_value_read_text(json, "role", role, sizeof(role)) != ERR_OK ||
	    json_value_read_text(json, "status", status, sizeof(status)) !=
		ERR_OK ||
	    json_value_read_int(json, "epoch", &u->epoch) != ERR_OK ||
	    json_value_read_int(json, "epoch_at", &u->epoch_at) != ERR_OK ||
	    json_value_read_int(json, "version", &u->version) != ERR_OK ||
	    json_value_read_int(json, "created_at", &u->created_at) != ERR_OK ||
	    json_value_read_int(json, "updated_at", &u->updated_at) != ERR_OK)
		return ERR_INVALID;
	u->role = user_role_from(role);
	u->status = user_status_from(status);
	if (u->id <= 0 || u->role == USER_ROLE_NONE ||
	    u->status == USER_STATUS_NONE)
		return ERR_INVALID;
	return ERR_OK;
}

enum err
user_unpack(const struct json_value *json, struct user *user_out)
{
	enum err err;

	memset(user_out, 0, sizeof(*user_out));
	err = unpack_all(json, user_out);
	if (err != ERR_OK)
		secret_wipe(user_out, sizeof(*user_out));
	return err;
}
