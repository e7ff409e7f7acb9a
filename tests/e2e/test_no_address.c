/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>

#include "base/json_value.h"
#include "support/cli.h"
#include "support/database.h"
#include "support/site.h"

/*
 * An account without an e-mail address, as tokens of other issuers may create.
 * Every place that shows accounts must handle it, and the placeholder in the
 * database must not be found as an address.
 */

#define API "/api/v1"

static struct cli cli;

/* Sign in while it has an address, and make it an administrator. */
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
	/* This change makes the pool read the row again. */
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

/* Some web servers drop empty headers. */
static void
assert_no_header(struct site *s, const char *name)
{
	const char *value = web_header(&s->reply, name);

	assert_string_equal(value != NULL ? value : "", "");
}

TEST(an_account_is_shown_without_an_address, struct site *s)
{
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

TEST(it_is_found_only_by_its_number, struct site *s)
{
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

/* A password without an address to sign in with would be useless. */
TEST(it_cannot_be_given_a_password, struct site *s)
{
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
