/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#define ADA "ada@example.org"
#define BOB "bob@example.org"

TEST_FIXTURE(struct api, api_open, api_close);

#define GET(path) .method = "GET", .uri = "/api/v1/users" path

TEST(one_user_is_shown_in_the_public_view, struct api *api)
{
	struct api_login ada, bob;
	struct api_answer a;

	api_register(api, ADA, &ada);
	api_register(api, BOB, &bob);
	api_run(api, &(struct api_call){ GET("/2"), .token = ada.token }, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(
	    a.body, "{\"id\":\"2\",\"name\":\"Ada\",\"avatar_url\":null}");
	api_free(&a);
}

TEST(unknown_users_are_not_found, struct api *api)
{
	static const char *const uris[] = {
		"/api/v1/users/3",
		"/api/v1/users/0",
		"/api/v1/users/-1",
		"/api/v1/users/+1",
		"/api/v1/users/01",
		"/api/v1/users/1x",
		"/api/v1/users/%31",
		"/api/v1/users/9223372036854775807",
		"/api/v1/users/9223372036854775808",
		"/api/v1/users/18446744073709551617",
	};
	struct api_login who;

	api_register(api, ADA, &who);
	for (size_t i = 0; i < NELEMS(uris); i++)
		api_expect(api, 404, "not_found", .method = "GET",
		    .uri = uris[i], .token = who.token);
	api_expect(api, 401, "not_signed_in", GET("/1"));
	api_expect(api, 401, "not_signed_in", GET("?ids=1"));
}

TEST(several_users_are_found_by_id, struct api *api)
{
	static const char *const uris[] = {
		"/api/v1/users?ids=2,7,1,2",
		"/api/v1/users?x=y&ids=2%2C7%2c1",
	};
	struct api_login ada, bob;

	api_register(api, ADA, &ada);
	api_register(api, BOB, &bob);
	for (size_t i = 0; i < NELEMS(uris); i++) {
		struct api_answer a;

		api_run(api,
		    &(struct api_call){
			.method = "GET", .uri = uris[i], .token = ada.token },
		    &a);
		assert_string_equal(a.body,
		    "{\"users\":{\"2\":{\"id\":\"2\",\"name\":\"Ada\","
		    "\"avatar_url\":null},\"7\":null,"
		    "\"1\":{\"id\":\"1\",\"name\":\"Ada\","
		    "\"avatar_url\":null}}}");
		api_free(&a);
	}
}

/* "/api/v1/users?ids=" and ${n} different ids of maximal length */
static void
many_ids(struct buf *uri, int n)
{
	buf_reset(uri);
	buf_puts(uri, "/api/v1/users?ids=");
	for (int i = 0; i < n; i++)
		buf_printf(uri, "%s9223372036854775%03d", i > 0 ? "," : "", i);
}

TEST(ids_are_one_to_a_hundred_numbers, struct api *api)
{
	static const char *const bad[] = {
		"",
		"?",
		"?ids",
		"?ids=",
		"?ids=,",
		"?ids=1,",
		"?ids=,1",
		"?ids=1,,2",
		"?ids=0",
		"?ids=-1",
		"?ids=1.0",
		"?ids=1+2",
		"?ids=x",
		"?ids=9223372036854775808",
		"?ids=1&ids=2",
		"?ids=%00",
		"?IDS=1",
	};
	struct buf uri = { 0 };
	struct api_login who;

	api_register(api, ADA, &who);
	for (size_t i = 0; i < NELEMS(bad); i++) {
		buf_reset(&uri);
		buf_printf(&uri, "/api/v1/users%s", bad[i]);
		api_expect(api, 400, "invalid_field", .method = "GET",
		    .uri = uri.data, .token = who.token);
	}
	many_ids(&uri, 100);
	api_expect(api, 200, NULL, .method = "GET", .uri = uri.data,
	    .token = who.token);
	many_ids(&uri, 101);
	api_expect(api, 400, "invalid_field", .method = "GET", .uri = uri.data,
	    .token = who.token);
	buf_clear(&uri);
}
