/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "support/process.h"

/* Messages and exit statuses of the command line. */
#define WAIT_MS 60000

struct fixture {
	char dir[32];
	char log[64];
	char conf[64];
	char db[80];
	struct buf text; /* the output */
	int status;
};

static void
set_up(struct fixture *f)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/latchkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->log, sizeof(f->log), "%s/out", f->dir);
	snprintf(f->conf, sizeof(f->conf), "%s/latchkey.conf", f->dir);
	snprintf(
	    f->db, sizeof(f->db), "DATABASE_URL=sqlite:%s/latchkey.db", f->dir);
}

static void
tear_down(struct fixture *f)
{
	buf_clear(&f->text);
	process_remove_tree(f->dir);
}

static void
write_conf(const struct fixture *f, const char *text)
{
	FILE *file = fopen(f->conf, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* Run the product with the words of ${line} and one more variable, or NULL. */
static void
run_on(struct fixture *f, const char *line, const char *variable, int in)
{
	char words[256];
	const char *argv[12] = { getenv("LATCHKEY_PROGRAM") };
	const char *env[3] = { f->db, variable, NULL };
	struct process_options p = {
		.argv = argv, .env = env, .log = f->log, .stdin_fd = in
	};
	size_t n = 1, got;
	char block[4096];
	FILE *file;
	int status;

	assert_non_null(argv[0]);
	snprintf(words, sizeof(words), "%s", line);
	for (char *save, *word = strtok_r(words, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	(void)unlink(f->log);
	status = process_stop(process_start(&p), 0, WAIT_MS);
	assert_true(WIFEXITED(status));
	f->status = WEXITSTATUS(status);
	buf_reset(&f->text);
	buf_puts(&f->text, "");
	file = fopen(f->log, "r");
	assert_non_null(file);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		buf_append(&f->text, block, got);
	fclose(file);
	assert_false(f->text.failed);
}

static void
run(struct fixture *f, const char *line, const char *variable)
{
	run_on(f, line, variable, -1);
}

static void
expect(const struct fixture *f, int status, const char *text)
{
	if (f->status != status || strstr(f->text.data, text) == NULL)
		fail_msg("status %d, not %d with \"%s\": %s", f->status, status,
		    text, f->text.data);
}

/* One clear line, and exit status 2. */
static void
expect_refusal(const struct fixture *f, const char *text)
{
	const char *end = strchr(f->text.data, '\n');

	expect(f, 2, text);
	assert_ptr_equal(strstr(f->text.data, "latchkey: "), f->text.data);
	assert_non_null(end);
	assert_string_equal(end, "\n");
}

TEST(help_and_version, struct fixture *f)
{
	run(f, "--help", NULL);
	expect(f, 0, "usage: latchkey");
	expect(f, 0, "serve");
	expect(f, 0, "config");
	run(f, "help", NULL);
	expect(f, 0, "usage: latchkey");
	run(f, "serve --help", NULL);
	expect(f, 0, "--listen");
	run(f, "config --help", NULL);
	expect(f, 0, "--config");
	run(f, "--version", NULL);
	expect(f, 0, "latchkey " PACKAGE_VERSION "\n");
}

/* Every option with its value and its source. */
TEST(config_prints_every_option, struct fixture *f)
{
	static const char *const names[] = {
#define OPTION(id, name, type, min, max, fallback, help) name,
#include "config/options.def"
#undef OPTION
	};
	char line[128];
	char with_conf[128];
	size_t lines = 0;

	write_conf(f, "# a comment\n\nLATCHKEY_WORKERS = 3\n");
	snprintf(with_conf, sizeof(with_conf), "config --config %s", f->conf);
	run(f, with_conf, "ACCESS_TOKEN_EXPIRE_MINUTES=11");
	for (size_t i = 0; i < NELEMS(names); i++) {
		snprintf(line, sizeof(line), "%s = ", names[i]);
		if (strstr(f->text.data, line) == NULL)
			fail_msg("no %s", names[i]);
	}
	/* Comments say where the values after them come from. */
	for (const char *p = f->text.data; *p != '\0'; p = strchr(p, '\n') + 1)
		lines += *p != '#';
	assert_int_equal(lines, NELEMS(names));
	expect(
	    f, 0, "# from the environment\nACCESS_TOKEN_EXPIRE_MINUTES = 11\n");
	expect(f, 0, "# from the file\nLATCHKEY_WORKERS = 3\n");
	expect(f, 0, "SESSION_TTL = 604800\n");
}

TEST(config_prints_no_secret, struct fixture *f)
{
	static const char secret[] = "correcthorsebatterystaplecorrecthorse";
	char variable[64];

	snprintf(variable, sizeof(variable), "JWT_SECRET=%s", secret);
	run(f, "config", variable);
	expect(f, 0, "JWT_SECRET = ");
	assert_null(strstr(f->text.data, secret));
	run(f, "config", "REDIS_URL=redis://u:parol@127.0.0.1:1/0");
	expect(f, 0, "REDIS_URL = ");
	assert_null(strstr(f->text.data, "parol"));
}

TEST(wrong_words, struct fixture *f)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "", "needs a command" },
		{ "serf", "serf" },
		{ "serve --listne unix:x", "--listne" },
		{ "serve --listen", "--listen" },
		{ "serve more", "more" },
		{ "serve --workers 0 --listen unix:x", "between" },
		{ "serve --workers 513 --listen unix:x", "between" },
		{ "serve --workers two --listen unix:x", "between" },
		{ "serve", "descriptor 0" },
		{ "serve --listen nowhere", "neither" },
		{ "serve --listen unix:", "path" },
		{ "serve --listen 0.0.0.0:9", "--allow-remote" },
		{ "serve --listen 192.0.2.1:9000", "--allow-remote" },
		{ "serve --listen [::]:9000", "--allow-remote" },
		{ "serve --listen [2001:db8::1]:9000", "--allow-remote" },
		{ "config --optoins", "--optoins" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		run(f, cases[i].line, NULL);
		expect_refusal(f, cases[i].text);
	}
}

/* A connected socket and an unbound one are refused. */
TEST(descriptor_0_must_listen, struct fixture *f)
{
	int pair[2], fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	run_on(f, "serve", NULL, fd);
	expect_refusal(f, "descriptor 0");
	run_on(f, "serve", NULL, pair[0]);
	expect_refusal(f, "descriptor 0");
	run_on(f, "", NULL, pair[0]);
	expect_refusal(f, "command");
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

TEST(bad_configuration, struct fixture *f)
{
	static const struct {
		const char *variable, *text;
	} cases[] = {
		{ "LATCHKEY_NO_SUCH_NAME=1", "LATCHKEY_NO_SUCH_NAME" },
		{ "LATCHKEY_WORKERS=many", "LATCHKEY_WORKERS" },
		{ "LATCHKEY_WORKERS=513", "LATCHKEY_WORKERS" },
		{ "ACCESS_TOKEN_EXPIRE_MINUTES=0",
		    "ACCESS_TOKEN_EXPIRE_MINUTES" },
		{ "REDIS_ENABLED=perhaps", "REDIS_ENABLED" },
		{ "REDIS_URL=rediss://127.0.0.1:6379/0", "rediss" },
		{ "REDIS_URL=http://127.0.0.1/", "REDIS_URL" },
		{ "DATABASE_URL=postgresql://127.0.0.1/x", "DATABASE_URL" },
		{ "DATABASE_URL=/var/lib/x.db", "DATABASE_URL" },
		{ "JWT_ALGORITHM=none", "JWT_ALGORITHM" },
		{ "JWT_ALGORITHM=RS512", "JWT_ALGORITHM" },
		{ "JWT_SECRET=short", "JWT_SECRET" },
		{ "JWT_SECRET=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "JWT_SECRET" },
		{ "LATCHKEY_LOG_LEVEL=loud", "LATCHKEY_LOG_LEVEL" },
		{ "LATCHKEY_ISSUERS_FILE=/nowhere", "LATCHKEY_ISSUERS_FILE" },
	};
	static const struct {
		const char *conf, *text;
	} files[] = {
		{ "nonsense\n", "latchkey.conf" },
		{ "NO_SUCH_NAME = 1\n", "NO_SUCH_NAME" },
		{ "SESSION_TTL = 1d\n", "SESSION_TTL" },
	};
	char listen[128], line[256];

	snprintf(listen, sizeof(listen), "serve --listen unix:%s/sock", f->dir);
	for (size_t i = 0; i < NELEMS(cases); i++) {
		run(f, listen, cases[i].variable);
		expect_refusal(f, cases[i].text);
		run(f, "config", cases[i].variable);
		expect_refusal(f, cases[i].text);
	}
	snprintf(line, sizeof(line), "%s --config %s", listen, f->conf);
	for (size_t i = 0; i < NELEMS(files); i++) {
		write_conf(f, files[i].conf);
		run(f, line, NULL);
		expect_refusal(f, files[i].text);
	}
	(void)unlink(f->conf);
	run(f, line, NULL);
	expect_refusal(f, "latchkey.conf");
	/* No file was created. */
	snprintf(line, sizeof(line), "%s/sock", f->dir);
	assert_int_equal(access(line, F_OK), -1);
}

TEST_GROUP_FIXTURE(struct fixture, set_up, tear_down);
