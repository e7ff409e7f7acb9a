/* SPDX-License-Identifier: ISC */
/* Changes by administrators take effect at once. */
#include "base/err.h"
#include "support/site.h"

#include "support/test.h"

#include <stdio.h>

#include "support/database.h"

#define USERS "/api/v1/admin/users"
#define SESSIONS "/api/v1/admin/user-sessions/"
#define ME "/api/v1/auth/me"

struct account {
	char id[32], email[64], token[1100];
};

static void
account(struct site *s, struct account *who)
{
	site_account(s);
	web_forget(s->web);
	snprintf(who->id, sizeof(who->id), "%s", s->user_id);
	snprintf(who->email, sizeof(who->email), "%s", s->email);
	snprintf(who->token, sizeof(who->token), "%s", s->token);
}

static void
admin_account(struct site *s, struct account *who)
{
	char path[256], sql[128];

	account(s, who);
	snprintf(path, sizeof(path), "%s/latchkey.db", stack_dir(s->stack));
	snprintf(sql, sizeof(sql),
	    "UPDATE users SET role = 'admin' WHERE id = %s", who->id);
	/* No worker has cached the user yet. */
	database_run(path, sql);
}

static void
ask(struct site *s, const struct account *who, const char *method,
    const char *path, const char *body)
{
	const struct web_call call = {
		.method = method,
		.path = path,
		.body = body,
		.bearer = who->token,
	};

	web_call(s->web, &call, &s->reply);
}

static void
change(struct site *s, const struct account *admin, const char *id,
    const char *body)
{
	char path[128];

	snprintf(path, sizeof(path), USERS "/%s", id);
	ask(s, admin, "PATCH", path, body);
}

TEST(a_disabled_user_is_signed_out_at_once, struct site *s)
{
	struct account admin, user;
	char body[256];

	account(s, &user);
	admin_account(s, &admin);
	ask(s, &user, "GET", ME, NULL);
	web_expect(&s->reply, 200, NULL);
	change(s, &admin, user.id, "{\"status\":\"inactive\"}");
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "user.status"), "inactive");
	assert_int_equal(web_number(&s->reply, "sessions_ended"), 1);
	ask(s, &user, "GET", ME, NULL);
	web_expect(&s->reply, 401, "invalid_token");
	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}", user.email);
	web_post(s->web, "/api/v1/auth/login", body, &s->reply);
	web_expect(&s->reply, 401, "invalid_credentials");

	change(s, &admin, user.id, "{\"status\":\"active\"}");
	web_expect(&s->reply, 200, NULL);
	ask(s, &user, "GET", ME, NULL);
	web_expect(&s->reply, 401, "invalid_token");
	web_post(s->web, "/api/v1/auth/login", body, &s->reply);
	web_expect(&s->reply, 200, NULL);
}

TEST(a_new_role_takes_effect_at_once, struct site *s)
{
	struct account admin, user;

	account(s, &user);
	admin_account(s, &admin);
	ask(s, &user, "GET", USERS, NULL);
	web_expect(&s->reply, 403, "forbidden");
	change(s, &admin, user.id, "{\"role\":\"admin\"}");
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "user.role"), "admin");
	ask(s, &user, "GET", USERS, NULL);
	web_expect(&s->reply, 200, NULL);
	/* And back, by the new administrator. */
	change(s, &user, admin.id, "{\"role\":\"user\"}");
	web_expect(&s->reply, 200, NULL);
	ask(s, &admin, "GET", USERS, NULL);
	web_expect(&s->reply, 403, "forbidden");
}

TEST(the_sessions_of_a_user_end_together, struct site *s)
{
	struct account admin, user;
	char path[128];

	account(s, &user);
	web_login(s->web, user.email, &s->reply);
	web_forget(s->web);
	admin_account(s, &admin);
	snprintf(path, sizeof(path), SESSIONS "%s", user.id);
	ask(s, &admin, "DELETE", path, NULL);
	web_expect(&s->reply, 200, NULL);
	assert_int_equal(web_number(&s->reply, "sessions_ended"), 2);
	ask(s, &user, "GET", ME, NULL);
	web_expect(&s->reply, 401, "invalid_token");
	ask(s, &admin, "GET", ME, NULL);
	web_expect(&s->reply, 200, NULL);
}

TEST(users_are_found_page_by_page, struct site *s)
{
	struct account admin, user;
	char path[256];

	account(s, &user);
	admin_account(s, &admin);
	snprintf(path, sizeof(path), USERS "?search=%s", user.email);
	ask(s, &admin, "GET", path, NULL);
	web_expect(&s->reply, 200, NULL);
	assert_non_null(strstr(s->reply.body.data, user.email));
	assert_null(strstr(s->reply.body.data, admin.email));
	snprintf(path, sizeof(path), USERS "?after=%s", user.id);
	ask(s, &admin, "GET", path, NULL);
	web_expect(&s->reply, 200, NULL);
	assert_null(strstr(s->reply.body.data, user.email));
	assert_non_null(strstr(s->reply.body.data, admin.email));
	ask(s, &admin, "GET", USERS "?after=x", NULL);
	web_expect(&s->reply, 400, "invalid_field");
}

/* Two fields of one request are one change: both or neither. */
TEST(a_failing_second_half_leaves_nothing, struct site *s)
{
	static const char both[] =
	    "{\"status\":\"inactive\",\"role\":\"admin\"}";
	struct account admin, user;
	char path[256], audit[160];

	account(s, &user);
	admin_account(s, &admin);
	snprintf(path, sizeof(path), "%s/latchkey.db", stack_dir(s->stack));
	snprintf(audit, sizeof(audit),
	    "SELECT count(*) FROM audit WHERE user_id = %s AND"
	    " event IN ('disable', 'promote')",
	    user.id);
	/* None of these makes an administrator. */
	database_run(path,
	    "CREATE TRIGGER no_admin BEFORE UPDATE ON users"
	    " WHEN NEW.role = 'admin' AND OLD.role <> 'admin'"
	    " BEGIN SELECT raise(ABORT, 'no'); END");
	change(s, &admin, user.id, both);
	web_expect(&s->reply, 503, "unavailable");
	database_run(path, "DROP TRIGGER no_admin");
	assert_int_equal(database_int(path, audit), 0);
	ask(s, &user, "GET", ME, NULL);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "user.role"), "user");

	change(s, &admin, user.id, both);
	web_expect(&s->reply, 200, NULL);
	assert_string_equal(web_text(&s->reply, "user.status"), "inactive");
	assert_string_equal(web_text(&s->reply, "user.role"), "admin");
	assert_int_equal(web_number(&s->reply, "sessions_ended"), 1);
	assert_int_equal(database_int(path, audit), 2);
	ask(s, &user, "GET", ME, NULL);
	web_expect(&s->reply, 401, "invalid_token");
}

TEST(refused_changes, struct site *s)
{
	static const struct {
		const char *body;
		long status;
		const char *code;
	} cases[] = {
		{ "{}", 400, "missing_field" },
		{ "{\"role\":\"none\"}", 400, "invalid_field" },
		{ "{\"role\":\"root\"}", 400, "invalid_field" },
		{ "{\"role\":1}", 400, "invalid_field" },
		{ "{\"status\":\"none\"}", 400, "invalid_field" },
		{ "{\"status\":\"\"}", 400, "invalid_field" },
		{ "[]", 400, "not_an_object" },
	};
	struct account admin, user;

	account(s, &user);
	admin_account(s, &admin);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		change(s, &admin, user.id, cases[i].body);
		web_expect(&s->reply, cases[i].status, cases[i].code);
	}
	change(s, &admin, "999999", "{\"role\":\"user\"}");
	web_expect(&s->reply, 404, "not_found");
	change(s, &admin, "x", "{\"role\":\"user\"}");
	web_expect(&s->reply, 404, "not_found");
	change(s, &admin, admin.id, "{\"status\":\"inactive\"}");
	web_expect(&s->reply, 403, "forbidden");
	change(s, &user, admin.id, "{\"role\":\"user\"}");
	web_expect(&s->reply, 403, "forbidden");
	ask(s, &user, "DELETE", SESSIONS "1", NULL);
	web_expect(&s->reply, 403, "forbidden");
	ask(s, &admin, "DELETE", SESSIONS "999999", NULL);
	web_expect(&s->reply, 404, "not_found");
}

TEST_RUN()
{
	const struct stack_options pool = { .kind = STACK_POOL };

	return site_run("admin", TEST_ALL, &pool);
}
