/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/problem.h"
#include "http/response.h"
#include "routes/handlers.h"
#include "routes/routes.h"

/*
 * Compares the served document with the tables of routes and of problems, in
 * both directions.  Each comparison counts its differences, so that the last
 * test can show that it finds them.
 */

static const struct {
	unsigned method;
	const char *name;
} methods[] = {
	{ METHOD_GET, "get" },
	{ METHOD_POST, "post" },
	{ METHOD_PUT, "put" },
	{ METHOD_PATCH, "patch" },
	{ METHOD_DELETE, "delete" },
};

static int
set_up(void **state)
{
	struct response res = { 0 };
	json_error_t error;

	assert_int_equal(route_openapi(NULL, NULL, &res), ERR_OK);
	assert_false(res.body.failed);
	assert_string_equal(res.content_type, "application/json");
	*state = json_loadb(
	    res.body.data, res.body.len, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(*state);
	response_clear(&res);
	return 0;
}

static int
tear_down(void **state)
{
	json_decref(*state);
	return 0;
}

/* ---- finding one's way ---- */

/* Resolve the $ref of ${value}, if it has one. */
static json_t *
resolve(json_t *root, json_t *value)
{
	const char *ref = json_string_value(json_object_get(value, "$ref"));
	char text[128], *rest = text, *name;

	if (ref == NULL)
		return value;
	assert_true(strncmp(ref, "#/", 2) == 0);
	assert_true(
	    (size_t)snprintf(text, sizeof(text), "%s", ref + 2) < sizeof(text));
	while ((name = strsep(&rest, "/")) != NULL)
		root = json_object_get(root, name);
	if (root == NULL)
		fail_msg("there is no %s", ref);
	return root;
}

/* Convert "/users/{id}" to the form of the route table, "/users/{}". */
static void
to_route_path(char dst[64], const char *path)
{
	size_t fixed = strcspn(path, "{");

	assert_true((size_t)snprintf(dst, 64, "%.*s%s", (int)fixed, path,
			path[fixed] == '{' ? "{}" : "") < 64);
}

/* The path item of ${route}, or NULL. */
static json_t *
item_of(json_t *root, const struct route *route)
{
	const char *path;
	json_t *item;

	json_object_foreach(json_object_get(root, "paths"), path, item)
	{
		char name[64];

		to_route_path(name, path);
		if (strcmp(name, route->path) == 0)
			return item;
	}
	return NULL;
}

static const struct route *
route_of(const char *path, unsigned method)
{
	for (size_t i = 0; i < routes_count; i++) {
		if (strcmp(routes[i].path, path) == 0 &&
		    (routes[i].methods & method) != 0)
			return &routes[i];
	}
	return NULL;
}

static int
differ(const char *path, const char *method, const char *what)
{
	print_message("%s %s: %s\n", method, path, what);
	return 1;
}

/* ---- the comparisons ---- */

static int
compare_operation(json_t *op, const struct route *r, const char *method)
{
	json_t *responses = json_object_get(op, "responses");
	bool any = json_is_true(json_object_get(op, "x-any-method"));
	char status[8];

	if (op == NULL)
		return differ(r->path, method, "not in the contract");
	snprintf(status, sizeof(status), "%d", r->status);
	return (json_object_get(responses, status) == NULL
		       ? differ(r->path, method, "what goes well is missing")
		       : 0) +
	    (any != ((r->flags & ROUTE_AUTHORIZE) != 0)
		    ? differ(r->path, method, "x-any-method")
		    : 0);
}

static int
undocumented_routes(json_t *root)
{
	int bad = 0;

	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];
		json_t *item = item_of(root, r);
		json_t *at_root = json_object_get(item, "x-also-at-root");

		for (size_t m = 0; m < NELEMS(methods); m++) {
			if ((r->methods & methods[m].method) == 0)
				continue;
			bad += compare_operation(
			    json_object_get(item, methods[m].name), r,
			    methods[m].name);
		}
		if (json_is_true(at_root) != ((r->flags & ROUTE_ROOT) != 0))
			bad += differ(r->path, "", "x-also-at-root");
	}
	return bad;
}

static int
unknown_paths(json_t *root)
{
	const char *path;
	json_t *item;
	int bad = 0;

	json_object_foreach(json_object_get(root, "paths"), path, item)
	{
		char name[64];

		to_route_path(name, path);
		for (size_t m = 0; m < NELEMS(methods); m++) {
			if (json_object_get(item, methods[m].name) != NULL &&
			    route_of(name, methods[m].method) == NULL)
				bad += differ(
				    path, methods[m].name, "no such route");
		}
	}
	return bad;
}

/* Does ${example} agree with the row ${info} of problem.def? */
static bool
agrees_with_table(json_t *example, const struct problem_info *info)
{
	json_t *value = json_object_get(example, "value");
	const char *code = json_string_value(json_object_get(value, "code"));
	const char *title = json_string_value(json_object_get(value, "title"));

	return code != NULL && title != NULL && strcmp(code, info->code) == 0 &&
	    strcmp(title, info->title) == 0 &&
	    json_integer_value(json_object_get(value, "status")) ==
	    info->status;
}

static const struct problem_info *
problem_by_code(const char *code)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		const struct problem_info *info = problem_info((enum problem)p);

		if (strcmp(info->code, code) == 0)
			return info;
	}
	return NULL;
}

static int
undocumented_problems(json_t *root)
{
	json_t *components = json_object_get(root, "components");
	json_t *examples = json_object_get(components, "examples");
	int bad = 0;

	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		const struct problem_info *info = problem_info((enum problem)p);

		if (!agrees_with_table(
			json_object_get(examples, info->code), info))
			bad += differ(info->code, "", "not as in problem.def");
	}
	return bad;
}

/* The problem codes of ${response}. */
static json_t *
codes_of(json_t *root, json_t *response)
{
	json_t *content, *problem;

	response = resolve(root, response);
	content = json_object_get(response, "content");
	problem = json_object_get(content, "application/problem+json");
	return json_object_get(problem, "examples");
}

/* Is it an RFC 6749 error? */
static bool
is_oauth_error(json_t *root, json_t *response)
{
	json_t *content = json_object_get(resolve(root, response), "content");

	return json_object_get(content, "application/json") != NULL;
}

static int
compare_codes(json_t *root, json_t *responses, const char *path)
{
	const char *status, *code;
	json_t *response, *example;
	int bad = 0;

	json_object_foreach(responses, status, response)
	{
		json_t *codes = codes_of(root, response);

		if (atoll(status) >= 400 && json_object_size(codes) == 0 &&
		    !is_oauth_error(root, response))
			bad += differ(path, status, "no codes");
		json_object_foreach(codes, code, example)
		{
			const struct problem_info *info = problem_by_code(code);

			if (info == NULL ||
			    !agrees_with_table(resolve(root, example), info) ||
			    (atoll(status) != 0 &&
				atoll(status) != info->status))
				bad += differ(path, status, code);
		}
	}
	return bad;
}

/* Only slow routes can find the background queue full. */
static bool
may_be_busy(const struct route *route)
{
	return (route->flags & ROUTE_SLOW) != 0;
}

/* The refusal of a form is a page. */
static bool
is_limited(const struct route *route)
{
	return route->limit != RATE_LIMIT_NONE &&
	    (route->flags & ROUTE_FORM) == 0;
}

/* The codes that follow from the flags of ${route}. */
static int
compare_flags(json_t *root, json_t *responses, const struct route *route)
{
	json_t *at_429 = codes_of(root, json_object_get(responses, "429"));
	json_t *at_503 = codes_of(root, json_object_get(responses, "503"));
	int bad = 0;

	if (route == NULL)
		return 0;
	if ((json_object_get(at_503, "busy") != NULL) != may_be_busy(route))
		bad += differ(route->path, "503", "busy");
	if (json_object_get(at_429, "rate_limited") == NULL &&
	    is_limited(route))
		bad += differ(route->path, "429", "rate_limited");
	return bad;
}

static int
wrong_codes(json_t *root)
{
	const char *path;
	json_t *item;
	int bad = 0;

	json_object_foreach(json_object_get(root, "paths"), path, item)
	{
		char name[64];

		to_route_path(name, path);
		for (size_t m = 0; m < NELEMS(methods); m++) {
			json_t *responses = json_object_get(
			    json_object_get(item, methods[m].name),
			    "responses");

			bad += compare_codes(root, responses, path);
			if (responses != NULL)
				bad += compare_flags(root, responses,
				    route_of(name, methods[m].method));
		}
	}
	return bad;
}

/* ---- the tests ---- */

TEST(every_route_is_documented)
{
	assert_int_equal(undocumented_routes(*state), 0);
}

TEST(every_documented_path_is_a_route)
{
	assert_int_equal(unknown_paths(*state), 0);
}

TEST(every_problem_is_documented)
{
	assert_int_equal(undocumented_problems(*state), 0);
}

TEST(every_documented_code_has_its_status)
{
	assert_int_equal(wrong_codes(*state), 0);
}

/* Each comparison finds its kind of fault. */
TEST(faults_in_the_document_are_found)
{
	json_t *root = json_deep_copy(*state);
	json_t *paths = json_object_get(root, "paths");
	json_t *components = json_object_get(root, "components");
	json_t *examples = json_object_get(components, "examples");
	json_t *login = json_object_get(paths, "/auth/login");
	json_t *post = json_object_get(login, "post");
	json_t *responses = json_object_get(post, "responses");

	json_object_set(paths, "/nowhere", login);
	assert_int_equal(unknown_paths(root), 1);
	json_object_set(login, "get", post);
	assert_int_equal(unknown_paths(root), 3);
	json_object_set_new(post, "x-any-method", json_true());
	assert_int_equal(undocumented_routes(root), 1);
	json_object_del(login, "x-also-at-root");
	assert_int_equal(undocumented_routes(root), 2);
	json_object_del(responses, "200");
	assert_int_equal(undocumented_routes(root), 3);
	json_object_del(paths, "/auth/login");
	assert_int_equal(undocumented_routes(root), 2);
	json_object_set(paths, "/auth/login", login);
	json_object_del(paths, "/nowhere");
	json_object_del(login, "get");

	assert_int_equal(wrong_codes(root), 0);
	json_object_set(responses, "400", json_object_get(responses, "401"));
	assert_int_equal(wrong_codes(root), 1);
	json_object_set(responses, "503", json_object_get(responses, "403"));
	json_object_set_new(responses, "400", json_object());
	json_object_del(responses, "429");
	assert_int_equal(wrong_codes(root), 4);
	json_object_del(examples, "busy");
	json_object_set(
	    examples, "forbidden", json_object_get(examples, "cross_site"));
	assert_int_equal(undocumented_problems(root), 2);
	json_decref(root);
}

TEST_GROUP_FIXTURE(set_up, tear_down);
