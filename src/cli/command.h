/* SPDX-License-Identifier: ISC */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

/* The description of a sub-command, and the parser of its arguments. */

#define COMMAND_OPTIONS_MAX 8 /* NULL at the end */

struct command;

/* The arguments; they borrow from main's argv. */
struct command_line {
	const struct command *command;
	const char *values[COMMAND_OPTIONS_MAX]; /* in the order of its options;
						    or NULL */
	char **operands;
	int count;
};

/* Run the command; return the exit status (cli/exit.h). */
typedef int command_fn(const struct command_line *line);

struct command_option {
	const char *name;
	const char *value; /* its name in the help; NULL: a flag */
	const char *help;
};

struct command {
	const char *group; /* "user" of "user add", or "" */
	const char *name;
	const char *operands; /* as the help shows them; "" */
	int least, most;      /* number of operands */
	command_fn *run;
	const char *help;  /* one line without a full stop */
	const char *about; /* whole sentences, or "" */
	struct command_option options[COMMAND_OPTIONS_MAX];
};

/**
 * command_parse(command, argc, argv, line_out):
 * Parse ${argv}, whose first word is the command's name.  Return EXIT_GO_ON, or
 * an exit status after the help was printed or one line on stderr.
 */
int command_parse(const struct command *command, int argc, char **argv,
    struct command_line *line_out);

/**
 * command_value(line, name): the value of the option --${name}; NULL without
 * it. command_flag(line, name): true if --${name} was given. The command must
 * have an option of that name.
 */
const char *command_value(const struct command_line *line, const char *name);
bool command_flag(const struct command_line *line, const char *name);

/* command_title(command): "user add" or "serve"; valid until the next call. */
const char *command_title(const struct command *command);

/* command_help(command, out): print usage, description and options. */
void command_help(const struct command *command, FILE *out);

#endif
