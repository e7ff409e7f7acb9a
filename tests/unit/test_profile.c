/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include "support/store_memory.h"

#define ADA "ada@example.org"
#define BOB "bob@example.org"

TEST_FIXTURE(struct api, api_open, api_close);

#define UPDATE .method = "PATCH", .uri = "/auth/update-profile"

TEST(any_subset_can_be_changed_by_any_method, struct api *api)
{
	static const struct {
		const char *method, *body, *name, *email, *avatar;
	} cases[] = {
		{ "PUT", "{\"name\":\"Ada L\"}", "Ada L", ADA, "(none)" },
		{ "PATCH", "{\"avatar_url\":\"https://example.org/a.png\"}",
		    "Ada L", ADA, "https://example.org/a.png" },
		{ "POST",
		    "{\"email\":\"new@example.org\",\"current_password\":"
		    "\"" API_PASSWORD "\",\"name\":\"\xc3\x85sa\"}",
		    "\xc3\x85sa", "new@example.org",
		    "https://example.org/a.png" },
		{ "PATCH", "{\"avatar_url\":null}", "\xc3\x85sa",
		    "new@example.org", "(none)" },
	};
	struct api_login who;

	api_register(api, ADA, &who);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		const struct api_call calls[] = {
			{ .method = cases[i].method,
			    .uri = "/auth/update-profile",
			    .token = who.token,
			    .body = cases[i].body },
			{ .method = "GET",
			    .uri = "/auth/me",
			    .token = who.token },
		};

		/* The answer and the next request both show it. */
		for (size_t j = 0; j < NELEMS(calls); j++) {
			struct api_answer a;

			api_run(api, &calls[j], &a);
			assert_int_equal(a.status, 200);
			assert_string_equal(
			    api_text_in(&a, "user", "name"), cases[i].name);
			assert_string_equal(
			    api_text_in(&a, "user", "email"), cases[i].email);
			assert_string_equal(
			    api_text_in(&a, "user", "avatar_url"),
			    cases[i].avatar);
			api_free(&a);
		}
	}
}

TEST(a_bad_change_changes_nothing, struct api *api)
{
	static const struct {
		const char *body;
		int status;
		const char *code, *names;
	} cases[] = {
		{ "{}", 400, "missing_field", "\"avatar_url\"" },
		{ "{\"role\":\"admin\"}", 400, "missing_field", "\"name\"" },
		{ "{\"name\":null}", 400, "missing_field", "\"name\"" },
		{ "{\"name\":\"\"}", 400, "invalid_field", "\"name\"" },
		{ "{\"name\":\"a\\nb\"}", 400, "invalid_field", "\"name\"" },
		{ "{\"name\":7}", 400, "invalid_field", "\"name\"" },
		{ "{\"email\":\"x\",\"name\":\"y\"}", 400, "invalid_field",
		    "\"email\"" },
		{ "{\"email\":true}", 400, "invalid_field", "\"email\"" },
		{ "{\"avatar_url\":\"javascript:alert(1)\"}", 400,
		    "invalid_field", "\"avatar_url\"" },
		{ "{\"avatar_url\":[]}", 400, "invalid_field",
		    "\"avatar_url\"" },
		{ "{\"email\":\"new@example.org\",\"name\":\"y\"}", 400,
		    "missing_field", "\"current_password\"" },
		{ "{\"email\":\"new@example.org\",\"name\":\"y\","
		  "\"current_password\":\"wrong one\"}",
		    403, "wrong_password", "" },
		{ "{\"email\":\"BOB@example.org\",\"name\":\"y\","
		  "\"current_password\":\"" API_PASSWORD "\"}",
		    409, "email_taken", "" },
	};
	struct api_login who, other;
	struct api_answer a;

	api_register(api, ADA, &who);
	api_register(api, BOB, &other);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		api_run(api,
		    &(struct api_call){
			UPDATE, .token = who.token, .body = cases[i].body },
		    &a);
		assert_int_equal(a.status, cases[i].status);
		assert_string_equal(api_text(&a, "code"), cases[i].code);
		assert_non_null(strstr(api_text(&a, "detail"), cases[i].names));
		api_free(&a);
	}
	api_expect(
	    api, 401, "not_signed_in", UPDATE, .body = "{\"name\":\"x\"}");
	store_memory_fail_commit(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", UPDATE, .token = who.token,
	    .body = "{\"name\":\"x\"}");

	api_run(api,
	    &(struct api_call){
		.method = "GET", .uri = "/auth/me", .token = who.token },
	    &a);
	assert_string_equal(api_text_in(&a, "user", "name"), "Ada");
	assert_string_equal(api_text_in(&a, "user", "email"), ADA);
	assert_string_equal(api_text_in(&a, "user", "role"), "user");
	api_free(&a);
}

/* The page sends all its fields; the same address is no change of it. */
TEST(the_same_address_needs_no_password, struct api *api)
{
	struct api_login who;

	api_register(api, ADA, &who);
	api_expect(api, 200, NULL, UPDATE, .token = who.token,
	    .body = "{\"email\":\"" ADA "\",\"name\":\"Ada L\"}");
	api_expect(api, 200, NULL, UPDATE, .token = who.token,
	    .body = "{\"email\":\"" ADA "\"}");
	api_expect(api, 400, "missing_field", UPDATE, .token = who.token,
	    .body = "{\"email\":\"Ada@example.org\"}");
}

TEST(a_session_that_ended_meanwhile_changes_nothing, struct api *api)
{
	struct api_login who;
	struct api_answer a;

	api_register(api, ADA, &who);
	api_overtake(api);
	api_expect(api, 401, "invalid_token", UPDATE, .token = who.token,
	    .body = "{\"email\":\"new@example.org\",\"name\":\"Eve\","
		    "\"current_password\":\"" API_PASSWORD "\"}");
	api_login(api, ADA, &who);
	api_overtake(api);
	api_expect(api, 401, "invalid_session", UPDATE,
	    .cookie = who.session_id, .site = "same-origin",
	    .body = "{\"email\":\"new@example.org\",\"name\":\"Eve\","
		    "\"current_password\":\"" API_PASSWORD "\"}");
	api_login(api, ADA, &who);
	api_run(api,
	    &(struct api_call){
		.method = "GET", .uri = "/auth/me", .token = who.token },
	    &a);
	assert_string_equal(api_text_in(&a, "user", "name"), "Ada");
	assert_string_equal(api_text_in(&a, "user", "email"), ADA);
	api_free(&a);
}
