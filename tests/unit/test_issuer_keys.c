/* SPDX-License-Identifier: ISC */
#include "routes/issuer_keys.h"

#include "support/test.h"

#include <stdio.h>

#include "base/json_value.h"
#include "issuers/jwks_refresh.h"
#include "shm/jwks_refresh_request.h"
#include "support/api.h"
#include "support/external_issuers.h"
#include "support/store_memory.h"

#define HEALTH .method = "GET", .uri = "/health"
#define STATS .method = "GET", .uri = "/api/v1/cache/stats"
#define METRICS .method = "GET", .uri = "/metrics"
#define REFRESH                                                                \
	.method = "POST", .uri = "/api/v1/cache/jwks/refresh", .body = "{}"

struct fixture {
	struct api api;
	struct external_issuers o;
	struct api_login root, ada;
};

static int
setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	api_open(&f.api);
	api_register(&f.api, "root@example.org", &f.root);
	api_register(&f.api, "ada@example.org", &f.ada);
	store_memory_make_admin(f.api.app.store, atoll(f.root.id));
	external_issuers_open(
	    &f.o, f.api.table.dir, f.api.app.store, f.api.app.shm, f.api.now);
	f.api.app.issuers = f.o.issuers;
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	external_issuers_close(&f->o);
	api_close(&f->api);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void
expect_health(struct fixture *f, const char *status, const char *jwks)
{
	struct api_answer a;

	api_run(&f->api, &(struct api_call){ HEALTH }, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text(&a, "status"), status);
	if (jwks == NULL)
		assert_null(json_value_member(a.json, "jwks"));
	else
		assert_string_equal(api_text(&a, "jwks"), jwks);
	api_free(&a);
}

/* Health is that of the worst issuer. */
TEST(health_includes_the_issuers, struct fixture *f)
{
	struct store_actor actor = { .address = "", .now = f->api.now };

	expect_health(f, "ok", "ok");
	f->api.now += 7200;
	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_ONE, f->api.now, NULL);
	expect_health(f, "degraded", "stale");
	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_TWO, f->api.now, NULL);
	expect_health(f, "ok", "ok");
	f->api.now += ISSUERS_HARD_AGE;
	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_TWO, f->api.now, NULL);
	expect_health(f, "degraded", "unavailable");
	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_ONE, f->api.now, NULL);
	expect_health(f, "ok", "ok");
	assert_int_equal(
	    store_issuer_remove(f->api.app.store, &actor, EXTERNAL_ISSUERS_TWO),
	    ERR_OK);
	expect_health(f, "degraded", "unavailable");
}

TEST(without_issuers_nothing_is_shown, struct fixture *f)
{
	struct api_answer a;

	f->api.app.issuers = NULL;
	expect_health(f, "ok", NULL);
	api_run(
	    &f->api, &(struct api_call){ STATS, .token = f->root.token }, &a);
	assert_int_equal(a.status, 200);
	assert_true(json_value_is_array(json_value_member(a.json, "jwks")));
	assert_int_equal(json_value_size(json_value_member(a.json, "jwks")), 0);
	api_free(&a);
	api_run(
	    &f->api, &(struct api_call){ REFRESH, .token = f->root.token }, &a);
	assert_int_equal(a.status, 202);
	assert_int_equal(
	    json_value_size(json_value_member(a.json, "issuers")), 0);
	api_free(&a);
	api_run(&f->api, &(struct api_call){ METRICS }, &a);
	assert_null(strstr(a.body, "latchkey_jwks_keys"));
	api_free(&a);
}

/* ---- one by one ---- */

TEST(each_issuer_is_shown)
{
	struct fixture *f = *state;
	struct store_actor actor = { .address = "", .now = f->api.now };
	const struct issuer_keys failed = { .issuer = EXTERNAL_ISSUERS_TWO,
		.tried_at = f->api.now - 60,
		.failures = 3,
		.error = "timeout" };
	const struct json_value *set;
	struct api_answer a;
	int64_t n;

	assert_int_equal(
	    store_issuer_put(f->api.app.store, &actor, &failed), ERR_OK);
	api_run(
	    &f->api, &(struct api_call){ STATS, .token = f->root.token }, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(json_value_size(json_value_member(a.json, "jwks")), 2);
	set = json_value_at(json_value_member(a.json, "jwks"), 0);
	assert_string_equal(json_value_string(json_value_member(set, "issuer")),
	    EXTERNAL_ISSUERS_ONE);
	assert_string_equal(
	    json_value_string(json_value_member(set, "state")), "fresh");
	assert_string_equal(
	    json_value_string(json_value_member(set, "fetched_at")),
	    "2027-01-15T08:00:00Z");
	assert_string_equal(
	    json_value_string(json_value_member(set, "fresh_until")),
	    "2027-01-15T10:00:00Z");
	assert_true(json_value_is_null(json_value_member(set, "error")));
	set = json_value_at(json_value_member(a.json, "jwks"), 1);
	assert_string_equal(
	    json_value_string(json_value_member(set, "state")), "none");
	assert_string_equal(
	    json_value_string(json_value_member(set, "tried_at")),
	    "2027-01-15T07:59:00Z");
	assert_true(json_value_is_null(json_value_member(set, "fetched_at")));
	assert_string_equal(
	    json_value_string(json_value_member(set, "error")), "timeout");
	assert_int_equal(
	    json_value_int(json_value_member(set, "failures"), &n), ERR_OK);
	assert_int_equal(n, 3);
	api_free(&a);

	api_run(&f->api, &(struct api_call){ METRICS }, &a);
	assert_non_null(strstr(a.body,
	    "\nlatchkey_jwks_keys{issuer=\"" EXTERNAL_ISSUERS_ONE "\"} 2\n"
	    "latchkey_jwks_keys{issuer=\"" EXTERNAL_ISSUERS_TWO "\"} 0\n"));
	assert_non_null(strstr(a.body,
	    "\nlatchkey_jwks_failures{issuer=\"" EXTERNAL_ISSUERS_ONE "\"} 0\n"
	    "latchkey_jwks_failures{issuer=\"" EXTERNAL_ISSUERS_TWO "\"} 3\n"));
	assert_non_null(strstr(a.body,
	    "\nlatchkey_jwks_fetched_timestamp_seconds{issuer="
	    "\"" EXTERNAL_ISSUERS_ONE "\"} 1800000000\n"));
	api_free(&a);
}

/* The metrics omit it, and an administrator gets 503. */
TEST(without_the_store_they_are_not_known, struct fixture *f)
{
	struct api_answer a;

	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_ONE, f->api.now, NULL);
	store_memory_fail_next(f->api.app.store, ERR_UNAVAILABLE);
	api_run(&f->api, &(struct api_call){ METRICS }, &a);
	assert_int_equal(a.status, 200);
	assert_null(strstr(a.body, "latchkey_jwks_keys"));
	assert_non_null(strstr(a.body, "latchkey_jwks_fetches_total"));
	api_free(&a);
	store_memory_fail_next(f->api.app.store, ERR_UNAVAILABLE);
	api_expect(&f->api, 503, "unavailable", STATS, .token = f->root.token);
	store_memory_fail_next(f->api.app.store, ERR_UNAVAILABLE);
	api_expect(
	    &f->api, 503, "unavailable", REFRESH, .token = f->root.token);
	store_memory_fail_next(f->api.app.store, ERR_OK);
	api_expect(&f->api, 202, NULL, REFRESH, .token = f->root.token);
}

/* ---- asking for them ---- */

static int64_t
refresh_requested(const struct fixture *f, const char *issuer)
{
	return jwks_refresh_request_time(f->api.app.shm, issuer);
}

static void
expect_refresh(struct fixture *f, bool asked, int64_t retry_after)
{
	struct api_answer a;
	int64_t wait;
	bool is;

	api_run(
	    &f->api, &(struct api_call){ REFRESH, .token = f->root.token }, &a);
	assert_int_equal(a.status, 202);
	assert_int_equal(
	    json_value_size(json_value_member(a.json, "issuers")), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct json_value *issuer =
		    json_value_at(json_value_member(a.json, "issuers"), i);

		assert_int_equal(
		    json_value_bool(json_value_member(issuer, "asked"), &is),
		    ERR_OK);
		assert_int_equal(is, asked);
		assert_int_equal(
		    json_value_int(
			json_value_member(issuer, "retry_after"), &wait),
		    ERR_OK);
		assert_int_equal(wait, retry_after);
	}
	api_free(&a);
}

TEST(a_refresh_is_requested_when_due, struct fixture *f)
{
	int64_t start = f->api.now;

	f->api.now = start + 1;
	expect_refresh(f, false, JWKS_REFRESH_FLOOR_SECONDS - 1);
	f->api.now = start + JWKS_REFRESH_FLOOR_SECONDS - 1;
	expect_refresh(f, false, 1);
	assert_int_equal(refresh_requested(f, EXTERNAL_ISSUERS_ONE), 0);
	f->api.now = start + JWKS_REFRESH_FLOOR_SECONDS;
	expect_refresh(f, true, 0);
	assert_int_equal(
	    refresh_requested(f, EXTERNAL_ISSUERS_ONE), f->api.now);
	assert_int_equal(
	    refresh_requested(f, EXTERNAL_ISSUERS_TWO), f->api.now);
	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_ONE, f->api.now, NULL);
	external_issuers_publish(&f->o, EXTERNAL_ISSUERS_TWO, f->api.now, NULL);
	expect_refresh(f, false, JWKS_REFRESH_FLOOR_SECONDS);
}

TEST(only_administrators_may_refresh, struct fixture *f)
{
	f->api.now += 60;
	api_expect(&f->api, 401, "not_signed_in", REFRESH);
	api_expect(&f->api, 403, "forbidden", REFRESH, .token = f->ada.token);
	api_expect(&f->api, 403, "cross_site", REFRESH,
	    .cookie = f->root.session_id, .site = "cross-site");
	api_expect(&f->api, 405, "method_not_allowed", .method = "GET",
	    .uri = "/api/v1/cache/jwks/refresh", .token = f->root.token);
	assert_int_equal(refresh_requested(f, EXTERNAL_ISSUERS_ONE), 0);
	api_expect(&f->api, 202, NULL, REFRESH, .cookie = f->root.session_id,
	    .site = "same-origin");
	assert_int_equal(
	    refresh_requested(f, EXTERNAL_ISSUERS_ONE), f->api.now);
}
