/* SPDX-License-Identifier: ISC */
#ifndef CLI_DOCGEN_H
#define CLI_DOCGEN_H

/**
 * docgen_print(part):
 * Print a part of the manual pages or of the shell completion from the tables
 * of this program: "commands", "options", "routes" and "problems" as man(7),
 * "completion" as patterns of a bash case statement.  Return the exit status.
 */
int docgen_print(const char *part);

#endif
