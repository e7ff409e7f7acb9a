/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/exit.h"
#include "pool/listen.h"

/*
 * Open closed standard descriptors.  Otherwise a client's connection could get
 * number 2 and with it the lines of the log.
 */
static bool
standard_descriptors_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The lowest free number is this one. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	static char serve[] = "serve";

	if (!standard_descriptors_open())
		return EXIT_FAILED;
	if (argc >= 2)
		return commands_run(argc - 1, argv + 1);
	/* spawn-fcgi and mod_fcgid pass no arguments, but a socket. */
	if (listen_given() >= 0)
		return commands_run(1, (char *[]){ serve, NULL });
	return exit_usage(
	    "needs a command: serve, user and others; try --help");
}
