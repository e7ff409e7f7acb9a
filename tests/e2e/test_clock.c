/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json_value.h"
#include "support/cli.h"
#include "support/database.h"
#include "support/fcgi_site.h"
#include "support/files.h"
#include "support/process.h"
#include "token/jws.h"

/* A wall clock that was ahead for a while, and is right again. */
#define WAIT_MS 60000
#define TOKEN_MAX 1536
#define HOUR 3600
#define YEARS (10 * 365 * 24 * HOUR)
#define LIFE 900 /* of an access token */
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

/*
 * Revoke the token, and wait until maintenance removes its row because the
 * clock is ${hours} ahead.  No request comes meanwhile, and nothing else is
 * written.
 */
static void
forget_token(struct fixture *f, int hours)
{
	fcgi_site_account(&f->site);
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	revoke_token(f);
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 401);
	stack_clock(f->site.stack, (int64_t)hours * HOUR);
	assert_true(process_until(is_forgotten, f, WAIT_MS));
}

static void
assert_revoked(struct fixture *f)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 401);
}

/* Shared memory knows the time that has been. */
TEST(a_revoked_token_does_not_come_back, struct fixture *f)
{
	forget_token(f, 2);
	stack_clock(f->site.stack, 0);
	assert_revoked(f);
}

/*
 * Only the store knows it: the clock is right again before a process could note
 * that it was ahead.
 */
TEST(a_revoked_token_does_not_come_back_after_a_crash, struct fixture *f)
{
	forget_token(f, 10);
	stack_stop_pool(f->site.stack, SIGKILL);
	stack_clock(f->site.stack, 0);
	stack_start_pool(f->site.stack);
	assert_revoked(f);
}

/* ---- a start with a clock that is years ahead ---- */

static int64_t
claim(const char *token, const char *name)
{
	unsigned char room[JWS_DECODED_MAX(JWS_OURS_MAX)];
	struct json_value *doc = NULL;
	struct jws jws;
	int64_t value;

	assert_int_equal(jws_split(token, JWS_OURS_MAX, room, &jws), ERR_OK);
	assert_int_equal(
	    json_value_parse((const char *)jws.payload, jws.payload_len, &doc),
	    ERR_OK);
	assert_int_equal(
	    json_value_int(json_value_member(doc, name), &value), ERR_OK);
	json_value_free(doc);
	return value;
}

static void
assert_health(struct fixture *f, const char *status, const char *clock)
{
	const struct fcgi_ask ask = { .uri = "/health" };
	char part[64];
	struct fcgi_reply reply;
	int fd = fcgi_site_connect(&f->site);

	assert_true(fcgi_ask_on(fd, &ask, WAIT_MS, &reply));
	assert_int_equal(reply.http_status, 200);
	snprintf(part, sizeof(part), "\"status\":\"%s\"", status);
	assert_non_null(strstr(reply.body, part));
	snprintf(part, sizeof(part), "\"clock\":\"%s\"", clock);
	assert_non_null(strstr(reply.body, part));
	fcgi_reply_free(&reply);
	close(fd);
}

/* The token of a new account; exp must be near the real time. */
static void
assert_good_token(struct fixture *f)
{
	fcgi_site_account(&f->site);
	assert_true(claim(f->site.token, "exp") <= time(NULL) + LIFE + 60);
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
}

static bool
is_noted(void *ctx)
{
	const struct fixture *f = ctx;

	return database_int(f->db,
		   "SELECT count(*) FROM audit WHERE event = 'clock_jump'") > 0;
}

static void
assert_shown(struct fixture *f, struct cli *cli)
{
	int64_t behind;

	assert_true(process_until(is_noted, f, WAIT_MS));
	assert_true(stack_file_contains(
	    stack_log(f->site.stack), "level=warn event=clock_jump"));
	assert_health(f, "degraded", "behind");
	cli_run(cli, NULL, "clock --json");
	assert_int_equal(cli->status, 0);
	assert_int_equal(
	    json_value_int(
		json_value_member(cli->json, "behind_seconds"), &behind),
	    ERR_OK);
	assert_true(behind > YEARS - HOUR);
	cli_run(cli, NULL, "clock");
	cli_expect(cli, 0, "behind");
	cli_run(cli, NULL, "doctor");
	cli_expect(cli, 1, "latchkey clock reset");
}

/* Refusals say what is wrong, in one line, and change nothing. */
static void
assert_refused(struct cli *cli)
{
	cli_run(cli, NULL, "clock reset");
	cli_expect(cli, 2, "--yes");
	cli_run(cli, "y\n", "clock reset");
	cli_expect(cli, 2, "--yes");
	cli_run(cli, NULL, "clock set");
	cli_expect(cli, 2, "unexpected argument \"set\"");
	cli_run(cli, NULL, "clock reset --yes");
	cli_expect(cli, 1, "is in use");
}

static void
reset_on_terminal(struct cli *cli, const char *answer)
{
	int ours, theirs;
	pid_t pid;

	assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
	assert_int_equal(write(ours, answer, strlen(answer)), strlen(answer));
	pid = cli_start(cli, "clock reset", theirs);
	cli_wait(cli, pid);
	close(theirs);
	close(ours);
}

TEST(years_ahead_are_shown_and_can_be_reset, struct fixture *f)
{
	struct stack *stack = f->site.stack;
	struct cli cli;

	stack_stop_pool(stack, SIGTERM);
	stack_clock(stack, YEARS);
	stack_start_pool(stack);
	fcgi_site_account(&f->site); /* good for years elsewhere */
	assert_true(claim(f->site.token, "exp") > time(NULL) + YEARS - HOUR);
	stack_stop_pool(stack, SIGTERM);
	stack_clock(stack, 0);
	stack_start_pool(stack);

	cli_open(&cli, f->dir);
	assert_good_token(f);
	assert_shown(f, &cli);
	assert_refused(&cli);
	assert_health(f, "degraded", "behind");
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);

	stack_stop_pool(stack, SIGTERM);
	reset_on_terminal(&cli, "n\n");
	cli_expect(&cli, 2, "not confirmed");
	reset_on_terminal(&cli, "y\n");
	cli_expect(&cli, 0, "sessions ended: 2");
	/* The keys of the tokens that are good for years elsewhere are gone. */
	assert_int_equal(database_int(f->db,
			     "SELECT count(*) FROM audit"
			     " WHERE event = 'keys_replaced'"),
	    1);
	assert_int_equal(database_int(f->db,
			     "SELECT count(*) FROM signing_keys, latest"
			     " WHERE signs_at <= time AND time <= unixepoch()"),
	    1);
	stack_start_pool(stack);
	assert_health(f, "ok", "ok");
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 401);
	assert_good_token(f);
	cli_run(&cli, NULL, "clock");
	cli_expect(&cli, 0, "ok");

	stack_stop_pool(stack, SIGTERM);
	cli_run(&cli, NULL, "clock reset --yes");
	cli_expect(&cli, 0, "nothing was changed");
	stack_start_pool(stack);
	assert_int_equal(fcgi_site_check(&f->site, -1, WAIT_MS), 200);
	cli_close(&cli);
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
