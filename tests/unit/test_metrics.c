/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include <stdio.h>

#include "routes/routes.h"
#include "shm/counters.h"
#include "support/store_memory.h"

#define ROOT "root@example.org"
#define ADA "ada@example.org"
#define ABROAD "REMOTE_ADDR=192.0.2.7"

#define METRICS .method = "GET", .uri = "/metrics"

TEST_FIXTURE(struct api, api_open, api_close);

static void
get(struct api *api, struct api_answer *a)
{
	api_run(api, &(struct api_call){ METRICS }, a);
	assert_int_equal(a->status, 200);
}

/* The value of the series; -1 if there is none. */
static double
value(const struct api_answer *a, const char *series)
{
	size_t len = strlen(series);

	for (const char *p = a->body; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, series, len) == 0 && p[len] == ' ')
			return strtod(p + len, NULL);
	}
	return -1;
}

#define assert_value(a, series, expect)                                        \
	assert_true(value(a, series) == (double)(expect))

/* ---- who may see them ---- */

TEST(administrators_and_local_requests_see_the_metrics, struct api *api)
{
	struct api_login root, ada;

	api_register(api, ROOT, &root);
	api_register(api, ADA, &ada);
	store_memory_make_admin(api->app.store, atoll(root.id));

	api_expect(api, 200, NULL, METRICS);
	api_expect(api, 200, NULL, METRICS, .param = "REMOTE_ADDR=::1");
	api_expect(api, 401, "not_signed_in", METRICS, .param = ABROAD);
	api_expect(api, 401, "not_signed_in", METRICS, .param = "REMOTE_ADDR=");
	api_expect(api, 403, "forbidden", METRICS, .param = ABROAD,
	    .token = ada.token);
	api_expect(
	    api, 200, NULL, METRICS, .param = ABROAD, .token = root.token);
	api_expect(api, 405, "method_not_allowed", .method = "POST",
	    .uri = "/metrics");
}

/* Behind a proxy on this machine every client looks local. */
TEST(forwarded_requests_are_not_local, struct api *api)
{
	static const char *const headers[] = {
		"HTTP_X_FORWARDED_FOR=192.0.2.7",
		"HTTP_VIA=1.1 front",
		"HTTP_X_FORWARDED_PROTO=https",
		"HTTP_X_FORWARDED_HOST=id.example.org",
		"HTTP_X_FORWARDED_PORT=443",
		"HTTP_CF_CONNECTING_IP=192.0.2.1",
		"HTTP_TRUE_CLIENT_IP=192.0.2.1",
		"HTTP_FORWARDED=for=192.0.2.7",
		"HTTP_X_REAL_IP=192.0.2.7",
		/* The value of the header does not matter. */
		"HTTP_X_FORWARDED_FOR=127.0.0.1",
	};

	for (size_t i = 0; i < NELEMS(headers); i++)
		api_expect(
		    api, 401, "not_signed_in", METRICS, .param = headers[i]);
}

/* ---- what they say ---- */

TEST(requests_are_counted_by_route_and_status, struct api *api)
{
	struct api_answer a;

	for (int i = 0; i < 3; i++)
		api_expect(api, 200, NULL, .method = "GET", .uri = "/healthz");
	/* Both paths of one route. */
	api_expect(
	    api, 200, NULL, .method = "GET", .uri = "/api/v1/healthz?x=1");
	api_expect(
	    api, 401, "not_signed_in", .method = "GET", .uri = "/auth/me");
	/* An unknown path is not in the metrics: it may hold a secret. */
	api_expect(api, 401, "not_signed_in", .method = "GET",
	    .uri = "/api/v1/users/7");
	api_expect(
	    api, 404, "not_found", .method = "GET", .uri = "/secret.php");
	api_expect(api, 405, "method_not_allowed", .method = "GET",
	    .uri = "/auth/login");
	api_expect(api, 204, NULL, .method = "OPTIONS", .uri = "/auth/me");
	get(api, &a);
#define REQUESTS(route, status)                                                \
	"latchkey_requests_total{route=\"" route "\",status=\"" status "\"}"
	assert_value(&a, REQUESTS("/healthz", "200"), 4);
	assert_value(&a, REQUESTS("/auth/me", "401"), 1);
	assert_value(&a, REQUESTS("/users/{}", "401"), 1);
	assert_value(&a, REQUESTS("none", "404"), 1);
	assert_value(&a, REQUESTS("none", "405"), 1);
	assert_value(&a, REQUESTS("none", "204"), 1);
	assert_value(&a, REQUESTS("/auth/me", "200"), -1);
	/* The request for the metrics is counted after its answer. */
	assert_value(&a, REQUESTS("/metrics", "200"), -1);
	assert_value(
	    &a, "latchkey_request_duration_seconds_count{lane=\"fast\"}", 9);
	assert_null(strstr(a.body, "secret"));
	api_free(&a);
	get(api, &a);
	assert_value(&a, REQUESTS("/metrics", "200"), 1);
	api_free(&a);
}

/* The change of each counter. */
TEST(logins_and_revocations_are_counted, struct api *api)
{
	static const char wrong[] =
	    "{\"email\":\"" ADA "\",\"password\":\"wrong\"}";
	struct api_login ada, other;
	struct api_answer a;

	api_register(api, ADA, &ada);
	api_login(api, ADA, &other);
	api_login(api, ADA, &other);
	api_expect(api, 401, "invalid_credentials", .method = "POST",
	    .uri = "/auth/login", .body = wrong);
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", .method = "POST",
	    .uri = "/auth/login", .body = wrong);
	/* The store failed before the login could be refused. */
	api_expect(api, 400, "missing_field", .method = "POST",
	    .uri = "/auth/login", .body = "{}");
	for (int i = 0; i < 2; i++) /* the second logout ends nothing */
		api_expect(api, 200, NULL, .method = "POST",
		    .uri = "/auth/logout", .site = "same-origin", .body = "{}",
		    .cookie = other.session_id);
	api_expect(api, 200, NULL, .method = "POST",
	    .uri = "/auth/logout-all-devices", .token = ada.token);
	get(api, &a);
	assert_value(&a, "latchkey_registrations_total", 1);
	assert_value(&a, "latchkey_logins_total{result=\"ok\"}", 2);
	assert_value(&a, "latchkey_logins_total{result=\"refused\"}", 1);
	assert_value(&a, "latchkey_logins_total{result=\"failed\"}", 1);
	assert_value(&a, "latchkey_revocations_total{kind=\"logout\"}", 1);
	assert_value(&a, "latchkey_revocations_total{kind=\"logout_all\"}", 1);
	assert_value(&a, "latchkey_revocations_total{kind=\"deleted\"}", 0);
	api_free(&a);
}

/* Buckets are cumulative, and the last equals the count. */
TEST(a_histogram_adds_up, struct api *api)
{
	static const char bucket[] = "latchkey_redis_duration_seconds_bucket";
	const char *p;
	struct api_answer a;
	double last = 0, bound = 0;
	int buckets = 0;

	counters_time(api->app.shm, COUNTERS_TIMER_REDIS, 5);
	counters_time(api->app.shm, COUNTERS_TIMER_REDIS, 100);
	counters_time(api->app.shm, COUNTERS_TIMER_REDIS, 100);
	counters_time(api->app.shm, COUNTERS_TIMER_REDIS, 100 * 1000 * 1000);
	get(api, &a);
	p = a.body;
	while ((p = strstr(p, bucket)) != NULL) {
		double le, n;

		p += sizeof(bucket) - 1;
		assert_int_equal(strncmp(p, "{le=\"", 5), 0);
		le = strtod(p + 5, NULL);
		assert_true(le > bound);
		n = strtod(strchr(p, '}') + 1, NULL);
		assert_true(n >= last);
		assert_true(n ==
		    (le > 1000              ? 4
			    : le > 0.0001   ? 3
			    : le > 0.000005 ? 1
					    : 0));
		last = n;
		bound = le;
		buckets++;
	}
	assert_int_equal(buckets, 24);
	assert_true(last == 4);
	assert_value(&a, "latchkey_redis_duration_seconds_count", 4);
	assert_value(&a, "latchkey_redis_duration_seconds_sum", 100.000205);
	api_free(&a);
}

static bool
is_line_before(const char *body, const char *line, size_t len)
{
	for (const char *p = body; p < line; p = strchr(p, '\n') + 1)
		if (strncmp(p, line, len) == 0)
			return true;
	return false;
}

/* Each series appears once. */
TEST(no_series_appears_twice, struct api *api)
{
	struct api_answer a;
	const char *p, *space;

	for (size_t r = 0; r < routes_count; r++)
		for (size_t s = 0; s < COUNTERS_STATUSES; s++)
			if (counters_status(s) != 0)
				counters_request(
				    api->app.shm, r, counters_status(s));
	get(api, &a);
	for (p = a.body; *p != '\0'; p = strchr(p, '\n') + 1) {
		const char *end = strchr(p, '\n');

		assert_non_null(end);
		space = *p == '#' ? end : memrchr(p, ' ', (size_t)(end - p));
		assert_non_null(space);
		if (is_line_before(a.body, p, (size_t)(space - p) + 1))
			fail_msg("twice: %.*s", (int)(end - p), p);
	}
	api_free(&a);
}

TEST(the_memory_cache_and_the_circuit_breaker_are_shown, struct api *api)
{
	struct api_login ada;
	struct api_answer a;

	api_register(api, ADA, &ada);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = ada.token);
	get(api, &a);
	/* The estimate for three entries is mostly 0. */
	assert_true(value(&a, "latchkey_table_entries") >= 0);
	assert_true(value(&a, "latchkey_table_used_bytes") >= 0);
	assert_value(&a, "latchkey_redis_enabled", 0);
	assert_value(&a, "latchkey_redis_breaker_open", 0);
	assert_value(&a, "latchkey_redis_breaker_opened_total", 0);
	assert_value(
	    &a, "latchkey_build_info{version=\"" PACKAGE_VERSION "\"}", 1);
	assert_true(value(&a, "latchkey_cache_hits_total{tier=\"store\"}") > 0);
	api_free(&a);
}
