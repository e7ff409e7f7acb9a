/* SPDX-License-Identifier: ISC */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stddef.h>

#include "cli/command.h"

/* All sub-commands; those of a group stand together. */
extern const struct command commands[];
extern const size_t commands_count;

/**
 * commands_run(argc, argv):
 * Run the sub-command that ${argv} begins with.  Return its exit status, or 2
 * after one line on stderr if there is no such sub-command.
 */
int commands_run(int argc, char **argv);

#endif
