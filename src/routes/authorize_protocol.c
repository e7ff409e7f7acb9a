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
 * lighttpd and mod_authnz_fcgi hand on whatever is not 200.  mod_fcgid makes
 * a bare 401 of it.  nginx's auth_request knows 2xx, 401 and 403, and calls
 * everything else a 500, but can read headers of the answer.
 */
static const struct authorize_protocol dialects[AUTHORIZE_PROTOCOLS] = {
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
 * Apache's modules name the phase they ask in.  mod_fcgid's
 * FcgidAccessChecker is the only one of its three that needs no password;
 * AUTHENTICATOR is mod_authnz_fcgi's AuthnzFcgiCheckAuthnProvider, which hands
 * on what it gets, and AUTHORIZER comes from "Require", which does not.
 */
static const struct authorize_protocol *
of_role(const struct request *req)
{
	const char *phase = request_param(req, "FCGI_APACHE_ROLE");

	if (phase == NULL)
		return &dialects[LIGHTTPD];
	if (strcmp(phase, "AUTHENTICATOR") == 0)
		return &dialects[MOD_AUTHNZ_FCGI];
	return &dialects[MOD_FCGID];
}

static const struct authorize_protocol *
dialect_of(const struct request *req)
{
	if (req->authorize_protocol == NULL)
		return req->authorizer ? of_role(req) : &dialects[AUTH_REQUEST];
	for (size_t i = 0; i < AUTHORIZE_PROTOCOLS; i++) {
		if (strcmp(dialects[i].name, req->authorize_protocol) == 0 &&
		    dialects[i].authorizer == req->authorizer)
			return &dialects[i];
	}
	return NULL;
}

static void
read_forwarded(const struct request *req, struct guarded *g)
{
	const char *method = request_param(req, "HTTP_X_FORWARDED_METHOD");
	const char *uri = request_param(req, "HTTP_X_FORWARDED_URI");
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

enum err
authorize_protocol_read(const struct request *req, struct guarded *guarded_out)
{
	struct guarded *g = guarded_out;

	*g = (struct guarded){ .authorize_protocol = dialect_of(req),
		.target = "" };
	if (g->authorize_protocol == NULL)
		return ERR_INVALID;
	if (g->authorize_protocol->forwards) {
		read_forwarded(req, g);
		return ERR_OK;
	}
	g->safe = req->method == METHOD_GET || req->method == METHOD_OPTIONS;
	g->page =
	    req->method == METHOD_GET && !req->head && request_navigates(req);
	/* Else the path is that of the question. */
	if (authorize_protocol_asks(req))
		g->target = request_target(req);
	return ERR_OK;
}

/* ---- allowed ---- */

/*
 * Bytes beyond ASCII pass as they are, UTF-8: that is what a program finds in
 * its environment.
 */
static bool
may_stand_in_header(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return true;
}

enum err
authorize_protocol_grant(
    const struct guarded *g, const struct identity *who, struct response *res)
{
	char id[24];
	/*
	 * REMOTE_USER is what programs keep and compare: the id, which nobody
	 * else ever gets.  Addresses and names are what their owners say.
	 */
	const struct {
		const char *variable, *header, *value;
	} parts[] = {
		{ "Variable-REMOTE_USER", "Remote-User", id },
		{ "Variable-AUTH_USER", "X-Auth-User", who->user.name },
		{ "Variable-AUTH_ID", "X-Auth-Id", id },
		{ "Variable-AUTH_EMAIL", "X-Auth-Email", who->user.email },
		{ "Variable-AUTH_ROLE", "X-Auth-Role",
		    user_role_name(who->user.role) },
		{ "Variable-AUTH_SESSION", "X-Auth-Session",
		    who->session.handle },
	};

	(void)snprintf(id, sizeof(id), "%" PRId64, who->user.id);
	for (size_t i = 0; i < NELEMS(parts); i++) {
		if (!may_stand_in_header(parts[i].value))
			return ERR_INTERNAL;
		response_header(res,
		    g->authorize_protocol->authorizer ? parts[i].variable
						      : parts[i].header,
		    parts[i].value);
	}
	/* Our other headers would become those of the guarded answer. */
	res->bare = g->authorize_protocol->authorizer;
	return ERR_OK;
}

/* ---- refused ---- */

static size_t
path_length(const char *target)
{
	return strcspn(target, "?");
}

/* The login page behind its own guard: sent there, one would come back. */
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
	const struct authorize_protocol *d = g->authorize_protocol;
	struct buf url = { 0 };

	if (!g->page || !(d->redirects || d->announces) ||
	    is_login_page(g, login_page))
		return err;
	/* Signing in mends nothing else; a bad token is no browser's. */
	if (res->problem != PROBLEM_NOT_SIGNED_IN &&
	    res->problem != PROBLEM_INVALID_SESSION)
		return err;
	buf_puts(&url, login_page);
	local_path_put(&url, "rd", g->target);
	if (url.failed) {
		err = ERR_INTERNAL;
	} else if (d->redirects) {
		response_redirect(res, url.data);
		err = ERR_OK;
	} else {
		response_header(res, "X-Login-Page", url.data);
	}
	buf_clear(&url);
	return err;
}
