/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include <stdio.h>

#include "base/json_value.h"
#include "shm/circuit_breaker.h"
#include "shm/counters.h"
#include "support/redis_server.h"
#include "support/store_memory.h"

#define ROOT "root@example.org"
#define ADA "ada@example.org"

#define STATS .method = "GET", .uri = "/api/v1/cache/stats"
#define HEALTH .method = "GET", .uri = "/api/v1/cache/health"
#define CLEANUP .method = "POST", .uri = "/api/v1/cache/cleanup"

struct fixture {
	struct api api;
	struct api_login root, ada;
};

static int
open_api(void **state, bool with_redis)
{
	static struct fixture f;

	(with_redis ? api_open_with_redis : api_open)(&f.api);
	api_register(&f.api, ROOT, &f.root);
	api_register(&f.api, ADA, &f.ada);
	store_memory_make_admin(f.api.app.store, atoll(f.root.id));
	*state = &f;
	return 0;
}

static int
setup(void **state)
{
	return open_api(state, false);
}

static int
setup_with_redis(void **state)
{
	return open_api(state, true);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	api_close(&f->api);
	return 0;
}

enum { PLAIN = 1, WITH_REDIS = 2 };
TEST_FIXTURE_IN(PLAIN, NULL, setup, teardown);
TEST_FIXTURE_IN(WITH_REDIS, "Redis", setup_with_redis, teardown);

TEST_IN(PLAIN, only_administrators_may_use_them, struct fixture *f)
{
	static const struct api_call calls[] = { { STATS }, { HEALTH },
		{ CLEANUP, .body = "{}" } };

	for (size_t i = 0; i < NELEMS(calls); i++) {
		struct api_call call = calls[i];

		/* Local requests are no exception. */
		api_expect_at(
		    &f->api, &call, 401, "not_signed_in", __FILE__, __LINE__);
		call.token = f->ada.token;
		api_expect_at(
		    &f->api, &call, 403, "forbidden", __FILE__, __LINE__);
		call.token = "made.up.token";
		api_expect_at(
		    &f->api, &call, 401, "invalid_token", __FILE__, __LINE__);
		call.token = f->root.token;
		api_expect_at(&f->api, &call, 200, NULL, __FILE__, __LINE__);
	}
}

/* Another site cannot use an administrator's cookie. */
TEST_IN(PLAIN, cleanup_by_cookie_needs_the_same_origin, struct fixture *f)
{
	api_expect(&f->api, 403, "cross_site", CLEANUP, .body = "{}",
	    .cookie = f->root.session_id);
	api_expect(&f->api, 403, "cross_site", CLEANUP, .body = "{}",
	    .cookie = f->root.session_id, .site = "cross-site");
	api_expect(&f->api, 415, "unsupported_media_type", CLEANUP,
	    .cookie = f->root.session_id, .site = "same-origin");
	api_expect(&f->api, 403, "forbidden", CLEANUP, .body = "{}",
	    .cookie = f->ada.session_id, .site = "same-origin");
	api_expect(&f->api, 200, NULL, CLEANUP, .body = "{}",
	    .cookie = f->root.session_id, .site = "same-origin");
	api_expect(&f->api, 405, "method_not_allowed", .method = "GET",
	    .uri = "/api/v1/cache/cleanup", .token = f->root.token);
}

/* ---- the numbers ---- */

static void
get_stats(struct fixture *f, struct api_answer *a)
{
	api_run(
	    &f->api, &(struct api_call){ STATS, .token = f->root.token }, a);
	assert_int_equal(a->status, 200);
}

static const struct json_value *
member(const struct api_answer *a, const char *tier, const char *name)
{
	const struct json_value *json =
	    json_value_member(json_value_member(a->json, tier), name);

	if (json == NULL)
		fail_msg("no %s.%s in %s", tier, name, a->body);
	return json;
}

static int64_t
number(const struct api_answer *a, const char *tier, const char *name)
{
	int64_t value;

	if (json_value_int(member(a, tier, name), &value) != ERR_OK)
		fail_msg("%s.%s is no number in %s", tier, name, a->body);
	return value;
}

static bool
is_null(const struct api_answer *a, const char *tier, const char *name)
{
	const struct json_value *json = member(a, tier, name);
	int64_t value;

	return json_value_int(json, &value) != ERR_OK &&
	    !json_value_is_object(json) && json_value_string(json) == NULL;
}

static double
real_member(const struct api_answer *a, const char *tier, const char *name)
{
	char text[32];
	const char *at;

	/* Some of the numbers are fractions. */
	(void)snprintf(text, sizeof(text), "\"%s\":{", tier);
	at = strstr(a->body, text);
	assert_non_null(at);
	(void)snprintf(text, sizeof(text), "\"%s\":", name);
	at = strstr(at, text);
	assert_non_null(at);
	return strtod(at + strlen(text), NULL);
}

static void
expect_ada(struct fixture *f)
{
	api_expect(&f->api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = f->ada.token);
}

/* The store answers the first read, the memory cache the others. */
TEST_IN(PLAIN, each_tier_reports_counts_and_content)
{
	struct api_answer before, cold, hot;
	struct fixture *f = *state;

	get_stats(f, &before);
	api_free(&before);
	get_stats(f, &before);
	expect_ada(f);
	get_stats(f, &cold);
	expect_ada(f);
	get_stats(f, &hot);

	/* This request reads as well, but from the memory cache. */
	assert_int_equal(
	    number(&cold, "store", "hits") - number(&before, "store", "hits"),
	    3); /* session, user, revoked token */
	assert_true(number(&cold, "table", "misses") >
	    number(&before, "table", "misses"));
	assert_int_equal(
	    number(&hot, "store", "hits"), number(&cold, "store", "hits"));
	assert_int_equal(
	    number(&hot, "store", "misses"), number(&cold, "store", "misses"));
	assert_int_equal(
	    number(&hot, "table", "misses"), number(&cold, "table", "misses"));
	assert_true(number(&hot, "table", "hits") >=
	    number(&cold, "table", "hits") + 4);
	assert_int_equal(number(&cold, "table", "entries") -
		number(&before, "table", "entries"),
	    3);
	assert_true(number(&cold, "table", "bytes") >
	    number(&before, "table", "bytes"));
	/* Two users with a session each. */
	assert_int_equal(number(&hot, "store", "entries"), 4);
	assert_true(number(&hot, "store", "bytes") > 0);
	assert_int_equal(number(&hot, "store", "errors"), 0);
	/* It does not exist. */
	assert_int_equal(number(&hot, "redis", "hits"), 0);
	assert_true(is_null(&hot, "redis", "hit_rate_percent"));
	assert_true(is_null(&hot, "redis", "entries"));
	assert_true(is_null(&hot, "redis", "bytes"));
	assert_true(real_member(&hot, "table", "hit_rate_percent") > 0);
	assert_true(real_member(&hot, "table", "hit_rate_percent") < 100);
	assert_string_equal(
	    api_text_in(&hot, "redis_breaker", "state"), "closed");
	assert_string_not_equal(api_text(&hot, "since"), "(none)");
	api_free(&before);
	api_free(&cold);
	api_free(&hot);
}

TEST_IN(WITH_REDIS, users_read_together_count_each, struct fixture *f)
{
	static const struct {
		const char *tier, *name;
		int64_t cold, hot; /* increments of both requests */
	} numbers[] = {
		{ "store", "hits", 2, 0 },
		{ "store", "misses", 1, 1 },
		{ "redis", "hits", 0, 0 },
		{ "redis", "misses", 3, 1 },
	};
	struct api_answer a[3];
	struct api_login eve;
	char uri[96];

	api_register(&f->api, "eve@example.org", &eve);
	api_register(&f->api, "bob@example.org", &f->ada);
	get_stats(f, &a[0]);
	api_free(&a[0]);
	snprintf(
	    uri, sizeof(uri), "/api/v1/users?ids=%s,%s,99", eve.id, f->ada.id);
	get_stats(f, &a[0]);
	for (int i = 1; i < 3; i++) {
		api_expect(&f->api, 200, NULL, .method = "GET", .uri = uri,
		    .token = f->root.token);
		get_stats(f, &a[i]);
	}
	for (size_t i = 0; i < NELEMS(numbers); i++) {
		const char *tier = numbers[i].tier, *name = numbers[i].name;

		assert_int_equal(
		    number(&a[1], tier, name) - number(&a[0], tier, name),
		    numbers[i].cold);
		assert_int_equal(
		    number(&a[2], tier, name) - number(&a[1], tier, name),
		    numbers[i].hot);
	}
	for (int i = 0; i < 3; i++)
		api_free(&a[i]);
}

TEST_IN(PLAIN, a_store_that_fails_is_counted, struct fixture *f)
{
	struct api_answer a;

	store_memory_fail_next(f->api.app.store, ERR_UNAVAILABLE);
	api_expect(&f->api, 503, "unavailable", .method = "GET",
	    .uri = "/auth/me", .token = f->ada.token);
	/* A user that does not exist. */
	api_expect(&f->api, 404, "not_found", .method = "GET",
	    .uri = "/api/v1/users/99", .token = f->ada.token);
	get_stats(f, &a);
	assert_int_equal(number(&a, "store", "errors"), 1);
	assert_true(number(&a, "store", "misses") >= 1);
	api_free(&a);

	/* Its content is unknown then, but the request succeeds. */
	store_memory_fail_next(f->api.app.store, ERR_UNAVAILABLE);
	get_stats(f, &a);
	assert_true(is_null(&a, "store", "entries"));
	assert_true(is_null(&a, "store", "bytes"));
	api_free(&a);
}

static int64_t
number_of_requests(const struct api_answer *a, const char *background_queue)
{
	int64_t n;

	assert_int_equal(json_value_int(json_value_member(member(a, "requests",
							      background_queue),
					    "count"),
			     &n),
	    ERR_OK);
	return n;
}

TEST_IN(PLAIN, latencies_are_shown_as_quantiles, struct fixture *f)
{
	struct api_answer a;

	for (int i = 0; i < 98; i++)
		counters_time(f->api.app.shm, COUNTERS_TIMER_REDIS, 100);
	for (int i = 0; i < 2; i++)
		counters_time(f->api.app.shm, COUNTERS_TIMER_REDIS, 50000);
	get_stats(f, &a);
	assert_true(real_member(&a, "redis", "p50") > 0.09);
	assert_true(real_member(&a, "redis", "p90") < 0.12);
	assert_true(real_member(&a, "redis", "p99") > 45);
	assert_true(real_member(&a, "redis", "p99") < 55);
	/* Two registrations; this request is counted after its answer. */
	assert_int_equal(number_of_requests(&a, "slow"), 2);
	api_free(&a);
}

TEST_IN(WITH_REDIS, redis_is_counted_and_measured)
{
	struct fixture *f = *state;
	struct api_answer a;

	expect_ada(f);
	get_stats(f, &a);
	assert_true(number(&a, "redis", "misses") >= 2);
	assert_int_equal(number(&a, "redis", "hits"), 0);
	assert_int_equal(number(&a, "redis", "entries"),
	    redis_server_int(f->api.redis, "DBSIZE"));
	assert_true(number(&a, "redis", "entries") >= 2);
	assert_true(number(&a, "redis", "bytes") > 100000);
	assert_true(real_member(&a, "redis", "p99") > 0);
	api_free(&a);

	/* A user that no tier has cached. */
	api_login(&f->api, ADA, &f->ada);
	redis_server_kill(f->api.redis);
	expect_ada(f);
	get_stats(f, &a);
	assert_int_equal(number(&a, "redis", "errors"), 1);
	assert_true(is_null(&a, "redis", "entries"));
	assert_string_equal(api_text_in(&a, "redis_breaker", "state"), "open");
	assert_int_equal(number(&a, "redis_breaker", "opened"), 1);
	api_free(&a);
}

/* A server that forbids INFO is not down. */
TEST_IN(WITH_REDIS, a_redis_that_hides_its_size_stays_in_use, struct fixture *f)
{
	struct api_answer a;

	(void)redis_server_ask(f->api.redis, "ACL SETUSER default -info");
	get_stats(f, &a);
	assert_true(is_null(&a, "redis", "entries"));
	assert_true(is_null(&a, "redis", "bytes"));
	assert_true(circuit_breaker_closed(f->api.app.shm));
	api_free(&a);
}

TEST_IN(PLAIN | WITH_REDIS, the_health_of_the_cache, struct fixture *f)
{
	struct api_answer a;

	api_run(
	    &f->api, &(struct api_call){ HEALTH, .token = f->root.token }, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text(&a, "status"), "ok");
	if (f->api.redis == NULL) {
		assert_string_equal(api_text(&a, "backend"), "table");
		assert_non_null(strstr(a.body, "\"latency_ms\":null"));
		api_free(&a);
		return;
	}
	assert_string_equal(api_text(&a, "backend"), "redis");
	assert_null(strstr(a.body, "\"latency_ms\":null"));
	api_free(&a);

	redis_server_stop(f->api.redis);
	api_run(
	    &f->api, &(struct api_call){ HEALTH, .token = f->root.token }, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text(&a, "status"), "degraded");
	assert_string_equal(api_text(&a, "backend"), "table");
	assert_non_null(strstr(a.body, "\"latency_ms\":null"));
	api_free(&a);
}

/* ---- cleaning up ---- */

static int64_t
clean_up(struct fixture *f, const char *where)
{
	const struct api_call call = { CLEANUP, .body = "{}",
		.cookie = f->root.session_id, .site = "same-origin" };
	struct api_answer a;
	int64_t removed;

	api_run(&f->api, &call, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "\"complete\":true"));
	removed = number(&a, "removed", where);
	api_free(&a);
	return removed;
}

TEST_IN(PLAIN, expired_entries_are_removed, struct fixture *f)
{
	struct api_login other;

	for (int i = 0; i < 3; i++)
		api_login(&f->api, ADA, &other);
	expect_ada(f);
	assert_int_equal(clean_up(f, "store"), 0);
	assert_int_equal(clean_up(f, "table"), 0);
	f->api.now += API_SESSION_LIFE + 1;
	api_login(&f->api, ROOT, &f->root);
	/* Ada's four sessions, and the administrator's first. */
	assert_int_equal(clean_up(f, "store"), 5);
	assert_int_equal(clean_up(f, "store"), 0);
}

/*
 * The administrator's request adds no entry: a new one could replace an expired
 * one before the sweep.
 */
TEST_IN(PLAIN, the_memory_cache_is_swept, struct fixture *f)
{
	expect_ada(f);
	assert_int_equal(clean_up(f, "table"), 0);
	f->api.now += API_USER_TTL + 1;
	/* Ada, her token, both live sessions, and the administrator. */
	assert_int_equal(clean_up(f, "table"), 2);
	assert_int_equal(clean_up(f, "table"), 0);
}

TEST_IN(PLAIN, cleanup_needs_the_store, struct fixture *f)
{
	/* Cache the administrator's session. */
	api_expect(
	    &f->api, 200, NULL, CLEANUP, .body = "{}", .token = f->root.token);
	store_memory_fail_next(f->api.app.store, ERR_UNAVAILABLE);
	api_expect(&f->api, 503, "unavailable", CLEANUP, .body = "{}",
	    .token = f->root.token);
}
