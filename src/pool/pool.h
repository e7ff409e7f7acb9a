/* SPDX-License-Identifier: ISC */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <stdbool.h>

struct config;

struct pool_options {
	const char *listen; /* unix:PATH or HOST:PORT; NULL: listen_given() */
	int workers;        /* 0: LATCHKEY_WORKERS */
	const char
	    *config_path;     /* to read again on SIGHUP; NULL: the default */
	const char *pid_file; /* NULL: none */
	bool allow_remote;    /* TCP outside loopback */
	bool alone;           /* be the only worker, without fork */
};

/**
 * pool_run(options, config):
 * Bind or inherit the socket and run the workers: respawn them with back-off,
 * drain on SIGTERM, SIGINT and SIGQUIT, replace them on SIGHUP under the
 * configuration read again (if that is not valid, log it and change nothing).
 * Takes
 * ${config}; leaves SIGPIPE, SIGUSR1 and SIGUSR2 ignored.  Return the exit
 * status: 0 after a drain, 1 if it could not start, 2 for a bad option.
 */
int pool_run(const struct pool_options *options, struct config *config);

#endif
