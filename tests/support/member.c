/* SPDX-License-Identifier: ISC */
#include "support/member.h"

#include "support/test.h"

#include <stdio.h>

#include "support/errand.h"
#include "support/stack.h"

#define API "/api/v1/auth"
#define PASSWORD_BODY "{\"password\":\"" WEB_PASSWORD "\"}"

const struct member_ending member_endings[] = {
	{ "logout by token", "POST", API "/logout", "{}", 200, MEMBER_SELF,
	    MEMBER_TOKEN, 0 },
	{ "logout by session id", "POST", API "/logout",
	    "{\"session_id\":\"%s\"}", 200, MEMBER_SELF, MEMBER_SESSION, 0 },
	{ "logout by cookie", "POST", API "/logout", "{}", 200, MEMBER_SELF,
	    MEMBER_COOKIE, 0 },
	{ "end a device", "DELETE", API "/sessions/%s", NULL, 204, MEMBER_OTHER,
	    MEMBER_TOKEN, 0 },
	{ "logout-all", "POST", API "/logout-all-devices", "{}", 200,
	    MEMBER_SELF, MEMBER_TOKEN, MEMBER_USER_KEY },
	{ "logout-all but this", "POST", API "/logout-all-devices",
	    "{\"keep_current\":true}", 200, MEMBER_OTHER, MEMBER_COOKIE,
	    MEMBER_USER_KEY },
	{ "change password", "POST", API "/change-password",
	    "{\"current_password\":\"" WEB_PASSWORD
	    "\",\"new_password\":\"" MEMBER_NEW_PASSWORD "\"}",
	    200, MEMBER_OTHER, MEMBER_TOKEN, MEMBER_USER_KEY | MEMBER_SLOW },
	{ "deactivate", "POST", API "/deactivate", PASSWORD_BODY, 200,
	    MEMBER_SELF, MEMBER_TOKEN,
	    MEMBER_USER_KEY | MEMBER_SLOW | MEMBER_ACCOUNT },
	{ "delete account", "DELETE", API "/account", PASSWORD_BODY, 204,
	    MEMBER_SELF, MEMBER_COOKIE,
	    MEMBER_USER_KEY | MEMBER_SLOW | MEMBER_ACCOUNT },
};
const size_t member_endings_count = NELEMS(member_endings);

const struct member_ending *
member_ending(const char *name)
{
	for (size_t i = 0; i < member_endings_count; i++) {
		if (strcmp(member_endings[i].name, name) == 0)
			return &member_endings[i];
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
take_answer(struct web *web, const char *email, struct member *m,
    struct web_reply *reply)
{
	struct member_call c;

	memset(m, 0, sizeof(*m));
	snprintf(m->email, sizeof(m->email), "%s", email);
	keep(reply, "user.id", m->user_id, sizeof(m->user_id));
	keep(reply, "session_id", m->session, sizeof(m->session));
	keep(reply, "access_token", m->token, sizeof(m->token));
	member_question(m, MEMBER_SESSION, &c);
	assert_int_equal(web_as(web, &c.call, c.cookie, reply), 200);
	keep(reply, "access_token", m->second, sizeof(m->second));
	member_question(m, MEMBER_TOKEN, &c);
	assert_int_equal(web_as(web, &c.call, c.cookie, reply), 200);
	keep(reply, "session.handle", m->handle, sizeof(m->handle));
	web_reply_clear(reply);
	web_forget(web);
}

void
member_register(struct web *web, const char *email, struct member *m)
{
	struct web_reply reply = { 0 };

	web_register(web, email, &reply);
	take_answer(web, email, m, &reply);
}

void
member_login(struct web *web, const char *email, struct member *m)
{
	struct web_reply reply = { 0 };

	web_login(web, email, &reply);
	take_answer(web, email, m, &reply);
}

/* The proof ${by} of ${m}; a session id in the body needs none. */
static void
prove(const struct member *m, enum member_way by, struct member_call *c)
{
	switch (by) {
	case MEMBER_GUARDED:
	case MEMBER_COOKIE: c->cookie = m->session; break;
	case MEMBER_TOKEN: c->call.bearer = m->token; break;
	case MEMBER_SECOND: c->call.bearer = m->second; break;
	case MEMBER_SESSION:
	case MEMBER_WAYS: break;
	}
}

void
member_question(
    const struct member *m, enum member_way way, struct member_call *c)
{
	memset(c, 0, sizeof(*c));
	prove(m, way, c);
	if (way == MEMBER_SESSION) {
		c->call.path = API "/validate-session";
		snprintf(c->body, sizeof(c->body), "{\"session_id\":\"%s\"}",
		    m->session);
		c->call.body = c->body;
	} else if (way == MEMBER_GUARDED) {
		c->call.path = STACK_GUARDED;
	} else {
		c->call.path = API "/me";
	}
}

long
member_ask(struct web *web, const struct member *m, enum member_way way)
{
	struct web_reply reply = { 0 };
	struct member_call c;
	long status;

	member_question(m, way, &c);
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
member_end(const struct member_ending *ending, const struct member *m,
    const struct member *other, struct member_call *c)
{
	memset(c, 0, sizeof(*c));
	prove(ending->who == MEMBER_SELF ? m : other, ending->by, c);
	c->call.method = ending->method;
	fill_in(c->path, sizeof(c->path), ending->path, m->handle);
	c->call.path = c->path;
	if (ending->body != NULL) {
		fill_in(c->body, sizeof(c->body), ending->body, m->session);
		c->call.body = c->body;
	}
}
