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
#define AUTHORIZE ROUTE_AUTHORIZE
#define FORM ROUTE_FORM
#define NONE RATE_LIMIT_NONE
#define LOGIN RATE_LIMIT_LOGIN
#define REGISTER RATE_LIMIT_REGISTER
#define DEFAULT RATE_LIMIT_DEFAULT

/* clang-format off */
const struct route routes[] = {
	/* accounts.c */
	{ POST, "/auth/register", route_register, 201, REGISTER, ROOT | SLOW },
	{ POST, "/auth/signup", route_register, 201, REGISTER, ROOT | SLOW },
	{ POST, "/auth/login", route_login, 200, LOGIN, ROOT | SLOW },
	{ POST, "/auth/change-password", route_change_password, 200, DEFAULT, ROOT | SLOW },
	{ POST, "/auth/deactivate", route_deactivate, 200, DEFAULT, ROOT | SLOW },
	{ DELETE, "/auth/account", route_delete_account, 204, DEFAULT, ROOT | SLOW },
	/* with forms.c */
	{ POST, "/forms/login", route_login, 303, LOGIN, SLOW | FORM },
	{ POST, "/forms/register", route_register, 303, REGISTER, SLOW | FORM },
	{ POST, "/forms/logout", route_logout, 303, NONE, FORM },
	/* me.c */
	{ POST, "/auth/validate-session", route_validate_session, 200, NONE, ROOT },
	{ GET, "/auth/me", route_me, 200, NONE, ROOT },
	/* logout.c */
	{ POST, "/auth/logout", route_logout, 200, NONE, ROOT },
	{ POST, "/auth/logout-all-devices", route_logout_all, 200, NONE, ROOT },
	/* sessions.c */
	{ GET, "/auth/sessions", route_sessions_list, 200, NONE, ROOT },
	{ DELETE, "/auth/sessions/{}", route_sessions_end, 204, NONE, ROOT },
	/* profile.c */
	{ CHANGE, "/auth/update-profile", route_update_profile, 200, NONE, ROOT },
	/* users.c */
	{ GET, "/users", route_users, 200, NONE, 0 },
	{ GET, "/users/{}", route_user, 200, NONE, 0 },
	/* health.c */
	{ GET, "/health", route_health, 200, NONE, ROOT },
	{ GET, "/healthz", route_healthz, 200, NONE, ROOT },
	{ GET, "/readyz", route_readyz, 200, NONE, ROOT },
	{ GET, "/version", route_version, 200, NONE, ROOT },
	/* openapi.c */
	{ GET, "/openapi.json", route_openapi, 200, NONE, 0 },
	/* admin_users.c */
	{ GET, "/admin/users", route_admin_users, 200, NONE, SLOW },
	{ CHANGE, "/admin/users/{}", route_admin_user, 200, NONE, 0 },
	{ DELETE, "/admin/user-sessions/{}", route_admin_sessions, 200, NONE, 0 },
	/* cache_admin.c */
	{ GET, "/cache/stats", route_cache_stats, 200, NONE, SLOW },
	{ GET, "/cache/health", route_cache_health, 200, NONE, 0 },
	{ POST, "/cache/cleanup", route_cache_cleanup, 200, NONE, SLOW },
	/* issuer_keys.c */
	{ POST, "/cache/jwks/refresh", route_cache_refresh, 202, NONE, 0 },
	/* oauth.c */
	{ POST, "/auth/revoke", route_revoke, 200, NONE, ROOT },
	{ POST, "/auth/introspect", route_introspect, 200, NONE, ROOT },
	{ GET, "/.well-known/jwks.json", route_jwks, 200, NONE, ROOT },
	/* metrics.c */
	{ GET, "/metrics", route_metrics, 200, NONE, ROOT },
	/* authorize.c */
	{ GET, "/auth/check", route_authorize, 200, NONE, ROOT | AUTHORIZE },
};
/* clang-format on */
const size_t routes_count = NELEMS(routes);

_Static_assert(NELEMS(routes) <= COUNTERS_NO_ROUTE, "each row is counted");

/* ${path} without /api/v1; *${at_root_out}: it had none. */
static const char *
strip_base(const char *path, bool *at_root_out)
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

struct routes_match
routes_find(const struct request *req)
{
	bool asked = authorize_protocol_asks(req), at_root;
	const char *path = strip_base(req->path, &at_root);
	struct routes_match match = { 0 };

	for (size_t i = 0; i < routes_count; i++) {
		const struct route *route = &routes[i];
		bool authorizes = (route->flags & ROUTE_AUTHORIZE) != 0;

		if (asked ? !authorizes : !matches(route, path, at_root))
			continue;
		if (authorizes || (route->methods & req->method) != 0)
			return (struct routes_match){ .route = route };
		match.methods |= route->methods;
	}
	return match;
}

enum err
routes_segment(const struct request *req, char *dst, size_t size)
{
	const char *slash = strrchr(req->path, '/');

	return str_copy(dst, size, slash != NULL ? slash + 1 : "");
}
