/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "cli/exit.h"
#include "cli/handlers.h"
#include "config/config.h"
#include "pool/listen.h"
#include "pool/pool.h"

#define SERVE_WORKERS_MAX 512 /* the bound of LATCHKEY_WORKERS */

static int
parse_workers(const char *text, int *workers_out)
{
	int64_t workers;

	*workers_out = 0;
	if (strcmp(text, "auto") == 0)
		return EXIT_GO_ON;
	if (str_to_int64(text, 1, SERVE_WORKERS_MAX, &workers) != ERR_OK)
		return exit_usage("serve: --workers must be between 1 and %d, "
				  "not \"%.64s\"",
		    SERVE_WORKERS_MAX, text);
	*workers_out = (int)workers;
	return EXIT_GO_ON;
}

int
serve_run(const struct command_line *line)
{
	struct pool_options options = {
		.listen = command_value(line, "listen"),
		.config_path = command_value(line, "config"),
		.pid_file = command_value(line, "pid-file"),
		.allow_remote = command_flag(line, "allow-remote"),
	};
	const char *workers = command_value(line, "workers");
	struct config *config = NULL;
	enum log_level level;
	char why[512];
	int status = EXIT_GO_ON;

	if (workers != NULL)
		status = parse_workers(workers, &options.workers);
	if (status != EXIT_GO_ON)
		return status;
	/*
	 * A web server that passes its socket may start several processes
	 * itself; LATCHKEY_WORKERS would multiply them.
	 */
	options.alone =
	    options.listen == NULL && (workers == NULL || options.workers == 1);
	if (options.listen == NULL && listen_given() < 0)
		return exit_usage("serve: needs --listen, or a listening "
				  "socket on descriptor 0 or from systemd");
	if (secret_init() != ERR_OK) {
		fputs("latchkey: the system provides no random numbers\n",
		    stderr);
		return EXIT_FAILED;
	}
	if (config_load(options.config_path, why, sizeof(why), &config) !=
	    ERR_OK)
		return exit_usage("%s", why);
	if (log_level_from(config_text(config, CONFIG_LOG_LEVEL), &level) ==
	    ERR_OK)
		log_set_level(level);
	return pool_run(&options, config);
}
