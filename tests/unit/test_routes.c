/* SPDX-License-Identifier: ISC */
#include "routes/routes.h"

#include <stdio.h>

#include "support/test.h"

static struct routes_match
find(enum request_method method, const char *path)
{
	struct request req = { .method = method };

	snprintf(req.path, sizeof(req.path), "%s", path);
	return routes_find(&req);
}

static void
assert_found(enum request_method method, const char *path, const char *expect)
{
	struct routes_match match = find(method, path);

	assert_non_null(match.route);
	assert_string_equal(match.route->path, expect);
}

/* ${path} takes ${methods}, and ${method} is none of them. */
static void
assert_none(enum request_method method, const char *path, unsigned methods)
{
	struct routes_match match = find(method, path);

	assert_null(match.route);
	assert_int_equal(match.methods, methods);
}

TEST(every_row_is_complete)
{
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];
		const char *segment = strstr(r->path, "{}");

		assert_int_not_equal(r->methods, 0);
		assert_non_null(r->run);
		assert_true(r->path[0] == '/' && r->path[1] != '\0');
		/* Forms redirect to a page. */
		assert_true(
		    (r->status >= 200 && r->status < 300) || r->status == 303);
		/* routes_segment() copies the last segment. */
		if (segment != NULL)
			assert_string_equal(segment, "{}");
		/* A limited request must not occupy the event loop. */
		assert_true(r->limit == RATE_LIMIT_NONE ||
		    (r->flags & ROUTE_SLOW) != 0);
		/* No two rows for one path and method. */
		for (size_t j = 0; j < i; j++)
			assert_false((routes[j].methods & r->methods) != 0 &&
			    strcmp(routes[j].path, r->path) == 0);
	}
}

TEST(each_row_is_found_by_its_path)
{
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];

		for (unsigned m = METHOD_GET; m <= METHOD_DELETE; m <<= 1) {
			char path[128], filled[100];
			char *segment;

			if ((r->methods & m) == 0)
				continue;
			snprintf(filled, sizeof(filled), "%s", r->path);
			segment = strstr(filled, "{}");
			if (segment != NULL)
				memcpy(segment, "77", 2);
			snprintf(path, sizeof(path), "/api/v1%s", filled);
			assert_found((enum request_method)m, path, r->path);
			if ((r->flags & ROUTE_ROOT) != 0)
				assert_found(
				    (enum request_method)m, filled, r->path);
			else
				assert_none((enum request_method)m, filled, 0);
		}
	}
}

TEST(paths_match_byte_for_byte)
{
	static const char *const paths[] = {
		"",
		"/",
		"*",
		"/api",
		"/api/v1",
		"/api/v1/",
		"/api/v1auth/me",
		"/api/v2/auth/me",
		"/api/v1/api/v1/auth/me",
		"/api/v1//auth/me",
		"//auth/me",
		"/auth//me",
		"/auth/me/",
		"/auth/me/x",
		"/auth/m",
		"/auth/ME",
		"/auth/%6de",
		"/auth/./me",
		"/auth/x/../me",
		"/auth/me;x",
		"/auth/{}",
		"auth/me",
		"/users",
		"/users/1",
		"/api/v1/users/",
		"/api/v1/users/1/",
		"/api/v1/users/1/2",
		"/api/v1/auth/sessions/",
		"/api/health",
	};

	for (size_t i = 0; i < NELEMS(paths); i++) {
		assert_none(METHOD_GET, paths[i], 0);
		assert_none(METHOD_DELETE, paths[i], 0);
		assert_none(METHOD_OPTIONS, paths[i], 0);
	}
}

TEST(a_wrong_method_gets_the_list_of_right_ones)
{
	assert_none(METHOD_GET, "/auth/login", METHOD_POST);
	assert_none(METHOD_POST, "/auth/me", METHOD_GET);
	assert_none(METHOD_OTHER, "/auth/me", METHOD_GET);
	assert_none(METHOD_GET, "/auth/sessions/1", METHOD_DELETE);
	assert_none(METHOD_OPTIONS, "/auth/update-profile",
	    METHOD_POST | METHOD_PUT | METHOD_PATCH);
	assert_none(METHOD_GET, "/api/v1/auth/account", METHOD_DELETE);
}

TEST(only_long_requests_are_slow)
{
	static const char *const slow[] = {
		"/auth/register",
		"/auth/signup",
		"/auth/login",
		"/auth/change-password",
		"/auth/deactivate",
		"/auth/account",
		"/auth/update-profile", /* a new address needs the password */
		"/forms/login",
		"/forms/register",
		"/admin/users", /* searches all users */
		"/cache/stats", /* counts every row */
		"/cache/cleanup",
	};
	size_t expect = 0;

	for (size_t i = 0; i < routes_count; i++) {
		bool found = false;

		for (size_t j = 0; j < NELEMS(slow); j++)
			found |= strcmp(routes[i].path, slow[j]) == 0;
		assert_int_equal((routes[i].flags & ROUTE_SLOW) != 0, found);
		expect += found;
	}
	assert_int_equal(expect, NELEMS(slow));
}

TEST(the_segment_is_copied_or_refused)
{
	struct request req = { .path = "/api/v1/users/1234" };
	char text[5], small[4];

	assert_int_equal(routes_segment(&req, text, sizeof(text)), ERR_OK);
	assert_string_equal(text, "1234");
	assert_int_equal(
	    routes_segment(&req, small, sizeof(small)), ERR_INVALID);
	assert_string_equal(small, "");
}
