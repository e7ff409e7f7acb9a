/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "support/cli.h"
#include "support/database.h"
#include "support/files.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/site.h"

/* A healthy site, and the same site with one fault at a time. */

#define PASSWORD "walrus tangerine orbit 5\n"
#define LOGIN_PAGE "LATCHKEY_LOGIN_PAGE=/signin.html"

/*
 * Beside the guarded page of every stack: a page without a guard, one whose
 * program receives the browser's identity headers, and two that redirect to
 * each other.
 */
static const char lighttpd[] =
    "server.modules += ( \"mod_redirect\" )\n"
    "$HTTP[\"url\"] =~ \"^/echo(/|$)\" {\n"
    "fastcgi.server = ( \"/\" => (( \"socket\" => var.fcgi,\n"
    "\"mode\" => \"authorizer\", \"docroot\" => var.dir,\n"
    "\"check-local\" => \"disable\", \"disable-time\" => 0 )) )\n"
    "cgi.assign = ( \".cgi\" => \"/bin/sh\" )\n}\n"
    "url.redirect = ( \"^/loop1\" => \"/loop2\", \"^/loop2\" => \"/loop1\" )\n";

static const char echo_cgi[] =
    "printf 'Content-Type: text/plain\\r\\n\\r\\n%s\\n' "
    "\"$HTTP_X_AUTH_USER\"\n";

static void
put_page(
    const char *dir, const char *folder, const char *file, const char *text)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s%s", dir, folder);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s%s/%s", dir, folder, file);
	files_write(path, text, strlen(text));
}

static struct cli *
cli_of(struct site *site)
{
	static struct cli cli;

	cli_close(&cli);
	cli_open(&cli, stack_dir(site->stack));
	cli_env(&cli, LOGIN_PAGE);
	return &cli;
}

/* Expect a finding with that verdict and subject, ${text} and ${cure}. */
static void
expect_finding(const struct cli *cli, const char *start, const char *text,
    const char *cure)
{
	const char *line = cli->text.data;
	char one[1200];

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		(void)snprintf(one, sizeof(one), "%.*s", (int)len, line);
		if (strncmp(one, start, strlen(start)) == 0 &&
		    strstr(one, text) != NULL && strstr(one, cure) != NULL)
			return;
		line += len + (line[len] == '\n');
	}
	fail_msg("no \"%s\" with \"%s\" and \"%s\": %s", start, text, cure,
	    cli->text.data);
}

static void
expect_fail(const struct cli *cli, const char *subject, const char *text,
    const char *cure)
{
	char start[32];

	assert_int_equal(cli->status, 1);
	(void)snprintf(start, sizeof(start), "fail  %s: ", subject);
	expect_finding(cli, start, text, cure);
}

/* Run every check on the whole site. */
static void
run_all(struct cli *cli, struct site *site, const char *guarded)
{
	char line[512];

	(void)snprintf(line, sizeof(line),
	    "doctor --listen unix:%s --url %s --guarded %s",
	    stack_socket(site->stack), stack_base(site->stack), guarded);
	cli_run(cli, NULL, line);
}

TEST(a_healthy_site_has_no_failure, struct site *site)
{
	struct cli *cli = cli_of(site);

	site_account(site);
	redis_server_ask(stack_redis(site->stack), "CONFIG SET maxmemory 64mb");
	redis_server_ask(stack_redis(site->stack),
	    "CONFIG SET maxmemory-policy allkeys-lru");
	run_all(cli, site, STACK_GUARDED);
	cli_expect(cli, 0, "ok    configuration: ");
	assert_null(strstr(cli->text.data, "fail "));
	expect_finding(cli, "ok    store: ", "quick_check", "");
	expect_finding(cli, "ok    store: ", "writable", "");
	expect_finding(cli, "ok    redis: ", "version", "");
	expect_finding(cli, "ok    redis: ", "allkeys-lru", "");
	expect_finding(cli, "ok    socket: ", "answers", "");
	expect_finding(cli, "ok    url: ", "answers", "");
	expect_finding(cli, "ok    cookie: ", "accepts it", "");
	expect_finding(cli, "ok    login page: ", "/signin.html", "");
	expect_finding(cli, "ok    guard: ", "status 302", "");
	expect_finding(cli, "ok    identity: ", STACK_GUARDED, "");
	/* The temporary account was deleted. */
	cli_run(cli, NULL, "user list doctor- --json");
	cli_expect(cli, 0, "[]\n");
	cli_run(cli, NULL, "doctor --json");
	assert_int_equal(cli->status, 0);
	assert_non_null(cli->json);
}

/* ---- single faults ---- */

TEST(a_bad_configuration)
{
	struct cli *cli = cli_of(*state);

	cli_env(cli, "LATCHKEY_WORKERS=many");
	cli_run(cli, NULL, "doctor");
	expect_fail(cli, "configuration", "LATCHKEY_WORKERS",
	    "latchkey config --options");
}

TEST(a_readable_secret_in_the_configuration)
{
	static const char conf[] =
	    "JWT_SECRET = kYhq2nX7pBv4sWd9mTz3cRf6gLj8aQe5\n";
	struct cli *cli = cli_of(*state);
	char path[800], line[900];

	(void)snprintf(path, sizeof(path), "%s/open.conf", cli->dir);
	files_write(path, conf, sizeof(conf) - 1);
	assert_int_equal(chmod(path, 0644), 0);
	(void)snprintf(line, sizeof(line), "doctor --config %s", path);
	cli_run(cli, NULL, line);
	expect_fail(cli, "configuration", "others may read", "chmod 640");
}

static void
with_mode(struct cli *cli, const char *name, mode_t mode)
{
	char path[160];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s%s", cli->dir, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(chmod(path, mode), 0);
	cli_run(cli, NULL, "doctor");
	assert_int_equal(chmod(path, st.st_mode & 07777), 0);
}

TEST(a_folder_writable_by_others)
{
	struct cli *cli = cli_of(*state);

	with_mode(cli, "", 0777);
	expect_fail(cli, "folder", "other users may write", "chmod 700");
}

TEST(files_readable_by_others)
{
	struct cli *cli = cli_of(*state);

	with_mode(cli, "/latchkey.db", 0644);
	expect_fail(cli, "files", "latchkey.db (mode 644)", "chmod 600");
	with_mode(cli, "/master.key", 0640);
	expect_fail(cli, "files", "master.key (mode 640)", "chmod 600");
	expect_fail(cli, "store", "cannot be opened", "log lines above");
}

/* Create a separate database with an account. */
static void
another(struct cli *cli, struct site *site, const char *name)
{
	char dir[96];

	(void)snprintf(dir, sizeof(dir), "%s/%s", stack_dir(site->stack), name);
	assert_int_equal(mkdir(dir, 0700), 0);
	cli_open(cli, dir);
	cli_run(cli, PASSWORD, "user add ada@example.org");
	cli_expect(cli, 0, "ada@example.org");
}

TEST(a_clock_behind_the_store)
{
	struct cli cli;

	another(&cli, *state, "clock");
	database_run(cli.db_env + strlen("DATABASE_URL=sqlite:"),
	    "UPDATE latest SET time = time + 86400");
	cli_run(&cli, NULL, "doctor");
	expect_fail(&cli, "clock", "behind the latest time in the store",
	    "set the clock");
	cli_close(&cli);
}

TEST(a_damaged_database)
{
	struct cli cli;
	char junk[1024];

	another(&cli, *state, "damaged");
	memset(junk, 0xa5, sizeof(junk));
	database_run(cli.db_env + strlen("DATABASE_URL=sqlite:"),
	    "PRAGMA wal_checkpoint(TRUNCATE)");
	files_put(cli.db_env + strlen("DATABASE_URL=sqlite:"), 4096, junk,
	    sizeof(junk));
	cli_run(&cli, NULL, "doctor");
	expect_fail(&cli, "store", "cannot be opened", "latchkey restore");
	cli_close(&cli);
}

/* Without the reserve file there is no space for changes. */
TEST(a_store_without_room)
{
	struct cli cli;
	char path[160];

	another(&cli, *state, "room");
	(void)snprintf(path, sizeof(path), "%s/latchkey.db-ballast", cli.dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	cli_run(&cli, NULL, "doctor");
	expect_fail(&cli, "store", "cannot write a change", "free disk space");
	expect_fail(&cli, "files", "not a regular file", "move it away");
	cli_close(&cli);
}

TEST(a_missing_redis)
{
	struct cli cli;

	another(&cli, *state, "redis");
	cli.env[1] = "REDIS_URL=unix:///nowhere/redis.sock";
	cli_run(&cli, NULL, "doctor");
	expect_fail(&cli, "redis", "does not answer", "REDIS_ENABLED=false");
	cli_close(&cli);
}

TEST(a_redis_without_eviction, struct site *site)
{
	struct redis_server *redis = stack_redis(site->stack);
	struct cli *cli = cli_of(site);

	redis_server_ask(redis, "CONFIG SET maxmemory 64mb");
	redis_server_ask(redis, "CONFIG SET maxmemory-policy noeviction");
	redis_server_ask(redis, "CONFIG SET stop-writes-on-bgsave-error yes");
	cli_run(cli, NULL, "doctor");
	expect_fail(
	    cli, "redis", "refuses writes when it is full", "allkeys-lru");
	expect_finding(cli, "warn  redis: ", "failed snapshot",
	    "stop-writes-on-bgsave-error no");
	redis_server_ask(redis, "CONFIG SET maxmemory-policy allkeys-lru");
	redis_server_ask(redis, "CONFIG SET stop-writes-on-bgsave-error no");
	redis_server_ask(redis, "CONFIG SET appendonly yes");
	cli_run(cli, NULL, "doctor");
	expect_finding(cli, "warn  redis: ", "every change", "appendonly no");
	redis_server_ask(redis, "CONFIG SET appendonly no");
}

TEST(a_socket_without_latchkey, struct site *site)
{
	struct cli *cli = cli_of(site);
	char line[160];

	cli_run(cli, NULL, "doctor --listen unix:/nowhere/fcgi.sock");
	expect_fail(cli, "socket", "nothing listens", "start the pool");
	(void)snprintf(line, sizeof(line), "doctor --listen %s",
	    stack_base(site->stack) + strlen("http://"));
	cli_run(cli, NULL, line);
	expect_fail(
	    cli, "socket", "no FastCGI answer", "check that latchkey listens");
	assert_int_equal(chmod(stack_socket(site->stack), 0666), 0);
	(void)snprintf(line, sizeof(line), "doctor --listen unix:%s",
	    stack_socket(site->stack));
	cli_run(cli, NULL, line);
	assert_int_equal(chmod(stack_socket(site->stack), 0660), 0);
	expect_fail(cli, "socket", "every user may connect", "chmod 660");
}

TEST(a_site_without_latchkey, struct site *site)
{
	struct cli *cli = cli_of(site);
	char line[160];

	(void)snprintf(line, sizeof(line), "doctor --url http://127.0.0.1:%d",
	    process_free_port());
	cli_run(cli, NULL, line);
	expect_fail(cli, "url", "cannot be reached", "start the web server");
	(void)snprintf(line, sizeof(line), "doctor --url %s/guarded/nothing",
	    stack_base(site->stack));
	cli_run(cli, NULL, line);
	expect_fail(cli, "url", "not 200", "pass the paths of the API");
	cli_run(cli, NULL, "doctor --url example.org");
	expect_fail(cli, "url", "is not a URL", "https://");
}

TEST(a_cookie_that_browsers_reject, struct site *site)
{
	static const char *const env[] = { "LATCHKEY_ALWAYS_HTTPS=true", NULL };
	static const struct stack_options options = {
		.workers = 1, .no_redis = true, .env = env
	};
	struct cli *cli = cli_of(site);
	struct stack *secure = stack_new(&options);
	char line[160];

	assert_true(stack_ready(secure, 60000));
	(void)snprintf(
	    line, sizeof(line), "doctor --url %s", stack_base(secure));
	cli_run(cli, NULL, line);
	expect_fail(cli, "cookie", "Secure", "LATCHKEY_ALWAYS_HTTPS");
	stack_free(secure);
	/* This machine, by an address that is not recognized as loopback. */
	(void)snprintf(line, sizeof(line), "doctor --url http://0.0.0.0:%s",
	    strrchr(stack_base(site->stack), ':') + 1);
	cli_run(cli, NULL, line);
	expect_fail(cli, "cookie", "another machine", "over https");
}

TEST(a_guard_that_does_not_guard, struct site *site)
{
	struct cli *cli = cli_of(site);

	run_all(cli, site, "/open/page.html");
	expect_fail(cli, "guard", "served without a sign-in", "put the guard");
}

TEST(identity_headers_sent_by_a_browser, struct site *site)
{
	struct cli *cli = cli_of(site);

	run_all(cli, site, "/echo/echo.cgi");
	expect_fail(
	    cli, "identity", "that the browser sent", "overwrite or remove");
	expect_finding(cli, "ok    guard: ", "status 302", "");
}

TEST(a_login_page_that_cannot_be_reached, struct site *site)
{
	struct cli *cli = cli_of(site);

	run_all(cli, site, "/loop1/page");
	expect_fail(cli, "login page", "form a loop", "LATCHKEY_LOGIN_PAGE");
	cli_env(cli, "LATCHKEY_LOGIN_PAGE=/guarded/file.txt");
	cli->env[cli->env_count - 2] = cli->env[cli->env_count - 1];
	run_all(cli, site, STACK_GUARDED);
	/* The redirect leads to the pool's login page, another one here. */
	expect_finding(cli, "ok    login page: ", "/signin.html", "");
	cli->env[cli->env_count - 1] = "LATCHKEY_LOGIN_PAGE=/missing.html";
	cli->env[cli->env_count - 2] = cli->env[cli->env_count - 1];
	run_all(cli, site, STACK_GUARDED);
	expect_fail(cli, "login page", "status 404", "LATCHKEY_LOGIN_PAGE");
}

/* The first account of an empty site must be its owner's. */
TEST(an_empty_site_gets_no_account, struct site *site)
{
	struct cli cli;
	char dir[96];

	(void)snprintf(dir, sizeof(dir), "%s/empty", stack_dir(site->stack));
	assert_int_equal(mkdir(dir, 0700), 0);
	cli_open(&cli, dir);
	cli_env(&cli, LOGIN_PAGE);
	run_all(&cli, site, STACK_GUARDED);
	expect_finding(&cli, "warn  files: ", "no database yet", "start");
	expect_finding(&cli, "warn  identity: ", "not checked", "account");
	cli_run(&cli, NULL, "user list --json");
	cli_expect(&cli, 0, "[]\n");
	cli_close(&cli);
}

TEST_RUN()
{
	static const char *const env[] = { LOGIN_PAGE, NULL };
	char dir[] = "/tmp/latchkey-doctor-XXXXXX";
	struct stack_options options = {
		.workers = 2, .lighttpd = lighttpd, .env = env
	};
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	options.dir = dir;
	put_page(dir, "", "signin.html", "sign in here\n");
	put_page(dir, "/open", "page.html", "public\n");
	put_page(dir, "/echo", "echo.cgi", echo_cgi);
	failed = site_run("doctor", TEST_ALL, &options);
	process_remove_tree(dir);
	return failed;
}
