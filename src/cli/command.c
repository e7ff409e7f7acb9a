/* SPDX-License-Identifier: ISC */
#include "cli/command.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

#include "base/err.h"
#include "cli/exit.h"

#define TITLE_SIZE 40
#define TEXT_WIDTH 78
#define OPTION_WIDTH 22

const char *
command_title(const struct command *command)
{
	static char title[TITLE_SIZE];

	(void)snprintf(title, sizeof(title), "%s%s%s", command->group,
	    command->group[0] != '\0' ? " " : "", command->name);
	return title;
}

/* ---- reading ---- */

/* getopt_long(3) returns LETTER_FIRST + n for the command's option n. */
#define LETTER_FIRST 256
#define LETTER_HELP 'h'

static void
list_options(const struct command *command,
    struct option longs[static COMMAND_OPTIONS_MAX + 2])
{
	size_t n = 0;

	while (command->options[n].name != NULL) {
		const struct command_option *o = &command->options[n];

		longs[n] = (struct option){ .name = o->name,
			.has_arg =
			    o->value != NULL ? required_argument : no_argument,
			.val = LETTER_FIRST + (int)n };
		n++;
	}
	longs[n] = (struct option){ .name = "help", .val = LETTER_HELP };
}

static int
check_operands(const struct command_line *line)
{
	const struct command *command = line->command;

	if (line->count > command->most)
		return exit_usage("%s: unexpected argument \"%.64s\"",
		    command_title(command), line->operands[command->most]);
	if (line->count < command->least)
		return exit_usage("%s: needs %s; try --help",
		    command_title(command), command->operands);
	return EXIT_GO_ON;
}

int
command_parse(const struct command *command, int argc, char **argv,
    struct command_line *line_out)
{
	struct option longs[COMMAND_OPTIONS_MAX + 2] = { 0 };
	int letter;

	*line_out = (struct command_line){ .command = command };
	list_options(command, longs);
	opterr = 0;
	optind = 0; /* start over: main() may have parsed before */
	while ((letter = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (letter == LETTER_HELP) {
			command_help(command, stdout);
			return exit_finish();
		}
		if (letter < LETTER_FIRST)
			return exit_bad_option(
			    command_title(command), letter, argv[optind - 1]);
		line_out->values[letter - LETTER_FIRST] =
		    optarg != NULL ? optarg : "";
	}
	line_out->operands = argv + optind;
	line_out->count = argc - optind;
	return check_operands(line_out);
}

const char *
command_value(const struct command_line *line, const char *name)
{
	const struct command_option *options = line->command->options;
	size_t i = 0;

	while (options[i].name != NULL && strcmp(options[i].name, name) != 0)
		i++;
	assert(options[i].name != NULL);
	return line->values[i];
}

bool
command_flag(const struct command_line *line, const char *name)
{
	return command_value(line, name) != NULL;
}

/* ---- help ---- */

/* Print ${text} in lines indented by ${indent}; the cursor is there already. */
static void
wrap(FILE *out, const char *text, int indent)
{
	int column = indent;

	while (*text != '\0') {
		int len = (int)strcspn(text, " \n");

		if (column > indent && column + 1 + len > TEXT_WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", len, text);
		column += len;
		text += len;
		if (*text == '\n') {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		}
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

static void
option_help(const struct command_option *o, FILE *out)
{
	char left[64];
	int len;

	len = snprintf(left, sizeof(left), "  --%s%s%s", o->name,
	    o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	if (len < OPTION_WIDTH)
		fprintf(out, "%-*s", OPTION_WIDTH, left);
	else
		fprintf(out, "%s\n%*s", left, OPTION_WIDTH, "");
	wrap(out, o->help, OPTION_WIDTH);
}

void
command_help(const struct command *command, FILE *out)
{
	static const struct command_option help = { .name = "help",
		.help = "print this text" };
	const struct command_option *o;

	fprintf(out, "usage: latchkey %s [options]%s%s\n\n",
	    command_title(command), command->operands[0] != '\0' ? " " : "",
	    command->operands);
	fprintf(
	    out, "latchkey %s: %s.\n", command_title(command), command->help);
	if (command->about[0] != '\0') {
		fputc('\n', out);
		wrap(out, command->about, 0);
	}
	fputc('\n', out);
	for (o = command->options; o->name != NULL; o++)
		option_help(o, out);
	option_help(&help, out);
}
