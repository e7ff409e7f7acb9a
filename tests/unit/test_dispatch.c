/* SPDX-License-Identifier: ISC */
#include "routes/dispatch.h"

#include "support/test.h"

#include <stdio.h>

#include "http/request.h"
#include "routes/rate_limit.h"
#include "routes/routes.h"
#include "shm/counters.h"
#include "support/api.h"
#include "support/store_memory.h"

TEST_FIXTURE(struct api, api_open, api_close);

TEST(unknown_paths_and_methods_are_refused, struct api *api)
{
	struct api_answer a;

	api_expect(api, 404, "not_found", .method = "GET", .uri = "/nothing");
	api_expect(api, 404, "not_found", .method = "OPTIONS", .uri = "/no");
	api_expect(api, 404, "not_found", .method = "GET", .uri = "/auth/me/");
	api_expect(api, 405, "method_not_allowed", .method = "TRACE",
	    .uri = "/auth/me");

	api_run(api,
	    &(struct api_call){ .method = "DELETE", .uri = "/auth/login" }, &a);
	assert_int_equal(a.status, 405);
	assert_true(api_has(&a, "Allow: POST, OPTIONS"));
	api_free(&a);
}

TEST(options_and_head_are_answered_everywhere, struct api *api)
{
	struct api_answer a;

	api_run(api,
	    &(struct api_call){
		.method = "OPTIONS", .uri = "/api/v1/auth/update-profile" },
	    &a);
	assert_int_equal(a.status, 204);
	assert_true(api_has(&a, "Allow: POST, PUT, PATCH, OPTIONS"));
	api_free(&a);

	api_run(
	    api, &(struct api_call){ .method = "HEAD", .uri = "/healthz" }, &a);
	assert_int_equal(a.status, 200);
	assert_true(api_has(&a, "Content-Length: 15"));
	assert_string_equal(a.body, "");
	api_free(&a);

	api_run(
	    api, &(struct api_call){ .method = "HEAD", .uri = "/auth/me" }, &a);
	assert_int_equal(a.status, 401);
	assert_string_equal(a.body, "");
	api_free(&a);
}

TEST(a_body_of_another_length_is_refused, struct api *api)
{
	api_expect(api, 400, "malformed_request", .method = "POST",
	    .uri = "/auth/login", .body = "{}", .param = "CONTENT_LENGTH=3");
	api_expect(api, 400, "malformed_request", .method = "GET",
	    .uri = "/healthz", .param = "CONTENT_LENGTH=x");
}

TEST(bodies_are_read_strictly, struct api *api)
{
	static const struct {
		const char *body, *type;
		int status;
		const char *code;
	} cases[] = {
		{ NULL, NULL, 400, "missing_field" },
		{ "", "application/json", 400, "missing_field" },
		{ "{}", "application/json; charset=UTF-8", 400,
		    "missing_field" },
		{ "{}", "application/json; charset=latin1", 415,
		    "unsupported_media_type" },
		{ "{}", "text/plain", 415, "unsupported_media_type" },
		{ "{}", "", 415, "unsupported_media_type" },
		{ "email=a", "application/x-www-form-urlencoded", 415,
		    "unsupported_media_type" },
		{ "", "text/plain", 415, "unsupported_media_type" },
		{ "[]", NULL, 400, "not_an_object" },
		{ "\"x\"", NULL, 400, "not_an_object" },
		{ "{", NULL, 400, "malformed_json" },
		{ "{} x", NULL, 400, "malformed_json" },
		{ "{\"a\":1,\"a\":2}", NULL, 400, "malformed_json" },
		{ "{\"a\":\"\xff\"}", NULL, 400, "malformed_json" },
		{ "{\"a\":\"\\u0000\"}", NULL, 400, "malformed_json" },
		{ "{\"email\":1}", NULL, 400, "invalid_field" },
		{ "{\"email\":null}", NULL, 400, "missing_field" },
		{ "{\"Email\":\"a@b.cd\",\"password\":\"x\"}", NULL, 400,
		    "missing_field" },
		{ "{\"email\":\"a@b.cd\",\"password\":[]}", NULL, 400,
		    "invalid_field" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++)
		api_expect(api, cases[i].status, cases[i].code,
		    .method = "POST", .uri = "/auth/login",
		    .body = cases[i].body, .type = cases[i].type);
}

TEST(the_detail_names_the_field, struct api *api)
{
	struct api_answer a;

	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/login",
		.body = "{\"email\":\"a@b.cd\"}" },
	    &a);
	assert_non_null(strstr(api_text(&a, "detail"), "\"password\""));
	api_free(&a);
}

TEST(a_failing_store_is_503, struct api *api)
{
	struct api_login who;

	api_register(api, "ada@example.org", &who);
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", .method = "GET", .uri = "/auth/me",
	    .token = who.token);
	store_memory_fail_next(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", .method = "POST",
	    .uri = "/auth/login",
	    .body = "{\"email\":\"ada@example.org\","
		    "\"password\":\"" API_PASSWORD "\"}");
	store_memory_fail_next(api->app.store, ERR_INTERNAL);
	api_expect(api, 500, "internal", .method = "GET", .uri = "/auth/me",
	    .cookie = who.session_id);
	api_expect(api, 200, NULL, .method = "GET", .uri = "/auth/me",
	    .token = who.token);
}

TEST(a_full_queue_is_503, struct api *api)
{
	char method[] = "REQUEST_METHOD=POST";
	char uri[] = "REQUEST_URI=/auth/login";
	char type[] = "CONTENT_TYPE=application/json";
	char length[] = "CONTENT_LENGTH=27";
	const char *body = "{\"email\":\"ada@example.org\"}";
	char *const params[] = { method, uri, type, length, NULL };
	struct rate_limit_admission ad;
	struct buf answer = { 0 };
	struct request_ids names;
	struct routes_match match;
	struct request req;
	struct counters counters;
	uint64_t counted = 0;

	request_init(&req, params, body, strlen(body));
	request_ids_init(&names);
	request_set_id(&req, &names);
	match = routes_find(&req);
	assert_int_equal(
	    dispatch_admit(&api->app, &req, &match, &ad, &answer), ERR_OK);
	assert_int_equal(answer.len, 0);
	assert_int_equal(dispatch_busy(&api->app, &req, &ad, &answer), ERR_OK);
	request_clear(&req);
	assert_non_null(strstr(answer.data, "Status: 503 "));
	assert_non_null(strstr(answer.data, "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(answer.data, "\"code\":\"busy\""));
	assert_non_null(strstr(answer.data, req.request_id));
	buf_clear(&answer);
	/* Counted as an answer of that route, without a duration. */
	counters_read(api->app.shm, &counters);
	for (size_t r = 0; r < routes_count; r++)
		for (size_t s = 0; s < COUNTERS_STATUSES; s++)
			if (strcmp(routes[r].path, "/auth/login") == 0 &&
			    counters_status(s) == 503)
				counted += counters.request[r][s];
	assert_int_equal(counted, 1);
	assert_int_equal(counters.time[COUNTERS_TIMER_SLOW].count, 0);
}

TEST(a_body_beyond_the_limit_is_413, struct api *api)
{
	char *body = calloc(1, REQUEST_BODY_MAX + 2);

	assert_non_null(body);
	memset(body, ' ', REQUEST_BODY_MAX + 1);
	body[0] = '{';
	body[REQUEST_BODY_MAX] = '}';
	api_expect(api, 413, "body_too_large", .method = "POST",
	    .uri = "/auth/logout", .body = body);
	free(body);
}

TEST(params_beyond_the_limit_are_431, struct api *api)
{
	struct request req = { .params_too_long = true };
	struct routes_match match = routes_find(&req);
	struct buf answer = { 0 };

	assert_int_equal(
	    dispatch_run(&api->app, &req, &match, &answer), ERR_OK);
	assert_non_null(strstr(answer.data, "Status: 431 "));
	assert_non_null(strstr(answer.data, "headers_too_large"));
	buf_clear(&answer);
}

TEST(long_requests_are_slow)
{
	static const struct {
		const char *method, *uri;
		bool slow;
	} cases[] = {
		{ "POST", "/auth/login", true },
		{ "POST", "/api/v1/auth/login", true },
		{ "DELETE", "/auth/account", true },
		{ "POST", "/api/v1/cache/cleanup", true },
		{ "GET", "/api/v1/cache/stats", true },
		{ "GET", "/metrics", false },
		{ "GET", "/auth/login", false },
		{ "POST", "/auth/login/", false },
		{ "POST", "/auth/logout", false },
		{ "OPTIONS", "/auth/login", false },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		char method[32], uri[64];
		char *params[] = { method, uri, NULL };
		struct routes_match match;
		struct request req;

		snprintf(method, sizeof(method), "REQUEST_METHOD=%s",
		    cases[i].method);
		snprintf(uri, sizeof(uri), "REQUEST_URI=%s", cases[i].uri);
		request_init(&req, params, NULL, 0);
		match = routes_find(&req);
		assert_int_equal(dispatch_is_slow(&match), cases[i].slow);
	}
}
