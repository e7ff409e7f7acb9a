/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "support/external_issuer_site.h"
#include "support/operation.h"

/*
 * What another issuer's token is accepted for: it identifies a user and can be
 * revoked. It is not a session, allows no changes and gives no session.
 */
#define API "/api/v1"

TEST(it_identifies_a_user, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE], id[32];
	const char *got;

	test_issuer_token(f->first, token,
	    "'ec', claims={'sub': 'ann', 'name': 'Ann', 'email':"
	    " 'ann@example.net', 'email_verified': True}");
	snprintf(id, sizeof(id), "%lld", external_site_id(f, token));
	assert_string_equal(web_text(&f->site.reply, "user.name"), "Ann");
	assert_null(web_text(&f->site.reply, "session.handle"));
	/* a guarded file, through the web server */
	assert_int_equal(
	    external_site_ask(f, EXTERNAL_SITE_GUARDED, token), 200);
	assert_string_equal(f->site.reply.body.data, STACK_SECRET);
	assert_int_equal(external_site_ask(f, EXTERNAL_SITE_CHECK, token), 200);
	assert_string_equal(web_header(&f->site.reply, "Remote-User"), id);
	assert_string_equal(web_header(&f->site.reply, "X-Auth-User"), "Ann");
	assert_string_equal(web_header(&f->site.reply, "X-Auth-Role"), "user");
	got = web_header(&f->site.reply, "X-Auth-Session");
	assert_true(got == NULL || *got == '\0');
	/* the same token, and nothing that lives longer */
	assert_int_equal(
	    external_site_ask(f, EXTERNAL_SITE_VALIDATE, token), 200);
	assert_string_equal(web_text(&f->site.reply, "access_token"), token);
	assert_string_equal(web_text(&f->site.reply, "user.id"), id);
	assert_null(web_text(&f->site.reply, "session_id"));
	assert_null(web_header(&f->site.reply, "Set-Cookie"));
	assert_in_range(web_number(&f->site.reply, "expires_in"), 1, 300);
}

/* The token is validated, unless there is a session. */
TEST(tokens_of_this_site_are_validated_too, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE], body[128];
	const char *const cookie[] = { body, NULL };
	struct web_call call = { .method = "POST",
		.path = API "/auth/validate-session",
		.bearer = f->site.token,
		.no_cookies = true };

	site_account(&f->site);
	assert_int_equal(
	    external_site_ask(f, EXTERNAL_SITE_VALIDATE, f->site.token), 200);
	assert_string_equal(
	    web_text(&f->site.reply, "access_token"), f->site.token);
	assert_null(web_text(&f->site.reply, "session_id"));
	assert_string_equal(
	    web_text(&f->site.reply, "user.id"), f->site.user_id);
	/* a session takes precedence over a token */
	test_issuer_token(f->first, token, "'ec'");
	call.bearer = token;
	snprintf(
	    body, sizeof(body), "{\"session_id\":\"%s\"}", f->site.session);
	call.body = body;
	web_call(f->site.web, &call, &f->site.reply);
	web_expect(&f->site.reply, 200, NULL);
	assert_string_equal(
	    web_text(&f->site.reply, "user.id"), f->site.user_id);
	snprintf(body, sizeof(body), "Cookie: latchkey=%s", f->site.session);
	call.body = "{}";
	call.headers = cookie;
	web_call(f->site.web, &call, &f->site.reply);
	web_expect(&f->site.reply, 200, NULL);
	assert_string_equal(
	    web_text(&f->site.reply, "user.id"), f->site.user_id);
	/* The id of a cookie is not answered. */
	assert_null(web_text(&f->site.reply, "session_id"));
}

/* All other routes require a token of this site. */
TEST(other_routes_refuse_it, struct external_site *f)
{
	static const char *const takes[] = { "/auth/me", "/auth/check",
		"/auth/validate-session" };
	char token[TEST_ISSUER_TOKEN_SIZE];
	struct operation_manner m = { .bearer = token };

	test_issuer_token(f->first, token, "'ec'");
	external_site_expect(f, token, 200);
	for (size_t i = 0; i < operations_count; i++) {
		const struct operation *op = &operations[i];
		bool taken = (op->flags & OP_SIGNED) == 0;

		for (size_t j = 0; j < NELEMS(takes); j++)
			taken |= strcmp(op->path, takes[j]) == 0;
		if (taken)
			continue;
		operation_ask(&f->site, op, &m);
		if (f->site.reply.status != 401)
			print_error("%s %s\n", op->method, op->path);
		web_expect(&f->site.reply, 401, "invalid_token");
		assert_non_null(
		    strstr(web_text(&f->site.reply, "detail"), "this site"));
	}
	external_site_expect(f, token, 200);
}

TEST_RUN()
{
	struct external_site_options o = { .stack = { .no_redis = true } };
	int failed = external_site_run("routes", TEST_ALL, &o);

	/* a thread of the worker fetches the keys */
	o.stack.kind = STACK_SPAWN_FCGI;
	return failed + external_site_run("routes, spawn-fcgi", TEST_ALL, &o);
}
