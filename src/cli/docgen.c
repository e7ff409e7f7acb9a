/* SPDX-License-Identifier: ISC */
#include "cli/docgen.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exit.h"
#include "config/option.h"
#include "http/problem.h"
#include "routes/routes.h"

/* ---- man(7) ---- */

/* Escape minus signs, backslashes and quotes. */
static void
put_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '"')
			fputs("\\(dq", stdout);
		else
			putchar(*text);
	}
}

/* man(7) wants each sentence on a line of its own. */
static void
put_sentences(const char *text)
{
	char one[1024];

	while (*text != '\0') {
		const char *end = strstr(text, ". ");
		size_t len =
		    end != NULL ? (size_t)(end - text) + 1 : strlen(text);

		if (len >= sizeof(one))
			len = sizeof(one) - 1;
		memcpy(one, text, len);
		one[len] = '\0';
		put_text(one);
		putchar('\n');
		text += len;
		text += strspn(text, " \n");
	}
}

static void
put_options(const struct command *c)
{
	for (const struct command_option *o = c->options; o->name != NULL;
	     o++) {
		printf(".TP\n\\fB\\-\\-");
		put_text(o->name);
		printf("\\fR");
		if (o->value != NULL) {
			printf(" \\fI");
			put_text(o->value);
			printf("\\fR");
		}
		putchar('\n');
		put_text(o->help);
		fputs(".\n", stdout);
	}
}

static void
print_commands(void)
{
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];

		printf(".SS \"latchkey %s", command_title(c));
		if (c->operands[0] != '\0') {
			putchar(' ');
			put_text(c->operands);
		}
		puts("\"");
		putchar(c->help[0] - 'a' + 'A');
		put_text(c->help + 1);
		puts(".");
		put_sentences(c->about);
		put_options(c);
	}
}

static void
print_options(void)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		const struct option *o = &option_table[i];

		printf(".TP\n\\fB%s\\fR", o->name);
		printf(o->fallback[0] != '\0' ? " = \\fI" : "");
		put_text(o->fallback);
		puts(o->fallback[0] != '\0' ? "\\fR" : "");
		put_text(o->help);
		puts(".");
		if (o->type == OPTION_INT)
			printf("From %" PRId64 " to %" PRId64 ".\n", o->min,
			    o->max);
		if (o->type == OPTION_RATE)
			printf("\\fIN\\fR/\\fISECONDS\\fR, N from %" PRId64
			       " to %" PRId64 ".\n",
			    o->min, o->max);
		if (o->type == OPTION_BOOL)
			puts("True or false.");
		if (o->type == OPTION_SECRET)
			printf("A secret: \\fB%s_FILE\\fR may name the file "
			       "it is in.\n",
			    o->name);
	}
}

static void
print_routes(void)
{
	static const struct {
		unsigned bit;
		const char *name;
	} methods[] = {
		{ METHOD_GET, "GET" },
		{ METHOD_POST, "POST" },
		{ METHOD_PUT, "PUT" },
		{ METHOD_PATCH, "PATCH" },
		{ METHOD_DELETE, "DELETE" },
	};

	for (size_t i = 0; i < routes_count; i++) {
		const struct route *r = &routes[i];
		const char *before = "";

		fputs(".TP\n\\fB", stdout);
		for (size_t m = 0; m < NELEMS(methods); m++) {
			if ((r->methods & methods[m].bit) == 0)
				continue;
			printf("%s%s", before, methods[m].name);
			before = "|";
		}
		putchar(' ');
		put_text(r->path);
		printf("\\fR\n%d on success", r->status);
		if ((r->flags & ROUTE_ROOT) != 0)
			fputs("; also at the root", stdout);
		puts(".");
	}
}

static void
print_problems(void)
{
	for (int p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
		const struct problem_info *info = problem_info((enum problem)p);

		printf(".TP\n\\fB%s\\fR (%d)\n", info->code, info->status);
		put_text(info->title);
		puts(".");
	}
}

/* ---- completion ---- */

/* The groups, and the commands without a group. */
static void
print_first_words(void)
{
	const char *last = "";

	fputs("\t'') words='", stdout);
	for (size_t i = 0; i < commands_count; i++) {
		const char *group = commands[i].group;

		if (group[0] == '\0')
			printf("%s ", commands[i].name);
		else if (strcmp(group, last) != 0)
			printf("%s ", group);
		last = group;
	}
	puts("--help --version' ;;");
}

/* Relies on the commands of a group standing together. */
static void
print_groups(void)
{
	size_t i = 0;

	while (i < commands_count) {
		const char *group = commands[i].group;

		if (group[0] == '\0') {
			i++;
			continue;
		}
		printf("\t'%s') words='", group);
		for (; i < commands_count &&
		     strcmp(commands[i].group, group) == 0;
		     i++)
			printf("%s ", commands[i].name);
		puts("--help' ;;");
	}
}

static void
print_completion(void)
{
	print_first_words();
	print_groups();
	for (size_t i = 0; i < commands_count; i++) {
		const struct command_option *o = commands[i].options;

		printf("\t'%s') words='", command_title(&commands[i]));
		for (; o->name != NULL; o++)
			printf("--%s ", o->name);
		puts("--help' ;;");
	}
}

int
docgen_print(const char *part)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} parts[] = {
		{ "commands", print_commands },
		{ "options", print_options },
		{ "routes", print_routes },
		{ "problems", print_problems },
		{ "completion", print_completion },
	};

	for (size_t i = 0; i < NELEMS(parts); i++) {
		if (strcmp(parts[i].name, part) == 0) {
			parts[i].print();
			return exit_finish();
		}
	}
	return exit_usage("help: unknown part \"%.64s\"", part);
}
