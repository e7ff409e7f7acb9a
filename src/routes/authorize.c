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

/* The first word of the list at ${*list_at}, which moves behind it. */
static enum user_role
next_role(const char **list_at)
{
	const char *word = *list_at + strspn(*list_at, " ");
	size_t len = strcspn(word, ",");
	char name[ROLE_NAME_SIZE];

	*list_at = word + len;
	while (len > 0 && word[len - 1] == ' ')
		len--;
	if (len >= sizeof(name))
		return USER_ROLE_NONE;
	memcpy(name, word, len);
	name[len] = '\0';
	return user_role_from(name);
}

/*
 * Is ${role} one of those that the web server's configuration asks for: "admin"
 * or "admin,user"?  Each counts for itself.  ERR_INTERNAL for a list with a
 * role in it that does not exist, or with none: nobody passes what somebody
 * meant to guard better, and the log says why.
 */
static enum err
has_role(const struct request *req, enum user_role role, bool *has_out)
{
	const char *list = request_param(req, ROLE_PARAM);
	char shown[LOG_QUOTED_SIZE];
	enum user_role wanted;

	*has_out = list == NULL;
	if (list == NULL)
		return ERR_OK;
	for (const char *at = list;; at++) {
		wanted = next_role(&at);
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
decide(struct app *app, struct request *req, const struct guarded *g,
    struct response *res, struct identity *who_out)
{
	bool has;
	enum err err;

	err = authenticate_guarded(app, req, g->safe, res, who_out);
	if (err != ERR_OK)
		return err;
	err = has_role(req, who_out->user.role, &has);
	if (err == ERR_OK && !has)
		err = response_refuse(res, PROBLEM_FORBIDDEN, NULL);
	return err;
}

/*
 * A web server asks whether a request may pass: 200 and who it is; 302 to the
 * login page; 401 403.  In the FastCGI role Authorizer the path is the guarded
 * one, whatever it is.  Never touches a cookie.
 */
enum err
route_authorize(struct app *app, struct request *req, struct response *res)
{
	char shown[LOG_QUOTED_SIZE];
	struct identity who;
	struct guarded g;
	enum err err;

	err = authorize_protocol_read(req, &g);
	if (err != ERR_OK) {
		log_event(LOG_LEVEL_ERROR, "guard_misconfigured",
		    "request_id=%s LATCHKEY_DIALECT=%s", req->request_id,
		    log_quote(shown, req->authorize_protocol));
		return ERR_INTERNAL;
	}
	err = decide(app, req, &g, res, &who);
	if (err == ERR_OK)
		err = authorize_protocol_grant(&g, &who, res);
	else
		err = authorize_protocol_refuse(&g, app->login_page, res, err);
	secret_wipe(&who, sizeof(who));
	return err;
}
