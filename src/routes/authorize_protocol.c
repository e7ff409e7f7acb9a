/* SPDX-License-Identifier: ISC */
#include "routes/authorize_protocol.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/sessions.h"
#include "base/buf.h"
#include "http/local_path.h"
#include "http/request.h"
#include "http/response.h"

enum {
	LIGHTTPD,
	MOD_AUTHNZ_FCGI,
	MOD_FCGID,
	AUTH_REQUEST,
	FORWARD_AUTH,
	AUTHORIZE_PROTOCOLS
};

/*
 * lighttpd and mod_authnz_fcgi pass on any answer but 200.  mod_fcgid turns it
 * into a bare 401.  nginx's auth_request accepts 2xx, 401 and 403 and turns the
 * rest into a 500, but can read headers of the answer.
 */
static const struct authorize_protocol protocols[AUTHORIZE_PROTOCOLS] = {
	[LIGHTTPD] = { "lighttpd", true, true, false, false },
	[MOD_AUTHNZ_FCGI] = { "mod_authnz_fcgi", true, true, false, false },
	[MOD_FCGID] = { "mod_fcgid", true, false, false, false },
	[AUTH_REQUEST] = { "auth_request", false, false, true, false },
	[FORWARD_AUTH] = { "forward_auth", false, true, false, true },
};

bool
authorize_protocol_asks(const struct request *req)
{
	return req->authorizer || req->authorize_protocol != NULL;
}

/*
 * Apache's modules name their phase.  AUTHENTICATOR is mod_authnz_fcgi's
 * AuthnzFcgiCheckAuthnProvider, which passes answers on; AUTHORIZER is its
 * "Require", which does not.  Of mod_fcgid's three phases only
 * FcgidAccessChecker needs no password.
 */
static const struct authorize_protocol *
protocol_of_role(const struct request *req)
{
	const char *phase = request_param(req, PARAM_FCGI_APACHE_ROLE);

	if (phase == NULL)
		return &protocols[LIGHTTPD];
	if (strcmp(phase, "AUTHENTICATOR") == 0)
		return &protocols[MOD_AUTHNZ_FCGI];
	return &protocols[MOD_FCGID];
}

static const struct authorize_protocol *
select_protocol(const struct request *req)
{
	if (req->authorize_protocol == NULL)
		return req->authorizer ? protocol_of_role(req)
				       : &protocols[AUTH_REQUEST];
	for (size_t i = 0; i < AUTHORIZE_PROTOCOLS; i++) {
		if (strcmp(protocols[i].name, req->authorize_protocol) == 0 &&
		    protocols[i].authorizer == req->authorizer)
			return &protocols[i];
	}
	return NULL;
}

static void
read_forwarded(const struct request *req, struct guarded *g)
{
	const char *method = request_param(req, PARAM_HTTP_X_FORWARDED_METHOD);
	const char *uri = request_param(req, PARAM_HTTP_X_FORWARDED_URI);
	bool get;

	if (uri != NULL)
		g->target = uri;
	if (method == NULL)
		return;
	get = strcmp(method, "GET") == 0;
	g->safe = get || strcmp(method, "HEAD") == 0 ||
	    strcmp(method, "OPTIONS") == 0;
	g->page = get && request_navigates(req);
}

/*
 * A handshake of WebSocket is a GET, but opens a channel that another site's
 * page may write to and read from: browsers ask for no permission.
 */
static bool
upgrades(const struct request *req)
{
	const char *protocol = request_param(req, PARAM_HTTP_UPGRADE);

	return protocol != NULL && protocol[0] != '\0';
}

enum err
authorize_protocol_read(const struct request *req, struct guarded *guarded_out)
{
	struct guarded *g = guarded_out;

	*g = (struct guarded){ .protocol = select_protocol(req), .target = "" };
	if (g->protocol == NULL)
		return ERR_INVALID;
	if (g->protocol->forwards) {
		read_forwarded(req, g);
		g->safe = g->safe && !upgrades(req);
		return ERR_OK;
	}
	g->safe =
	    (req->method == METHOD_GET || req->method == METHOD_OPTIONS) &&
	    !upgrades(req);
	g->page =
	    req->method == METHOD_GET && !req->head && request_navigates(req);
	/* Otherwise the path is that of /auth/check itself. */
	if (authorize_protocol_asks(req))
		g->target = request_target(req);
	return ERR_OK;
}

/* ---- grant ---- */

/* UTF-8 passes unchanged: applications read it from their environment. */
static bool
is_header_text(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return true;
}

enum err
authorize_protocol_grant(const struct guarded *g,
    const struct identity *identity, struct response *res)
{
	char id[24];
	/*
	 * Applications store and compare REMOTE_USER, so it is the id, which is
	 * never reused.  Users choose their names and addresses.
	 */
	const struct {
		const char *variable, *header, *value;
	} parts[] = {
		{ "Variable-REMOTE_USER", "Remote-User", id },
		{ "Variable-AUTH_USER", "X-Auth-User", identity->user.name },
		{ "Variable-AUTH_ID", "X-Auth-Id", id },
		{ "Variable-AUTH_EMAIL", "X-Auth-Email", identity->user.email },
		{ "Variable-AUTH_ROLE", "X-Auth-Role",
		    user_role_name(identity->user.role) },
		{ "Variable-AUTH_SESSION", "X-Auth-Session",
		    identity->session.handle },
	};

	(void)snprintf(id, sizeof(id), "%" PRId64, identity->user.id);
	for (size_t i = 0; i < NELEMS(parts); i++) {
		if (!is_header_text(parts[i].value))
			return ERR_INTERNAL;
		response_header(res,
		    g->protocol->authorizer ? parts[i].variable
					    : parts[i].header,
		    parts[i].value);
	}
	/* Any other header would become one of the guarded answer. */
	res->bare = g->protocol->authorizer;
	return ERR_OK;
}

/* ---- refuse ---- */

static size_t
path_length(const char *target)
{
	return strcspn(target, "?");
}

/* A guarded login page must not redirect to itself. */
static bool
is_login_page(const struct guarded *g, const char *login_page)
{
	size_t len = path_length(login_page);

	return path_length(g->target) == len &&
	    memcmp(g->target, login_page, len) == 0;
}

enum err
authorize_protocol_refuse(const struct guarded *g, const char *login_page,
    struct response *res, enum err err)
{
	const struct authorize_protocol *p = g->protocol;
	struct buf url = { 0 };

	if (!g->page || !(p->redirects || p->announces) ||
	    is_login_page(g, login_page))
		return err;
	/* Signing in helps with nothing else: browsers send no tokens. */
	if (res->problem != PROBLEM_NOT_SIGNED_IN &&
	    res->problem != PROBLEM_INVALID_SESSION)
		return err;
	buf_puts(&url, login_page);
	local_path_put(&url, "rd", g->target);
	if (url.failed) {
		err = ERR_INTERNAL;
	} else if (p->redirects) {
		response_redirect(res, url.data);
		err = ERR_OK;
	} else {
		response_header(res, "X-Login-Page", url.data);
	}
	buf_clear(&url);
	return err;
}
