/* SPDX-License-Identifier: ISC */
/* The limited requests, and the refusal of one too many. */
#include "routes/rate_limit.h"

#include "support/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/secret.h"
#include "routes/routes.h"
#include "shm/counters.h"
#include "support/api.h"
#include "support/store_memory.h"

#define ADA "ada@example.org"

/* The clock that the tests set. */
static int64_t mono_us;

static int64_t
get_mono_us(void)
{
	return mono_us;
}

static struct clock clock_here;

static int
setup(void **state)
{
	static struct api api;

	mono_us = (int64_t)1000 * 1000 * 1000;
	api_open(&api);
	clock_here = *api.app.clock;
	clock_here.mono_us = get_mono_us;
	api.app.clock = &clock_here;
	api.app.rate_limits.rules[RATE_LIMIT_LOGIN] =
	    (struct rate_limit_shm_rule){ 60000, 5 };
	api.app.rate_limits.rules[RATE_LIMIT_REGISTER] =
	    (struct rate_limit_shm_rule){ 3600000, 3 };
	api.app.rate_limits.rules[RATE_LIMIT_DEFAULT] =
	    (struct rate_limit_shm_rule){ 60000, 10 };
	api.app.rate_limits.rules[RATE_LIMIT_PROFILE] =
	    (struct rate_limit_shm_rule){ 60000, 10 };
	*state = &api;
	return 0;
}

static int
teardown(void **state)
{
	api_close(*state);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static uint64_t
counter(struct api *api, enum counters_id which)
{
	struct counters counters;

	counters_read(api->app.shm, &counters);
	return counters.counter[which];
}

/* Log in from the address ${from}; ${email} NULL: none. */
static void
log_in(struct api *api, const char *email, const char *password,
    const char *from, int status, const char *code)
{
	char body[256], address[64];

	snprintf(body, sizeof(body), "{\"email\":\"%s\",\"password\":\"%s\"}",
	    email, password);
	snprintf(address, sizeof(address), "REMOTE_ADDR=%s", from);
	api_expect(api, status, code, .method = "POST", .uri = "/auth/login",
	    .body = body, .param = address);
}

static void
log_in_wrongly(struct api *api, const char *email, const char *from, int status)
{
	log_in(api, email, "not this one", from, status,
	    status == 429 ? "rate_limited" : "invalid_credentials");
}

/* ---- logins ---- */

TEST(a_sixth_wrong_login_must_wait, struct api *api)
{
	struct api_login who;
	struct api_answer a;

	api_register(api, ADA, &who);
	for (int i = 0; i < 5; i++) {
		log_in_wrongly(api, ADA, "192.0.2.1", 401);
		mono_us += 1001000;
	}
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/login",
		.param = "REMOTE_ADDR=192.0.2.1",
		.body = "{\"email\":\"" ADA "\",\"password\":\"" API_PASSWORD
			"\"}" },
	    &a);
	assert_int_equal(a.status, 429);
	assert_string_equal(api_text(&a, "code"), "rate_limited");
	assert_string_equal(api_text(&a, "detail"),
	    "Rate limit exceeded. Max 5 requests per 60 seconds.");
	assert_true(api_has(&a, "Retry-After: 55"));
	assert_true(api_has(&a, "RateLimit: \"login\";r=0;t=55"));
	assert_true(api_has(&a, "RateLimit-Policy: \"login\";q=5;w=60"));
	api_free(&a);
	assert_int_equal(counter(api, COUNTERS_LOGINS_LIMITED), 1);
	assert_int_equal(counter(api, COUNTERS_LIMITED_LOGIN), 1);
	assert_int_equal(counter(api, COUNTERS_LOGINS_REFUSED), 5);
	assert_int_equal(counter(api, COUNTERS_LOGINS_FAILED), 0);
	/* A second too early is refused; then exactly one is allowed. */
	mono_us += 54 * 1000000;
	log_in_wrongly(api, ADA, "192.0.2.1", 429);
	mono_us += 1000000;
	log_in_wrongly(api, ADA, "192.0.2.1", 401);
	log_in_wrongly(api, ADA, "192.0.2.1", 429);
}

/* The limit must not reveal which accounts exist. */
TEST(unknown_accounts_are_limited_like_known_ones, struct api *api)
{
	struct api_login who;
	char from[32];

	api_register(api, ADA, &who);
	for (int i = 0; i < 8; i++) {
		int status = i < 5 ? 401 : 429;

		snprintf(from, sizeof(from), "192.0.2.%d", i);
		log_in_wrongly(api, "ADA@example.org", from, status);
		snprintf(from, sizeof(from), "198.51.100.%d", i);
		log_in_wrongly(api, "nobody@example.org", from, status);
		snprintf(from, sizeof(from), "203.0.113.%d", i);
		log_in_wrongly(api, "no address", from, status);
	}
}

TEST(logins_that_succeed_are_not_counted, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	for (int i = 0; i < 4; i++)
		log_in_wrongly(api, ADA, "127.0.0.1", 401);
	for (int i = 0; i < 20; i++)
		api_login(api, ADA, &who);
	log_in_wrongly(api, ADA, "127.0.0.1", 401);
	log_in(api, ADA, API_PASSWORD, "127.0.0.1", 429, "rate_limited");
}

/* Flooding an account does not affect its live sessions. */
TEST(a_flooded_account_stays_signed_in, struct api *api)
{
	struct api_login who;
	char from[32], body[128];

	api_register(api, ADA, &who);
	for (int i = 0; i < 40; i++) {
		snprintf(from, sizeof(from), "192.0.2.%d", i);
		log_in_wrongly(api, ADA, from, i < 5 ? 401 : 429);
	}
	log_in(api, ADA, API_PASSWORD, "198.51.100.1", 429, "rate_limited");
	snprintf(body, sizeof(body), "{\"session_id\":\"%s\"}", who.session_id);
	for (int i = 0; i < 40; i++) {
		api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
		    .token = who.token, .param = "REMOTE_ADDR=192.0.2.1");
		api_expect(api, 200, NULL, .method = "POST",
		    .uri = "/auth/validate-session", .body = body,
		    .param = "REMOTE_ADDR=192.0.2.1");
		api_expect(api, 401, NULL, .method = "GET", .uri = "/auth/me",
		    .token = "wrong", .param = "REMOTE_ADDR=192.0.2.1");
	}
	api_expect(api, 200, NULL, .method = "POST",
	    .uri = "/auth/change-password", .token = who.token,
	    .body = "{\"current_password\":\"" API_PASSWORD
		    "\",\"new_password\":\"marble-canyon-31-owl\"}");
}

TEST(requests_that_are_no_guess_are_not_counted, struct api *api)
{
	static const struct {
		const char *body, *type, *site;
		int status;
	} cases[] = {
		{ "{", NULL, NULL, 400 },
		{ "[]", NULL, NULL, 400 },
		{ "{}", NULL, NULL, 400 },
		{ "{\"email\":\"" ADA "\"}", NULL, NULL, 400 },
		{ "{\"password\":\"x\"}", NULL, NULL, 400 },
		{ "{\"email\":\"" ADA "\",\"password\":7}", NULL, NULL, 400 },
		{ "{\"email\":\"" ADA "\",\"password\":\"x\"}", "text/plain",
		    NULL, 415 },
		{ "{\"email\":\"" ADA "\",\"password\":\"x\"}", NULL,
		    "cross-site", 403 },
	};

	for (int round = 0; round < 6; round++) {
		for (size_t i = 0; i < NELEMS(cases); i++) {
			api_expect(api, cases[i].status, NULL, .method = "POST",
			    .uri = "/auth/login", .body = cases[i].body,
			    .type = cases[i].type, .site = cases[i].site);
			api_expect(api, cases[i].status, NULL, .method = "POST",
			    .uri = "/auth/register", .body = cases[i].body,
			    .type = cases[i].type, .site = cases[i].site);
		}
		store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
		log_in(api, ADA, "x", "127.0.0.1", 503, "unavailable");
	}
	for (int i = 0; i < 5; i++)
		log_in_wrongly(api, ADA, "127.0.0.1", 401);
	log_in_wrongly(api, ADA, "127.0.0.1", 429);
}

/* ---- the others ---- */

static void
sign_up(struct api *api, const char *email, const char *password, int status,
    const char *code)
{
	char body[256];

	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"name\":\"Ada\",\"password\":\"%s\"}", email,
	    password);
	api_expect(api, status, code, .method = "POST",
	    .uri = status % 2 == 0 ? "/auth/register" : "/auth/signup",
	    .body = body);
}

TEST(successful_registrations_count, struct api *api)
{
	for (int i = 0; i < 5; i++)
		sign_up(api, ADA, "password", 422, "weak_password");
	sign_up(api, ADA, API_PASSWORD, 201, NULL);
	sign_up(api, ADA, API_PASSWORD, 409, "email_taken");
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	sign_up(api, "eve@example.org", API_PASSWORD, 503, "unavailable");
	sign_up(api, "bob@example.org", API_PASSWORD, 201, NULL);
	sign_up(api, "cyd@example.org", API_PASSWORD, 429, "rate_limited");
	assert_int_equal(counter(api, COUNTERS_LIMITED_REGISTER), 1);
	/* Each limit counts separately. */
	log_in(api, ADA, API_PASSWORD, "127.0.0.1", 200, NULL);
	mono_us += (int64_t)3599 * 1000000;
	sign_up(api, "cyd@example.org", API_PASSWORD, 429, "rate_limited");
	mono_us += 1001000;
	sign_up(api, "cyd@example.org", API_PASSWORD, 201, NULL);
}

/* Neither guesses, nor probes for addresses, nor changes without end. */
TEST(changes_of_a_profile_are_limited, struct api *api)
{
	static const struct {
		const char *body;
		int status;
	} changes[] = {
		{ "{\"email\":\"x@example.org\",\"current_password\":\"no\"}",
		    403 },
		{ "{\"email\":\"bob@example.org\",\"current_password\":"
		  "\"" API_PASSWORD "\"}",
		    409 },
		{ "{\"name\":\"Ada L\"}", 200 },
	};
	struct api_login ada, bob;
	char from[48];

	api_register(api, ADA, &ada);
	api_register(api, "bob@example.org", &bob);
	for (int i = 0; i < 12; i++) {
		snprintf(from, sizeof(from), "REMOTE_ADDR=192.0.2.%d", i);
		api_expect(api, i < 10 ? changes[i % 3].status : 429, NULL,
		    .method = "PATCH", .uri = "/auth/update-profile",
		    .body = changes[i % 3].body, .token = ada.token,
		    .param = from);
	}
	assert_int_equal(counter(api, COUNTERS_LIMITED_PROFILE), 2);
	/* A form that is wrong changes nothing and guesses nothing. */
	for (int i = 0; i < 12; i++)
		api_expect(api, 400, "invalid_field", .method = "PATCH",
		    .uri = "/auth/update-profile", .body = "{\"name\":\"\"}",
		    .token = bob.token);
}

TEST(signed_in_users_are_limited_too, struct api *api)
{
	static const struct {
		const char *method, *uri, *body;
	} guesses[] = {
		{ "POST", "/auth/change-password",
		    "{\"current_password\":\"wrong one\","
		    "\"new_password\":\"marble-canyon-31-owl\"}" },
		{ "POST", "/auth/deactivate", "{\"password\":\"wrong one\"}" },
		{ "DELETE", "/auth/account", "{\"password\":\"wrong one\"}" },
	};
	struct api_login ada, bob;
	char from[48];

	api_register(api, ADA, &ada);
	api_register(api, "bob@example.org", &bob);
	/* From any address. */
	for (int i = 0; i < 12; i++) {
		snprintf(from, sizeof(from), "REMOTE_ADDR=192.0.2.%d", i);
		api_expect(api, i < 10 ? 403 : 429,
		    i < 10 ? "wrong_password" : "rate_limited",
		    .method = guesses[i % 3].method, .uri = guesses[i % 3].uri,
		    .body = guesses[i % 3].body, .token = ada.token,
		    .param = from);
	}
	assert_int_equal(counter(api, COUNTERS_LIMITED_DEFAULT), 2);
	/* For any user. */
	for (int i = 0; i < 12; i++)
		api_expect(api, i < 10 ? 403 : 429, NULL,
		    .method = guesses[i % 3].method, .uri = guesses[i % 3].uri,
		    .body = guesses[i % 3].body, .token = bob.token,
		    .param = "REMOTE_ADDR=198.51.100.1");
	api_expect(api, 429, "rate_limited", .method = "POST",
	    .uri = "/auth/deactivate",
	    .body = "{\"password\":\"" API_PASSWORD "\"}", .token = ada.token,
	    .param = "REMOTE_ADDR=198.51.100.1");
	/* Without a session the refusal is not_signed_in and not counted. */
	for (int i = 0; i < 12; i++)
		api_expect(api, 401, NULL, .method = "POST",
		    .uri = "/auth/deactivate", .token = "wrong",
		    .body = "{\"password\":\"x\"}");
	mono_us += 60001 * 1000;
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/deactivate",
	    .body = "{\"password\":\"" API_PASSWORD "\"}", .token = ada.token);
}

/* Without scripts the fragment of the address tells the page. */
TEST(forms_are_limited_like_json, struct api *api)
{
	struct api_answer a;

	for (int i = 0; i < 7; i++) {
		api_run(api,
		    &(struct api_call){ .method = "POST",
			.uri = "/api/v1/forms/login",
			.type = "application/x-www-form-urlencoded",
			.site = "same-origin",
			.body = "email=ada%40example.org&password=wrong" },
		    &a);
		assert_int_equal(a.status, 303);
		assert_true(api_has(&a,
		    i < 5 ? "Location: /sign-in#invalid_credentials"
			  : "Location: /sign-in#rate_limited"));
		api_free(&a);
	}
	assert_int_equal(counter(api, COUNTERS_LIMITED_LOGIN), 2);
	log_in_wrongly(api, ADA, "192.0.2.1", 429);
	/* A form of another site does not count. */
	mono_us += 60001 * 1000;
	for (int i = 0; i < 7; i++)
		api_expect(api, 403, "cross_site", .method = "POST",
		    .uri = "/api/v1/forms/login",
		    .type = "application/x-www-form-urlencoded",
		    .site = "cross-site",
		    .body = "email=ada%40example.org&password=wrong");
	log_in_wrongly(api, ADA, "127.0.0.1", 401);
}

/* A new slow route must be limited or excepted here. */
TEST(every_route_with_a_password_is_limited)
{
	for (size_t i = 0; i < routes_count; i++) {
		bool slow = (routes[i].flags & ROUTE_SLOW) != 0;
		bool limited = routes[i].limit != RATE_LIMIT_NONE;

		if (strncmp(routes[i].path, "/auth/", 6) == 0 ||
		    strncmp(routes[i].path, "/forms/", 7) == 0)
			assert_int_equal(limited, slow);
	}
}
