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
 * What the routes of one lane work with.  Each lane of each worker has its
 * own; pool/wiring.c wires them after fork.
 */
struct app {
	struct shm *shm;
	struct store *store;
	struct redis *redis; /* NULL: switched off */
	struct signing_keys keys;
	const struct clients *clients;
	struct issuers *issuers; /* NULL: no others are configured */
	struct cache *cache;
	struct sessions sessions;
	struct login login;
	struct rate_limits rate_limits;
	const char *login_page; /* a path */
	bool always_https;      /* TLS ends in front of the web server */
	/* Hand a session whose last_seen_at is due to the slow lane. */
	void (*touch)(void *ctx, const char *handle);
	void *touch_ctx;
	const struct clock *clock; /* for measuring, and rate limits */
};

#endif
