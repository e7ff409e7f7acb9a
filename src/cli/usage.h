/* SPDX-License-Identifier: ISC */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

/* What the sub-commands say, and the exit status it means. */
enum usage_status {
	USAGE_GO_ON = -1, /* nothing to say: go on */
	USAGE_DONE = 0,
	USAGE_FAILED = 1,
	USAGE_WRONG = 2 /* bad usage or a bad configuration */
};

/* usage_wrong(fmt, ...): one line on stderr; return USAGE_WRONG. */
int usage_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* usage_failed(fmt, ...): one line on stderr; return USAGE_FAILED. */
int usage_failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * usage_bad_option(command, letter, argument):
 * What getopt_long() (with ":" first in its short options) refused by '?' or
 * ':' at ${argument}.
 */
int usage_bad_option(const char *command, int letter, const char *argument);

/* usage_show(text): print to stdout; USAGE_DONE unless that fails. */
int usage_show(const char *text);

/* usage_finish(): USAGE_DONE if all that was printed got out. */
int usage_finish(void);

#endif
