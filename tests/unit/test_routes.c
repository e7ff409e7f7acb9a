/* SPDX-License-Identifier: ISC */
#include "routes/routes.h"

#include <stdio.h>

#include "support/test.h"

static enum err
find(enum request_method method, const char *path, struct response *res,
    const struct route **route_out)
{
	struct request req = { .method = method };

	snprintf(req.path, sizeof(req.path), "%s", path);
	return routes_find(&req, res, route_out);
}

static void
assert_found(enum request_method method, const char *path, const char *expect)
{
	struct response res = { 0 };
	const struct route *route;

	assert_int_equal(find(method, path, &res, &route), ERR_OK);
	assert_string_equal(route->path, expect);
	response_clear(&res);
}

static void
assert_refused(
    enum request_method method, const char *path, enum problem expect)
{
	struct response res = { 0 };
	const struct route *route;

	assert_int_not_equal(find(method, path, &res, &route), ERR_OK);
	assert_null(route);
	assert_int_equal(res.problem, expect);
	assert_int_equal(res.allow != 0, expect == PROBLEM_METHOD_NOT_ALLOWED);
	response_clear(&res);
}

TEST(every_row_is_whole)
{
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];
		const char *hole = strstr(r->path, "{}");

		assert_int_not_equal(r->methods, 0);
		assert_non_null(r->run);
		assert_true(r->path[0] == '/' && r->path[1] != '\0');
		/* Forms lead on to a page. */
		assert_true(
		    (r->status >= 200 && r->status < 300) || r->status == 303);
		/* routes_segment() takes the last piece. */
		if (hole != NULL)
			assert_string_equal(hole, "{}");
		/* No two rows for one path and method. */
		for (size_t j = 0; j < i; j++)
			assert_false((routes[j].methods & r->methods) != 0 &&
			    strcmp(routes[j].path, r->path) == 0);
	}
}

TEST(each_row_is_found_where_it_stands)
{
	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];

		for (unsigned m = METHOD_GET; m <= METHOD_DELETE; m <<= 1) {
			char path[128], filled[100];
			char *hole;

			if ((r->methods & m) == 0)
				continue;
			snprintf(filled, sizeof(filled), "%s", r->path);
			hole = strstr(filled, "{}");
			if (hole != NULL)
				memcpy(hole, "77", 2);
			snprintf(path, sizeof(path), "/api/v1%s", filled);
			assert_found((enum request_method)m, path, r->path);
			if ((r->flags & ROUTE_ROOT) != 0)
				assert_found(
				    (enum request_method)m, filled, r->path);
			else
				assert_refused((enum request_method)m, filled,
				    PROBLEM_NOT_FOUND);
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
		assert_refused(METHOD_GET, paths[i], PROBLEM_NOT_FOUND);
		assert_refused(METHOD_DELETE, paths[i], PROBLEM_NOT_FOUND);
		assert_int_equal(routes_methods(paths[i]), 0);
	}
}

TEST(a_wrong_method_is_told_the_right_ones)
{
	assert_refused(METHOD_GET, "/auth/login", PROBLEM_METHOD_NOT_ALLOWED);
	assert_refused(METHOD_POST, "/auth/me", PROBLEM_METHOD_NOT_ALLOWED);
	assert_refused(METHOD_OTHER, "/auth/me", PROBLEM_METHOD_NOT_ALLOWED);
	assert_refused(
	    METHOD_GET, "/auth/sessions/1", PROBLEM_METHOD_NOT_ALLOWED);
	assert_int_equal(routes_methods("/auth/me"), METHOD_GET);
	assert_int_equal(routes_methods("/auth/update-profile"),
	    METHOD_POST | METHOD_PUT | METHOD_PATCH);
	assert_int_equal(routes_methods("/api/v1/auth/account"), METHOD_DELETE);
}

TEST(only_what_takes_long_is_slow)
{
	static const char *const slow[] = {
		"/auth/register",
		"/auth/signup",
		"/auth/login",
		"/auth/change-password",
		"/auth/deactivate",
		"/auth/account",
		"/forms/login",
		"/forms/register",
		"/admin/users", /* looks through all of them */
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
