/* SPDX-License-Identifier: ISC */
#include "routes/admin.h"

#include "base/secret.h"
#include "http/request.h"
#include "http/response.h"
#include "routes/authenticate.h"
#include "routes/context.h"

enum err
admin_identify(struct app *app, struct request *req, struct response *res,
    struct identity *identity_out)
{
	enum err err;

	err = authenticate(app, req, res, identity_out);
	if (err != ERR_OK || identity_out->user.role == USER_ROLE_ADMIN)
		return err;
	secret_wipe(identity_out, sizeof(*identity_out));
	return response_refuse(res, PROBLEM_FORBIDDEN, NULL);
}

enum err
admin_check(struct app *app, struct request *req, struct response *res)
{
	struct identity identity;
	enum err err;

	err = admin_identify(app, req, res, &identity);
	secret_wipe(&identity, sizeof(identity));
	return err;
}

/*
 * Behind a proxy on this machine every client looks local, so any header by
 * which a proxy names itself refuses; a forged one can do no more.
 */
static bool
is_local(const struct request *req)
{
	static const enum param of_proxies[] = { PARAM_HTTP_FORWARDED,
		PARAM_HTTP_VIA, PARAM_HTTP_X_FORWARDED_FOR,
		PARAM_HTTP_X_FORWARDED_HOST, PARAM_HTTP_X_FORWARDED_PORT,
		PARAM_HTTP_X_FORWARDED_PROTO, PARAM_HTTP_X_REAL_IP,
		PARAM_HTTP_CF_CONNECTING_IP, PARAM_HTTP_TRUE_CLIENT_IP };

	for (size_t i = 0; i < NELEMS(of_proxies); i++)
		if (request_param(req, of_proxies[i]) != NULL)
			return false;
	return req->loopback;
}

enum err
admin_or_local_check(struct app *app, struct request *req, struct response *res)
{
	return is_local(req) ? ERR_OK : admin_check(app, req, res);
}

struct store_actor
admin_actor(const struct request *req, const struct identity *identity)
{
	struct store_actor actor = authenticate_actor(req, identity);

	actor.as_admin = true;
	return actor;
}

enum err
admin_denied(struct app *app, struct response *res,
    const struct identity *identity, const struct store_actor *actor)
{
	struct store_actor without_role = *actor;
	enum err err;

	without_role.as_admin = false;
	err = store_actor_check(app->store, &without_role);
	if (err == ERR_OK)
		return response_refuse(res, PROBLEM_FORBIDDEN, NULL);
	return err == ERR_DENIED ? authenticate_ended(res, identity) : err;
}
