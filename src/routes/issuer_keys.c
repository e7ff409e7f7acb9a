/* SPDX-License-Identifier: ISC */
#include "routes/issuer_keys.h"

#include "base/json_writer.h"
#include "base/timefmt.h"
#include "issuers/issuers.h"
#include "issuers/jwks_refresh.h"
#include "routes/admin.h"
#include "routes/context.h"
#include "routes/handlers.h"
#include "shm/jwks_refresh_request.h"

enum err
issuer_keys_refresh(struct app *app, int64_t now)
{
	if (issuers_count(app->issuers) == 0)
		return ERR_OK;
	return issuers_refresh(app->issuers, now);
}

const char *
issuer_keys_health(struct app *app, int64_t now)
{
	const char *health = "ok";

	if (issuers_count(app->issuers) == 0)
		return NULL;
	if (issuer_keys_refresh(app, now) != ERR_OK)
		return "unavailable";
	for (size_t i = 0; i < issuers_count(app->issuers); i++) {
		struct issuers_state state;

		issuers_state(app->issuers, i, now, &state);
		if (state.freshness == ISSUERS_NONE ||
		    state.freshness == ISSUERS_EXPIRED)
			return "unavailable";
		if (state.freshness == ISSUERS_STALE)
			health = "stale";
	}
	return health;
}

/* ${at} 0: never. */
static void
put_time(struct json_writer *w, const char *name, int64_t at)
{
	char text[TIMEFMT_SIZE];

	if (at == 0) {
		json_write_null(w, name);
		return;
	}
	timefmt_utc(text, at);
	json_write_string(w, name, text);
}

static void
put_state(struct json_writer *w, const struct issuers_state *state)
{
	json_write_object(w, NULL);
	json_write_string(w, "issuer", state->issuer);
	json_write_string(w, "state", issuers_freshness_name(state->freshness));
	json_write_int(w, "keys", (int64_t)state->keys);
	put_time(w, "fetched_at", state->fetched_at);
	put_time(w, "fresh_until", state->fresh_until);
	put_time(w, "tried_at", state->tried_at);
	json_write_int(w, "failures", state->failures);
	if (state->error[0] != '\0')
		json_write_string(w, "error", state->error);
	else
		json_write_null(w, "error");
	json_write_close(w);
}

void
issuer_keys_write(const struct app *app, int64_t now, struct json_writer *w)
{
	json_write_array(w, "jwks");
	for (size_t i = 0; i < issuers_count(app->issuers); i++) {
		struct issuers_state state;

		issuers_state(app->issuers, i, now, &state);
		put_state(w, &state);
	}
	json_write_close(w);
}

/* Seconds until the next fetch is allowed; 0: now. */
static int64_t
seconds_to_wait(const struct issuers_state *state, int64_t now)
{
	int64_t until = state->tried_at + JWKS_REFRESH_FLOOR_SECONDS;

	return state->tried_at > 0 && until > now ? until - now : 0;
}

/* POST: 202 the issuers, and which are fetched again; 401 403 503. */
enum err
route_cache_refresh(struct app *app, struct request *req, struct response *res)
{
	int64_t now = req->received_at;
	struct json_writer w;
	enum err err;

	err = admin_check(app, req, res);
	if (err == ERR_OK)
		err = issuer_keys_refresh(app, now);
	if (err != ERR_OK)
		return err;

	response_begin(res, &w);
	json_write_array(&w, "issuers");
	for (size_t i = 0; i < issuers_count(app->issuers); i++) {
		struct issuers_state state;
		int64_t wait;

		issuers_state(app->issuers, i, now, &state);
		wait = seconds_to_wait(&state, now);
		if (wait == 0)
			jwks_refresh_request_issuer(
			    app->shm, state.issuer, now);
		json_write_object(&w, NULL);
		json_write_string(&w, "issuer", state.issuer);
		json_write_bool(&w, "asked", wait == 0);
		json_write_int(&w, "retry_after", wait);
		json_write_close(&w);
	}
	json_write_close(&w);
	return response_end(res, &w);
}
