/* SPDX-License-Identifier: ISC */
#include "cli/serve.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/usage.h"
#include "config/config.h"
#include "pool/pool.h"

#define SERVE_WORKERS_MAX 512 /* as LATCHKEY_WORKERS has it */

static const char serve_help[] =
    "usage: latchkey serve [options]\n"
    "\n"
    "Serve FastCGI requests with a pool of workers.  Without --listen the\n"
    "socket is the one on descriptor 0, as spawn-fcgi, mod_fcgid, lighttpd "
    "and\n"
    "systemd hand it over, and one worker serves it unless --workers asks for\n"
    "more.\n"
    "\n"
    "  --listen unix:PATH|HOST:PORT  listen there\n"
    "  --workers N|auto              worker processes, 1 to 512; auto: as\n"
    "                                LATCHKEY_WORKERS says\n"
    "  --config FILE                 instead of /etc/latchkey/latchkey.conf\n"
    "  --pid-file FILE               write the pid of the pool there\n"
    "  --allow-remote                let HOST be other than loopback; FastCGI\n"
    "                                trusts whoever connects\n"
    "  --help                        this text\n"
    "\n"
    "SIGTERM finishes what has arrived and ends; SIGHUP reads the\n"
    "configuration again and replaces the workers.\n";

bool
serve_socket_given(void)
{
	socklen_t len = sizeof(int);
	int listening = 0;

	return getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening,
		   &len) == 0 &&
	    listening != 0;
}

static int
take_workers(const char *text, int *workers_out)
{
	int64_t workers;

	*workers_out = 0;
	if (strcmp(text, "auto") == 0)
		return USAGE_GO_ON;
	if (text_to_int64(text, 1, SERVE_WORKERS_MAX, &workers) != ERR_OK)
		return usage_wrong("serve: --workers must be between 1 and %d, "
				   "not \"%.64s\"",
		    SERVE_WORKERS_MAX, text);
	*workers_out = (int)workers;
	return USAGE_GO_ON;
}

static int
take_options(int argc, char **argv, struct pool_options *options)
{
	static const struct option longs[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "workers", required_argument, NULL, 'w' },
		{ "config", required_argument, NULL, 'c' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "allow-remote", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int status = USAGE_GO_ON;
	bool counted = false;
	int letter;

	opterr = 0;
	while (status == USAGE_GO_ON &&
	    (letter = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		switch (letter) {
		case 'l': options->listen = optarg; break;
		case 'c': options->config_path = optarg; break;
		case 'p': options->pid_file = optarg; break;
		case 'r': options->allow_remote = true; break;
		case 'w':
			counted = true;
			status = take_workers(optarg, &options->workers);
			break;
		case 'h': status = usage_show(serve_help); break;
		default:
			status =
			    usage_bad_option("serve", letter, argv[optind - 1]);
		}
	}
	if (status == USAGE_GO_ON && optind < argc)
		status =
		    usage_wrong("serve: does not take \"%.64s\"", argv[optind]);
	/*
	 * Who hands over a socket may start as many processes as are wanted:
	 * LATCHKEY_WORKERS would multiply them, unless it is asked for.
	 */
	options->alone =
	    options->listen == NULL && (!counted || options->workers == 1);
	return status;
}

int
serve_main(int argc, char **argv)
{
	struct pool_options options = { 0 };
	struct config *config = NULL;
	enum log_level level;
	char why[512];
	int status;

	status = take_options(argc, argv, &options);
	if (status != USAGE_GO_ON)
		return status;
	if (options.listen == NULL && !serve_socket_given())
		return usage_wrong("serve: needs --listen, or a listening "
				   "socket on descriptor 0");
	if (secret_init() != ERR_OK) {
		fputs("latchkey: the system has no random numbers\n", stderr);
		return USAGE_FAILED;
	}
	if (config_load(options.config_path, why, sizeof(why), &config) !=
	    ERR_OK)
		return usage_wrong("%s", why);
	if (log_level_from(config_text(config, CONFIG_LOG_LEVEL), &level) ==
	    ERR_OK)
		log_set_level(level);
	return pool_run(&options, config);
}
