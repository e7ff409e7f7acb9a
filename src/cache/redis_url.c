/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/percent.h"
#include "base/secret.h"
#include "base/str.h"
#include "cache/redis.h"

#define REDIS_PORT 6379
#define REDIS_DB_MAX 65535

/* A part of the URL, not NUL-terminated. */
struct piece {
	const char *text;
	size_t len;
};

/* Cut off and return the start of ${rest}, up to the first of ${stops}. */
static struct piece
cut_until(struct piece *rest, const char *stops)
{
	struct piece taken = { rest->text, 0 };

	while (taken.len < rest->len &&
	    strchr(stops, taken.text[taken.len]) == NULL)
		taken.len++;
	rest->text += taken.len;
	rest->len -= taken.len;
	return taken;
}

static bool
skip(struct piece *rest, char c)
{
	if (rest->len == 0 || rest->text[0] != c)
		return false;
	rest->text++;
	rest->len--;
	return true;
}

static enum err
decode(char *dst, size_t size, struct piece p)
{
	return percent_decode(p.text, p.len, '+', size, dst);
}

/* Parse a number without a sign, in [min, max]. */
static enum err
decode_int(struct piece p, int64_t min, int64_t max, int *value_out)
{
	char digits[8];
	int64_t value;

	if (decode(digits, sizeof(digits), p) != ERR_OK || digits[0] == '-' ||
	    str_to_int64(digits, min, max, &value) != ERR_OK)
		return ERR_INVALID;
	*value_out = (int)value;
	return ERR_OK;
}

static const char *
parse_userinfo(struct piece p, struct redis_options *o)
{
	struct piece user = cut_until(&p, ":");

	if (!skip(&p, ':') || p.len == 0)
		return "a user needs a password: user:password@ or :password@";
	if (decode(o->user, sizeof(o->user), user) != ERR_OK)
		return "the user is too long or wrongly percent-encoded";
	if (decode(o->password, sizeof(o->password), p) != ERR_OK)
		return "the password is too long or wrongly percent-encoded";
	return NULL;
}

static bool
is_host_name(const char *host)
{
	if (host[0] == '\0' || host[0] == '-')
		return false;
	for (; *host != '\0'; host++)
		if (!isalnum((unsigned char)*host) &&
		    strchr(".-_", *host) == NULL)
			return false;
	return true;
}

static const char *
parse_host(struct piece p, struct redis_options *o)
{
	struct in6_addr ignored;

	if (skip(&p, '[')) {
		struct piece literal = cut_until(&p, "]");

		if (!skip(&p, ']') ||
		    decode(o->host, sizeof(o->host), literal) != ERR_OK ||
		    inet_pton(AF_INET6, o->host, &ignored) != 1)
			return "the text in [] is not an IPv6 address";
	} else {
		struct piece name = cut_until(&p, ":");

		if (decode(o->host, sizeof(o->host), name) != ERR_OK ||
		    !is_host_name(o->host))
			return "the host is missing or is not a host name";
	}
	o->port = REDIS_PORT;
	if (p.len == 0)
		return NULL;
	if (!skip(&p, ':'))
		return "only :port may follow the host";
	if (p.len > 0 && decode_int(p, 1, 65535, &o->port) != ERR_OK)
		return "the port is not a number from 1 to 65535";
	return NULL;
}

/* Parse redis:// without the user: host[:port][/db] */
static const char *
parse_tcp(struct piece authority, struct piece rest, struct redis_options *o)
{
	const char *why = parse_host(authority, o);

	if (why != NULL)
		return why;
	if (skip(&rest, '/') && rest.len > 0 && rest.text[0] != '?') {
		struct piece db = cut_until(&rest, "?");

		if (decode_int(db, 0, REDIS_DB_MAX, &o->db) != ERR_OK)
			return "the database after the / is not a number";
	}
	return rest.len == 0 ? NULL : "redis:// takes no parameters after a ?";
}

/* Parse unix:// without the user: /path[?db=N] */
static const char *
parse_unix(struct piece authority, struct piece rest, struct redis_options *o)
{
	static const char parameter[] = "db=";
	struct piece path;

	if (authority.len > 0 || rest.len == 0 || rest.text[0] != '/')
		return "unix:// needs an absolute path: unix:///run/redis.sock";
	path = cut_until(&rest, "?");
	if (path.len < 2 ||
	    decode(o->socket, sizeof(o->socket), path) != ERR_OK)
		return "the socket's path is too long (107 bytes) or wrongly "
		       "percent-encoded";
	if (!skip(&rest, '?'))
		return NULL;
	if (rest.len <= strlen(parameter) ||
	    strncmp(rest.text, parameter, strlen(parameter)) != 0)
		return "the only parameter of unix:// is ?db=N";
	rest.text += strlen(parameter);
	rest.len -= strlen(parameter);
	if (decode_int(rest, 0, REDIS_DB_MAX, &o->db) != ERR_OK)
		return "the database after ?db= is not a number";
	return NULL;
}

/* Schemes are case-insensitive (RFC 3986 section 3.1). */
static bool
skip_scheme(struct piece *rest, const char *scheme)
{
	size_t len = strlen(scheme);

	if (strncasecmp(rest->text, scheme, len) != 0)
		return false;
	rest->text += len;
	rest->len -= len;
	return true;
}

static const char *
parse(struct piece rest, struct redis_options *o)
{
	bool is_unix = skip_scheme(&rest, "unix://");
	struct piece authority;
	const char *why;

	if (skip_scheme(&rest, "rediss://"))
		return "rediss:// (TLS) is not supported yet; use a Redis on "
		       "this host by unix:// or redis://127.0.0.1, or reach "
		       "the other host through a local TLS tunnel (stunnel)";
	if (!is_unix && !skip_scheme(&rest, "redis://"))
		return "it must start with redis:// or unix://";
	for (size_t i = 0; i < rest.len; i++)
		if (rest.text[i] <= ' ' || rest.text[i] > '~' ||
		    rest.text[i] == '#')
			return "spaces, controls, # and non-ASCII bytes must "
			       "be percent-encoded";

	authority = cut_until(&rest, "/?");
	if (memchr(authority.text, '@', authority.len) != NULL) {
		why = parse_userinfo(cut_until(&authority, "@"), o);
		if (why != NULL)
			return why;
		(void)skip(&authority, '@');
		if (memchr(authority.text, '@', authority.len) != NULL)
			return "an @ in the user or password must be written "
			       "%40";
	}
	return is_unix ? parse_unix(authority, rest, o)
		       : parse_tcp(authority, rest, o);
}

enum err
redis_parse_url(
    const char *url, struct redis_options *options_out, const char **why_out)
{
	struct piece all = { url, strlen(url) };

	secret_wipe(options_out, sizeof(*options_out));
	*why_out = parse(all, options_out);
	if (*why_out == NULL)
		return ERR_OK;
	secret_wipe(options_out, sizeof(*options_out));
	return ERR_INVALID;
}
