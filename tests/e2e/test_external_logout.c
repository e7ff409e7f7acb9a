/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "support/cli.h"
#include "support/database.h"
#include "support/external_issuer_site.h"
#include "support/operation.h"
#include "support/process.h"
#include "support/redis_server.h"

/*
 * Revocation of another issuer's token: every worker refuses it from the answer
 * on, whatever is killed or evicted later. The second issuer may link by
 * e-mail, and its clock is ours.
 */
#define API "/api/v1"
#define WAIT_MS 60000
#define WORKERS 4
#define DEAD_MAX 64

/* The revoked tokens of all groups; each group has its own site. */
static char dead[DEAD_MAX][1200];
static size_t dead_count;

static void
remember_revoked(struct external_site *f, const char *token)
{
	external_site_expect_everywhere(f, token, 401);
	assert_true(dead_count < DEAD_MAX);
	assert_true(strlen(token) < sizeof(dead[0]));
	memcpy(dead[dead_count++], token, strlen(token) + 1);
}

static void
log_out(struct external_site *f, const char *token)
{
	external_site_post(f, API "/auth/logout", token, "{}");
	web_expect(&f->site.reply, 200, NULL);
}

/* where a test runs */
enum { REDIS = 1, NO_REDIS = 2 };

/* By its jti, or without one by the signed text. */
TEST_IN(REDIS | NO_REDIS, a_logout_ends_one_token_only, struct external_site *f)
{
	static const char *const tokens[] = {
		"'ec', claims={'sub': 'ann', 'jti': 'one'}",
		"'rsa', claims={'sub': 'ann', 'jti': 'two'}",
		"'ec', claims={'sub': 'ann'}",
		"'rsa', claims={'sub': 'ann'}",
		"'rsa', claims={'sub': 'ann', 'jti':"
		" 'urn:uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7/and/a/"
		"good/deal/more/than/ours/is/long'}",
	};
	char token[TEST_ISSUER_TOKEN_SIZE], other[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_token(
	    f->first, other, "'ec', claims={'sub': 'ann', 'x': 1}");
	for (size_t i = 0; i < NELEMS(tokens); i++) {
		test_issuer_token(f->first, token, "%s", tokens[i]);
		external_site_expect_everywhere(f, token, 200);
		log_out(f, token);
		remember_revoked(f, token);
		/* and again: logout is repeatable */
		log_out(f, token);
		external_site_expect_everywhere(f, other, 200);
	}
	/* a token that was never used */
	test_issuer_token(
	    f->first, token, "'ec', claims={'sub': 'ann', 'jti': 'z'}");
	log_out(f, token);
	remember_revoked(f, token);
}

/*
 * (r, s) and (r, n - s) are both valid, and anyone can compute one from the
 * other.
 */
TEST_IN(
    REDIS, the_other_signature_of_a_token_ends_with_it, struct external_site *f)
{
	static const char *const names[] = { "number", "jti" };
	char token[TEST_ISSUER_TOKEN_SIZE], other[TEST_ISSUER_TOKEN_SIZE];

	for (size_t i = 0; i < NELEMS(names) * 2; i++) {
		const bool first = i % 2 == 0;

		test_issuer_token(f->first, token,
		    "'ec', claims={'sub': 'bea', '%s': 'bea%zu'}", names[i / 2],
		    i);
		test_issuer_token(
		    f->first, other, "'ec', of='%s', signature='flip'", token);
		assert_string_not_equal(token, other);
		external_site_expect_everywhere(f, token, 200);
		external_site_expect_everywhere(f, other, 200);
		log_out(f, first ? token : other);
		remember_revoked(f, token);
		remember_revoked(f, other);
	}
}

/* A jti is unique only within its issuer. */
TEST_IN(REDIS, a_jti_counts_for_its_issuer_only, struct external_site *f)
{
	char one[TEST_ISSUER_TOKEN_SIZE], two[TEST_ISSUER_TOKEN_SIZE];
	char jti[64] = "";

	site_account(&f->site);
	test_issuer_token(
	    f->first, one, "'ec', claims={'sub': 'cid', 'jti': 'same'}");
	test_issuer_token(
	    f->second, two, "'ec', claims={'sub': 'cid', 'jti': 'same'}");
	external_site_expect(f, one, 200);
	external_site_expect(f, two, 200);
	log_out(f, one);
	remember_revoked(f, one);
	external_site_expect_everywhere(f, two, 200);
	/* our jti as theirs */
	snprintf(jti, sizeof(jti), "%.60s", f->site.token);
	test_issuer_token(
	    f->first, one, "'ec', claims={'sub': 'cid', 'jti': '%s'}", jti);
	log_out(f, one);
	remember_revoked(f, one);
	external_site_expect_everywhere(f, f->site.token, 200);
}

/* ---- a change of the user's epoch ---- */

struct later {
	struct external_site *f;
	struct test_issuer *p;
	int ahead; /* leeway for its clock, seconds */
	char token[TEST_ISSUER_TOKEN_SIZE];
	const char *claims;
};

static bool
is_accepted_again(void *ctx)
{
	struct later *l = ctx;

	test_issuer_token(
	    l->p, l->token, "'ec', at=%d, claims={%s}", l->ahead, l->claims);
	return external_site_ask(l->f, EXTERNAL_SITE_ME, l->token) == 200;
}

/* A token issued a second later is valid. */
static void
expect_later(struct external_site *f, const char *claims)
{
	struct later l = { .f = f, .p = f->second, .claims = claims };

	if (!process_until(is_accepted_again, &l, WAIT_MS))
		fail_msg("%s", f->site.reply.body.data);
	external_site_expect_everywhere(f, l.token, 200);
}

/*
 * Give the account that was linked a password again, which linking removed: the
 * one of another account.  No command does so without ending its tokens.
 */
static void
give_password(struct external_site *f)
{
	char path[256], sql[256], email[64];
	struct web *web = web_new(stack_base(f->site.stack));

	snprintf(email, sizeof(email), "spare%d@example.org", f->site.serial);
	web_register(web, email, &f->site.reply);
	web_free(web);
	snprintf(
	    path, sizeof(path), "%s/latchkey.db", stack_dir(f->site.stack));
	snprintf(sql, sizeof(sql),
	    "INSERT INTO credentials SELECT %s, kind, '', data, 0, 0"
	    " FROM credentials JOIN users ON users.id = user_id"
	    " WHERE email_normal = '%s'",
	    f->site.user_id, email);
	database_run(path, sql);
}

/* An account of this site that the second issuer may use, too. */
static void
link_account(struct external_site *f, const char *subject, char claims[160],
    char token[TEST_ISSUER_TOKEN_SIZE])
{
	char login[160];

	site_account(&f->site);
	snprintf(claims, 160,
	    "'sub': '%s', 'email': '%s', 'email_verified': True", subject,
	    f->site.email);
	test_issuer_token(f->second, token, "'ec', claims={%s}", claims);
	assert_int_equal(
	    external_site_id(f, token), strtoll(f->site.user_id, NULL, 10));
	external_site_expect_everywhere(f, token, 200);
	/* The access of the earlier registration has ended. */
	external_site_expect(f, f->site.token, 401);
	snprintf(login, sizeof(login),
	    "{\"email\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}",
	    f->site.email);
	web_post(f->site.web, API "/auth/login", login, &f->site.reply);
	web_expect(&f->site.reply, 401, "invalid_credentials");
	give_password(f);
	web_login(f->site.web, f->site.email, &f->site.reply);
	site_keep(&f->site);
	external_site_expect_everywhere(f, token, 200);
}

TEST_IN(
    REDIS | NO_REDIS, logging_out_everywhere_ends_it, struct external_site *f)
{
	char claims[160], token[TEST_ISSUER_TOKEN_SIZE],
	    unseen[TEST_ISSUER_TOKEN_SIZE];

	link_account(f, "dan", claims, token);
	test_issuer_token(f->second, unseen, "'rsa', claims={%s}", claims);
	external_site_post(
	    f, API "/auth/logout-all-devices", f->site.token, "{}");
	web_expect(&f->site.reply, 200, NULL);
	remember_revoked(f, token);
	remember_revoked(f, unseen);
	expect_later(f, claims);
	external_site_expect(f, token, 401);
}

TEST_IN(REDIS, deactivation_ends_it, struct external_site *f)
{
	char claims[160], token[TEST_ISSUER_TOKEN_SIZE],
	    later[TEST_ISSUER_TOKEN_SIZE];
	struct cli cli;
	char line[64];

	link_account(f, "eva", claims, token);
	external_site_post(f, API "/auth/deactivate", f->site.token,
	    "{\"password\":\"" WEB_PASSWORD "\"}");
	web_expect(&f->site.reply, 200, NULL);
	remember_revoked(f, token);
	test_issuer_token(f->second, later, "'ec', at=1, claims={%s}", claims);
	external_site_expect(f, later, 401);
	/* earlier tokens stay invalid after reactivation */
	cli_open(&cli, f->dir);
	snprintf(line, sizeof(line), "user enable %s", f->site.user_id);
	cli_run(&cli, NULL, line);
	assert_int_equal(cli.status, 0);
	cli_close(&cli);
	external_site_expect_everywhere(f, token, 401);
	expect_later(f, claims);
}

/* By another process, for a user without a session. */
TEST_IN(REDIS | NO_REDIS, the_command_line_ends_it, struct external_site *f)
{
	static const char *const commands[] = { "session revoke --user",
		"user unlink", "user disable", "user delete" };
	char token[TEST_ISSUER_TOKEN_SIZE], line[64], show[64], subject[96];
	struct cli cli;

	cli_open(&cli, f->dir);
	for (size_t i = 0; i < NELEMS(commands); i++) {
		test_issuer_token(
		    f->first, token, "'ec', claims={'sub': 'fay%zu'}", i);
		snprintf(line, sizeof(line), "%s %lld", commands[i],
		    external_site_id(f, token));
		external_site_expect_everywhere(f, token, 200);
		snprintf(show, sizeof(show), "user show %lld",
		    external_site_id(f, token));
		snprintf(subject, sizeof(subject), "%s fay%zu",
		    test_issuer_url(f->first), i);
		cli_run(&cli, NULL, show);
		cli_expect(&cli, 0, subject);
		cli_run(&cli, NULL, line);
		assert_int_equal(cli.status, 0);
		remember_revoked(f, token);
	}
	cli_close(&cli);
}

/*
 * The first issuer's clock may be five seconds ahead. Tokens it issued before
 * the epoch rose end all the same, cached or not.
 */
TEST_IN(REDIS, a_clock_ahead_does_not_save_a_token, struct external_site *f)
{
	struct later l = {
		.f = f, .p = f->first, .ahead = 5, .claims = "'sub': 'jim'"
	};
	char seen[TEST_ISSUER_TOKEN_SIZE], unseen[TEST_ISSUER_TOKEN_SIZE],
	    line[64];
	struct cli cli;

	test_issuer_token(f->first, seen, "'ec', at=4, claims={'sub': 'jim'}");
	test_issuer_token(
	    f->first, unseen, "'rsa', at=4, claims={'sub': 'jim'}");
	snprintf(line, sizeof(line), "session revoke --user %lld",
	    external_site_id(f, seen));
	cli_open(&cli, f->dir);
	cli_run(&cli, NULL, line);
	assert_int_equal(cli.status, 0);
	cli_close(&cli);
	remember_revoked(f, seen);
	remember_revoked(f, unseen);
	if (!process_until(is_accepted_again, &l, WAIT_MS))
		fail_msg("%s", f->site.reply.body.data);
}

/* The subject is kept for as long as its tokens may live. */
TEST_IN(REDIS, deletion_ends_it_and_a_later_token_is_a_new_user,
    struct external_site *f)
{
	char claims[160], token[TEST_ISSUER_TOKEN_SIZE],
	    unseen[TEST_ISSUER_TOKEN_SIZE];
	struct later l = { .f = f, .p = f->second, .claims = claims };
	long long id;

	link_account(f, "gus", claims, token);
	id = strtoll(f->site.user_id, NULL, 10);
	test_issuer_token(f->second, unseen, "'rsa', claims={%s}", claims);
	web_call(f->site.web,
	    &(struct web_call){ .method = "DELETE",
		.path = API "/auth/account",
		.body = "{\"password\":\"" WEB_PASSWORD "\"}",
		.bearer = f->site.token,
		.no_cookies = true },
	    &f->site.reply);
	web_expect(&f->site.reply, 204, NULL);
	remember_revoked(f, token);
	remember_revoked(f, unseen);
	if (!process_until(is_accepted_again, &l, WAIT_MS))
		fail_msg("%s", f->site.reply.body.data);
	assert_int_not_equal(external_site_id(f, l.token), id);
	external_site_expect_everywhere(f, token, 401);
}

struct asked {
	struct external_site *f;
	const char *token;
};

static bool
is_refused(void *ctx)
{
	const struct asked *a = ctx;

	return external_site_ask(a->f, EXTERNAL_SITE_ME, a->token) == 401;
}

/* Cached or not, a token ends at its exp. */
TEST_IN(REDIS, a_token_is_not_cached_beyond_its_exp, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE];
	struct asked a = { f, token };

	test_issuer_token(
	    f->second, token, "'ec', life=3, claims={'sub': 'hal'}");
	assert_int_equal(external_site_ask(f, EXTERNAL_SITE_ME, token), 200);
	assert_true(process_until(is_refused, &a, WAIT_MS));
	remember_revoked(f, token);
}

/* ---- revocation by a client ---- */

static const char *
introspect(struct external_site *f, const char *path, const char *token)
{
	char body[TEST_ISSUER_TOKEN_SIZE + 128];

	snprintf(body, sizeof(body), OPERATION_CLIENT "&token=%s", token);
	web_call(f->site.web,
	    &(struct web_call){ .path = path,
		.body = body,
		.type = OPERATION_FORM,
		.no_cookies = true },
	    &f->site.reply);
	web_expect(&f->site.reply, 200, NULL);
	return f->site.reply.body.len > 0 ? f->site.reply.body.data : "";
}

TEST_IN(REDIS, a_client_revokes_it, struct external_site *f)
{
	char token[TEST_ISSUER_TOKEN_SIZE];

	test_issuer_token(f->first, token, "'ec', claims={'sub': 'ivy'}");
	external_site_expect_everywhere(f, token, 200);
	introspect(f, API "/auth/revoke", token);
	remember_revoked(f, token);
	assert_string_equal(
	    introspect(f, API "/auth/introspect", token), "{\"active\":false}");
}

/* ---- the last tests of every group ---- */

static void
assert_all_revoked(struct external_site *f)
{
	assert_true(dead_count > 0);
	for (size_t i = 0; i < dead_count; i++)
		external_site_expect(f, dead[i], 401);
}

TEST_IN(REDIS | NO_REDIS, revoked_tokens_stay_revoked, struct external_site *f)
{
	struct redis_server *redis = stack_redis(f->site.stack);
	char token[TEST_ISSUER_TOKEN_SIZE];

	assert_all_revoked(f);
	if (redis != NULL) {
		redis_server_ask(redis, "FLUSHALL");
		assert_all_revoked(f);
	}
	stack_stop_pool(f->site.stack, SIGKILL);
	stack_start_pool(f->site.stack);
	assert_all_revoked(f);
	if (redis != NULL) {
		stack_stop_pool(f->site.stack, SIGKILL);
		redis_server_kill(redis);
		stack_start_pool(f->site.stack);
		assert_all_revoked(f);
		redis_server_start(redis);
		assert_all_revoked(f);
	}
	/* and other tokens are still accepted */
	test_issuer_token(
	    f->first, token, "'ec', claims={'sub': 'ann', 'x': 2}");
	external_site_expect_everywhere(f, token, 200);
	dead_count = 0;
}

TEST_RUN()
{
	char clients[OPERATION_CLIENTS_SIZE], clients_env[64];
	const char *env[] = { clients_env, NULL };
	struct external_site_options o = {
		.stack = { .workers = WORKERS, .env = env },
		.second = "leeway = 0\nlink_by_email = yes\n",
	};
	int failed;

	operation_clients(clients);
	snprintf(clients_env, sizeof(clients_env), "LATCHKEY_CLIENTS_FILE=%s",
	    clients);
	failed = external_site_run("logout", REDIS, &o);
	dead_count = 0;
	o.stack.no_redis = true;
	failed += external_site_run("logout, no Redis", NO_REDIS, &o);
	unlink(clients);
	return failed;
}
