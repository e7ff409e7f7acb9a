/* SPDX-License-Identifier: ISC */
#include "cli/doctor.h"

#include <string.h>

#include "issuers/http_get.h"
#include "issuers/issuers.h"
#include "routes/context.h"

/* How to fix the error that a fetch ended with. */
static const char *
cure_for(const char *error)
{
	static const struct {
		const char *error, *cure;
	} cures[] = {
		{ "resolve",
		    "check the name of its host and this machine's name "
		    "resolution" },
		{ "connect",
		    "check that this machine may reach it; under systemd, that "
		    "IPAddressAllow= of the unit contains its address" },
		{ "timeout", "check that it answers within ten seconds" },
		{ "tls",
		    "check its certificate; for a private certificate "
		    "authority "
		    "set ca_file" },
		{ "discovery",
		    "set jwks_uri, or check that the name in "
		    "brackets equals the issuer in its discovery document" },
		{ "no_keys",
		    "check that it publishes a key for RS256 (at least "
		    "2048 bits) or ES256" },
	};

	for (size_t i = 0; i < NELEMS(cures); i++)
		if (strcmp(error, cures[i].error) == 0)
			return cures[i].cure;
	return "fetch its keys with curl, and look for issuer_not_fetched in "
	       "the log";
}

static void
report_state(struct doctor *d, const struct issuers_state *state)
{
	const char *why = state->error[0] != '\0' ? state->error : "no error";

	if (state->tried_at == 0)
		doctor_report(d, DOCTOR_WARN, "issuers",
		    "start the pool, or send it SIGHUP",
		    "the keys of %s have not been fetched yet", state->issuer);
	else if (state->freshness == ISSUERS_FRESH)
		doctor_report(d, DOCTOR_OK, "issuers", NULL, "%s has %zu keys",
		    state->issuer, state->keys);
	else if (state->freshness == ISSUERS_STALE)
		doctor_report(d, DOCTOR_WARN, "issuers", cure_for(state->error),
		    "the keys of %s are overdue (%s)", state->issuer, why);
	else
		doctor_report(d, DOCTOR_FAIL, "issuers", cure_for(state->error),
		    "%s has no valid keys (%s)", state->issuer, why);
}

/* The pool loads libcurl only in the JWKS refresher process. */
static void
check_library(struct doctor *d)
{
	struct http_client *f;

	if (http_libcurl_new(&f) != ERR_OK)
		doctor_report(d, DOCTOR_FAIL, "issuers", "apt install libcurl4",
		    "libcurl, which fetches the keys, cannot be loaded");
	else
		http_libcurl_free(f);
}

void
doctor_issuers(struct doctor *d)
{
	struct issuers *issuers;

	if (!d->store_good)
		return;
	issuers = d->context.app->issuers;
	if (issuers_count(issuers) == 0) {
		doctor_report(d, DOCTOR_OK, "issuers", NULL,
		    "tokens of other issuers are not accepted");
		return;
	}
	check_library(d);
	if (issuers_refresh(issuers, d->context.now) != ERR_OK) {
		doctor_report(d, DOCTOR_FAIL, "issuers",
		    "see the log line above", "cannot be read");
		return;
	}
	for (size_t i = 0; i < issuers_count(issuers); i++) {
		struct issuers_state state;

		issuers_state(issuers, i, d->context.now, &state);
		report_state(d, &state);
	}
}
