/* SPDX-License-Identifier: ISC */
#include "routes/admit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/secret.h"
#include "model/user.h"
#include "routes/forms.h"
#include "routes/identify.h"
#include "routes/routes.h"
#include "routes/security_log.h"
#include "routes/services.h"

/* Fixed texts, for log watchers. */
static const char *const events[RATELIMIT_NAMES] = {
	[RATELIMIT_LOGIN] = "login_limited",
	[RATELIMIT_REGISTER] = "register_limited",
	[RATELIMIT_DEFAULT] = "default_limited",
};

static int64_t
now_ms(const struct services *sv)
{
	return sv->clock->mono_us() / 1000;
}

/* ---- what a request counts as ---- */

typedef enum err claim_fn(struct services *sv, struct request *req,
    struct response *res, struct ratelimit_claim *claim);

/* Another site's page must not use up its visitor's attempts. */
static enum err
claim_register(struct services *sv, struct request *req, struct response *res,
    struct ratelimit_claim *claim)
{
	const struct document *json;
	enum err err = ERR_OK;

	(void)sv;
	if (request_cross_site(req))
		err = response_refuse(res, PROBLEM_CROSS_SITE, NULL);
	if (err == ERR_OK)
		err = request_json(req, res, &json);
	if (err == ERR_OK)
		ratelimit_address(claim, RATELIMIT_REGISTER, req->address);
	return err;
}

static enum err
claim_login(struct services *sv, struct request *req, struct response *res,
    struct ratelimit_claim *claim)
{
	static const struct request_field email_field = { "email", true,
		USER_EMAIL_SIZE - 1 };
	const struct document *json;
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
	ratelimit_address(claim, RATELIMIT_LOGIN, req->address);
	ratelimit_account(&sv->ratelimit, claim, email);
	return ERR_OK;
}

static enum err
claim_default(struct services *sv, struct request *req, struct response *res,
    struct ratelimit_claim *claim)
{
	void (*touch)(void *, const char *) = sv->touch;
	struct identity who;
	enum err err;

	/* The handler asks again, and notes it then. */
	sv->touch = NULL;
	err = identify(sv, req, res, &who);
	sv->touch = touch;
	if (err == ERR_OK) {
		ratelimit_address(claim, RATELIMIT_DEFAULT, req->address);
		ratelimit_user(claim, RATELIMIT_DEFAULT, who.user.id);
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
refuse(struct services *sv, const struct request *req, struct response *res,
    const struct ratelimit_refusal *refusal)
{
	const struct limiter_rule *rule = &sv->ratelimit.rules[refusal->name];
	const char *name = ratelimit_text(refusal->name);
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
	security_log(sv, req, events[refusal->name], 0);
	return err;
}

static enum err
count(struct services *sv, struct request *req, struct response *res,
    claim_fn *claim, struct admission *ad)
{
	struct ratelimit_refusal refusal;
	enum err err;

	err = claim(sv, req, res, &ad->claim);
	if (err != ERR_OK)
		return err;
	err = ratelimit_take(&sv->ratelimit, &ad->claim, now_ms(sv), &refusal);
	if (err == ERR_LIMITED)
		err = refuse(sv, req, res, &refusal);
	return err;
}

enum err
admit_request(struct services *sv, struct request *req, struct response *res,
    struct admission *ad)
{
	bool form = (ad->route->flags & ROUTE_FORM) != 0;
	claim_fn *claim = claim_of(ad->route);
	enum err err = ERR_OK;

	if (claim == NULL)
		return ERR_OK;
	if (form)
		err = forms_read(req, res);
	if (err == ERR_OK)
		err = count(sv, req, res, claim, ad);
	if (err != ERR_OK && form) {
		err = forms_answer(sv, req, res, err);
		ad->answered = err == ERR_OK;
	}
	return err;
}

void
admit_settle(struct services *sv, struct admission *ad, enum err outcome)
{
	ratelimit_settle(&sv->ratelimit, &ad->claim, outcome, now_ms(sv));
}

enum err
admit_guess(
    struct services *sv, const struct request *req, struct response *res)
{
	struct ratelimit_claim claim = { 0 };
	struct ratelimit_refusal refusal;
	enum err err;

	ratelimit_address(&claim, RATELIMIT_DEFAULT, req->address);
	err = ratelimit_take(&sv->ratelimit, &claim, now_ms(sv), &refusal);
	return err == ERR_LIMITED ? refuse(sv, req, res, &refusal) : err;
}
