/* SPDX-License-Identifier: ISC */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

/* What the sub-commands say, and the exit status it means. */
enum exit_code {
	EXIT_GO_ON = -1, /* nothing to say: go on */
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_WRONG = 2 /* bad usage or a bad configuration */
};

/* exit_usage(fmt, ...): one line on stderr; return EXIT_WRONG. */
int exit_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* exit_failed(fmt, ...): one line on stderr; return EXIT_FAILED. */
int exit_failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * exit_bad_option(command, letter, argument):
 * What getopt_long() (with ":" first in its short options) refused by '?' or
 * ':' at ${argument}.
 */
int exit_bad_option(const char *command, int letter, const char *argument);

/* exit_show_usage(text): print to stdout; EXIT_DONE unless that fails. */
int exit_show_usage(const char *text);

/* exit_finish(): EXIT_DONE if all that was printed got out. */
int exit_finish(void);

#endif
