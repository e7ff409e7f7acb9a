/* SPDX-License-Identifier: ISC */
#include "model/user.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

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
static const struct enum_names roles = { role_names, NELEMS(role_names) };

static const char *const status_names[] = {
	[USER_STATUS_NONE] = "none",
	[USER_STATUS_ACTIVE] = "active",
	[USER_STATUS_INACTIVE] = "inactive",
};
static const struct enum_names statuses = { status_names,
	NELEMS(status_names) };

static const struct column columns[] = {
	{ COLUMN(INTEGER, struct user, id) },
	{ COLUMN(TEXT, struct user, email) },
	{ COLUMN(TEXT, struct user, name) },
	{ COLUMN(TEXT, struct user, avatar_url) },
	{ ENUM_COLUMN(struct user, role, &roles) },
	{ ENUM_COLUMN(struct user, status, &statuses) },
	{ COLUMN(INTEGER, struct user, epoch) },
	{ COLUMN(INTEGER, struct user, epoch_at) },
	{ COLUMN(INTEGER, struct user, version) },
	{ COLUMN(INTEGER, struct user, created_at) },
	{ COLUMN(INTEGER, struct user, updated_at) },
};

static bool
is_valid(const void *record)
{
	const struct user *u = record;

	return u->id > 0 && u->epoch > 0;
}

const struct record_type user_record_type = { .table = "users",
	.columns = columns,
	.columns_n = NELEMS(columns),
	.size = sizeof(struct user),
	.is_valid = is_valid };

/* Two or more labels, none of them empty; or "localhost". */
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
	} while (kind == UNICODE_PLAIN || kind == UNICODE_INVISIBLE);
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
	 * Both must be addresses.  Mail goes to the one typed; its normal form
	 * may have gained an @ or a blank (U+FF20, U+00A8) or have lost
	 * invisible characters.
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
		/* Not valid in RFC 3986, and dangerous in markup. */
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
	return record_enum_name(&roles, role);
}

enum user_role
user_role_from(const char *name)
{
	return (enum user_role)record_enum_value(&roles, name);
}

const char *
user_status_name(enum user_status status)
{
	return record_enum_name(&statuses, status);
}

enum user_status
user_status_from(const char *name)
{
	return (enum user_status)record_enum_value(&statuses, name);
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
