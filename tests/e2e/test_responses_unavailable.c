/* SPDX-License-Identifier: ISC */
/*
 * The answers of each operation while it cannot be carried out: 503 without the
 * store or with a full background queue, 429 above a rate limit.
 */
#include "base/err.h"
#include "support/operation.h"
#include "support/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/async_request.h"
#include "support/files.h"
#include "support/process.h"
#include "support/site.h"

#define API "/api/v1"
#define WAIT_MS 60000

/* ---- cannot tell ---- */

static const struct operation me = { "GET", "/auth/me", NULL, 0 };

/*
 * Cached answers continue until the worker has checked the database, within a
 * second.
 */
static bool
is_unavailable(void *ctx)
{
	struct site *s = ctx;

	operation_ask(
	    s, &me, &(struct operation_manner){ .session = s->session });
	return s->reply.status == 503;
}

/* where a test runs */
enum { STORE = 1, BUSY = 2, LIMITS = 4 };

/* The database was moved away. */
TEST_IN(STORE, without_the_store, struct site *s)
{
	char db[160], away[160], body[1400];
	struct operation_manner m;

	operation_admin(s);
	snprintf(db, sizeof(db), "%s/latchkey.db", stack_dir(s->stack));
	snprintf(away, sizeof(away), "%s/away", stack_dir(s->stack));
	assert_int_equal(mkdir(away, 0700), 0);
	snprintf(
	    away, sizeof(away), "%s/away/latchkey.db", stack_dir(s->stack));
	assert_false(is_unavailable(s));
	files_move_database(db, away);
	assert_true(process_until(is_unavailable, s, WAIT_MS));

	m = (struct operation_manner){ .session = s->session };
	snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD
	    "\",\"name\":\"A\"}",
	    s->email);
	for (size_t i = 0; i < operations_count; i++) {
		if ((operations[i].flags & OP_STORE) == 0)
			continue;
		m.body = strcmp(operations[i].method, "GET") != 0 ? body : NULL;
		operation_ask(s, &operations[i], &m);
		if (s->reply.status != 503)
			print_error("%s %s\n", operations[i].method,
			    operations[i].path);
		web_expect(&s->reply, 503, "unavailable");
	}
	snprintf(body, sizeof(body), OPERATION_CLIENT "&token=%s", s->token);
	m = (struct operation_manner){ .type = OPERATION_FORM, .body = body };
	operation_expect(s, "POST", "/auth/introspect", &m, 503);
	operation_expect(s, "POST", "/auth/revoke", &m, 503);
	operation_expect(s, "GET", "/.well-known/jwks.json",
	    &(struct operation_manner){ 0 }, 503);
	files_move_database(away, db);
}

/* ---- busy ---- */

/* One request runs in the queue and one waits: it is full. */
TEST_IN(BUSY, with_a_full_queue, struct site *s)
{
	const struct web_call login = { .path = API "/auth/login",
		.body = OPERATION_GUESS,
		.no_cookies = true };
	struct web_call probe = login;
	struct async_request *held, *waiting;
	time_t end = time(NULL) + WAIT_MS / 1000;

	operation_admin(s);
	stack_point(s->stack, "background:job", "once-hold");
	held = async_request_start(stack_base(s->stack), &login, NULL);
	(void)stack_point_wait(s->stack, "background:job");
	waiting = async_request_start(stack_base(s->stack), &login, NULL);
	/* Either of these may take the free place. */
	probe.wait_ms = 2000;
	do {
		assert_true(time(NULL) < end);
		web_call(s->web, &probe, &s->reply);
	} while (s->reply.status == 0);
	operation_each(s, OP_SLOW,
	    &(struct operation_manner){
		.session = s->session, .body = OPERATION_GUESS },
	    503, "busy");
	stack_point_release(s->stack, "background:job");
	(void)async_request_end(held, NULL);
	(void)async_request_end(waiting, NULL);
}

/* ---- too often ---- */

/* Each limit is 1, and the requests above have exhausted it. */
TEST_IN(LIMITS, above_the_rate_limit, struct site *s)
{
	struct operation_manner m = { .body = OPERATION_GUESS };

	site_account(s); /* the only registration that the limit allows */
	m.session = s->session;
	operation_expect(s, "POST", "/auth/login", &m, 401);
	operation_expect(s, "POST", "/auth/deactivate", &m, 403);
	operation_expect(s, "PUT", "/auth/update-profile", &m, 403);
	operation_each(s, OP_GUESSED, &m, 429, "rate_limited");
	operation_each(s, OP_SLOW | OP_FORMS, &m, 303, NULL);
	assert_non_null(
	    strstr(web_header(&s->reply, "Location"), "#rate_limited"));

	/* Exhausted by the password guess from the same address. */
	m = (struct operation_manner){ .type = OPERATION_FORM,
		.body = "client_id=shop&client_secret=wrong&token=x" };
	operation_expect(s, "POST", "/auth/introspect", &m, 429);
	operation_expect(s, "POST", "/auth/revoke", &m, 429);
}

TEST_RUN()
{
	char clients[OPERATION_CLIENTS_SIZE], option[80];
	const char *const known[] = { option, NULL };
	const char *const narrow[] = { "LATCHKEY_SLOW_QUEUE=1", NULL };
	const char *const strict[] = { "LATCHKEY_LIMIT_LOGIN=1/3600",
		"LATCHKEY_LIMIT_REGISTER=1/3600",
		"LATCHKEY_LIMIT_DEFAULT=1/3600",
		"LATCHKEY_LIMIT_PROFILE=1/3600", NULL };
	/* A single worker, so that one check is enough. */
	const struct stack_options usual = { .workers = 1, .env = known };
	const struct stack_options one = { .workers = 1, .env = narrow };
	const struct stack_options limited = { .env = strict };
	int failed;

	operation_clients(clients);
	snprintf(option, sizeof(option), "LATCHKEY_CLIENTS_FILE=%s", clients);
	failed = site_run("without the store", STORE, &usual) +
	    site_run("busy", BUSY, &one) + site_run("limits", LIMITS, &limited);
	unlink(clients);
	return failed;
}
