/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include "servers/ground.h"
#include "servers/server.h"
#include "support/async_request.h"
#include "support/process.h"

#define CLIENTS 64
#define ROUNDS 4

/* Half of them are signed in. */
TEST(many_at_once_are_served)
{
	static const char *const paths[] = { "/guarded/page.txt",
		"/api/v1/auth/me", "/guarded/env.cgi" };
	struct ground *g = *state;
	struct async_request *errands[CLIENTS];

	ground_account(g);
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
 * Nobody is there to check who is signed in: neither a member nor anybody else
 * gets in, and everybody is told soon.
 */
static void
closed(struct ground *g)
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
	struct ground *g = ctx;

	ground_get(g, "/guarded/page.txt");
	return g->reply.status == 200 && ground_shown(g);
}

static bool
answers_again(void *ctx)
{
	struct ground *g = ctx;

	ground_get(g, "/api/v1/auth/me");
	return g->reply.status == 200;
}

/* And when it is back, so is everybody, without a word to the web server. */
TEST(dead_pool_lets_nobody_in)
{
	struct ground *g = *state;

	ground_account(g);
	ground_get(g, "/guarded/page.txt");
	assert_true(ground_shown(g));
	ground_kill_latchkey(g);
	closed(g);
	ground_get(g, "/open.txt");
	assert_int_equal(g->reply.status, 200);
	ground_revive_latchkey(g);
	assert_true(process_until(open_again, g, 15000));
	assert_true(process_until(answers_again, g, 15000));
}
