/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_HANDLERS_H
#define ROUTES_HANDLERS_H

#include "routes/routes.h"

/*
 * The handlers of the table in routes.c.  Each parses, makes one call of a
 * service, and renders.  To refuse, it returns the error, with a problem on the
 * response if problem_of() would map the error to another.
 */

/* accounts.c: everything that takes a password */
route_fn route_register, route_login, route_change_password, route_deactivate,
    route_delete_account;
/* me.c */
route_fn route_validate_session, route_me;
/* authorize.c: decide on a guarded request */
route_fn route_authorize;
/* logout.c */
route_fn route_logout, route_logout_all;
/* sessions.c: the devices of a user */
route_fn route_sessions_list, route_sessions_end;
/* profile.c */
route_fn route_update_profile;
/* users.c: what users see of each other */
route_fn route_user, route_users;
/* health.c */
route_fn route_health, route_healthz, route_readyz, route_version;
/* openapi.c */
route_fn route_openapi;
/* admin_users.c: for administrators */
route_fn route_admin_users, route_admin_user, route_admin_sessions;
/* cache_admin.c: for administrators */
route_fn route_cache_stats, route_cache_health, route_cache_cleanup;
/* issuer_keys.c: for administrators */
route_fn route_cache_refresh;
/* oauth.c: for the site's other servers */
route_fn route_revoke, route_introspect, route_jwks;
/* metrics.c: for Prometheus */
route_fn route_metrics;

#endif
