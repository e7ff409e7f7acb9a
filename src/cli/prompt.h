/* SPDX-License-Identifier: ISC */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#define PROMPT_SIZE 1026 /* 128 characters before NFKC, and room for more */

/**
 * prompt_password(dst):
 * Read a new password: on a terminal twice and without echo, otherwise the
 * first line of standard input.  Never from the arguments, which every user of
 * the machine can read.  Return EXIT_GO_ON, or an exit status after one line on
 * stderr.  The caller wipes ${dst}.
 */
int prompt_password(char dst[PROMPT_SIZE]);

/**
 * prompt_confirm(command, question):
 * Print ${question} on a terminal and read the answer.  Return EXIT_GO_ON if it
 * begins with "y", otherwise, or without a terminal, EXIT_WRONG after one line
 * on stderr that ${command} needs --yes.
 */
int prompt_confirm(const char *command, const char *question);

#endif
