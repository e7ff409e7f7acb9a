/* SPDX-License-Identifier: ISC */
#include "cli/usage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 1, 0)))
complain(const char *fmt, va_list ap)
{
	fputs("latchkey: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int
usage_wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return USAGE_WRONG;
}

int
usage_failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return USAGE_FAILED;
}

int
usage_bad_option(const char *command, int letter, const char *argument)
{
	if (letter == ':')
		return usage_wrong(
		    "%s: %.64s needs a value", command, argument);
	return usage_wrong(
	    "%s: does not know %.64s; try --help", command, argument);
}

int
usage_finish(void)
{
	/* A full disk behind a redirection must not look like success. */
	if (fflush(stdout) == 0 && !ferror(stdout))
		return USAGE_DONE;
	fprintf(stderr, "latchkey: cannot write: %s\n", strerror(errno));
	return USAGE_FAILED;
}

int
usage_show(const char *text)
{
	fputs(text, stdout);
	return usage_finish();
}
