/* SPDX-License-Identifier: ISC */
#include "routes/admin.h"

#include "base/secret.h"
#include "http/request.h"
#include "http/response.h"
#include "routes/authenticate.h"
#include "routes/context.h"

enum err
admin_identify(struct app *app, struct request *req, struct response *res,
    struct identity *who_out)
{
	enum err err;

	err = authenticate(app, req, res, who_out);
	if (err != ERR_OK || who_out->user.role == USER_ROLE_ADMIN)
		return err;
	secret_wipe(who_out, sizeof(*who_out));
	return response_refuse(res, PROBLEM_FORBIDDEN, NULL);
}

enum err
admin_check(struct app *app, struct request *req, struct response *res)
{
	struct identity who;
	enum err err;

	err = admin_identify(app, req, res, &who);
	secret_wipe(&who, sizeof(who));
	return err;
}

/*
 * A proxy on this machine makes every visitor look local.  It says for whom it
 * asks, so that counts: as a reason to refuse, for anybody can say so.
 */
static bool
is_local(const struct request *req)
{
	return req->loopback && request_param(req, "HTTP_FORWARDED") == NULL &&
	    request_param(req, "HTTP_X_FORWARDED_FOR") == NULL &&
	    request_param(req, "HTTP_X_REAL_IP") == NULL;
}

enum err
admin_or_local_check(struct app *app, struct request *req, struct response *res)
{
	return is_local(req) ? ERR_OK : admin_check(app, req, res);
}

struct store_actor
admin_actor(const struct request *req, const struct identity *who)
{
	struct store_actor actor = authenticate_actor(req, who);

	actor.as_admin = true;
	return actor;
}

enum err
admin_over(struct app *app, struct response *res, const struct identity *who,
    const struct store_actor *actor)
{
	struct store_actor anybody = *actor;
	enum err err;

	anybody.as_admin = false;
	err = store_actor_check(app->store, &anybody);
	if (err == ERR_OK)
		return response_refuse(res, PROBLEM_FORBIDDEN, NULL);
	return err == ERR_DENIED ? authenticate_ended(res, who) : err;
}
