/* SPDX-License-Identifier: ISC */
#include "cli/config_cmd.h"

#include <getopt.h>
#include <stdio.h>

#include "base/err.h"
#include "cli/usage.h"
#include "config/config.h"

static const char config_cmd_help[] =
    "usage: latchkey config [options]\n"
    "\n"
    "Print every option, its value and where it came from: the environment,\n"
    "a systemd credential, the configuration file or the default.\n"
    "\n"
    "  --config FILE  instead of /etc/latchkey/latchkey.conf\n"
    "  --options      what options there are, instead of their values\n"
    "  --help         this text\n";

int
config_cmd_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "options", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct config *config = NULL;
	const char *path = NULL;
	char why[512];
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		switch (letter) {
		case 'c': path = optarg; break;
		case 'o': config_help(stdout); return usage_finish();
		case 'h': return usage_show(config_cmd_help);
		default:
			return usage_bad_option(
			    "config", letter, argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage_wrong(
		    "config: does not take \"%.64s\"", argv[optind]);
	if (config_load(path, why, sizeof(why), &config) != ERR_OK)
		return usage_wrong("%s", why);
	config_print(config, stdout);
	config_free(config);
	return usage_finish();
}
