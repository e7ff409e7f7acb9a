/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_CONTEXT_H
#define ROUTES_CONTEXT_H

#include <stdbool.h>

#include "auth/login.h"
#include "auth/rate_limit.h"
#include "auth/sessions.h"
#include "token/signing_keys.h"

struct cache;
struct clients;
struct clock;
struct issuers;
struct shm;
struct redis;
struct store;

/*
 * What the handlers work with.  Each thread of each worker has its own;
 * pool/wiring.c fills it in after fork.
 */
struct app {
	struct shm *shm;
	struct store *store;
	struct redis *redis; /* NULL: switched off */
	struct signing_keys keys;
	const struct clients *clients;
	struct issuers *issuers; /* NULL: no external ones are configured */
	struct cache *cache;
	struct sessions sessions;
	struct login login;
	struct rate_limits rate_limits;
	const char *login_page;  /* a path */
	bool always_https;       /* TLS ends in front of the web server */
	bool warned_of_old_name; /* LATCHKEY_DIALECT; see authorize.c */
	/* Have last_seen_at of the session ${handle} moved in the background.
	 */
	void (*touch)(void *ctx, const char *handle);
	void *touch_ctx;
	const struct clock *clock; /* for durations and rate limits */
};

#endif
