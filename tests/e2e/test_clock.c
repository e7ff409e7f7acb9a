/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "support/database.h"
#include "support/fcgi_site.h"
#include "support/files.h"
#include "support/process.h"

/* A wall clock that was ahead for a while, and is right again. */
#define WAIT_MS 60000
#define TOKEN_MAX 1536
#define HOUR 3600
/* printf %s the-secret-of-one | b2sum -l 256 */
#define CLIENT                                                                 \
	"shop "                                                                \
	"a2a513cced25a2a4539f6e720da439f53b33ec0e5b8cfb4ac672223a693895c5"
#define SECRET "client_id=shop&client_secret=the-secret-of-one"

struct fixture {
	char dir[32];
	char db[64];
	char clients[64];
	char env[96];
	const char *envs[2];
	struct fcgi_site site;
};

static void
set_up(struct fixture *f)
{
	struct stack_options o = { .kind = STACK_POOL, .workers = 2 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db, sizeof(f->db), "%s/latchkey.db", f->dir);
	snprintf(f->clients, sizeof(f->clients), "%s/clients", f->dir);
	files_write(f->clients, CLIENT "\n", sizeof(CLIENT));
	snprintf(
	    f->env, sizeof(f->env), "LATCHKEY_CLIENTS_FILE=%s", f->clients);
	f->envs[0] = f->env;
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

static void
restart(struct fixture *f)
{
	stack_stop_pool(f->site.stack, SIGTERM);
	stack_start_pool(f->site.stack);
}

/* ---- a revoked token ---- */

static void
revoke_token(struct fixture *f)
{
	char body[TOKEN_MAX + 128];
	const struct fcgi_ask ask = { .method = "POST",
		.uri = "/auth/revoke",
		.content_type = "application/x-www-form-urlencoded",
		.body = body };
	struct fcgi_reply reply;
	int fd = fcgi_site_connect(&f->site);

	snprintf(body, sizeof(body), SECRET "&token=%s", f->site.token);
	assert_true(fcgi_ask_on(fd, &ask, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 200);
	fcgi_reply_free(&reply);
	close(fd);
}

static bool
is_forgotten(void *ctx)
{
	const struct fixture *f = ctx;

	return database_int(f->db, "SELECT count(*) FROM revoked_tokens") == 0;
}

/* Maintenance runs while no request comes, and nothing else is written. */
TEST(a_revoked_token_does_not_come_back, struct fixture *f)
{
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	revoke_token(f);
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 401);
	stack_clock(f->site.stack, 2 * HOUR);
	assert_true(process_until(is_forgotten, f, WAIT_MS));
	stack_clock(f->site.stack, 0);
	/* Shared memory knows the time that has been, and then the store. */
	for (int i = 0; i < 8; i++)
		assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 401);
	restart(f);
	for (int i = 0; i < 8; i++)
		assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 401);
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
