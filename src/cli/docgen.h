/* SPDX-License-Identifier: ISC */
#ifndef CLI_DOCGEN_H
#define CLI_DOCGEN_H

/**
 * docgen_print(part):
 * Print what of the manual pages and of the completion is in tables of this
 * program: "commands", "options", "routes" and "problems" in man(7),
 * "completion" as patterns of a case of bash.  Return the exit status.
 */
int docgen_print(const char *part);

#endif
