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
#define PROFILE RATE_LIMIT_PROFILE

/* clang-format off */
const struct route routes[] = {
	/* accounts.c */
	{ POST, 201, "/auth/register", route_register, REGISTER, ROOT | SLOW },
	{ POST, 201, "/auth/signup", route_register, REGISTER, ROOT | SLOW },
	{ POST, 200, "/auth/login", route_login, LOGIN, ROOT | SLOW },
	{ POST, 200, "/auth/change-password", route_change_password, DEFAULT, ROOT | SLOW },
	{ POST, 200, "/auth/deactivate", route_deactivate, DEFAULT, ROOT | SLOW },
	{ DELETE, 204, "/auth/account", route_delete_account, DEFAULT, ROOT | SLOW },
	/* with forms.c */
	{ POST, 303, "/forms/login", route_login, LOGIN, SLOW | FORM },
	{ POST, 303, "/forms/register", route_register, REGISTER, SLOW | FORM },
	{ POST, 303, "/forms/logout", route_logout, NONE, FORM },
	/* me.c */
	{ POST, 200, "/auth/validate-session", route_validate_session, NONE, ROOT },
	{ GET, 200, "/auth/me", route_me, NONE, ROOT },
	/* logout.c */
	{ POST, 200, "/auth/logout", route_logout, NONE, ROOT },
	{ POST, 200, "/auth/logout-all-devices", route_logout_all, NONE, ROOT },
	/* sessions.c */
	{ GET, 200, "/auth/sessions", route_sessions_list, NONE, ROOT },
	{ DELETE, 204, "/auth/sessions/{}", route_sessions_end, NONE, ROOT },
	/* profile.c */
	{ CHANGE, 200, "/auth/update-profile", route_update_profile, PROFILE, ROOT | SLOW },
	/* users.c */
	{ GET, 200, "/users", route_users, NONE, 0 },
	{ GET, 200, "/users/{}", route_user, NONE, 0 },
	/* health.c */
	{ GET, 200, "/health", route_health, NONE, ROOT },
	{ GET, 200, "/healthz", route_healthz, NONE, ROOT },
	{ GET, 200, "/readyz", route_readyz, NONE, ROOT },
	{ GET, 200, "/version", route_version, NONE, ROOT },
	/* openapi.c */
	{ GET, 200, "/openapi.json", route_openapi, NONE, 0 },
	/* admin_users.c */
	{ GET, 200, "/admin/users", route_admin_users, NONE, SLOW },
	{ CHANGE, 200, "/admin/users/{}", route_admin_user, NONE, 0 },
	{ DELETE, 200, "/admin/user-sessions/{}", route_admin_sessions, NONE, 0 },
	/* cache_admin.c */
	{ GET, 200, "/cache/stats", route_cache_stats, NONE, SLOW },
	{ GET, 200, "/cache/health", route_cache_health, NONE, 0 },
	{ POST, 200, "/cache/cleanup", route_cache_cleanup, NONE, SLOW },
	/* issuer_keys.c */
	{ POST, 202, "/cache/jwks/refresh", route_cache_refresh, NONE, 0 },
	/* oauth.c */
	{ POST, 200, "/auth/revoke", route_revoke, NONE, ROOT },
	{ POST, 200, "/auth/introspect", route_introspect, NONE, ROOT },
	{ GET, 200, "/.well-known/jwks.json", route_jwks, NONE, ROOT },
	/* metrics.c */
	{ GET, 200, "/metrics", route_metrics, NONE, ROOT },
	/* authorize.c */
	{ GET, 200, "/auth/check", route_authorize, NONE, ROOT | AUTHORIZE },
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
