/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json_value.h"
#include "base/str.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/process.h"
#include "support/site.h"

/*
 * The command line beside a pool whose workers have cached everything: when a
 * command exits, every worker must honour its change.
 */

#define CHECKS 8 /* enough to reach both workers */
#define OTHER_PASSWORD "walrus tangerine orbit 5"

static struct cli *
cli_of(struct site *site)
{
	static struct cli cli;

	cli_close(&cli);
	cli_open(&cli, stack_dir(site->stack));
	return &cli;
}

/* Ask often enough that every worker answers from its cache. */
static void
expect_me(struct site *site, long status)
{
	struct web_call call = {
		.path = "/auth/me", .bearer = site->token, .no_cookies = true
	};

	for (int i = 0; i < CHECKS; i++) {
		web_call(site->web, &call, &site->reply);
		web_expect(&site->reply, status,
		    status == 200 ? NULL : "invalid_token");
	}
}

static void
expect_stats(struct site *site, long status)
{
	struct web_call call = { .path = "/api/v1/cache/stats",
		.bearer = site->token,
		.no_cookies = true };

	for (int i = 0; i < CHECKS; i++) {
		web_call(site->web, &call, &site->reply);
		web_expect(
		    &site->reply, status, status == 200 ? NULL : "forbidden");
	}
}

static void
run_on_account(
    struct cli *cli, struct site *site, const char *input, const char *words)
{
	char line[160];

	(void)snprintf(line, sizeof(line), "%s %s", words, site->email);
	cli_run(cli, input, line);
}

static void
log_in(struct site *site, const char *password, long status)
{
	char body[256];

	(void)snprintf(body, sizeof(body),
	    "{\"email\":\"%s\",\"password\":\"%s\"}", site->email, password);
	web_post(site->web, "/auth/login", body, &site->reply);
	web_expect(
	    &site->reply, status, status == 200 ? NULL : "invalid_credentials");
	if (status == 200)
		site_keep(site);
}

/* ---- immediate effect in running workers ---- */

TEST(a_disabled_account_is_refused_at_once, struct site *site)
{
	struct cli *cli = cli_of(site);

	site_account(site);
	expect_me(site, 200);
	run_on_account(cli, site, NULL, "user disable");
	cli_expect(cli, 0, "sessions ended: 1");
	expect_me(site, 401);
	log_in(site, WEB_PASSWORD, 401);
	run_on_account(cli, site, NULL, "user enable");
	cli_expect(cli, 0, "enabled");
	expect_me(site, 401);
	log_in(site, WEB_PASSWORD, 200);
	expect_me(site, 200);
}

TEST(a_revoked_session_is_refused_at_once, struct site *site)
{
	struct cli *cli = cli_of(site);
	const struct json_value *row;
	char line[128], other[1100];

	site_account(site);
	memcpy(other, site->token, sizeof(other));
	log_in(site, WEB_PASSWORD, 200);
	expect_me(site, 200);
	run_on_account(cli, site, NULL, "session list --json --user");
	assert_int_equal(cli->status, 0);
	assert_int_equal(json_value_size(cli->json), 2);
	/* Both may have begun in the same second, so try which is which. */
	web_call(site->web,
	    &(struct web_call){
		.path = "/auth/me", .bearer = site->token, .no_cookies = true },
	    &site->reply);
	(void)snprintf(line, sizeof(line), "session revoke %s",
	    web_text(&site->reply, "session.handle"));
	cli_run(cli, NULL, line);
	cli_expect(cli, 0, "ended ");
	expect_me(site, 401);
	cli_run(cli, NULL, line);
	cli_expect(cli, 0, "ended "); /* ending it twice is no error */
	memcpy(site->token, other, sizeof(other));
	expect_me(site, 200);
	run_on_account(cli, site, NULL, "session list --json --user");
	assert_int_equal(json_value_size(cli->json), 1);
	row = json_value_at(cli->json, 0);
	assert_string_equal(
	    json_value_string(json_value_member(row, "email")), site->email);
	run_on_account(cli, site, NULL, "session revoke --user");
	cli_expect(cli, 0, "sessions ended: 1");
	expect_me(site, 401);
}

TEST(setting_a_password_ends_all_sessions_at_once, struct site *site)
{
	struct cli *cli = cli_of(site);

	site_account(site);
	expect_me(site, 200);
	run_on_account(cli, site, "short\n", "user passwd");
	cli_expect(cli, 1, "at least 8 characters");
	expect_me(site, 200);
	run_on_account(cli, site, OTHER_PASSWORD "\n", "user passwd");
	cli_expect(cli, 0, "sessions ended: 1");
	expect_me(site, 401);
	log_in(site, WEB_PASSWORD, 401);
	log_in(site, OTHER_PASSWORD, 200);
	expect_me(site, 200);
}

TEST(a_role_takes_effect_at_once, struct site *site)
{
	struct cli *cli = cli_of(site);

	site_account(site);
	expect_stats(site, 403);
	run_on_account(cli, site, NULL, "user promote");
	cli_expect(cli, 0, "now an administrator");
	expect_stats(site, 200);
	/* It is the only one. */
	run_on_account(cli, site, NULL, "user demote");
	cli_expect(cli, 1, "--force");
	run_on_account(cli, site, NULL, "user disable");
	cli_expect(cli, 1, "is the last administrator");
	run_on_account(cli, site, NULL, "user delete");
	cli_expect(cli, 1, "--force");
	expect_stats(site, 200);
	run_on_account(cli, site, NULL, "user demote --force");
	cli_expect(cli, 0, "no longer an administrator");
	expect_stats(site, 403);
	expect_me(site, 200);
}

TEST(a_deleted_account_is_refused_at_once, struct site *site)
{
	struct cli *cli = cli_of(site);

	site_account(site);
	expect_me(site, 200);
	run_on_account(cli, site, NULL, "user delete");
	cli_expect(cli, 0, "sessions ended: 1");
	expect_me(site, 401);
	run_on_account(cli, site, NULL, "user show");
	cli_expect(cli, 1, "not found");
	run_on_account(cli, site, NULL, "user delete");
	cli_expect(cli, 1, "not found");
	log_in(site, WEB_PASSWORD, 401);
}

/* ---- accounts ---- */

TEST(an_added_account_can_sign_in, struct site *site)
{
	struct cli *cli = cli_of(site);

	(void)snprintf(site->email, sizeof(site->email), "grace@example.org");
	run_on_account(cli, site, OTHER_PASSWORD "\n",
	    "user add --role admin --name Grace --json");
	assert_int_equal(cli->status, 0);
	assert_non_null(cli->json);
	assert_string_equal(
	    json_value_string(json_value_member(cli->json, "role")), "admin");
	assert_string_equal(
	    json_value_string(json_value_member(cli->json, "name")), "Grace");
	log_in(site, OTHER_PASSWORD, 200);
	expect_stats(site, 200);
	run_on_account(cli, site, OTHER_PASSWORD "\n", "user add");
	cli_expect(cli, 1, "already exists");
	run_on_account(cli, site, NULL, "user show");
	cli_expect(cli, 0, "Sessions  1\n");
	cli_run(cli, NULL, "user list GRACE@");
	cli_expect(cli, 0, "grace@example.org  Grace  admin  active");
	cli_run(cli, NULL, "user list no-such-user --json");
	cli_expect(cli, 0, "[]\n");
}

TEST(bad_usage_is_one_line_and_status_2)
{
	static const struct {
		const char *line, *input, *text;
	} cases[] = {
		{ "user", NULL, "needs a command" },
		{ "user ad", NULL, "user ad" },
		{ "user add", "x\n", "needs EMAIL" },
		{ "user add a@example.org secret", "x\n",
		    "unexpected argument" },
		{ "user add a@example.org --password x", "x\n", "--password" },
		{ "user add a@example.org --role king", "x\n", "king" },
		{ "user add nobody", OTHER_PASSWORD "\n", "not an email" },
		{ "user add a@example.org", NULL, "contains no password" },
		{ "user list --limit 0", NULL, "--limit" },
		{ "user list --after x", NULL, "--after" },
		{ "user show", NULL, "needs USER" },
		{ "user show 1 2", NULL, "unexpected argument" },
		{ "session revoke", NULL, "--user" },
		{ "session revoke x --user 1", NULL, "--user" },
		{ "session revoke 123", NULL, "not a handle" },
		{ "session list --limit many", NULL, "--limit" },
		{ "help serf", NULL, "serf" },
	};
	struct cli *cli = cli_of(*state);
	const char *end;

	for (size_t i = 0; i < NELEMS(cases); i++) {
		cli_run(cli, cases[i].input, cases[i].line);
		cli_expect(cli, 2, cases[i].text);
		end = strchr(cli->text.data, '\n');
		assert_non_null(end);
		assert_string_equal(end, "\n");
	}
	cli_run(cli, NULL, "user show 4711");
	cli_expect(cli, 1, "not found");
	cli_run(cli, NULL, "session revoke 0123456789abcdef0123456789abcdef");
	cli_expect(cli, 1, "not found");
}

/* ---- the terminal ---- */

struct awaited {
	const char *path, *text;
};

static bool
is_printed(void *ctx)
{
	const struct awaited *a = ctx;

	return access(a->path, F_OK) == 0 &&
	    stack_file_contains(a->path, a->text);
}

static void
answer(const struct cli *cli, int fd, const char *question, const char *text)
{
	struct awaited a = { cli->log, question };

	assert_true(process_until(is_printed, &a, 60000));
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* The password is read twice, and nothing of it is shown. */
TEST(a_terminal_asks_twice_without_echo, struct site *site)
{
	struct cli *cli = cli_of(site);
	char shown[512] = { 0 };
	int ours, theirs;
	pid_t pid;

	assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
	pid = cli_start(cli, "user add tty@example.org", theirs);
	answer(cli, ours, "New password: ", OTHER_PASSWORD "\n");
	answer(cli, ours, "Repeat the password: ", OTHER_PASSWORD " \n");
	cli_wait(cli, pid);
	cli_expect(cli, 2, "passwords differ");
	pid = cli_start(cli, "user add tty@example.org", theirs);
	answer(cli, ours, "New password: ", OTHER_PASSWORD "\n");
	answer(cli, ours, "Repeat the password: ", OTHER_PASSWORD "\n");
	cli_wait(cli, pid);
	cli_expect(cli, 0, "tty@example.org");
	assert_null(strstr(cli->text.data, "walrus"));
	close(theirs);
	/* Without echo there may be nothing to read. */
	(void)!read(ours, shown, sizeof(shown) - 1);
	assert_null(strstr(shown, "walrus"));
	close(ours);
}

/* ---- keys ---- */

TEST(keys_are_rotated_and_replaced, struct site *site)
{
	struct cli *cli = cli_of(site);

	site_account(site);
	expect_me(site, 200);
	cli_run(cli, NULL, "key list --json");
	assert_int_equal(cli->status, 0);
	assert_int_equal(json_value_size(cli->json), 1);
	cli_run(cli, NULL, "key rotate");
	cli_expect(cli, 0, " signs in ");
	expect_me(site, 200);
	cli_run(cli, NULL, "key rotate");
	cli_expect(cli, 1, "already waiting to sign");
	cli_run(cli, NULL, "key list");
	cli_expect(cli, 0, "  signs  ");
	cli_expect(cli, 0, "  next   ");
	/* Every token ends with its key, in every worker at once. */
	cli_run(cli, NULL, "key rotate --replace");
	cli_expect(cli, 0, " signs now; all tokens ended");
	expect_me(site, 401);
	cli_run(cli, NULL, "key list --json");
	assert_int_equal(json_value_size(cli->json), 1);
	log_in(site, WEB_PASSWORD, 200);
	expect_me(site, 200);
}

/* ---- stats ---- */

/* Wait for the text. */
static bool
shows(int fd, const char *text)
{
	char all[32768] = { 0 };
	size_t len = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (len < sizeof(all) - 1 && poll(&p, 1, 60000) > 0) {
		ssize_t n = read(fd, all + len, sizeof(all) - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		if (strstr(all, text) != NULL)
			return true;
	}
	return false;
}

TEST(stats_count_the_requests_of_the_pool, struct site *site)
{
	struct cli *cli = cli_of(site);
	int64_t before, after = 0;
	char dir[96];
	struct cli idle;
	int ours, theirs;
	pid_t pid;

	site_account(site);
	cli_run(cli, NULL, "stats --json --watch");
	assert_int_equal(cli->status, 0);
	assert_int_equal(
	    json_value_int(json_value_member(cli->json, "requests"), &before),
	    ERR_OK);
	assert_true(before > 0);
	expect_me(site, 200);
	/* A worker counts after it has answered. */
	for (int i = 0; i < 100 && after < before + CHECKS; i++) {
		cli_run(cli, NULL, "stats --json");
		assert_int_equal(
		    json_value_int(
			json_value_member(cli->json, "requests"), &after),
		    ERR_OK);
	}
	assert_int_equal(after, before + CHECKS);
	/* Without a terminal --watch prints once and ends. */
	cli_run(cli, NULL, "stats --watch --interval 1");
	cli_expect(cli, 0, "HIT RATE");
	assert_null(strchr(cli->text.data, '\033'));
	cli_run(cli, NULL, "stats --interval 0");
	cli_expect(cli, 2, "--interval");

	/* On a terminal it continues until Ctrl-C. */
	assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
	assert_int_equal(
	    str_copy(cli->log, sizeof(cli->log), ttyname(theirs)), ERR_OK);
	pid = cli_start(cli, "stats --watch --interval 1", -1);
	assert_true(shows(ours, "last interval"));
	assert_int_equal(process_stop(pid, SIGINT, 60000) & 0x7f, SIGINT);
	close(ours);
	close(theirs);

	(void)snprintf(dir, sizeof(dir), "%s/idle", stack_dir(site->stack));
	assert_int_equal(mkdir(dir, 0700), 0);
	cli_open(&idle, dir);
	cli_run(&idle, NULL, "stats");
	cli_expect(&idle, 1, "no process uses");
	cli_close(&idle);
}

/* ---- the first administrator ---- */

TEST(of_two_at_once_one_becomes_administrator, struct site *site)
{
	char dir[96], words[64];
	struct cli both[2];
	pid_t pids[2];
	int ends[2], admins;

	for (int round = 0; round < 4; round++) {
		admins = 0;
		(void)snprintf(dir, sizeof(dir), "%s/first%d",
		    stack_dir(site->stack), round);
		assert_int_equal(mkdir(dir, 0700), 0);
		for (int i = 0; i < 2; i++) {
			cli_open(&both[i], dir);
			cli_env(&both[i], "LATCHKEY_FIRST_ADMIN=yes");
			(void)snprintf(both[i].log, sizeof(both[i].log),
			    "%s/out%d", dir, i);
			(void)snprintf(words, sizeof(words),
			    "user add --json u%d@example.org", i);
			assert_int_equal(pipe(ends), 0);
			assert_true(write(ends[1], OTHER_PASSWORD "\n",
					sizeof(OTHER_PASSWORD)) > 0);
			close(ends[1]);
			pids[i] = cli_start(&both[i], words, ends[0]);
			close(ends[0]);
		}
		for (int i = 0; i < 2; i++) {
			cli_wait(&both[i], pids[i]);
			cli_expect(&both[i], 0, "\"role\":");
			admins += strstr(both[i].text.data,
				      "\"role\":\"admin\"") != NULL;
			cli_close(&both[i]);
		}
		assert_int_equal(admins, 1);
	}
	/* Without the option no account becomes one. */
	(void)snprintf(dir, sizeof(dir), "%s/none", stack_dir(site->stack));
	assert_int_equal(mkdir(dir, 0700), 0);
	cli_open(&both[0], dir);
	cli_run(&both[0], OTHER_PASSWORD "\n", "user add u@example.org --json");
	cli_expect(&both[0], 0, "\"role\":\"user\"");
	cli_close(&both[0]);
}

/* Root leaves no file behind that the workers cannot open. */
TEST(root_works_as_the_owner_of_the_database, struct site *site)
{
	static const char *const names[] = { "latchkey.db", "latchkey.db-wal",
		"latchkey.db-lock", "latchkey.db-ballast", "shared.mem",
		"master.key" };
	struct cli cli;
	char dir[96], path[160];
	struct stat st;

	if (geteuid() != 0)
		skip();
	/* The folders above must be open to all users, as /tmp is. */
	(void)snprintf(dir, sizeof(dir), "/tmp/latchkey-owner-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chown(dir, 65534, 65534), 0);
	cli_open(&cli, dir);
	(void)snprintf(
	    cli.log, sizeof(cli.log), "%s/owner.out", stack_dir(site->stack));
	cli_run(&cli, OTHER_PASSWORD "\n", "user add ada@example.org");
	cli_expect(&cli, 0, "ada@example.org");
	for (size_t i = 0; i < NELEMS(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_mode & 077, 0);
	}
	cli_close(&cli);
	process_remove_tree(dir);
}

TEST_RUN()
{
	static const struct stack_options options = { .workers = 2 };

	return site_run("cli", TEST_ALL, &options);
}
