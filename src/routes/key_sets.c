/* SPDX-License-Identifier: ISC */
#include "routes/key_sets.h"

#include "auth/issuers.h"
#include "auth/keeper.h"
#include "base/text.h"
#include "base/writer.h"
#include "host/wish.h"
#include "routes/admin.h"
#include "routes/handlers.h"
#include "routes/services.h"

enum err
key_sets_refresh(struct services *sv, int64_t now)
{
	if (issuers_count(sv->issuers) == 0)
		return ERR_OK;
	return issuers_refresh(sv->issuers, now);
}

const char *
key_sets_health(struct services *sv, int64_t now)
{
	const char *health = "ok";

	if (issuers_count(sv->issuers) == 0)
		return NULL;
	if (key_sets_refresh(sv, now) != ERR_OK)
		return "unavailable";
	for (size_t i = 0; i < issuers_count(sv->issuers); i++) {
		struct issuers_state state;

		issuers_state(sv->issuers, i, now, &state);
		if (state.freshness == ISSUERS_NONE ||
		    state.freshness == ISSUERS_EXPIRED)
			return "unavailable";
		if (state.freshness == ISSUERS_STALE)
			health = "stale";
	}
	return health;
}

/* 0 is never. */
static void
put_time(struct writer *w, const char *name, int64_t at)
{
	char text[TEXT_TIME_SIZE];

	if (at == 0) {
		writer_null(w, name);
		return;
	}
	text_time(text, at);
	writer_string(w, name, text);
}

static void
put_state(struct writer *w, const struct issuers_state *state)
{
	writer_object(w, NULL);
	writer_string(w, "issuer", state->issuer);
	writer_string(w, "state", issuers_freshness_name(state->freshness));
	writer_int(w, "keys", (int64_t)state->keys);
	put_time(w, "fetched_at", state->fetched_at);
	put_time(w, "fresh_until", state->fresh_until);
	put_time(w, "tried_at", state->tried_at);
	writer_int(w, "failures", state->failures);
	if (state->error[0] != '\0')
		writer_string(w, "error", state->error);
	else
		writer_null(w, "error");
	writer_close(w);
}

void
key_sets_write(const struct services *sv, int64_t now, struct writer *w)
{
	writer_array(w, "jwks");
	for (size_t i = 0; i < issuers_count(sv->issuers); i++) {
		struct issuers_state state;

		issuers_state(sv->issuers, i, now, &state);
		put_state(w, &state);
	}
	writer_close(w);
}

/* Seconds until it may be asked again; 0: at once. */
static int64_t
wait_for(const struct issuers_state *state, int64_t now)
{
	int64_t until = state->tried_at + KEEPER_FLOOR_SECONDS;

	return state->tried_at > 0 && until > now ? until - now : 0;
}

/* POST: 202 whose keys will be fetched, and whose were just now; 401 403 503.
 */
enum err
route_cache_refresh(
    struct services *sv, struct request *req, struct response *res)
{
	int64_t now = req->received_at;
	struct writer w;
	enum err err;

	err = admin_check(sv, req, res);
	if (err == ERR_OK)
		err = key_sets_refresh(sv, now);
	if (err != ERR_OK)
		return err;

	response_begin(res, &w);
	writer_array(&w, "issuers");
	for (size_t i = 0; i < issuers_count(sv->issuers); i++) {
		struct issuers_state state;
		int64_t wait;

		issuers_state(sv->issuers, i, now, &state);
		wait = wait_for(&state, now);
		if (wait == 0)
			wish_issuer(sv->mapped, state.issuer, now);
		writer_object(&w, NULL);
		writer_string(&w, "issuer", state.issuer);
		writer_bool(&w, "asked", wait == 0);
		writer_int(&w, "retry_after", wait);
		writer_close(&w);
	}
	writer_close(&w);
	return response_end(res, &w);
}
