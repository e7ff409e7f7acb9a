/* SPDX-License-Identifier: ISC */
#ifndef CLI_CONFIG_CMD_H
#define CLI_CONFIG_CMD_H

/**
 * config_cmd_main(argc, argv):
 * "latchkey config [--config FILE]": print every option, its value and where
 * it came from.  Return the exit status; 2 for a configuration that "latchkey
 * serve" would refuse.
 */
int config_cmd_main(int argc, char **argv);

#endif
