/* SPDX-License-Identifier: ISC */
#ifndef POOL_WORKER_H
#define POOL_WORKER_H

#include <stdbool.h>

#include "base/err.h"

struct config;

enum worker_end {
	WORKER_FAILED = 0, /* could not start, or an error ended it */
	WORKER_REFUSED,    /* could not start, and a retry would fail as well */
	WORKER_DRAINED,    /* SIGTERM */
	WORKER_RELOAD,     /* SIGHUP with a valid configuration (only alone) */
	WORKER_REPLACE     /* shared memory file or database was replaced */
};

struct worker_options {
	int listen_fd; /* made non-blocking; closed on draining unless alone */
	bool alone;    /* without a supervisor: SIGHUP reloads */
	const char *config_path; /* for SIGHUP; NULL: the default */
	struct master_fingerprint
	    *master_fingerprint; /* for SIGHUP; NULL if not alone */
	int ready_fd; /* gets the pid when the worker serves; -1: none */
};

/**
 * worker_run(config, options):
 * Serve requests from the listening socket until a signal ends it: an epoll
 * event loop for the connections, a background queue for slow requests.  Finish
 * the requests that have arrived before returning, within 10 s.  Leaves
 * SIGTERM, SIGINT and SIGHUP blocked and SIGPIPE ignored.
 */
enum worker_end worker_run(
    const struct config *config, const struct worker_options *options);

#endif
