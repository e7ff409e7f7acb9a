/* SPDX-License-Identifier: ISC */
#include "routes/rate_limit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/secret.h"
#include "model/user.h"
#include "routes/authenticate.h"
#include "routes/context.h"
#include "routes/forms.h"
#include "routes/routes.h"
#include "routes/security_log.h"

/* Fixed texts, for log watchers. */
static const char *const events[RATE_LIMIT_NAMES] = {
	[RATE_LIMIT_LOGIN] = "login_limited",
	[RATE_LIMIT_REGISTER] = "register_limited",
	[RATE_LIMIT_DEFAULT] = "default_limited",
};

static int64_t
now_ms(const struct app *app)
{
	return app->clock->mono_us() / 1000;
}

/* ---- what a request counts as ---- */

typedef enum err claim_fn(struct app *app, struct request *req,
    struct response *res, struct rate_limit_claim *claim);

/* Another site's page must not use up its visitor's attempts. */
static enum err
claim_register(struct app *app, struct request *req, struct response *res,
    struct rate_limit_claim *claim)
{
	const struct json_value *json;
	enum err err = ERR_OK;

	(void)app;
	if (request_cross_site(req))
		err = response_refuse(res, PROBLEM_CROSS_SITE, NULL);
	if (err == ERR_OK)
		err = request_json(req, res, &json);
	if (err == ERR_OK)
		rate_limit_address(claim, RATE_LIMIT_REGISTER, req->address);
	return err;
}

static enum err
claim_login(struct app *app, struct request *req, struct response *res,
    struct rate_limit_claim *claim)
{
	static const struct request_field email_field = { "email", true,
		USER_EMAIL_SIZE - 1 };
	const struct json_value *json;
	const char *email;
	enum err err = ERR_OK;

	if (request_cross_site(req))
		err = response_refuse(res, PROBLEM_CROSS_SITE, NULL);
	if (err == ERR_OK)
		err = request_json(req, res, &json);
	if (err == ERR_OK)
		err = request_string(json, &email_field, res, &email);
	if (err != ERR_OK)
		return err;
	rate_limit_address(claim, RATE_LIMIT_LOGIN, req->address);
	rate_limit_account(&app->rate_limits, claim, email);
	return ERR_OK;
}

static enum err
claim_default(struct app *app, struct request *req, struct response *res,
    struct rate_limit_claim *claim)
{
	void (*touch)(void *, const char *) = app->touch;
	struct identity who;
	enum err err;

	/* The handler asks again, and notes it then. */
	app->touch = NULL;
	err = authenticate(app, req, res, &who);
	app->touch = touch;
	if (err == ERR_OK) {
		rate_limit_address(claim, RATE_LIMIT_DEFAULT, req->address);
		rate_limit_user(claim, RATE_LIMIT_DEFAULT, who.user.id);
	}
	secret_wipe(&who, sizeof(who));
	return err;
}

static claim_fn *
claim_of(const struct route *route)
{
	if ((route->flags & ROUTE_LIMIT_LOGIN) != 0)
		return claim_login;
	if ((route->flags & ROUTE_LIMIT_REGISTER) != 0)
		return claim_register;
	if ((route->flags & ROUTE_LIMIT_DEFAULT) != 0)
		return claim_default;
	return NULL;
}

/* ---- one too many ---- */

/* The fields of draft-ietf-httpapi-ratelimit-headers-10. */
static enum err
refuse(struct app *app, const struct request *req, struct response *res,
    const struct rate_limit_refusal *refusal)
{
	const struct rate_limit_shm_rule *rule =
	    &app->rate_limits.rules[refusal->name];
	const char *name = rate_limit_text(refusal->name);
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
	security_log(app, req, events[refusal->name], 0);
	return err;
}

static enum err
count(struct app *app, struct request *req, struct response *res,
    claim_fn *claim, struct rate_limit_admission *ad)
{
	struct rate_limit_refusal refusal;
	enum err err;

	err = claim(app, req, res, &ad->claim);
	if (err != ERR_OK)
		return err;
	err = rate_limit_take(
	    &app->rate_limits, &ad->claim, now_ms(app), &refusal);
	if (err == ERR_LIMITED)
		err = refuse(app, req, res, &refusal);
	return err;
}

enum err
rate_limit_request(struct app *app, struct request *req, struct response *res,
    struct rate_limit_admission *ad)
{
	bool form = (ad->route->flags & ROUTE_FORM) != 0;
	claim_fn *claim = claim_of(ad->route);
	enum err err = ERR_OK;

	if (claim == NULL)
		return ERR_OK;
	if (form)
		err = forms_read(req, res);
	if (err == ERR_OK)
		err = count(app, req, res, claim, ad);
	if (err != ERR_OK && form) {
		err = forms_answer(app, req, res, err);
		ad->answered = err == ERR_OK;
	}
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
	struct rate_limit_refusal refusal;
	enum err err;

	rate_limit_address(&claim, RATE_LIMIT_DEFAULT, req->address);
	err = rate_limit_take(&app->rate_limits, &claim, now_ms(app), &refusal);
	return err == ERR_LIMITED ? refuse(app, req, res, &refusal) : err;
}
