/* SPDX-License-Identifier: ISC */
#include "http/cookie.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/secret.h"
#include "http/request.h"
#include "http/response.h"

/*
 * Browsers accept a __Host- cookie only if it is Secure, has the path / and no
 * Domain, so that neither a sibling host nor an attacker on the network can set
 * one.
 */
#define NAME_HTTPS "__Host-latchkey"
#define NAME_LOOPBACK "latchkey"

/* Return the name of the session cookie; NULL if the request may have none. */
static const char *
cookie_name(const struct request *req)
{
	if (req->https)
		return NAME_HTTPS;
	return req->loopback ? NAME_LOOPBACK : NULL;
}

/*
 * Read the value of a cookie; false if it is not a session id, or differs from
 * an earlier one.
 */
static bool
read_value(const char *value, size_t len, char id_out[SESSION_ID_SIZE])
{
	char id[SESSION_ID_SIZE];
	bool good = false;

	if (len == SESSION_ID_SIZE - 1) {
		memcpy(id, value, len);
		id[len] = '\0';
		good = random_is_uuid(id) &&
		    (id_out[0] == '\0' || secret_equal(id_out, id, len));
	}
	if (good)
		memcpy(id_out, id, sizeof(id));
	secret_wipe(id, sizeof(id));
	return good;
}

void
cookie_session_id(const struct request *req, char id_out[SESSION_ID_SIZE])
{
	const char *name = cookie_name(req);
	const char *text = request_param(req, PARAM_HTTP_COOKIE);
	size_t name_len;

	memset(id_out, 0, SESSION_ID_SIZE);
	if (name == NULL || text == NULL)
		return;
	name_len = strlen(name);

	/* RFC 6265 section 4.2.1: pairs with "; " between them. */
	while (*text != '\0') {
		size_t len = strcspn(text, ";");

		if (len > name_len && text[name_len] == '=' &&
		    memcmp(text, name, name_len) == 0 &&
		    !read_value(
			text + name_len + 1, len - name_len - 1, id_out)) {
			secret_wipe(id_out, SESSION_ID_SIZE);
			return;
		}
		text += len;
		text += strspn(text, "; \t");
	}
}

static void
add_cookie(const struct request *req, struct response *res, const char *value,
    int64_t max_age)
{
	const char *name = cookie_name(req);
	struct buf text = { 0 };

	if (name == NULL)
		return;
	buf_printf(&text,
	    "%s=%s; Path=/; %sHttpOnly; SameSite=Lax; Max-Age=%" PRId64, name,
	    value, req->https ? "Secure; " : "", max_age);
	if (text.failed)
		res->headers.failed = true;
	else
		response_header(res, "Set-Cookie", text.data);
	buf_clear(&text);
}

void
cookie_set(const struct request *req, struct response *res,
    const char *session_id, int64_t max_age)
{
	add_cookie(req, res, session_id, max_age > 0 ? max_age : 0);
}

void
cookie_remove(const struct request *req, struct response *res)
{
	add_cookie(req, res, "", 0);
}
