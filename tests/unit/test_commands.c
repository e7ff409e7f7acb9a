/* SPDX-License-Identifier: ISC */
#include "cli/commands.h"

#include "support/test.h"

#include <ctype.h>

#include "base/err.h"
#include "cli/exit.h"

/* The help, the manual and the completion are made from these rows. */
TEST(every_row_has_a_description)
{
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];
		size_t len = strlen(c->help);

		assert_non_null(c->run);
		assert_true(len > 10 && len < 62);
		assert_true(islower((unsigned char)c->help[0]));
		assert_int_not_equal(c->help[len - 1], '.');
		assert_true(strlen(command_title(c)) < 18);
		assert_true(c->least <= c->most);
		assert_true(c->most == 0 || c->operands[0] != '\0');
		assert_null(c->options[COMMAND_OPTIONS_MAX - 1].name);
		for (size_t j = 0; j < i; j++)
			assert_false(strcmp(c->group, commands[j].group) == 0 &&
			    strcmp(c->name, commands[j].name) == 0);
		/* The name of a group is not a command. */
		for (size_t j = 0; j < commands_count; j++)
			assert_true(c->group[0] == '\0' ||
			    commands[j].group[0] != '\0' ||
			    strcmp(commands[j].name, c->group) != 0);
	}
}

static int
run_nothing(const struct command_line *line)
{
	(void)line;
	return 0;
}

static const struct command sample = { "group", "name", "ONE [TWO]", 1, 2,
	run_nothing, "do nothing at all", "",
	{ { "value", "V", "a value" }, { "flag", NULL, "a flag" } } };

static int
parse(int argc, const char *const *argv, struct command_line *line)
{
	static char *words[8];

	for (int i = 0; i <= argc; i++)
		words[i] = (char *)(uintptr_t)argv[i];
	return command_parse(&sample, argc, words, line);
}

#define PARSE(line, ...)                                                       \
	parse((int)NELEMS(((const char *[]){ "name", __VA_ARGS__ })),          \
	    (const char *[]){ "name", __VA_ARGS__, NULL }, line)

TEST(arguments_are_read_in_any_order)
{
	struct command_line line;

	assert_int_equal(
	    PARSE(&line, "one", "--value", "v", "two"), EXIT_GO_ON);
	assert_string_equal(command_value(&line, "value"), "v");
	assert_false(command_flag(&line, "flag"));
	assert_int_equal(line.count, 2);
	assert_string_equal(line.operands[0], "one");
	assert_string_equal(line.operands[1], "two");
	assert_int_equal(PARSE(&line, "--flag", "--value=", "one"), EXIT_GO_ON);
	assert_true(command_flag(&line, "flag"));
	assert_string_equal(command_value(&line, "value"), "");
	assert_int_equal(line.count, 1);
	assert_int_equal(PARSE(&line, "--", "--flag"), EXIT_GO_ON);
	assert_false(command_flag(&line, "flag"));
	assert_string_equal(line.operands[0], "--flag");
}

TEST(unexpected_arguments_are_refused)
{
	struct command_line line;

	assert_int_equal(PARSE(&line, "--flag"), EXIT_WRONG);
	assert_int_equal(PARSE(&line, "1", "2", "3"), EXIT_WRONG);
	assert_int_equal(PARSE(&line, "1", "--other"), EXIT_WRONG);
	assert_int_equal(PARSE(&line, "1", "--value"), EXIT_WRONG);
	assert_int_equal(PARSE(&line, "1", "--flag=x"), EXIT_WRONG);
	assert_int_equal(PARSE(&line, "1", "-f"), EXIT_WRONG);
	assert_int_equal(PARSE(&line, "--help"), EXIT_DONE);
}
