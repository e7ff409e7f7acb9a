/* SPDX-License-Identifier: ISC */
#include "support/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

extern char **environ;

struct fixture {
	char dir[64];
	char path[96];   /* the configuration file */
	char secret[96]; /* a secret file */
	char why[512];
	struct config *config;
};

static void
write_file(const char *path, mode_t mode, const char *text)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* The environment of the caller must not matter. */
static void
setup(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(f->dir, sizeof(f->dir), "%.40s/config-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_int_equal(clearenv(), 0);
	if (tmp != NULL)
		setenv("TMPDIR", tmp, 1);
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/latchkey.conf", f->dir);
	snprintf(f->secret, sizeof(f->secret), "%s/secret", f->dir);
	write_file(f->path, 0600, "");
}

static void
teardown(struct fixture *f)
{
	config_free(f->config);
	unlink(f->path);
	unlink(f->secret);
	rmdir(f->dir);
}

TEST_FIXTURE(struct fixture, setup, teardown);

static enum err
load(struct fixture *f)
{
	config_free(f->config);
	return config_load(f->path, f->why, sizeof(f->why), &f->config);
}

static void
expect_good(struct fixture *f)
{
	enum err err = load(f);

	assert_string_equal(f->why, "");
	assert_int_equal(err, ERR_OK);
	assert_non_null(f->config);
}

static void
expect_refused(struct fixture *f, const char *why)
{
	assert_int_equal(load(f), ERR_INVALID);
	assert_null(f->config);
	assert_string_equal(f->why, why);
}

/* The same where the message names this test's files. */
static void
expect_refused_with(struct fixture *f, const char *part)
{
	assert_int_equal(load(f), ERR_INVALID);
	assert_null(f->config);
	if (strstr(f->why, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", f->why, part);
	assert_null(strchr(f->why, '\n'));
}

static char *
printed(const struct config *c)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	config_print(c, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

TEST(defaults_are_good, struct fixture *f)
{
	expect_good(f);
	assert_string_equal(config_text(f->config, CONFIG_DATABASE_URL),
	    "sqlite:/var/lib/latchkey/latchkey.db");
	assert_int_equal(config_int(f->config, CONFIG_SESSION_TTL), 604800);
	assert_int_equal(config_int(f->config, CONFIG_ARGON2_KIB), 19456);
	assert_true(config_bool(f->config, CONFIG_REDIS_ENABLED));
	assert_false(config_bool(f->config, CONFIG_ALWAYS_HTTPS));
	assert_string_equal(config_text(f->config, CONFIG_JWT_SECRET), "");
}

TEST(limits_are_so_many_in_seconds, struct fixture *f)
{
	static const char *const bad[] = { "5", "5/", "/60", "5/60/", "0/60",
		"5/0", "-1/60", "5/-1", "1000001/1", "1/86401", "5 /60",
		"05/60", "5/60s", "99999999999999999999999999999/60" };
	int64_t seconds;

	expect_good(f);
	assert_int_equal(
	    config_rate(f->config, CONFIG_LIMIT_LOGIN, &seconds), 5);
	assert_int_equal(seconds, 60);
	assert_int_equal(
	    config_rate(f->config, CONFIG_LIMIT_REGISTER, &seconds), 3);
	assert_int_equal(seconds, 3600);
	assert_int_equal(
	    config_rate(f->config, CONFIG_LIMIT_DEFAULT, &seconds), 10);
	assert_int_equal(seconds, 60);
	write_file(f->path, 0600, "LATCHKEY_LIMIT_LOGIN = 1000000/86400\n");
	expect_good(f);
	assert_int_equal(
	    config_rate(f->config, CONFIG_LIMIT_LOGIN, &seconds), 1000000);
	assert_int_equal(seconds, 86400);
	for (size_t i = 0; i < NELEMS(bad); i++) {
		setenv("LATCHKEY_LIMIT_REGISTER", bad[i], 1);
		expect_refused_with(f,
		    "LATCHKEY_LIMIT_REGISTER: must be N/SECONDS, 1/1 to "
		    "1000000/86400, not \"");
	}
	unsetenv("LATCHKEY_LIMIT_REGISTER");
}

TEST(environment_beats_file_beats_default, struct fixture *f)
{
	char *text;

	write_file(f->path, 0600,
	    "# a comment\n"
	    "\n"
	    "  SESSION_TTL =  600 \r\n"
	    "USER_CACHE_TTL=700\n"
	    "LATCHKEY_ISSUER = \"a#b\" = c");
	setenv("SESSION_TTL", "500", 1);
	expect_good(f);
	assert_int_equal(config_int(f->config, CONFIG_SESSION_TTL), 500);
	assert_int_equal(config_int(f->config, CONFIG_USER_CACHE_TTL), 700);
	assert_string_equal(
	    config_text(f->config, CONFIG_JWT_ISSUER), "\"a#b\" = c");
	text = printed(f->config);
	assert_non_null(
	    strstr(text, "\n# from the environment\nSESSION_TTL = 500\n"));
	assert_non_null(
	    strstr(text, "\n# from the file\nUSER_CACHE_TTL = 700\n"));
	assert_non_null(strstr(text, "\nLATCHKEY_WORKERS = 0\n"));
	free(text);
}

TEST(booleans_have_eight_spellings, struct fixture *f)
{
	static const struct {
		const char *text;
		bool value;
	} cases[] = { { "true", true }, { "FALSE", false }, { "1", true },
		{ "0", false }, { "yes", true }, { "No", false },
		{ "on", true }, { "off", false } };

	for (size_t i = 0; i < NELEMS(cases); i++) {
		setenv("REDIS_ENABLED", cases[i].text, 1);
		expect_good(f);
		assert_int_equal(config_bool(f->config, CONFIG_REDIS_ENABLED),
		    cases[i].value);
	}
	setenv("REDIS_ENABLED", "maybe", 1);
	expect_refused(
	    f, "REDIS_ENABLED: must be true or false, not \"maybe\"");
}

/* Each bad value is one line that names the option. */
TEST(bad_values_are_refused, struct fixture *f)
{
	static const struct {
		const char *name, *value, *why;
	} cases[] = {
		{ "LATCHKEY_WORKERS", "513",
		    "LATCHKEY_WORKERS: must be between 0 and 512, not "
		    "\"513\"" },
		{ "LATCHKEY_WORKERS", "-1",
		    "LATCHKEY_WORKERS: must be between 0 and 512, not "
		    "\"-1\"" },
		{ "LATCHKEY_WORKERS", "4 ",
		    "LATCHKEY_WORKERS: must be between 0 and 512, not "
		    "\"4 \"" },
		{ "LATCHKEY_WORKERS", "4\n\x1b[1m",
		    "LATCHKEY_WORKERS: must be between 0 and 512, not "
		    "\"4??[1m\"" },
		{ "SESSION_TTL", "99999999999999999999",
		    "SESSION_TTL: must be between 60 and 31536000, not "
		    "\"99999999999999999999\"" },
		{ "LATCHKEY_ISSUER", "a\tb",
		    "LATCHKEY_ISSUER: must not hold control characters" },
		{ "LATCHKEY_LOG_LEVEL", "loud",
		    "LATCHKEY_LOG_LEVEL: must be error, warn, info or debug, "
		    "not \"loud\"" },
		{ "LATCHKEY_LOGIN_PAGE", "https://a.example/",
		    "LATCHKEY_LOGIN_PAGE: must be a path of this site, as in "
		    "/login.html, not \"https://a.example/\"" },
		{ "LATCHKEY_LOGIN_PAGE", "//a.example/",
		    "LATCHKEY_LOGIN_PAGE: must be a path of this site, as in "
		    "/login.html, not \"//a.example/\"" },
		{ "LATCHKEY_LOGIN_PAGE", "login.html",
		    "LATCHKEY_LOGIN_PAGE: must be a path of this site, as in "
		    "/login.html, not \"login.html\"" },
		{ "LATCHKEY_LOGIN_PAGE", "/#in",
		    "LATCHKEY_LOGIN_PAGE: must be a path of this site, as in "
		    "/login.html, not \"/#in\"" },
		{ "LATCHKEY_WORKRS", "4",
		    "LATCHKEY_WORKRS: there is no such option" },
		{ "LATCHKEY_WORKERS_FILE", "/x",
		    "LATCHKEY_WORKERS_FILE: there is no such option" },
		{ "JWT_SECRET", "short",
		    "JWT_SECRET: must have at least 32 characters" },
		{ "JWT_SECRET", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		    "JWT_SECRET: must not be a few characters repeated" },
		{ "JWT_ALGORITHM", "RS512",
		    "JWT_ALGORITHM: must be HS256, RS256 or ES256" },
		{ "DATABASE_URL", "postgresql://db/latchkey",
		    "DATABASE_URL: PostgreSQL is not supported yet, use "
		    "sqlite:PATH" },
		{ "DATABASE_URL", "sqlite:///tmp/x.db",
		    "DATABASE_URL: must be sqlite:PATH, as in "
		    "sqlite:/var/lib/latchkey/latchkey.db" },
		{ "DATABASE_URL", "/tmp/x.db",
		    "DATABASE_URL: must be sqlite:PATH, as in "
		    "sqlite:/var/lib/latchkey/latchkey.db" },
		{ "DATABASE_URL", "sqlite::memory:",
		    "DATABASE_URL: the path must name a file" },
		{ "DATABASE_URL", "sqlite:/tmp/",
		    "DATABASE_URL: the path must name a file" },
	};

	for (size_t i = 0; i < NELEMS(cases); i++) {
		setenv(cases[i].name, cases[i].value, 1);
		expect_refused(f, cases[i].why);
		unsetenv(cases[i].name);
	}
	expect_good(f);
}

TEST(redis_url_is_checked_if_it_is_used, struct fixture *f)
{
	setenv("REDIS_URL", "rediss://cache.example:6379", 1);
	expect_refused_with(f, "REDIS_URL: ");
	setenv("REDIS_ENABLED", "false", 1);
	expect_good(f);
}

TEST(bad_lines_say_where, struct fixture *f)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "SESSION_TTL 600\n", "must be KEY = value" },
		{ "\n\nNAME = x\n", "is wrong: NAME: there is no such option" },
		{ "LATCHKEY_CONFIG = x\n",
		    "LATCHKEY_CONFIG: there is no such option" },
		{ "session_ttl = 600\n",
		    "session_ttl: there is no such option" },
		{ "SESSION_TTL = 600\nSESSION_TTL = 601\n",
		    "SESSION_TTL: is set twice" },
		{ "SESSION_TTL = 1\n",
		    "SESSION_TTL: must be between 60 and 31536000, not "
		    "\"1\"" },
		{ "LATCHKEY_WORKERS =\n",
		    "LATCHKEY_WORKERS: must be between 0 and 512, not \"\"" },
		{ "LATCHKEY_ISSUER =\n",
		    "LATCHKEY_ISSUER: must have between 1 and 128 "
		    "characters, not 0" },
	};
	static const int lines[] = { 1, 3, 1, 1, 2, 1, 1, 1 };
	char where[160];

	for (size_t i = 0; i < NELEMS(cases); i++) {
		write_file(f->path, 0600, cases[i].text);
		expect_refused_with(f, cases[i].why);
		snprintf(
		    where, sizeof(where), "line %d of %s ", lines[i], f->path);
		expect_refused_with(f, where);
	}
	/* A line that the environment overrides is checked all the same. */
	write_file(f->path, 0600, "SESSION_TTL = 1\n");
	setenv("SESSION_TTL", "600", 1);
	expect_refused_with(f, "SESSION_TTL: ");
}

/* What it may say is in test_issuers_file. */
TEST(the_file_of_other_issuers_is_read, struct fixture *f)
{
	write_file(f->secret, 0600, "[https://id.example]\naudience = a\n");
	setenv("LATCHKEY_ISSUERS_FILE", f->secret, 1);
	expect_good(f);
	setenv("LATCHKEY_ISSUER", "https://id.example", 1);
	expect_refused_with(
	    f, "LATCHKEY_ISSUERS_FILE: [https://id.example] is this site");
	write_file(f->secret, 0600, "[https://id.example]\nnonsense\n");
	expect_refused_with(f, "LATCHKEY_ISSUERS_FILE: line 2 of ");
}

TEST(zero_bytes_are_refused, struct fixture *f)
{
	static const char text[] = "SESSION_TTL = 600\0x\n";
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	assert_int_equal(
	    fwrite(text, 1, sizeof(text) - 1, file), sizeof(text) - 1);
	assert_int_equal(fclose(file), 0);
	expect_refused_with(f, "holds a zero byte");
}

TEST(an_empty_name_of_the_file_is_none, struct fixture *f)
{
	struct config *by_default = NULL;
	char *expected, *text;

	assert_int_equal(
	    config_load(NULL, f->why, sizeof(f->why), &by_default), ERR_OK);
	setenv("LATCHKEY_CONFIG", "", 1);
	assert_int_equal(
	    config_load(NULL, f->why, sizeof(f->why), &f->config), ERR_OK);
	expected = printed(by_default);
	text = printed(f->config);
	assert_string_equal(text, expected);
	free(text);
	free(expected);
	config_free(by_default);
}

TEST(a_named_file_must_exist, struct fixture *f)
{
	unlink(f->path);
	expect_refused_with(f, "cannot open ");
	setenv("LATCHKEY_CONFIG", f->path, 1);
	assert_int_equal(
	    config_load(NULL, f->why, sizeof(f->why), &f->config), ERR_INVALID);
	write_file(f->path, 0600, "SESSION_TTL = 61\n");
	assert_int_equal(
	    config_load(NULL, f->why, sizeof(f->why), &f->config), ERR_OK);
	assert_int_equal(config_int(f->config, CONFIG_SESSION_TTL), 61);
	config_free(f->config);
	assert_int_equal(
	    config_load(f->dir, f->why, sizeof(f->why), &f->config),
	    ERR_INVALID);
}

#define SECRET "0123456789abcdef0123456789abcdef"

TEST(secrets_come_from_files, struct fixture *f)
{
	write_file(f->secret, 0600, SECRET "\n");
	setenv("JWT_SECRET_FILE", f->secret, 1);
	expect_good(f);
	assert_string_equal(config_text(f->config, CONFIG_JWT_SECRET), SECRET);
	setenv("JWT_SECRET", SECRET, 1);
	expect_refused_with(f, "JWT_SECRET: is set twice in the environment");
	unsetenv("JWT_SECRET");

	/* A group that this process is in may read it, but not write it. */
	assert_int_equal(chmod(f->secret, 0640), 0);
	expect_good(f);
	assert_int_equal(chmod(f->secret, 0660), 0);
	expect_refused_with(f, "JWT_SECRET: others may read ");
	assert_int_equal(chmod(f->secret, 0604), 0);
	expect_refused_with(f, "JWT_SECRET: others may read ");
	if (geteuid() == 0) {
		assert_int_equal(chmod(f->secret, 0640), 0);
		assert_int_equal(chown(f->secret, 0, 54321), 0);
		expect_refused_with(f, "JWT_SECRET: others may read ");
	}
	unlink(f->secret);
	expect_refused_with(f, "JWT_SECRET: cannot open ");
	setenv("JWT_SECRET_FILE", "/dev/zero", 1);
	expect_refused(f, "JWT_SECRET: /dev/zero is not a regular file");
}

TEST(secret_files_may_be_named_in_the_file, struct fixture *f)
{
	char text[160];

	write_file(f->secret, 0600, SECRET);
	snprintf(text, sizeof(text), "JWT_SECRET_FILE = %s\n", f->secret);
	write_file(f->path, 0644, text);
	expect_good(f);
	assert_string_equal(config_text(f->config, CONFIG_JWT_SECRET), SECRET);
}

TEST(credentials_of_systemd_count, struct fixture *f)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/JWT_SECRET", f->dir);
	write_file(path, 0440, SECRET "\n");
	setenv("CREDENTIALS_DIRECTORY", f->dir, 1);
	expect_good(f);
	assert_string_equal(config_text(f->config, CONFIG_JWT_SECRET), SECRET);
	setenv("JWT_SECRET", "a" SECRET, 1);
	expect_good(f);
	assert_string_equal(
	    config_text(f->config, CONFIG_JWT_SECRET), "a" SECRET);
	unlink(path);
}

/* As "${SESSION_TTL}" is in a compose file, without the variable. */
TEST(an_empty_variable_is_unset, struct fixture *f)
{
	static const char *const names[] = { "SESSION_TTL", "REDIS_ENABLED",
		"DATABASE_URL", "LATCHKEY_LOG_LEVEL", "JWT_SECRET_FILE",
		"LATCHKEY_NO_SUCH_OPTION" };

	write_file(f->path, 0600, "SESSION_TTL = 3600\n");
	for (size_t i = 0; i < NELEMS(names); i++)
		setenv(names[i], "", 1);
	expect_good(f);
	assert_int_equal(config_int(f->config, CONFIG_SESSION_TTL), 3600);
}

TEST(variables_of_service_links_are_ignored, struct fixture *f)
{
	static const char *const links[][2] = {
		{ "LATCHKEY_SERVICE_HOST", "10.0.0.11" },
		{ "LATCHKEY_SERVICE_PORT", "9000" },
		{ "LATCHKEY_SERVICE_PORT_FCGI", "9000" },
		{ "LATCHKEY_PORT", "tcp://10.0.0.11:9000" },
		{ "LATCHKEY_PORT_9000_TCP", "tcp://10.0.0.11:9000" },
		{ "LATCHKEY_PORT_9000_TCP_PROTO", "tcp" },
		{ "LATCHKEY_WEB_PORT_53_UDP_ADDR", "10.0.0.11" },
		{ "LATCHKEY_WEB_SERVICE_HOST", "10.0.0.12" },
	};

	for (size_t i = 0; i < NELEMS(links); i++)
		setenv(links[i][0], links[i][1], 1);
	expect_good(f);
	setenv("LATCHKEY_PORT", "9000", 1);
	expect_refused(f, "LATCHKEY_PORT: there is no such option");
}

TEST(comments_and_quotes_are_no_part_of_a_value, struct fixture *f)
{
	static const char *const refused[][2] = {
		{ "LATCHKEY_ISSUER = https://id.example.org   # our site\n",
		    "a comment cannot follow a value" },
		{ "SESSION_TTL = 600\t#\n", "a comment cannot follow" },
		{ "LATCHKEY_AUDIENCE = \"shop\"\n", "in quotes" },
		{ "LATCHKEY_AUDIENCE = 'shop'\n", "in quotes" },
	};

	for (size_t i = 0; i < NELEMS(refused); i++) {
		write_file(f->path, 0600, refused[i][0]);
		expect_refused_with(f, refused[i][1]);
	}
	write_file(f->path, 0600, "");
	setenv("LATCHKEY_AUDIENCE", "'shop'", 1);
	expect_refused_with(f, "in quotes");
	unsetenv("LATCHKEY_AUDIENCE");
	write_file(f->path, 0600,
	    "\xef\xbb\xbf# Windows\r\n  # more\r\n"
	    "LATCHKEY_AUDIENCE = shop#1\r\nLATCHKEY_ISSUER = it's\r\n");
	expect_good(f);
	assert_string_equal(
	    config_text(f->config, CONFIG_JWT_AUDIENCE), "shop#1");
}

TEST(what_is_printed_can_be_read_back, struct fixture *f)
{
	char *text;

	setenv("JWT_SECRET", SECRET, 1);
	setenv("LATCHKEY_ISSUER", "https://id.example.org", 1);
	expect_good(f);
	text = printed(f->config);
	write_file(f->path, 0600, text);
	free(text);
	unsetenv("LATCHKEY_ISSUER");
	expect_good(f);
	assert_string_equal(config_text(f->config, CONFIG_JWT_ISSUER),
	    "https://id.example.org");
	assert_string_equal(config_text(f->config, CONFIG_JWT_SECRET), SECRET);
	/* The secret itself is not in it. */
	unsetenv("JWT_SECRET");
	expect_refused_with(f, "write the secret itself");
}

TEST(secrets_are_never_printed, struct fixture *f)
{
	char *text;

	setenv("JWT_SECRET", SECRET, 1);
	setenv("REDIS_URL", "redis://:hunter22@127.0.0.1/0", 1);
	expect_good(f);
	text = printed(f->config);
	assert_null(strstr(text, SECRET));
	assert_null(strstr(text, "hunter22"));
	assert_non_null(strstr(text, "\nJWT_SECRET = (set)\n"));
	assert_non_null(strstr(text, "\nREDIS_URL = (set)\n"));
	free(text);

	/* Nor in a message about them. */
	setenv("JWT_SECRET", "hunter22", 1);
	assert_int_equal(load(f), ERR_INVALID);
	assert_null(strstr(f->why, "hunter22"));
}

TEST(secrets_in_a_file_for_all_are_refused, struct fixture *f)
{
	write_file(f->path, 0644, "REDIS_URL = redis://127.0.0.1/1\n");
	expect_good(f);
	write_file(f->path, 0644, "REDIS_URL = redis://:pw@127.0.0.1/1\n");
	expect_refused_with(f, "REDIS_URL: others may read this file");
	write_file(f->path, 0640, "JWT_SECRET = " SECRET "\n");
	expect_good(f);
	write_file(f->path, 0644, "JWT_SECRET = " SECRET "\n");
	expect_refused_with(f, "JWT_SECRET: others may read this file");
}

/* The rule of base/line_file, as for the files of clients and issuers. */
TEST(a_file_that_others_can_write_is_refused, struct fixture *f)
{
	write_file(f->path, 0602, "SESSION_TTL = 600\n");
	expect_refused_with(f, f->path);
	write_file(f->path, 0640, "SESSION_TTL = 600\n");
	expect_good(f);
}

static void
expect_mb(struct fixture *f, int64_t mb)
{
	char *text;

	expect_good(f);
	assert_int_equal(config_int(f->config, CONFIG_MEMORY_CACHE_MB), mb);
	text = printed(f->config);
	assert_non_null(strstr(text, "\nLATCHKEY_MEMORY_CACHE_MB = "));
	assert_null(strstr(text, "LATCHKEY_TABLE_MB"));
	free(text);
}

/* Runs expect_mb() and returns how often the log names the old option. */
static size_t
warnings_of(struct fixture *f, int64_t mb)
{
	char log[4096] = "";
	int standard_error = dup(STDERR_FILENO), ends[2];
	size_t n = 0;
	ssize_t len;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	expect_mb(f, mb);
	assert_int_equal(dup2(standard_error, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(close(standard_error), 0);
	len = read(ends[0], log, sizeof(log) - 1);
	assert_true(len >= 0);
	assert_int_equal(close(ends[0]), 0);
	for (const char *at = log;
	     (at = strstr(at, "event=option_renamed")) != NULL; at++)
		n++;
	if (n > 0)
		assert_non_null(strstr(
		    log, "old=LATCHKEY_TABLE_MB new=LATCHKEY_MEMORY_CACHE_MB"));
	return n;
}

TEST(an_old_name_sets_the_option_with_one_warning, struct fixture *f)
{
	assert_int_equal(warnings_of(f, 64), 0);
	setenv("LATCHKEY_TABLE_MB", "7", 1);
	assert_int_equal(warnings_of(f, 7), 1);
	/* the environment before the file, as ever */
	write_file(f->path, 0600, "LATCHKEY_TABLE_MB = 8\n");
	assert_int_equal(warnings_of(f, 7), 1);
	unsetenv("LATCHKEY_TABLE_MB");
	assert_int_equal(warnings_of(f, 8), 1);
	write_file(f->path, 0600, "LATCHKEY_TABLE_MB = 0\n");
	expect_refused_with(f, "LATCHKEY_MEMORY_CACHE_MB: must be between");
}

TEST(the_present_name_wins_over_the_old_one, struct fixture *f)
{
	/* the order of the environment is that of setenv() */
	for (int order = 0; order < 2; order++) {
		clearenv();
		if (order == 0)
			setenv("LATCHKEY_MEMORY_CACHE_MB", "9", 1);
		setenv("LATCHKEY_TABLE_MB", "7", 1);
		setenv("LATCHKEY_MEMORY_CACHE_MB", "9", 1);
		assert_int_equal(warnings_of(f, 9), 1);
	}
	unsetenv("LATCHKEY_MEMORY_CACHE_MB");
	write_file(f->path, 0600, "LATCHKEY_MEMORY_CACHE_MB = 10\n");
	assert_int_equal(warnings_of(f, 10), 1);
	unsetenv("LATCHKEY_TABLE_MB");
	write_file(f->path, 0600,
	    "LATCHKEY_MEMORY_CACHE_MB = 11\nLATCHKEY_TABLE_MB = 12\n");
	assert_int_equal(warnings_of(f, 11), 1);
	write_file(f->path, 0600,
	    "LATCHKEY_TABLE_MB = 12\nLATCHKEY_MEMORY_CACHE_MB = 11\n");
	assert_int_equal(warnings_of(f, 11), 1);
	write_file(
	    f->path, 0600, "LATCHKEY_TABLE_MB = 12\nLATCHKEY_TABLE_MB = 12\n");
	expect_refused_with(f, "LATCHKEY_TABLE_MB: is set twice");
}

TEST(the_state_lies_beside_the_database_unless_it_is_named, struct fixture *f)
{
	char database[120], link[120], url[140];

	snprintf(url, sizeof(url), "sqlite:%s/none.db", f->dir);
	setenv("DATABASE_URL", url, 1);
	expect_good(f);
	assert_string_equal(config_state_dir(f->config), f->dir);
	setenv("LATCHKEY_STATE_DIR", "/var/lib/other", 1);
	expect_good(f);
	assert_string_equal(config_state_dir(f->config), "/var/lib/other");
	unsetenv("LATCHKEY_STATE_DIR");

	/* a link is followed: all names of a database have one folder */
	snprintf(link, sizeof(link), "%s/link", f->dir);
	snprintf(database, sizeof(database), "/dev/null");
	assert_int_equal(symlink(database, link), 0);
	snprintf(url, sizeof(url), "sqlite:%s", link);
	setenv("DATABASE_URL", url, 1);
	expect_good(f);
	assert_string_equal(config_state_dir(f->config), "/dev");
	assert_int_equal(unlink(link), 0);
}

TEST(every_option_is_in_the_help)
{
	static const char *const names[] = {
#define OPTION(id, name, type, min, max, fallback, help) name,
#include "config/options.def"
#undef OPTION
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	config_help(out);
	assert_int_equal(fclose(out), 0);
	for (size_t i = 0; i < NELEMS(names); i++)
		assert_non_null(strstr(text, names[i]));
	free(text);
}
