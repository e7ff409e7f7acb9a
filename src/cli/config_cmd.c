/* SPDX-License-Identifier: ISC */
#include "cli/handlers.h"

#include <stdio.h>

#include "base/err.h"
#include "cli/exit.h"
#include "config/config.h"

/* Exits with 2 for a configuration that "latchkey serve" refuses. */
int
config_cmd_run(const struct command_line *line)
{
	struct config *config = NULL;
	char why[512];

	if (command_flag(line, "options")) {
		config_help(stdout);
		return exit_finish();
	}
	if (config_load(command_value(line, "config"), why, sizeof(why),
		&config) != ERR_OK)
		return exit_usage("%s", why);
	config_print(config, stdout);
	config_free(config);
	return exit_finish();
}
