/* SPDX-License-Identifier: ISC */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stddef.h>

#include "cli/command.h"

/* All sub-commands, those of one group together. */
extern const struct command commands[];
extern const size_t commands_count;

/**
 * commands_run(argc, argv):
 * Find the sub-command that ${argv} begins with and run it.  Return the exit
 * status; 2, after one line on stderr, if there is none.
 */
int commands_run(int argc, char **argv);

#endif
