/* SPDX-License-Identifier: ISC */
#include "base/str.h"
#include "support/api.h"

#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

#define ADA "ada@example.org"
#define BOB "bob@example.org"

TEST_FIXTURE(struct api, api_open, api_close);

#define CREDENTIALS(password)                                                  \
	"{\"email\":\"" ADA "\",\"name\":\"Ada\",\"password\":\"" password "\"}"

/* Redirects stderr to a file. */
struct capture {
	FILE *file;
	int saved;
};

static void
capture_begin(struct capture *c)
{
	c->file = tmpfile();
	assert_non_null(c->file);
	c->saved = dup(STDERR_FILENO);
	assert_true(c->saved >= 0);
	assert_true(dup2(fileno(c->file), STDERR_FILENO) >= 0);
}

static void
capture_end(struct capture *c, char *text, size_t size)
{
	size_t n;

	assert_true(dup2(c->saved, STDERR_FILENO) >= 0);
	close(c->saved);
	rewind(c->file);
	n = fread(text, 1, size - 1, c->file);
	text[n] = '\0';
	fclose(c->file);
}

/* Count the lines of ${event} that contain ${more}. */
static int
lines(const char *log, const char *event, const char *more)
{
	char name[64];
	int n = 0;

	snprintf(name, sizeof(name), " event=%s ", event);
	for (const char *p = log; (p = strstr(p, name)) != NULL; p++) {
		const char *end = strchr(p, '\n');
		const char *found = strstr(p, more);

		assert_non_null(end);
		n += found != NULL && found < end;
	}
	return n;
}

static void
use_every_route(struct api *api, struct api_login *who)
{
	struct api_answer a;
	struct buf uri = { 0 };

	api_register(api, ADA, who);
	api_expect(api, 401, NULL, .method = "POST", .uri = "/auth/login",
	    .body = CREDENTIALS("not-the-password"));
	api_login(api, ADA, who);
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/logout",
	    .token = who->token);
	api_login(api, ADA, who);
	buf_printf(&uri, "/auth/sessions/%s", who->handle);
	api_expect(api, 204, NULL, .method = "DELETE", .uri = uri.data,
	    .token = who->token);
	buf_clear(&uri);
	api_login(api, ADA, who);
	api_expect(api, 200, NULL, .method = "PATCH",
	    .uri = "/auth/update-profile", .token = who->token,
	    .body = "{\"email\":\"ada@new.example.org\","
		    "\"current_password\":\"" API_PASSWORD "\"}");
	api_run(api,
	    &(struct api_call){ .method = "POST",
		.uri = "/auth/change-password",
		.token = who->token,
		.body = "{\"current_password\":\"" API_PASSWORD
			"\",\"new_password\":\"" API_PASSWORD "+\"}" },
	    &a);
	assert_int_equal(str_copy(who->session_id, sizeof(who->session_id),
			     api_text(&a, "session_id")),
	    ERR_OK);
	api_free(&a);
	api_expect(api, 200, NULL, .method = "POST",
	    .uri = "/auth/logout-all-devices", .cookie = who->session_id,
	    .site = "same-origin", .body = "{\"keep_current\":true}");
	api_expect(api, 200, NULL, .method = "POST", .uri = "/auth/deactivate",
	    .cookie = who->session_id, .site = "same-origin",
	    .body = "{\"password\":\"" API_PASSWORD "+\"}");
	api_register(api, BOB, who);
	api_expect(api, 204, NULL, .method = "DELETE", .uri = "/auth/account",
	    .token = who->token, .body = "{\"password\":\"" API_PASSWORD "\"}");
}

TEST(each_event_has_its_line_and_no_secret, struct api *api)
{
	static char log[65536];
	static const struct {
		const char *event, *more;
		int times;
	} cases[] = {
		{ "register", "address=127.0.0.1 user=", 2 },
		{ "login_refused", "address=127.0.0.1", 1 },
		{ "login_ok", "address=127.0.0.1 user=1", 3 },
		{ "logout", "address=127.0.0.1 user=1", 1 },
		{ "session_ended", "address=127.0.0.1 user=1", 1 },
		{ "email_changed", "address=127.0.0.1 user=1", 1 },
		{ "password_changed", "address=127.0.0.1 user=1", 1 },
		{ "logout_all", "address=127.0.0.1 user=1", 1 },
		{ "account_deactivated", "address=127.0.0.1 user=1", 1 },
		{ "account_deleted", "address=127.0.0.1 user=2", 1 },
	};
	static const char *const never[] = { "example.org", "tide-orbit",
		"not-the-password", "eyJ" };
	struct api_login who;
	struct capture c;

	log_set_level(LOG_LEVEL_DEBUG);
	capture_begin(&c);
	use_every_route(api, &who);
	capture_end(&c, log, sizeof(log));
	log_set_level(LOG_LEVEL_INFO);

	for (size_t i = 0; i < NELEMS(cases); i++) {
		assert_int_equal(
		    lines(log, cases[i].event, cases[i].more), cases[i].times);
		assert_int_equal(
		    lines(log, cases[i].event, "request_id="), cases[i].times);
	}
	assert_true(lines(log, "request", "route=/auth/login answer=ok") > 0);
	for (size_t i = 0; i < NELEMS(never); i++)
		assert_null(strstr(log, never[i]));
	assert_null(strstr(log, who.session_id));
}

TEST(a_peer_without_address_is_a_dash, struct api *api)
{
	struct capture c;
	char log[4096];

	capture_begin(&c);
	api_expect(api, 401, NULL, .method = "POST", .uri = "/auth/login",
	    .body = CREDENTIALS("x"), .param = "REMOTE_ADDR=unix: user=1");
	capture_end(&c, log, sizeof(log));
	assert_int_equal(lines(log, "login_refused", "address=-"), 1);
	assert_null(strstr(log, "user="));
}

TEST(a_renamed_parameter_is_reported_once, struct api *api)
{
	static const char *const names[] = { "LATCHKEY_AUTHORIZE_PROTOCOL",
		"LATCHKEY_DIALECT", "LATCHKEY_DIALECT" };
	struct capture c;
	char log[4096];

	capture_begin(&c);
	for (size_t i = 0; i < NELEMS(names); i++) {
		char param[64];

		snprintf(param, sizeof(param), "%s=auth_request", names[i]);
		api_expect(api, 401, NULL, .uri = "/guarded", .param = param);
	}
	capture_end(&c, log, sizeof(log));
	assert_int_equal(lines(log, "parameter_renamed",
			     "LATCHKEY_DIALECT is now called "
			     "LATCHKEY_AUTHORIZE_PROTOCOL"),
	    1);
}
