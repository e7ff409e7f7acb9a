/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "routes/authenticate.h"
#include "routes/authorize_protocol.h"
#include "routes/context.h"
#include "routes/handlers.h"

#define ROLE_PARAM "LATCHKEY_REQUIRE_ROLE"
#define ROLE_NAME_SIZE 16

/* Parse the first role of the list at *${rest}, and move behind it. */
static enum user_role
parse_role(const char **rest)
{
	const char *word = *rest + strspn(*rest, " ");
	size_t len = strcspn(word, ",");
	char name[ROLE_NAME_SIZE];

	*rest = word + len;
	while (len > 0 && word[len - 1] == ' ')
		len--;
	if (len >= sizeof(name))
		return USER_ROLE_NONE;
	memcpy(name, word, len);
	name[len] = '\0';
	return user_role_from(name);
}

/*
 * Is ${role} in the list of the web server's configuration ("admin" or
 * "admin,user")?  No role includes another.  An empty list or an unknown role
 * is ERR_INTERNAL and logged: a misconfigured guard must not let requests pass.
 */
static enum err
check_role(const struct request *req, enum user_role role, bool *has_out)
{
	const char *list = request_param(req, PARAM_LATCHKEY_REQUIRE_ROLE);
	char shown[LOG_QUOTED_SIZE];
	enum user_role wanted;

	*has_out = list == NULL;
	if (list == NULL)
		return ERR_OK;
	for (const char *at = list;; at++) {
		wanted = parse_role(&at);
		if (wanted == USER_ROLE_NONE)
			break;
		*has_out |= wanted == role;
		if (*at == '\0')
			return ERR_OK;
	}
	*has_out = false;
	log_event(LOG_LEVEL_ERROR, "guard_misconfigured",
	    "request_id=%s " ROLE_PARAM "=%s", req->request_id,
	    log_quote(shown, list));
	return ERR_INTERNAL;
}

static enum err
authorize(struct app *app, struct request *req, const struct guarded *g,
    struct response *res, struct identity *identity_out)
{
	bool has;
	enum err err;

	err = authenticate_by(app, req, res,
	    g->safe ? AUTHENTICATE_GUARDED_SAFE : AUTHENTICATE_GUARDED,
	    identity_out);
	if (err != ERR_OK)
		return err;
	err = check_role(req, identity_out->user.role, &has);
	if (err == ERR_OK && !has)
		err = response_refuse(res, PROBLEM_FORBIDDEN, NULL);
	return err;
}

/* Once per process, not per request. */
static void
warn_of_old_name(struct app *app, const struct request *req)
{
	if (app->warned_of_old_name || req->authorize_protocol == NULL ||
	    request_param(req, PARAM_LATCHKEY_AUTHORIZE_PROTOCOL) != NULL)
		return;
	app->warned_of_old_name = true;
	log_event(LOG_LEVEL_WARN, "parameter_renamed",
	    "LATCHKEY_DIALECT is now called LATCHKEY_AUTHORIZE_PROTOCOL");
}

/*
 * A web server asks about a guarded request: 200 and its identity; 302 to the
 * login page; 401 403.  In the FastCGI role Authorizer the path is that of the
 * guarded request.  Never sets a cookie: it would become the guarded answer's.
 */
enum err
route_authorize(struct app *app, struct request *req, struct response *res)
{
	char shown[LOG_QUOTED_SIZE];
	struct identity identity;
	struct guarded g;
	enum err err;

	warn_of_old_name(app, req);
	err = authorize_protocol_read(req, &g);
	if (err != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "guard_misconfigured",
		    "request_id=%s LATCHKEY_AUTHORIZE_PROTOCOL=%s",
		    req->request_id, log_quote(shown, req->authorize_protocol));
		return ERR_INTERNAL;
	}
	err = authorize(app, req, &g, res, &identity);
	if (err == ERR_OK)
		err = authorize_protocol_grant(&g, &identity, res);
	else
		err = authorize_protocol_refuse(&g, app->login_page, res, err);
	secret_wipe(&identity, sizeof(identity));
	return err;
}
