/* SPDX-License-Identifier: ISC */
#include "routes/routes.h"

#include <string.h>

#include "base/str.h"
#include "routes/authorize_protocol.h"
#include "routes/handlers.h"
#include "shm/counters.h"

#define BASE "/api/v1"

#define GET METHOD_GET
#define POST METHOD_POST
#define DELETE METHOD_DELETE
#define CHANGE (METHOD_PUT | METHOD_PATCH | METHOD_POST)
#define ROOT ROUTE_ROOT
#define SLOW ROUTE_SLOW
#define DECIDES ROUTE_AUTHORIZE
#define FORM ROUTE_FORM
/* Limited, these are for the slow lane, too. */
#define LOGIN (ROUTE_LIMIT_LOGIN | ROUTE_SLOW)
#define REGISTER (ROUTE_LIMIT_REGISTER | ROUTE_SLOW)
#define GUESS (ROUTE_LIMIT_DEFAULT | ROUTE_SLOW)

/* clang-format off */
const struct route routes[] = {
	/* accounts.c */
	{ POST, "/auth/register", route_register, 201, ROOT | REGISTER },
	{ POST, "/auth/signup", route_register, 201, ROOT | REGISTER },
	{ POST, "/auth/login", route_login, 200, ROOT | LOGIN },
	{ POST, "/auth/change-password", route_change_password, 200, ROOT | GUESS },
	{ POST, "/auth/deactivate", route_deactivate, 200, ROOT | GUESS },
	{ DELETE, "/auth/account", route_delete_account, 204, ROOT | GUESS },
	/* forms.c */
	{ POST, "/forms/login", route_form_login, 303, LOGIN | FORM },
	{ POST, "/forms/register", route_form_register, 303, REGISTER | FORM },
	{ POST, "/forms/logout", route_form_logout, 303, FORM },
	/* current.c */
	{ POST, "/auth/validate-session", route_validate_session, 200, ROOT },
	{ GET, "/auth/me", route_me, 200, ROOT },
	/* logout.c */
	{ POST, "/auth/logout", route_logout, 200, ROOT },
	{ POST, "/auth/logout-all-devices", route_logout_all, 200, ROOT },
	/* devices.c */
	{ GET, "/auth/sessions", route_sessions_list, 200, ROOT },
	{ DELETE, "/auth/sessions/{}", route_sessions_end, 204, ROOT },
	/* profile.c */
	{ CHANGE, "/auth/update-profile", route_update_profile, 200, ROOT },
	/* people.c */
	{ GET, "/users", route_users, 200, 0 },
	{ GET, "/users/{}", route_user, 200, 0 },
	/* health.c */
	{ GET, "/health", route_health, 200, ROOT },
	{ GET, "/healthz", route_healthz, 200, ROOT },
	{ GET, "/readyz", route_readyz, 200, ROOT },
	{ GET, "/version", route_version, 200, ROOT },
	/* contract.c */
	{ GET, "/openapi.json", route_openapi, 200, 0 },
	/* admin_users.c */
	{ GET, "/admin/users", route_admin_users, 200, SLOW },
	{ CHANGE, "/admin/users/{}", route_admin_user, 200, 0 },
	{ DELETE, "/admin/user-sessions/{}", route_admin_sessions, 200, 0 },
	/* cache_admin.c */
	{ GET, "/cache/stats", route_cache_stats, 200, SLOW },
	{ GET, "/cache/health", route_cache_health, 200, 0 },
	{ POST, "/cache/cleanup", route_cache_cleanup, 200, SLOW },
	/* key_sets.c */
	{ POST, "/cache/jwks/refresh", route_cache_refresh, 202, 0 },
	/* oauth.c */
	{ POST, "/auth/revoke", route_revoke, 200, ROOT },
	{ POST, "/auth/introspect", route_introspect, 200, ROOT },
	{ GET, "/.well-known/jwks.json", route_jwks, 200, ROOT },
	/* metrics.c */
	{ GET, "/metrics", route_metrics, 200, ROOT },
	/* check.c */
	{ GET, "/auth/check", route_authorize, 200, ROOT | DECIDES },
};
/* clang-format on */
const size_t routes_count = NELEMS(routes);

_Static_assert(NELEMS(routes) <= COUNTERS_NO_ROUTE, "each row is counted");

/* ${path} below the base; *${at_root_out} says that it stands without. */
static const char *
below_base(const char *path, bool *at_root_out)
{
	const size_t len = sizeof(BASE) - 1;

	*at_root_out = strncmp(path, BASE "/", len + 1) != 0;
	return *at_root_out ? path : path + len;
}

static bool
matches(const struct route *route, const char *path, bool at_root)
{
	size_t len = strlen(route->path);

	if (at_root && (route->flags & ROUTE_ROOT) == 0)
		return false;
	if (route->path[len - 1] != '}')
		return strcmp(route->path, path) == 0;
	len -= strlen("{}");
	return strncmp(route->path, path, len) == 0 && path[len] != '\0' &&
	    strchr(path + len, '/') == NULL;
}

unsigned
routes_methods(const char *path)
{
	unsigned methods = 0;
	bool at_root;

	path = below_base(path, &at_root);
	for (size_t i = 0; i < routes_count; i++) {
		if (matches(&routes[i], path, at_root))
			methods |= routes[i].methods;
	}
	return methods;
}

static const struct route *
authorizer_route(void)
{
	const struct route *route = routes;

	while ((route->flags & ROUTE_AUTHORIZE) == 0)
		route++;
	return route;
}

bool
routes_authorizes(const struct request *req)
{
	bool at_root;
	const char *path = below_base(req->path, &at_root);

	return authorize_protocol_asks(req) ||
	    matches(authorizer_route(), path, at_root);
}

enum err
routes_find(const struct request *req, struct response *res,
    const struct route **route_out)
{
	bool at_root;
	const char *path = below_base(req->path, &at_root);

	*route_out = routes_authorizes(req) ? authorizer_route() : NULL;
	if (*route_out != NULL)
		return ERR_OK;
	for (size_t i = 0; i < routes_count; i++) {
		if ((routes[i].methods & req->method) != 0 &&
		    matches(&routes[i], path, at_root)) {
			*route_out = &routes[i];
			return ERR_OK;
		}
	}
	res->allow = routes_methods(req->path);
	return response_refuse(res,
	    res->allow != 0 ? PROBLEM_METHOD_NOT_ALLOWED : PROBLEM_NOT_FOUND,
	    NULL);
}

enum err
routes_segment(const struct request *req, char *dst, size_t size)
{
	const char *slash = strrchr(req->path, '/');

	return str_copy(dst, size, slash != NULL ? slash + 1 : "");
}
