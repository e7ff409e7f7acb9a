/* SPDX-License-Identifier: ISC */
#ifndef SUPPORT_CLI_H
#define SUPPORT_CLI_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

struct json_value;

/* The program's sub-commands, as an operator types them. */

struct cli {
	const char *program; /* $LATCHKEY_PROGRAM */
	char dir[96];
	const char *env[16]; /* NULL at the end; cli_env() adds */
	size_t env_count;
	char db_env[160];
	char redis_env[160];
	char log[128];
	struct buf text;         /* all that was printed, stderr too */
	struct json_value *json; /* NULL unless that is JSON */
	int status;              /* of exit(3), or minus the signal */
};

/**
 * cli_open(cli, dir): on the database ${dir}/latchkey.db, and on the Redis of
 * that folder if there is one, with hashes that cost next to nothing.
 * cli_env(cli, variable): one more NAME=value, borrowed.
 */
void cli_open(struct cli *cli, const char *dir);
void cli_env(struct cli *cli, const char *variable);
void cli_close(struct cli *cli);

/**
 * cli_run(cli, input, line):
 * Run the words of ${line} (no quoting; ${input} NULL: nothing to read) to
 * their end: status, text, json.
 */
void cli_run(struct cli *cli, const char *input, const char *line);

/* cli_start(cli, line, fd): start it with ${fd} as its standard input. */
pid_t cli_start(struct cli *cli, const char *line, int fd);
/* cli_wait(cli, pid): what cli_run() leaves behind. */
void cli_wait(struct cli *cli, pid_t pid);

/* cli_expect(cli, status, text): it ended so, and printed that. */
#define cli_expect(cli, status, text)                                          \
	cli_expect_at((cli), (status), (text), __FILE__, __LINE__)
void cli_expect_at(const struct cli *cli, int status, const char *text,
    const char *file, int line);

#endif
