/* SPDX-License-Identifier: ISC */
#include "support/api.h"

#include "support/test.h"

#include "base/json_value.h"
#include "support/store_memory.h"

#define ADA "ada@example.org"
#define BOB "bob@example.org"

TEST_FIXTURE(struct api, api_open, api_close);

#define LIST .method = "GET", .uri = "/auth/sessions"

/* Return session ${i} of the list. */
static const char *
listed(const struct api_answer *a, size_t i, const char *name)
{
	const struct json_value *list = json_value_member(a->json, "sessions");
	const char *text =
	    json_value_string(json_value_member(json_value_at(list, i), name));

	return text != NULL ? text : "(none)";
}

static bool
is_current(const struct api_answer *a, size_t i)
{
	const struct json_value *list = json_value_member(a->json, "sessions");
	bool current;

	assert_int_equal(
	    json_value_bool(
		json_value_member(json_value_at(list, i), "current"), &current),
	    ERR_OK);
	return current;
}

TEST(the_list_shows_the_live_sessions_of_the_user, struct api *api)
{
	struct api_login first, other;
	struct api_answer a;

	api_register(api, ADA, &first);
	api_register(api, BOB, &other);
	api->now += 60;
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/login",
	    .param = "REMOTE_ADDR=192.0.2.7",
	    .body = "{\"email\":\"" ADA "\",\"password\":\"" API_PASSWORD
		    "\",\"device\":\"Phone\"}");

	api_run(api, &(struct api_call){ LIST, .token = first.token }, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(
	    json_value_size(json_value_member(a.json, "sessions")), 2);
	assert_string_equal(listed(&a, 0, "device"), "Phone");
	assert_string_equal(listed(&a, 0, "user_agent"), "test/1");
	assert_string_equal(listed(&a, 0, "address"), "192.0.2.7");
	assert_string_equal(
	    listed(&a, 0, "created_at"), "2027-01-15T08:01:00Z");
	assert_string_equal(
	    listed(&a, 0, "last_seen_at"), "2027-01-15T08:01:00Z");
	assert_string_equal(
	    listed(&a, 0, "expires_at"), "2027-01-22T08:01:00Z");
	assert_false(is_current(&a, 0));
	assert_string_equal(listed(&a, 1, "handle"), first.handle);
	assert_true(is_current(&a, 1));
	assert_null(strstr(a.body, first.session_id));
	api_free(&a);
	api_expect(api, 401, "not_signed_in", LIST);
}

static void
end(struct api *api, const struct api_login *who, const char *handle,
    int status, bool clears_cookie)
{
	struct buf uri = { 0 };
	struct api_answer a;

	buf_printf(&uri, "/auth/sessions/%s", handle);
	api_run(api,
	    &(struct api_call){ .method = "DELETE",
		.uri = uri.data,
		.cookie = who->session_id,
		.site = "same-origin" },
	    &a);
	assert_int_equal(a.status, status);
	assert_int_equal(
	    strstr(a.text.data, "Set-Cookie") != NULL, clears_cookie);
	api_free(&a);
	buf_clear(&uri);
}

TEST(an_own_session_can_be_ended, struct api *api)
{
	struct api_login here, there;

	api_register(api, ADA, &here);
	api_login(api, ADA, &there);
	end(api, &here, there.handle, 204, false);
	api_expect(
	    api, 401, "invalid_session", LIST, .cookie = there.session_id);
	api_expect(api, 401, "invalid_token", LIST, .token = there.token);
	end(api, &here, here.handle, 204, true);
	api_expect(
	    api, 401, "invalid_session", LIST, .cookie = here.session_id);
}

TEST(no_other_session_can_be_ended, struct api *api)
{
	static const char *const none[] = {
		"0123456789abcdef0123456789abcdef",
		"0123456789ABCDEF0123456789ABCDEF",
		"0123456789abcdef0123456789abcde",
		"0123456789abcdef0123456789abcdef0",
		"x",
		"%20",
	};
	struct api_login ada, bob;
	struct buf uri = { 0 };

	api_register(api, ADA, &ada);
	api_register(api, BOB, &bob);
	for (size_t i = 0; i < NELEMS(none); i++)
		end(api, &ada, none[i], 404, false);
	end(api, &ada, bob.handle, 404, false);
	end(api, &ada, bob.session_id, 404, false);
	api_expect(api, 200, NULL, LIST, .token = bob.token);

	buf_printf(&uri, "/auth/sessions/%s", ada.handle);
	api_expect(api, 403, "cross_site", .method = "DELETE", .uri = uri.data,
	    .cookie = ada.session_id);
	api_expect(
	    api, 401, "not_signed_in", .method = "DELETE", .uri = uri.data);
	store_memory_fail_commit(api->app.store, ERR_UNAVAILABLE);
	api_expect(api, 503, "unavailable", .method = "DELETE", .uri = uri.data,
	    .token = ada.token);
	api_expect(api, 200, NULL, LIST, .token = ada.token);
	buf_clear(&uri);
}

TEST(a_session_that_ended_meanwhile_ends_no_other, struct api *api)
{
	struct api_login there, here;
	struct buf uri = { 0 };

	api_register(api, ADA, &there);
	buf_printf(&uri, "/auth/sessions/%s", there.handle);
	api_login(api, ADA, &here);
	api_overtake(api);
	api_expect(api, 401, "invalid_token", .method = "DELETE",
	    .uri = uri.data, .token = here.token);
	api_login(api, ADA, &here);
	api_overtake(api);
	api_expect(api, 401, "invalid_session", .method = "DELETE",
	    .uri = uri.data, .cookie = here.session_id, .site = "same-origin");
	/* Nor itself: that session has ended. */
	api_login(api, ADA, &here);
	buf_clear(&uri);
	buf_printf(&uri, "/auth/sessions/%s", here.handle);
	api_overtake(api);
	api_expect(api, 401, "invalid_token", .method = "DELETE",
	    .uri = uri.data, .token = here.token);
	api_expect(api, 200, NULL, LIST, .cookie = there.session_id);
	buf_clear(&uri);
}
