/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_HANDLERS_H
#define ROUTES_HANDLERS_H

#include "routes/routes.h"

/*
 * What the table of routes.c runs.  Each parses, makes one call of a service,
 * and renders; where it refuses, it returns the error, with a problem on the
 * response if the error alone does not say which (dispatch.c).
 */

/* accounts.c: whatever takes a password */
route_fn route_register;
route_fn route_login;
route_fn route_change_password;
route_fn route_deactivate;
route_fn route_delete_account;

/* forms.c: the same for pages without scripts */
route_fn route_form_login;
route_fn route_form_register;
route_fn route_form_logout;

/* current.c: who am I */
route_fn route_validate_session;
route_fn route_me;

/* check.c: may another request pass */
route_fn route_authorize;

/* logout.c */
route_fn route_logout;
route_fn route_logout_all;

/* devices.c: the sessions of a user */
route_fn route_sessions_list;
route_fn route_sessions_end;

/* profile.c */
route_fn route_update_profile;

/* people.c: what users see of each other */
route_fn route_user;
route_fn route_users;

/* health.c */
route_fn route_health;
route_fn route_healthz;
route_fn route_readyz;
route_fn route_version;

/* contract.c: what all of these take and answer */
route_fn route_openapi;

/* admin_users.c: for admins */
route_fn route_admin_users;
route_fn route_admin_user;
route_fn route_admin_sessions;

/* cache_admin.c: for admins */
route_fn route_cache_stats;
route_fn route_cache_health;
route_fn route_cache_cleanup;

/* key_sets.c: the keys of other issuers; for admins */
route_fn route_cache_refresh;

/* oauth.c: for other servers of the site */
route_fn route_revoke;
route_fn route_introspect;
route_fn route_jwks;

/* metrics.c: for Prometheus */
route_fn route_metrics;

#endif
