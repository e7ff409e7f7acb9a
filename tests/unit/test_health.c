/* SPDX-License-Identifier: ISC */
#include "base/str.h"
#include "support/api.h"

#include "support/test.h"

#include "base/clock.h"
#include "base/json_value.h"
#include "cache/redis.h"
#include "support/redis_server.h"
#include "support/store_memory.h"

TEST_FIXTURE(struct api, api_open, api_close);

#define HEALTH .method = "GET", .uri = "/health"

static void
assert_health(struct api *api, const char *status, const char *redis)
{
	const struct json_value *latency;
	struct api_answer a;
	int64_t ms;

	api_run(api, &(struct api_call){ HEALTH }, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text(&a, "status"), status);
	assert_string_equal(api_text(&a, "store"), "ok");
	assert_string_equal(api_text_in(&a, "redis_cache", "status"), redis);
	latency = json_value_member(
	    json_value_member(a.json, "redis_cache"), "latency_ms");
	assert_non_null(latency);
	/* The latency is null unless Redis answers. */
	assert_int_equal(
	    json_value_int(latency, &ms) == ERR_OK, strcmp(redis, "ok") == 0);
	api_free(&a);
}

TEST(redis_may_be_off_or_up_or_down, struct api *api)
{
	struct redis_options options = { .deadline_ms = 500 };
	struct redis_server *server;

	assert_health(api, "ok", "off");

	server = redis_server_new(api->table.dir);
	assert_int_equal(str_copy(options.socket, sizeof(options.socket),
			     redis_server_socket(server)),
	    ERR_OK);
	assert_int_equal(
	    redis_new(&options, api->app.shm, &clock_system, &api->app.redis),
	    ERR_OK);
	assert_health(api, "ok", "ok");
	redis_server_stop(server);
	assert_health(api, "degraded", "down");
	assert_health(api, "degraded", "down");
	redis_free(api->app.redis);
	api->app.redis = NULL;
	redis_server_free(server);
}

TEST(a_clock_that_is_behind_is_shown, struct api *api)
{
	static const struct {
		int64_t behind;
		const char *status, *clock;
	} cases[] = {
		{ 60, "ok", "ok" },
		{ 61, "degraded", "behind" },
		{ 315576000, "degraded", "behind" },
		{ -1000, "ok", "ok" },
	};
	struct api_answer a;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		api->clock_behind = cases[i].behind;
		api_run(api, &(struct api_call){ HEALTH }, &a);
		assert_int_equal(a.status, 200);
		assert_string_equal(api_text(&a, "status"), cases[i].status);
		assert_string_equal(api_text(&a, "clock"), cases[i].clock);
		api_free(&a);
	}
}

TEST(without_the_store_the_service_is_not_ready, struct api *api)
{
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", HEALTH);
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", .method = "GET", .uri = "/readyz");
	/* For any failure of the store. */
	store_memory_fail_next(api->app.store, ERR_INVALID);
	api_expect(api, 503, "unavailable", .method = "GET", .uri = "/readyz");
	/* Liveness does not depend on the store. */
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/healthz");
	store_memory_fail_next(api->app.store, ERR_OK);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/readyz");
}

TEST(the_version_is_shown, struct api *api)
{
	struct api_answer a;

	api_run(api,
	    &(struct api_call){ .method = "GET", .uri = "/api/v1/version" },
	    &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(api_text(&a, "name"), "latchkey");
	assert_string_equal(api_text(&a, "version"), PACKAGE_VERSION);
	api_free(&a);
}
