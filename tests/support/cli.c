/* SPDX-License-Identifier: ISC */
#include "support/cli.h"

#include "base/str.h"
#include "support/test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json_value.h"
#include "support/files.h"
#include "support/process.h"

#define WAIT_MS 60000
#define WORDS_MAX 24

void
cli_open(struct cli *cli, const char *dir)
{
	char socket[128];

	memset(cli, 0, sizeof(*cli));
	cli->program = getenv("LATCHKEY_PROGRAM");
	assert_int_equal(str_copy(cli->dir, sizeof(cli->dir), dir), ERR_OK);
	(void)snprintf(cli->log, sizeof(cli->log), "%s/cli.out", dir);
	(void)snprintf(cli->db_env, sizeof(cli->db_env),
	    "DATABASE_URL=sqlite:%s/latchkey.db", dir);
	(void)snprintf(socket, sizeof(socket), "%s/redis.sock", dir);
	(void)snprintf(cli->redis_env, sizeof(cli->redis_env),
	    access(socket, F_OK) == 0 ? "REDIS_URL=unix://%s"
				      : "REDIS_ENABLED=false",
	    socket);
	cli_env(cli, cli->db_env);
	cli_env(cli, cli->redis_env);
	cli_env(cli, "LATCHKEY_ARGON2_KIB=64");
	cli_env(cli, "LATCHKEY_ARGON2_PASSES=1");
	cli_env(cli, "LATCHKEY_MEMORY_CACHE_MB=1");
}

void
cli_env(struct cli *cli, const char *variable)
{
	assert_true(cli->env_count + 1 < NELEMS(cli->env));
	cli->env[cli->env_count++] = variable;
	cli->env[cli->env_count] = NULL;
}

void
cli_close(struct cli *cli)
{
	json_value_free(cli->json);
	buf_clear(&cli->text);
}

pid_t
cli_start(struct cli *cli, const char *line, int fd)
{
	const char *argv[WORDS_MAX] = { cli->program };
	struct process_options p = {
		.argv = argv, .env = cli->env, .log = cli->log, .stdin_fd = fd
	};
	char words[512], *save, *word;
	size_t n = 1;

	assert_non_null(argv[0]);
	assert_int_equal(str_copy(words, sizeof(words), line), ERR_OK);
	for (word = strtok_r(words, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(n + 1 < WORDS_MAX);
		argv[n++] = word;
	}
	if (strncmp(cli->log, "/dev/", 5) != 0)
		(void)unlink(cli->log);
	return process_start(&p);
}

void
cli_wait(struct cli *cli, pid_t pid)
{
	int status = process_stop(pid, 0, WAIT_MS);

	cli->status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	buf_reset(&cli->text);
	buf_puts(&cli->text, "");
	files_read(cli->log, &cli->text);
	json_value_free(cli->json);
	cli->json = NULL;
	if (json_value_parse(cli->text.data, cli->text.len, &cli->json) !=
	    ERR_OK)
		cli->json = NULL;
}

void
cli_run(struct cli *cli, const char *input, const char *line)
{
	int ends[2] = { -1, -1 };
	pid_t pid;

	if (input != NULL) {
		assert_int_equal(pipe(ends), 0);
		/* Far less than a pipe holds. */
		assert_int_equal(write(ends[1], input, strlen(input)),
		    (ssize_t)strlen(input));
		close(ends[1]);
	}
	pid = cli_start(cli, line, ends[0]);
	if (input != NULL)
		close(ends[0]);
	cli_wait(cli, pid);
}

void
cli_expect_at(const struct cli *cli, int status, const char *text,
    const char *file, int line)
{
	if (cli->status == status && strstr(cli->text.data, text) != NULL)
		return;
	print_error("%s:%d: status %d, not %d with \"%s\": %s\n", file, line,
	    cli->status, status, text, cli->text.data);
	_fail(file, line);
}
