/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include "servers/server.h"
#include "servers/server_site.h"
#include "support/async_request.h"
#include "support/process.h"

#define CLIENTS 64
#define ROUNDS 4

/* Every other request is signed in. */
TEST(many_at_once_are_served, struct server_site *g)
{
	static const char *const paths[] = { "/guarded/page.txt",
		"/api/v1/auth/me", "/guarded/env.cgi" };
	struct async_request *errands[CLIENTS];

	server_site_account(g);
	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < CLIENTS; i++) {
			const struct web_call call = {
				.path = paths[i / 2 % NELEMS(paths)],
				.wait_ms = 30000
			};

			errands[i] = async_request_start(
			    g->base, &call, i % 2 == 0 ? g->session : NULL);
		}
		for (size_t i = 0; i < CLIENTS; i++)
			assert_int_equal(async_request_end(errands[i], NULL),
			    i % 2 == 0 ? 200 : 401);
	}
}

/*
 * While no process can check sessions, every guarded request is refused within
 * a bounded time, signed in or not.
 */
static void
closed(struct server_site *g)
{
	static const char *const paths[] = { "/guarded/page.txt",
		"/guarded/page.txt", "/guarded/env.cgi", "/api/v1/auth/me" };
	struct async_request *errands[NELEMS(paths)];
	struct web_reply reply = { 0 };

	for (size_t i = 0; i < NELEMS(paths); i++) {
		const struct web_call call = { .path = paths[i],
			.wait_ms = g->server->gives_up_ms };

		errands[i] = async_request_start(
		    g->base, &call, i > 0 ? g->session : NULL);
	}
	for (size_t i = 0; i < NELEMS(paths); i++) {
		long status = async_request_end(errands[i], &reply);

		if (status < 500)
			fail_msg("%s: %ld", paths[i], status);
		print_message(
		    "%s: %ld after %.1f s\n", paths[i], status, reply.seconds);
	}
	web_reply_clear(&reply);
}

static bool
open_again(void *ctx)
{
	struct server_site *g = ctx;

	server_site_get(g, "/guarded/page.txt");
	return g->reply.status == 200 && server_site_shown(g);
}

static bool
answers_again(void *ctx)
{
	struct server_site *g = ctx;

	server_site_get(g, "/api/v1/auth/me");
	return g->reply.status == 200;
}

/* After the pool has returned, sessions work again without a reload. */
TEST(dead_pool_refuses_every_request, struct server_site *g)
{
	server_site_account(g);
	server_site_get(g, "/guarded/page.txt");
	assert_true(server_site_shown(g));
	server_site_kill_latchkey(g);
	closed(g);
	server_site_get(g, "/open.txt");
	assert_int_equal(g->reply.status, 200);
	server_site_revive_latchkey(g);
	assert_true(process_until(open_again, g, 15000));
	assert_true(process_until(answers_again, g, 15000));
}
