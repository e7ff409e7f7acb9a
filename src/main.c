/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/config_cmd.h"
#include "cli/serve.h"
#include "cli/usage.h"

static int help_main(int argc, char **argv);
static int version_main(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "serve", serve_main, "serve FastCGI requests" },
	{ "config", config_cmd_main, "print the configuration" },
	{ "help", help_main, "print this text" },
	{ "--help", help_main, NULL },
	{ "-h", help_main, NULL },
	{ "--version", version_main, NULL },
	{ "-V", version_main, NULL },
};

static int
help_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	fputs("usage: latchkey COMMAND [options]\n"
	      "\n"
	      "Sign people in, keep them signed in, sign them out for good.\n"
	      "\n",
	    stdout);
	for (size_t i = 0; i < NELEMS(commands); i++)
		if (commands[i].help != NULL)
			printf(
			    "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs(
	    "\n"
	    "latchkey COMMAND --help says more; latchkey --version prints\n"
	    "the version.  Without a command, but with a listening socket on\n"
	    "descriptor 0, it is latchkey serve.\n",
	    stdout);
	return usage_finish();
}

static int
version_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("latchkey " PACKAGE_VERSION);
	return usage_finish();
}

/*
 * A standard descriptor that is closed would be the number of something we
 * open, of a client's connection in the end, and get our log lines.
 */
static bool
standard_descriptors_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The lowest number that is free is this one. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	if (!standard_descriptors_open())
		return USAGE_FAILED;
	if (argc < 2) {
		/* spawn-fcgi and mod_fcgid start programs without arguments. */
		if (serve_socket_given())
			return serve_main(argc, argv);
		return usage_wrong(
		    "needs a command: serve, config or help; try --help");
	}
	for (size_t i = 0; i < NELEMS(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return usage_wrong(
	    "there is no command \"%.64s\"; try --help", argv[1]);
}
