/* SPDX-License-Identifier: ISC */
#include "cli/exit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 1, 0)))
print_error(const char *fmt, va_list ap)
{
	fputs("latchkey: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int
exit_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_error(fmt, ap);
	va_end(ap);
	return EXIT_WRONG;
}

int
exit_failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_error(fmt, ap);
	va_end(ap);
	return EXIT_FAILED;
}

int
exit_bad_option(const char *command, int letter, const char *argument)
{
	if (letter == ':')
		return exit_usage("%s: %.64s needs a value", command, argument);
	return exit_usage(
	    "%s: unknown option %.64s; try --help", command, argument);
}

int
exit_finish(void)
{
	/* Redirected output on a full disk must not look like success. */
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	fprintf(
	    stderr, "latchkey: cannot write the output: %s\n", strerror(errno));
	return EXIT_FAILED;
}
