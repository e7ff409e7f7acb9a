/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <string.h>

#include "issuers/http_get.h"
#include "issuers/issuers.h"
#include "routes/context.h"

/* What to do about the word that a fetch ended with. */
static const char *
cure_for(const char *error)
{
	static const struct {
		const char *error, *cure;
	} cures[] = {
		{ "resolve",
		    "see that its host's name is right, and that this "
		    "machine finds it" },
		{ "connect",
		    "see that this machine may reach it; under systemd, that "
		    "IPAddressAllow= of the unit has its address" },
		{ "timeout", "see that it answers within ten seconds" },
		{ "tls",
		    "see that its certificate is good here; of an authority "
		    "of its own, name the ca_file" },
		{ "discovery",
		    "name its jwks_uri, or see that the name in "
		    "brackets is what its discovery document says" },
		{ "no_keys",
		    "see that it publishes a key for RS256 (2048 bits "
		    "at least) or ES256" },
	};

	for (size_t i = 0; i < NELEMS(cures); i++)
		if (strcmp(error, cures[i].error) == 0)
			return cures[i].cure;
	return "ask for its keys with curl, and look for issuer_not_fetched in "
	       "the log";
}

static void
examine(struct doctor *d, const struct issuers_state *state)
{
	const char *why = state->error[0] != '\0' ? state->error : "no error";

	if (state->tried_at == 0)
		doctor_say(d, DOCTOR_WARN, "issuers",
		    "start the pool, or hang it up: it fetches them",
		    "the keys of %s have not been fetched yet", state->issuer);
	else if (state->freshness == ISSUERS_FRESH)
		doctor_say(d, DOCTOR_OK, "issuers", NULL,
		    "of %s there are %zu keys", state->issuer, state->keys);
	else if (state->freshness == ISSUERS_STALE)
		doctor_say(d, DOCTOR_WARN, "issuers", cure_for(state->error),
		    "the keys of %s are overdue (%s)", state->issuer, why);
	else
		doctor_say(d, DOCTOR_FAIL, "issuers", cure_for(state->error),
		    "of %s there are no keys that count (%s)", state->issuer,
		    why);
}

/* Loaded only by who fetches, so nobody else finds out that it is missing. */
static void
check_library(struct doctor *d)
{
	struct http_client *f;

	if (http_libcurl_new(&f) != ERR_OK)
		doctor_say(d, DOCTOR_FAIL, "issuers", "apt install libcurl4",
		    "libcurl, which fetches their keys, cannot be loaded");
	else
		http_libcurl_free(f);
}

void
doctor_issuers(struct doctor *d)
{
	struct issuers *issuers;

	if (!d->store_good)
		return;
	issuers = d->context.services->issuers;
	if (issuers_count(issuers) == 0) {
		doctor_say(d, DOCTOR_OK, "issuers", NULL,
		    "tokens of others are not taken");
		return;
	}
	check_library(d);
	if (issuers_refresh(issuers, d->context.now) != ERR_OK) {
		doctor_say(d, DOCTOR_FAIL, "issuers",
		    "look at the log line above", "cannot be read");
		return;
	}
	for (size_t i = 0; i < issuers_count(issuers); i++) {
		struct issuers_state state;

		issuers_state(issuers, i, d->context.now, &state);
		examine(d, &state);
	}
}
