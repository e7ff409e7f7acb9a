/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "support/fcgi_site.h"
#include "support/files.h"
#include "support/process.h"

/*
 * A token that another server of the site has revoked: from the answer on every
 * worker refuses it, even one that had it cached.
 */
#define WAIT_MS 60000
#define WORKERS 4
#define TOKEN_MAX 1536
/* printf %s the-secret-of-one | b2sum -l 256 */
#define CLIENT                                                                 \
	"shop "                                                                \
	"a2a513cced25a2a4539f6e720da439f53b33ec0e5b8cfb4ac672223a693895c5"
#define SECRET "client_id=shop&client_secret=the-secret-of-one"

struct fixture {
	char dir[32];
	char clients[64];
	char env[96];
	const char *envs[3];
	struct fcgi_site site;
};

static void
set_up(struct fixture *f)
{
	struct stack_options o = {
		.kind = STACK_POOL, .workers = WORKERS, .no_redis = true
	};

	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->clients, sizeof(f->clients), "%s/clients", f->dir);
	files_write(f->clients, CLIENT "\n", sizeof(CLIENT));
	snprintf(
	    f->env, sizeof(f->env), "LATCHKEY_CLIENTS_FILE=%s", f->clients);
	f->envs[0] = f->env;
	f->envs[1] = "JWT_ALGORITHM=ES256";
	o.env = f->envs;
	o.dir = f->dir;
	fcgi_site_open(&f->site, &o);
}

static void
tear_down(struct fixture *f)
{
	fcgi_site_close(&f->site);
	process_remove_tree(f->dir);
}

/* Introspect the token of ${s}, on any worker. */
static int
ask(struct fixture *f, const char *uri, struct fcgi_reply *reply)
{
	char body[TOKEN_MAX + 128];
	const struct fcgi_ask ask = { .method = "POST",
		.uri = uri,
		.content_type = "application/x-www-form-urlencoded",
		.body = body };
	int fd = fcgi_site_connect(&f->site);

	snprintf(body, sizeof(body), SECRET "&token=%s", f->site.token);
	assert_true(fcgi_ask_on(fd, &ask, WAIT_MS, reply));
	close(fd);
	return reply->http_status;
}

static bool
is_active(struct fixture *f)
{
	struct fcgi_reply reply;
	bool active;

	assert_int_equal(ask(f, "/auth/introspect", &reply), 200);
	active = strstr(reply.body, "\"active\":true,") != NULL;
	if (!active)
		assert_string_equal(reply.body, "{\"active\":false}");
	fcgi_reply_free(&reply);
	return active;
}

static void
assert_everywhere(struct fixture *f, int status)
{
	for (int i = 0; i < 8 * WORKERS; i++) {
		assert_int_equal(
		    fcgi_site_check(&f->site, -1, WAIT_MS), status);
		assert_int_equal(is_active(f), status == 200);
	}
}

/* The session does not get the revoked token again. */
static void
assert_new_token(struct fixture *f)
{
	struct fcgi_reply reply;
	char json[128];

	snprintf(
	    json, sizeof(json), "{\"session_id\":\"%s\"}", f->site.session);
	assert_true(fcgi_site_post(
	    &f->site, "/auth/validate-session", json, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 200);
	assert_null(strstr(reply.body, f->site.token));
	fcgi_reply_free(&reply);
}

TEST(a_revoked_token_is_refused_by_every_worker, struct fixture *f)
{
	struct fcgi_reply reply;

	assert_everywhere(f, 200);
	assert_int_equal(ask(f, "/auth/revoke", &reply), 200);
	fcgi_reply_free(&reply);
	assert_everywhere(f, 401);
	for (int i = 0; i < WORKERS; i++)
		assert_new_token(f);

	for (size_t i = 0; i < f->site.worker_count; i++)
		assert_int_equal(kill(f->site.workers[i], SIGKILL), 0);
	stack_stop_pool(f->site.stack, SIGKILL);
	stack_start_pool(f->site.stack);
	assert_everywhere(f, 401);
	assert_new_token(f);
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
