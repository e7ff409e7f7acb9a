/* SPDX-License-Identifier: ISC */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

/* Exit statuses of the sub-commands, and the messages that go with them. */
enum exit_code {
	EXIT_GO_ON = -1, /* no reason to exit yet */
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_WRONG = 2 /* bad usage or a bad configuration */
};

/* exit_usage(fmt, ...): print one line on stderr; return EXIT_WRONG. */
int exit_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* exit_failed(fmt, ...): print one line on stderr; return EXIT_FAILED. */
int exit_failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * exit_bad_option(command, letter, argument):
 * Report the option ${argument} that getopt_long() refused with ${letter}: '?'
 * for an unknown one, ':' for a missing value.  Return EXIT_WRONG.
 */
int exit_bad_option(const char *command, int letter, const char *argument);

/* exit_finish(): flush stdout; EXIT_DONE, or EXIT_FAILED if that fails. */
int exit_finish(void);

#endif
