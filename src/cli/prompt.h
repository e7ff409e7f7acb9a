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

#endif
