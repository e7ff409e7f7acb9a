/* SPDX-License-Identifier: ISC */
#include "routes/rate_limit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/secret.h"
#include "model/user.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/routes.h"
#include "routes/security_log.h"
#include "shm/counters.h"

static int64_t
now_ms(const struct app *app)
{
	return app->clock->mono_us() / 1000;
}

/* ---- claims ---- */

static enum err
claim_user(struct app *app, struct request *req, struct response *res,
    enum rate_limit_name name, struct rate_limit_claim *claim)
{
	void (*touch)(void *, const char *) = app->touch;
	struct identity identity;
	enum err err;

	/* The handler authenticates again, and records last_seen_at then. */
	app->touch = NULL;
	err = authenticate(app, req, res, &identity);
	app->touch = touch;
	if (err == ERR_OK)
		rate_limit_user(claim, name, identity.user.id);
	secret_wipe(&identity, sizeof(identity));
	return err;
}

/* Check everything that may refuse ${req}, then add its subject to ${claim}. */
static enum err
claim_subject(struct app *app, struct request *req, struct response *res,
    enum rate_limit_name name, struct rate_limit_claim *claim)
{
	enum rate_limit_subject subject = rate_limit_info(name)->subject;
	const char *email;
	const struct request_text text = {
		{ "email", true, USER_EMAIL_SIZE - 1 }, &email
	};
	enum err err;

	if (subject == RATE_LIMIT_BY_USER)
		return claim_user(app, req, res, name, claim);
	/* Another site's page must not use up its visitor's attempts. */
	if (request_cross_site(req))
		return response_refuse(res, PROBLEM_CROSS_SITE, NULL);
	err = request_texts(
	    req, res, &text, subject == RATE_LIMIT_BY_ACCOUNT ? 1 : 0);
	if (err == ERR_OK && subject == RATE_LIMIT_BY_ACCOUNT)
		rate_limit_account(&app->rate_limits, claim, name, email);
	return err;
}

/* ---- refusal ---- */

static void
count_refusal(
    const struct app *app, const struct request *req, enum rate_limit_name name)
{
	static const struct {
		enum event event;
		enum counters_id also;
	} rows[RATE_LIMIT_NAMES] = {
#define RATE_LIMIT(id, name, option, rate, subject, success, also, help)       \
	[RATE_LIMIT_##id] = { EVENT_##id##_LIMITED, COUNTERS_##also },
#include "model/rate_limits.def"
#undef RATE_LIMIT
	};

	security_log(app, req, rows[name].event, 0);
	if (rows[name].also != COUNTERS_NONE)
		counters_add(app->shm, rows[name].also, 1);
}

/* The fields of draft-ietf-httpapi-ratelimit-headers-10. */
static enum err
refuse(struct app *app, const struct request *req, struct response *res,
    const struct rate_limit_refusal *refusal)
{
	const struct rate_limit_shm_rule *rule =
	    &app->rate_limits.rules[refusal->name];
	const char *name = rate_limit_info(refusal->name)->name;
	int64_t window = rule->window_ms / 1000;
	char text[64];
	enum err err;

	err = response_refuse(res, PROBLEM_RATE_LIMITED,
	    "Rate limit exceeded. Max %d requests per %" PRId64 " seconds.",
	    rule->max, window);
	res->retry_after = (int)((refusal->wait_ms + 999) / 1000);
	(void)snprintf(text, sizeof(text), "\"%s\";q=%d;w=%" PRId64, name,
	    rule->max, window);
	response_header(res, "RateLimit-Policy", text);
	(void)snprintf(
	    text, sizeof(text), "\"%s\";r=0;t=%d", name, res->retry_after);
	response_header(res, "RateLimit", text);
	count_refusal(app, req, refusal->name);
	return err;
}

static enum err
take(struct app *app, const struct request *req, struct response *res,
    struct rate_limit_claim *claim)
{
	struct rate_limit_refusal refusal;
	enum err err;

	err = rate_limit_take(&app->rate_limits, claim, now_ms(app), &refusal);
	return err == ERR_LIMITED ? refuse(app, req, res, &refusal) : err;
}

/* ---- requests ---- */

enum err
rate_limit_request(struct app *app, struct request *req, struct response *res,
    struct rate_limit_admission *ad)
{
	enum rate_limit_name name = ad->route->limit;
	enum err err;

	if (name == RATE_LIMIT_NONE)
		return ERR_OK;
	rate_limit_address(&ad->claim, name, req->address);
	err = claim_subject(app, req, res, name, &ad->claim);
	if (err == ERR_OK)
		err = take(app, req, res, &ad->claim);
	else
		ad->claim.n = 0; /* nothing was counted */
	return err;
}

void
rate_limit_request_done(
    struct app *app, struct rate_limit_admission *ad, enum err outcome)
{
	rate_limit_settle(&app->rate_limits, &ad->claim, outcome, now_ms(app));
}

enum err
rate_limit_guess(
    struct app *app, const struct request *req, struct response *res)
{
	struct rate_limit_claim claim = { 0 };

	rate_limit_address(&claim, RATE_LIMIT_DEFAULT, req->address);
	return take(app, req, res, &claim);
}
