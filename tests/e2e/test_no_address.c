/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>

#include "base/json_value.h"
#include "support/cli.h"
#include "support/database.h"
#include "support/site.h"

/*
 * An account without an address, as an outside issuer's may be: nothing that
 * shows accounts may stumble over it, and nothing finds it by what stands in
 * the place of the address.
 */

#define API "/api/v1"

static struct cli cli;

/* Signed in while it had an address; an administrator, to see more. */
static void
account_without_address(struct site *s)
{
	char path[160], sql[160], line[64];

	cli_close(&cli);
	cli_open(&cli, stack_dir(s->stack));
	site_account(s);
	(void)snprintf(
	    path, sizeof(path), "%s/latchkey.db", stack_dir(s->stack));
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE users SET email = '', email_normal = 'none:' || id,"
	    " name = '' WHERE id = %s",
	    s->user_id);
	database_run(path, sql);
	/* With which the pool knows. */
	(void)snprintf(line, sizeof(line), "user promote %s", s->user_id);
	cli_run(&cli, NULL, line);
	cli_expect(&cli, 0, "now an administrator: - (");
}

static void
get(struct site *s, const char *path)
{
	web_call(s->web,
	    &(struct web_call){
		.path = path, .bearer = s->token, .no_cookies = true },
	    &s->reply);
	web_expect(&s->reply, 200, NULL);
}

static const struct json_value *
user_in(struct site *s)
{
	return json_value_member(s->reply.json, "user");
}

/* Some web servers keep empty ones to themselves. */
static void
assert_no_header(struct site *s, const char *name)
{
	const char *value = web_header(&s->reply, name);

	assert_string_equal(value != NULL ? value : "", "");
}

TEST(it_is_shown_without_one)
{
	struct site *s = *state;
	char path[96], body[1200];

	account_without_address(s);
	get(s, API "/auth/me");
	assert_true(json_value_is_null(json_value_member(user_in(s), "email")));
	get(s, API "/auth/check");
	assert_no_header(s, "X-Auth-Email");
	assert_no_header(s, "X-Auth-User");
	assert_string_equal(web_header(&s->reply, "X-Auth-Id"), s->user_id);
	(void)snprintf(path, sizeof(path), API "/users/%s", s->user_id);
	get(s, path);
	get(s, API "/admin/users");
	assert_non_null(strstr(s->reply.body.data, "\"email\":null"));
	(void)snprintf(body, sizeof(body), "token=%s", s->token);
	web_call(s->web,
	    &(struct web_call){ .path = API "/auth/introspect",
		.body = body,
		.type = "application/x-www-form-urlencoded",
		.bearer = s->token,
		.no_cookies = true },
	    &s->reply);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "sub"), s->user_id);
	assert_null(web_text(&s->reply, "username"));
}

TEST(it_is_found_by_its_number_only)
{
	struct site *s = *state;
	char path[96], line[64];

	account_without_address(s);
	(void)snprintf(
	    path, sizeof(path), API "/admin/users?search=none:%s", s->user_id);
	get(s, path);
	assert_string_equal(s->reply.body.data, "{\"users\":[],\"next\":null}");
	(void)snprintf(line, sizeof(line), "user show none:%s", s->user_id);
	cli_run(&cli, NULL, line);
	cli_expect(&cli, 1, "not found");
	(void)snprintf(line, sizeof(line), "user show %s", s->user_id);
	cli_run(&cli, NULL, line);
	cli_expect(&cli, 0, "Email     -\n");
	cli_run(&cli, NULL, "user list");
	cli_expect(&cli, 0, " admin ");
	cli_run(&cli, NULL, "session list --json");
	cli_expect(&cli, 0, "\"email\":null");
}

/* There would be nothing to type it in with. */
TEST(it_gets_no_password)
{
	struct site *s = *state;
	char line[64];

	account_without_address(s);
	(void)snprintf(line, sizeof(line), "user passwd %s", s->user_id);
	cli_run(&cli, "walrus tangerine orbit 5\n", line);
	cli_expect(&cli, 1, "no address to sign in with");
	get(s, API "/auth/me");
}

TEST_RUN()
{
	static const struct stack_options options = { .workers = 2 };

	return site_run("no_address", TEST_ALL, &options);
}
