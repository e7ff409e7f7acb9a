/* SPDX-License-Identifier: ISC */
#include "support/signed_in_user.h"

#include "base/err.h"
#include "support/test.h"

#include <stdio.h>

#include "support/async_request.h"
#include "support/stack.h"

#define API "/api/v1/auth"
#define PASSWORD_BODY "{\"password\":\"" WEB_PASSWORD "\"}"

const struct signed_in_user_ending signed_in_user_endings[] = {
	{ "logout by token", "POST", API "/logout", "{}", 200,
	    SIGNED_IN_USER_SELF, SIGNED_IN_USER_TOKEN, 0 },
	{ "logout by session id", "POST", API "/logout",
	    "{\"session_id\":\"%s\"}", 200, SIGNED_IN_USER_SELF,
	    SIGNED_IN_USER_SESSION, 0 },
	{ "logout by cookie", "POST", API "/logout", "{}", 200,
	    SIGNED_IN_USER_SELF, SIGNED_IN_USER_COOKIE, 0 },
	{ "end a device", "DELETE", API "/sessions/%s", NULL, 204,
	    SIGNED_IN_USER_OTHER, SIGNED_IN_USER_TOKEN, 0 },
	{ "logout-all", "POST", API "/logout-all-devices", "{}", 200,
	    SIGNED_IN_USER_SELF, SIGNED_IN_USER_TOKEN,
	    SIGNED_IN_USER_USER_KEY },
	{ "logout-all but this", "POST", API "/logout-all-devices",
	    "{\"keep_current\":true}", 200, SIGNED_IN_USER_OTHER,
	    SIGNED_IN_USER_COOKIE, SIGNED_IN_USER_USER_KEY },
	{ "change password", "POST", API "/change-password",
	    "{\"current_password\":\"" WEB_PASSWORD
	    "\",\"new_password\":\"" SIGNED_IN_USER_NEW_PASSWORD "\"}",
	    200, SIGNED_IN_USER_OTHER, SIGNED_IN_USER_TOKEN,
	    SIGNED_IN_USER_USER_KEY | SIGNED_IN_USER_SLOW },
	{ "deactivate", "POST", API "/deactivate", PASSWORD_BODY, 200,
	    SIGNED_IN_USER_SELF, SIGNED_IN_USER_TOKEN,
	    SIGNED_IN_USER_USER_KEY | SIGNED_IN_USER_SLOW |
		SIGNED_IN_USER_ACCOUNT },
	{ "delete account", "DELETE", API "/account", PASSWORD_BODY, 204,
	    SIGNED_IN_USER_SELF, SIGNED_IN_USER_COOKIE,
	    SIGNED_IN_USER_USER_KEY | SIGNED_IN_USER_SLOW |
		SIGNED_IN_USER_ACCOUNT },
};
const size_t signed_in_user_endings_count = NELEMS(signed_in_user_endings);

const struct signed_in_user_ending *
signed_in_user_ending(const char *name)
{
	for (size_t i = 0; i < signed_in_user_endings_count; i++) {
		if (strcmp(signed_in_user_endings[i].name, name) == 0)
			return &signed_in_user_endings[i];
	}
	fail_msg("no ending is called %s", name);
	return NULL;
}

static void
keep(const struct web_reply *reply, const char *path, char *dst, size_t size)
{
	const char *text = web_text(reply, path);

	assert_non_null(text);
	assert_true(snprintf(dst, size, "%s", text) < (int)size);
}

/* The login answer in ${reply}; asks for the handle and a second token. */
static void
take_answer(struct web *web, const char *email, struct signed_in_user *m,
    struct web_reply *reply)
{
	struct signed_in_user_call c;

	memset(m, 0, sizeof(*m));
	snprintf(m->email, sizeof(m->email), "%s", email);
	keep(reply, "user.id", m->user_id, sizeof(m->user_id));
	keep(reply, "session_id", m->session, sizeof(m->session));
	keep(reply, "access_token", m->token, sizeof(m->token));
	signed_in_user_question(m, SIGNED_IN_USER_SESSION, &c);
	assert_int_equal(web_as(web, &c.call, c.cookie, reply), 200);
	keep(reply, "access_token", m->second, sizeof(m->second));
	signed_in_user_question(m, SIGNED_IN_USER_TOKEN, &c);
	assert_int_equal(web_as(web, &c.call, c.cookie, reply), 200);
	keep(reply, "session.handle", m->handle, sizeof(m->handle));
	web_reply_clear(reply);
	web_forget(web);
}

void
signed_in_user_register(
    struct web *web, const char *email, struct signed_in_user *m)
{
	struct web_reply reply = { 0 };

	web_register(web, email, &reply);
	take_answer(web, email, m, &reply);
}

void
signed_in_user_login(
    struct web *web, const char *email, struct signed_in_user *m)
{
	struct web_reply reply = { 0 };

	web_login(web, email, &reply);
	take_answer(web, email, m, &reply);
}

/* The proof ${by} of ${m}; a session id in the body needs none. */
static void
prove(const struct signed_in_user *m, enum signed_in_user_way by,
    struct signed_in_user_call *c)
{
	switch (by) {
	case SIGNED_IN_USER_GUARDED:
	case SIGNED_IN_USER_COOKIE: c->cookie = m->session; break;
	case SIGNED_IN_USER_TOKEN: c->call.bearer = m->token; break;
	case SIGNED_IN_USER_SECOND: c->call.bearer = m->second; break;
	case SIGNED_IN_USER_SESSION:
	case SIGNED_IN_USER_WAYS: break;
	}
}

void
signed_in_user_question(const struct signed_in_user *m,
    enum signed_in_user_way credential_source, struct signed_in_user_call *c)
{
	memset(c, 0, sizeof(*c));
	prove(m, credential_source, c);
	if (credential_source == SIGNED_IN_USER_SESSION) {
		c->call.path = API "/validate-session";
		snprintf(c->body, sizeof(c->body), "{\"session_id\":\"%s\"}",
		    m->session);
		c->call.body = c->body;
	} else if (credential_source == SIGNED_IN_USER_GUARDED) {
		c->call.path = STACK_GUARDED;
	} else {
		c->call.path = API "/me";
	}
}

long
signed_in_user_ask(struct web *web, const struct signed_in_user *m,
    enum signed_in_user_way credential_source)
{
	struct web_reply reply = { 0 };
	struct signed_in_user_call c;
	long status;

	signed_in_user_question(m, credential_source, &c);
	status = web_as(web, &c.call, c.cookie, &reply);
	web_reply_clear(&reply);
	return status;
}

/* ${format} with its only %s, if it has one, replaced by ${text}. */
static void
fill_in(char *dst, size_t size, const char *format, const char *text)
{
	const char *hole = strstr(format, "%s");
	int n;

	if (hole == NULL)
		n = snprintf(dst, size, "%s", format);
	else
		n = snprintf(dst, size, "%.*s%s%s", (int)(hole - format),
		    format, text, hole + 2);
	assert_true(n >= 0 && (size_t)n < size);
}

void
signed_in_user_end(const struct signed_in_user_ending *ending,
    const struct signed_in_user *m, const struct signed_in_user *other,
    struct signed_in_user_call *c)
{
	memset(c, 0, sizeof(*c));
	prove(ending->who == SIGNED_IN_USER_SELF ? m : other, ending->by, c);
	c->call.method = ending->method;
	fill_in(c->path, sizeof(c->path), ending->path, m->handle);
	c->call.path = c->path;
	if (ending->body != NULL) {
		fill_in(c->body, sizeof(c->body), ending->body, m->session);
		c->call.body = c->body;
	}
}
