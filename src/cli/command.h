/* SPDX-License-Identifier: ISC */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

/* What one sub-command is, and the reading of its arguments. */

#define COMMAND_OPTIONS_MAX 8 /* NULL at the end */

struct command;

/* What was typed; borrowed from main's argv. */
struct command_line {
	const struct command *command;
	const char *values[COMMAND_OPTIONS_MAX]; /* as its options; or NULL */
	char **operands;
	int count;
};

/* Do it; return the exit status (cli/exit.h). */
typedef int command_fn(const struct command_line *line);

struct command_option {
	const char *name;
	const char *value; /* what stands for it in the help; NULL: a flag */
	const char *help;
};

struct command {
	const char *group; /* "user" of "user add", or "" */
	const char *name;
	const char *operands; /* as the help shows them; "" */
	int least, most;      /* how many operands it takes */
	command_fn *run;
	const char *help;  /* one line without a full stop */
	const char *about; /* whole sentences, or "" */
	struct command_option options[COMMAND_OPTIONS_MAX];
};

/**
 * command_parse(command, argc, argv, line_out):
 * Read ${argv}, whose first word is the command's own.  Return EXIT_GO_ON, or
 * an exit status: the help was asked for, or one line said what is wrong.
 */
int command_parse(const struct command *command, int argc, char **argv,
    struct command_line *line_out);

/**
 * command_value(line, name), command_flag(line, name):
 * The value of the option --${name}, which the command must have, or NULL; was
 * it given?
 */
const char *command_value(const struct command_line *line, const char *name);
bool command_flag(const struct command_line *line, const char *name);

/* command_title(command): "user add" or "serve"; until the next call. */
const char *command_title(const struct command *command);

/* command_help(command, out): all there is to know about it. */
void command_help(const struct command *command, FILE *out);

#endif
